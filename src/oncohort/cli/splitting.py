"""Cohorts: split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter
from cyclopts.validators import Number

from oncohort.cli.output import ExitCode, Json, NotNegative, Overwrite, print_json, say, show_table, shown_progress
from oncohort.errors import SettingsError
from oncohort.formats import open_cohort
from oncohort.splitting import PartedCohort, SplitSettings, split_cohort


@Parameter(name="*")
@dataclass(frozen=True)
class Parts:
    """How the cohort is parted.

    Args:
        folds: Number of folds, 5 unless told; 1 gives no validation. Official folds are those of the data set.
        test: Share of the cases for a test set, from 0 to below 1; an official test set is kept.
        strata: Columns with commas between, also lesions (presence) and volume (class of lesion volume).
        volume_edges: Where classes of volume part, in ml, with commas between.
        seed: Seed of the draw.
        official: Take the split that the data set brings along.
        fold_column: Column with the number of an official fold.
        role: Role of the masks that lesions and volume look at.
    """

    folds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    test: Annotated[float, Parameter(validator=Number(gte=0, lt=1))] = 0.0
    strata: str = ""
    volume_edges: str = "10,100"
    seed: NotNegative = 2026
    official: Annotated[bool, Parameter(negative="")] = False
    fold_column: str | None = None
    role: str = "lesions"

    @property
    def settings(self) -> SplitSettings:
        """As the library takes them."""
        if self.official and self.folds is not None:
            raise _wrong("no --folds with --official, whose folds are the data set's", str(self.folds), "leave one out")
        return SplitSettings(
            folds=SplitSettings.folds if self.folds is None else self.folds,
            test_share=self.test,
            strata=tuple(part.strip() for part in self.strata.split(",") if part.strip()),
            volume_edges_ml=_numbers(self.volume_edges),
            seed=self.seed,
            official=self.official,
            fold_column=self.fold_column,
            role=self.role,
        )


_PARTS = Parts()


def split(cohort: Path, *, out: Path, parts: Parts = _PARTS, overwrite: Overwrite = False, json: Json = False) -> int:
    """Part a cohort into folds and a test set by patient, with the same mixture of strata in each.

    Args:
        cohort: The cohort folder.
        out: The file (.json) of the split. One with the same split stays as it is.
        overwrite: Replace another split that stands in the file; what is no split is never replaced.
        json: Print one machine-readable document on stdout.
    """
    settings = parts.settings
    with shown_progress() as progress:
        parted = split_cohort(open_cohort(cohort), settings, out=out, overwrite=overwrite, progress=progress)
    if json:
        print_json({"out": str(out), **parted.split.to_dict(), "notes": list(parted.notes)})
    _show(parted)
    for note in parted.notes:
        say(f"note: {note}")
    say(f"split: {out} (content {parted.split.content_hash[:12]})")
    return ExitCode.DONE


def _show(parted: PartedCohort) -> None:
    strata = list(parted.split.strata)
    folds = {f"fold {number}": members for number, members in enumerate(parted.split.folds)}
    rows = []
    for name, members in {"test": parted.split.test, "train only": parted.split.train_only, **folds}.items():
        if members:
            held = parted.cases.filter(pl.col("case").is_in(list(members)))
            rows.append([name, held.height, held["patient"].n_unique(), _mixture(held, strata)])
    show_table("split", ["part", "cases", "patients", ", ".join(strata) or "strata"], rows)


def _mixture(cases: pl.DataFrame, strata: list[str]) -> str:
    counts = cases.group_by(strata).len().sort(strata).rows() if strata else []
    return "; ".join(f"{', '.join(str(value) for value in row[:-1])}: {row[-1]}" for row in counts)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise _wrong("numbers with commas between in --volume-edges", repr(text), "give ml, such as 10,100") from None


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="split", remedy=remedy)
