"""Cohorts: ingest, info, harmonise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from oncohort.cli.output import Common, ExitCode, Json, print_json, say, show_table, shown_progress
from oncohort.cohort import Cohort
from oncohort.formats import open_cohort
from oncohort.ingestion import costs_a_case, is_intact
from oncohort.ingestion import ingest as ingest_source
from oncohort.recipes import harmonise as harmonise_cohort
from oncohort.recipes import load_recipe
from oncohort.sources.remedies import remedy_for

_COMMON = Common()
_SHOWN = 20


def ingest(
    source: str,
    path: Path,
    *,
    out: Path,
    roi: Annotated[tuple[str, ...], Parameter(name="--roi", negative="")] = (),
    common: Common = _COMMON,
) -> int:
    """Read a folder into a cohort; every file is used or refused with a reason.

    Args:
        source: Kind of folder, such as dicom or nnunet; auto looks at what lies in it.
        path: The folder.
        out: Folder of the new cohort.
        roi: Region of interest to keep, repeatable; default all.
    """
    with shown_progress() as progress:
        cohort = ingest_source(
            source, path, out=out, roi=roi or None, overwrite=common.overwrite, jobs=common.jobs, progress=progress
        )
    return _finish(cohort, out, common)


def harmonise(cohort: Path, recipe: Path, *, out: Path, common: Common = _COMMON) -> int:
    """Apply a recipe to every case of a cohort.

    Args:
        cohort: The cohort folder.
        recipe: The recipe (TOML, one [[step]] per step).
        out: Folder of the new cohort.
    """
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


def info(cohort: Path, *, json: Json = False) -> int:
    """Show what a cohort holds: cases, roles, labels, licences, refusals, findings.

    Args:
        cohort: The cohort folder.
        json: Print one machine-readable document on stdout.
    """
    opened = open_cohort(cohort)
    if json:
        print_json(_summary(opened))
    _show(opened)
    return ExitCode.DONE


def show_refused(cohort: Cohort) -> None:
    """Show what was refused: the counts by reason, then each cause once, the rarest first, with its remedy."""
    rows = cohort.tables.refused.to_dicts()
    counts = Counter(row["reason"] for row in rows)
    if counts:
        say("refused: " + ", ".join(f"{count} {reason}" for reason, count in counts.most_common()))
    causes: dict[tuple[str, str, str], list[str]] = {}
    for row in filter(costs_a_case, rows):
        causes.setdefault((row["reason"], row["detail"], str(Path(row["path"]).parent)), []).append(row["path"])
    listed = sorted(causes.items(), key=lambda cause: len(cause[1]))
    for (reason, detail, _), paths in listed[:_SHOWN]:
        others = f" and {len(paths) - 1} more beside it" if len(paths) > 1 else ""
        say(f"  {paths[0]}{others}: {reason}: {detail}. Remedy: {remedy_for(reason)}")
    if len(listed) > _SHOWN:
        say(f"  and {len(listed) - _SHOWN} more causes in refused.parquet")


def show_findings(cohort: Cohort) -> None:
    """Show the first findings with evidence and remedy."""
    for row in cohort.tables.findings.head(_SHOWN).iter_rows(named=True):
        say(f"  {row['severity']} {row['rule']}, case {row['case']}: {row['evidence']}. Remedy: {row['remedy']}")


def _finish(cohort: Cohort, out: Path, common: Common) -> int:
    if common.json:
        print_json({"out": str(out), **_summary(cohort)})
    _show(cohort)
    say(f"cohort: {out}")
    return ExitCode.DONE if is_intact(cohort) else ExitCode.REFUSED


def _show(cohort: Cohort) -> None:
    summary = _summary(cohort)
    show_table(cohort.name, ["", ""], [[key, _text(value)] for key, value in summary.items()])
    show_refused(cohort)
    show_findings(cohort)


def _summary(cohort: Cohort) -> dict[str, object]:
    tables = cohort.tables
    return {
        "cases": len(cohort),
        "patients": tables.cases["patient"].n_unique(),
        "roles": dict(Counter(tables.volumes["role"])),
        "labels": dict(cohort.scheme.labels),
        "licences": dict(Counter(licence or "not stated" for licence in tables.cases["licence"])),
        "tracers": dict(Counter(tracer or "not stated" for tracer in tables.cases["tracer"])),
        "refused": dict(Counter(tables.refused["reason"])),
        "findings": dict(Counter(tables.findings["severity"])),
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    return str(value)
