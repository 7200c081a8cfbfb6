"""Cohorts: ingest, harmonise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from oncohort.cli.cohort_info import show_findings, show_refused, show_summary
from oncohort.cli.output import Common, ExitCode, print_json, say, shown_progress
from oncohort.cohort import Cohort
from oncohort.description import summarise
from oncohort.formats import open_cohort
from oncohort.ingestion import ingest as ingest_source
from oncohort.ingestion import is_intact
from oncohort.recipes import harmonise as harmonise_cohort
from oncohort.recipes import load_recipe
from oncohort.storage import require_apart

_COMMON = Common()


def ingest(
    source: str,
    path: Path,
    *,
    out: Path,
    roi: Annotated[tuple[str, ...], Parameter(name="--roi", negative="")] = (),
    suv_recipe: Literal["suv", "autopet-compat"] = "suv",
    common: Common = _COMMON,
) -> int:
    """Read a folder into a cohort; every file is used or refused with a reason.

    Args:
        source: Kind of folder, such as dicom or nnunet; auto looks at what lies in it.
        path: The folder.
        out: Folder of the new cohort.
        roi: Region of interest to keep, repeatable; default all.
        suv_recipe: Rules of SUV, for DICOM: suv, or autopet-compat, which reproduces the published autoPET values.
    """
    with shown_progress() as progress:
        cohort = ingest_source(
            source,
            path,
            out=out,
            roi=roi or None,
            suv_recipe=suv_recipe,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    return _finish(cohort, out, common)


def harmonise(cohort: Path, recipe: Path, *, out: Path, common: Common = _COMMON) -> int:
    """Apply a recipe to every case of a cohort.

    Args:
        cohort: The cohort folder.
        recipe: The recipe (TOML, one [[step]] per step).
        out: Folder of the new cohort.
    """
    if common.overwrite:  # nothing is emptied without
        require_apart(out, [recipe])
    with shown_progress() as progress:
        changed = harmonise_cohort(
            open_cohort(cohort),
            load_recipe(recipe),
            out=out,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    return _finish(changed, out, common)


def _finish(cohort: Cohort, out: Path, common: Common) -> int:
    summary = summarise(cohort)
    if common.json:
        print_json({"out": str(out), **summary.to_dict()})
    show_summary(summary)
    show_refused(cohort)
    show_findings(cohort)
    say(f"cohort: {out}")
    return ExitCode.DONE if is_intact(cohort) else ExitCode.REFUSED
