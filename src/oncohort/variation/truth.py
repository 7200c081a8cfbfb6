"""Whether a case is positive, by a column of the cohort instead of its mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oncohort.cohort import Cohort
from oncohort.errors import SettingsError
from oncohort.leaderboard.cohort_metrics import REFERENCE_VOLUME
from oncohort.results import Scores

_WORDS = {"yes": True, "true": True, "1": True, "positive": True, "no": False, "false": False, "0": False}
_WORDS["negative"] = False


def read_flags(cohort: Cohort, column: str, cases: Sequence[str]) -> dict[str, bool]:
    """What a column says of every scored case.

    Args:
        cohort: Holds the column in its table of cases.
        column: Of yes and no, true and false, positive and negative, or 1 and 0.
        cases: Who is scored.

    Raises:
        SettingsError: There is no such column, or it does not say yes or no of a scored case.
    """
    table = cohort.tables.cases
    if column not in table.columns:
        raise _wrong(f"a column of the cases: {', '.join(table.columns)}", repr(column), "name one of these")
    said = dict(zip(table["case"], table[column], strict=True))
    return {case: _as_flag(said[case], column, case) for case in cases}


def with_flags(scores: Scores, flags: Mapping[str, bool]) -> Scores:
    """The scores with a case as positive as its flag says: reference volume 1 or 0 ml.

    Only metrics of the cohort that ask whether a case is positive may be
    computed from it.

    Args:
        scores: Of one profile.
        flags: By case.
    """
    is_volume = pl.col("metric") == REFERENCE_VOLUME
    volumes = pl.col("case").replace_strict({case: float(flag) for case, flag in flags.items()}, default=None)
    table = scores.table.with_columns(
        pl.when(is_volume).then(volumes).otherwise(pl.col("value")).alias("value"),
        pl.when(is_volume).then(None).otherwise(pl.col("undefined")).alias("undefined"),
    )
    return Scores(table, scores.run)


def disagreements(scores: Scores, flags: Mapping[str, bool]) -> list[str]:
    """The cases whose mask and flag say different things."""
    volumes = scores.table.filter(pl.col("metric") == REFERENCE_VOLUME)
    positive = {case for case, volume in zip(volumes["case"], volumes["value"], strict=True) if volume}
    return [case for case, flag in flags.items() if flag != (case in positive)]


def _as_flag(value: Any, column: str, case: str) -> bool:
    text = str(int(value) if isinstance(value, float) and value in (0.0, 1.0) else value).strip().lower()
    if text not in _WORDS:
        expected = f"yes or no of case {case} in column {column!r}"
        raise _wrong(expected, "nothing" if value is None else repr(value), "correct the column")
    return _WORDS[text]


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="truth column", remedy=remedy)
