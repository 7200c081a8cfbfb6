"""A cohort's split: strata read from its tables or masks, parts drawn, the file written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.errors import SettingsError, shown
from oncohort.evaluation.reference_volumes import reference_volumes
from oncohort.formats.split_file import place_split, require_split_place
from oncohort.splits import (
    Split,
    draw_split,
    given_split,
    require_drawable,
    thin_strata,
    trained_validation,
    volume_class,
)
from oncohort.units import Unit

PRESENCE, VOLUME = "lesions", "volume"
"""Strata that are no columns: whether a case has lesions, and the class of their volume."""

_NAMES = {"test_share": "test", "volume_edges_ml": "volume_edges"}
"""What study files and the command line call a setting, where it differs."""


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

    Raises:
        SettingsError: Settings that contradict each other: with `official` one that only a draw has, `fold_column`
            without `official`, edges or a role that no stratum looks at, edges that do not ascend from above 0.
    """

    folds: int = 5
    test_share: float = 0.0
    strata: tuple[str, ...] = ()
    volume_edges_ml: tuple[float, ...] = (10.0, 100.0)
    seed: int = 2026
    official: bool = False
    fold_column: str | None = None
    role: str = "lesions"

    def __post_init__(self) -> None:
        for name in ("strata", "volume_edges_ml"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        changed = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        if self.official:
            drawn = changed - {"official", "fold_column"}
            self._refuse(drawn, "with official", "leave official out to draw a split")
            return
        self._refuse(changed & {"fold_column"}, "without official", "add official to take the folds of that column")
        if VOLUME not in self.strata:
            self._refuse(changed & {"volume_edges_ml"}, f"without the stratum {VOLUME}", f"add {VOLUME} to strata")
            if PRESENCE not in self.strata:
                words = f"{PRESENCE} or {VOLUME}"
                self._refuse(changed & {"role"}, f"without the stratum {words}", f"add {words} to strata")
        _require_edges(self.volume_edges_ml)

    def _refuse(self, useless: set[str], beside: str, otherwise: str) -> None:
        if useless:
            named = {_NAMES.get(name, name): getattr(self, name) for name in sorted(useless)}
            raise _wrong(
                f"no {' and no '.join(named)} {beside}, which would change nothing",
                ", ".join(f"{name} {_text(value)}" for name, value in named.items()),
                f"leave {' and '.join(named)} out, or {otherwise}",
            )


@dataclass(frozen=True)
class PartedCohort:
    """A split, the table of cases with the strata that it was drawn by, and what its user should know, in sentences."""

    split: Split
    cases: pl.DataFrame
    notes: tuple[str, ...] = ()


def split_cohort(
    cohort: Cohort,
    settings: SplitSettings,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> PartedCohort:
    """A test set and folds of a cohort, by patient; written to the file `out` if there is one.

    A drawn split has the official test set, but the cases of an official validation set are drawn into folds like all
    others; the notes of the result say so.

    Args:
        cohort: What is parted; its column `split` names an official test set, which is kept.
        settings: How.
        out: A JSON file. One with the same split stays as it is.
        overwrite: Replace another split that stands in `out`; what is no split is never replaced.
        progress: Called after every mask that is read.

    Raises:
        SettingsError: No such column or role, a stratum of measured numbers, or too few patients.
        LeakageError: An official split has a patient or a study on two sides.
        OutputError: Another split or something else stands in `out`, or it cannot be written.

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
    if out is not None:
        require_split_place(out)
    cases, notes = cohort.tables.cases, list[str]()
    if settings.official:
        split = given_split(cases, fold_column=settings.fold_column)
    else:
        cases, notes = _with_strata(cohort, settings, progress)
        split = draw_split(cases, **_draw(settings, settings.strata))
    if out is not None:
        notes += _differences(place_split(out, split, overwrite=overwrite), split)
    return PartedCohort(split, cases, (*notes, *split_notes(cases, split)))


def split_notes(cases: pl.DataFrame, split: Split) -> tuple[str, ...]:
    """What the user of a split should know of it, in sentences.

    Args:
        cases: Columns `case`, `patient`, and the strata of the split; `split` where the data set says it.
        split: Of these cases.

    Examples:
        >>> cases = pl.DataFrame({"case": ["a", "b"], "patient": ["a", "b"], "split": ["train", "val"]})
        >>> split_notes(cases, draw_split(cases, folds=2, seed=1))
        ('Official validation cases that also train: 1 (b). The setting official, without fold_column, keeps them out of
        training.',)
    """
    notes = []
    trained = trained_validation(cases, split)
    if trained:
        notes.append(
            f"Official validation cases that also train: {len(trained)} ({shown(trained)}). "
            "The setting official, without fold_column, keeps them out of training."
        )
    known = [name for name in split.strata if name in cases.columns]
    thin, patients = thin_strata(cases, known), cases["patient"].n_unique()
    if thin > max(2, patients / 2):
        notes.append(f"{thin} strata hold a single patient of {patients}: the parts cannot be balanced by them.")
    return tuple(notes)


def _differences(present: Split, split: Split) -> list[str]:
    """What the file of the same split says of how it came about, where that differs."""
    there, here = ((one.origin, one.seed, ", ".join(one.strata) or "none") for one in (present, split))
    if there == here:
        return []
    return [f"The file has held this split before: {there[0]}, seed {there[1]}, strata {there[2]}. It stays as it is."]


def _draw(settings: SplitSettings, strata: Sequence[str]) -> dict[str, Any]:
    return {
        "folds": settings.folds,
        "test_share": settings.test_share,
        "strata": tuple(strata),
        "seed": settings.seed,
    }


def _with_strata(
    cohort: Cohort, settings: SplitSettings, progress: ProgressCallback | None
) -> tuple[pl.DataFrame, list[str]]:
    """The table of cases with the columns `lesions` and `volume` where the strata name them, and notes.

    A column of that name in the cohort counts first; otherwise the masks are read, one case at a time, once the rest
    of the settings is known to be right.
    """
    cases = cohort.tables.cases
    wanted = [name for name in (PRESENCE, VOLUME) if name in settings.strata and name not in cases.columns]
    require_drawable(cases, **_draw(settings, [name for name in settings.strata if name not in wanted]))
    if not wanted:
        return cases, []
    _require_role(cohort, settings.role)
    volumes = reference_volumes(cohort, settings.role, list(cases["case"]), progress=progress)
    found = cases.with_columns(
        pl.Series(name, [volume_class(volumes[case], _edges(name, settings)) for case in cases["case"]], pl.String)
        for name in wanted
    )
    return found, _unknown(volumes, settings.role)


def _require_role(cohort: Cohort, role: str) -> None:
    masks = cohort.tables.volumes.filter(pl.col("unit") == Unit.LABEL)["role"]
    if role not in masks:
        there = shown(masks.unique().sort()) or "there is none"
        raise _wrong(f"a role of masks in the cohort: {there}", role, "name the role of the masks with role")


def _unknown(volumes: Mapping[str, float | None], role: str) -> list[str]:
    unknown = [case for case, volume in volumes.items() if volume is None]
    if len(unknown) == len(volumes):
        raise _wrong(f"masks of the role {role} that can be read", "none", "look at the cohort with `oncohort verify`")
    if not unknown:
        return []
    return [f"{len(unknown)} of {len(volumes)} cases have no readable mask {role} ({shown(unknown)}): stratum unknown."]


def _edges(name: str, settings: SplitSettings) -> Sequence[float]:
    return settings.volume_edges_ml if name == VOLUME else ()


def _require_edges(edges: Sequence[float]) -> None:
    pairs = zip((0.0, *edges), edges, strict=False)
    if not edges or not all(low < high and math.isfinite(high) for low, high in pairs):
        raise _wrong(
            "volume_edges in ml that ascend from above 0", _text(edges), "correct volume_edges, such as 10,100"
        )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="split", remedy=remedy)
