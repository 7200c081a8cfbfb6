"""A cohort's split: strata read from its tables or masks, parts drawn, the file written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.evaluation.reference_volumes import reference_volumes
from oncohort.formats.split_file import write_split
from oncohort.splits import Split, draw_split, given_split, volume_class

PRESENCE, VOLUME = "lesions", "volume"
"""Strata that are no columns: whether a case has lesions, and the class of their volume."""


@dataclass(frozen=True)
class SplitSettings:
    """How a cohort is parted.

    Args:
        folds: 2 or more; 1 gives no validation.
        test_share: Share of the cases for a test set that is drawn.
        strata: Columns of the cases, `lesions` (presence) or `volume` (class of lesion volume).
        volume_edges_ml: Where classes of volume part.
        seed: Of the draw.
        official: Take the split that the data set brings along instead of drawing one.
        fold_column: Column with the number of an official fold.
        role: Role of the masks that `lesions` and `volume` look at.
    """

    folds: int = 5
    test_share: float = 0.0
    strata: tuple[str, ...] = ()
    volume_edges_ml: tuple[float, ...] = (10.0, 100.0)
    seed: int = 2026
    official: bool = False
    fold_column: str | None = None
    role: str = "lesions"


@dataclass(frozen=True)
class PartedCohort:
    """A split, and the table of cases with the strata that it was drawn by."""

    split: Split
    cases: pl.DataFrame


def split_cohort(
    cohort: Cohort, settings: SplitSettings, *, out: str | Path | None = None, progress: ProgressCallback | None = None
) -> PartedCohort:
    """A test set and folds of a cohort, by patient; written to the file `out` if there is one.

    Args:
        cohort: What is parted; its column `split` names an official test set, which is kept.
        settings: How.
        out: A JSON file.
        progress: Called after every mask that is read.

    Raises:
        SettingsError: No such column, or too few patients.
        LeakageError: An official split has a patient or a study on two sides.
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import ingest, write_phantom_cohort
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=4, form="nnunet")
        ...     cohort = ingest("nnunet", phantoms.data, out=f"{there}/cohort")
        ...     parted = split_cohort(cohort, SplitSettings(folds=2, strata=("lesions",)))
        >>> [len(fold) for fold in parted.split.folds]
        [2, 2]
    """
    cases = cohort.tables.cases
    if settings.official:
        split = given_split(cases, fold_column=settings.fold_column)
    else:
        cases = _with_strata(cohort, settings, progress)
        split = draw_split(
            cases,
            folds=settings.folds,
            test_share=settings.test_share,
            strata=settings.strata,
            seed=settings.seed,
        )
    if out is not None:
        write_split(out, split)
    return PartedCohort(split, cases)


def _with_strata(cohort: Cohort, settings: SplitSettings, progress: ProgressCallback | None) -> pl.DataFrame:
    """The table of cases with the columns `lesions` and `volume` where the strata name them.

    A column of that name in the cohort counts first; otherwise the masks are read, one case at a time.
    """
    cases = cohort.tables.cases
    wanted = [name for name in (PRESENCE, VOLUME) if name in settings.strata and name not in cases.columns]
    if not wanted:
        return cases
    volumes = reference_volumes(cohort, settings.role, list(cases["case"]), progress=progress)
    return cases.with_columns(
        pl.Series(name, [volume_class(volumes[case], _edges(name, settings)) for case in cases["case"]], pl.String)
        for name in wanted
    )


def _edges(name: str, settings: SplitSettings) -> Sequence[float]:
    return settings.volume_edges_ml if name == VOLUME else ()
