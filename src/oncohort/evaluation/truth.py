"""Whether a case is positive, by a column of the cohort instead of its mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import SettingsError
from oncohort.results import Scores

_VOLUME = "reference_volume_ml"
_WORDS = {
    **dict.fromkeys(("yes", "true", "1", "positive"), True),
    **dict.fromkeys(("no", "false", "0", "negative"), False),
}
_MOST = 10  # cases that a sentence names


@dataclass(frozen=True)
class Truth:
    """What a column says of every scored case.

    Args:
        column: Of `cases.parquet`.
        flags: Whether a case is positive.
        disagreements: The cases whose mask says something else.
    """

    column: str
    flags: Mapping[str, bool]
    disagreements: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """A sentence on the cases where column and mask differ; None where there is none."""
        cases = self.disagreements
        if not cases:
            return None
        named = ", ".join(cases[:_MOST]) + (", ..." if len(cases) > _MOST else "")
        return f"column {self.column} and the mask disagree in {len(cases)} of {len(self.flags)} cases: {named}"

    def record(self) -> dict[str, Any]:
        """As `truth` of a run: column, flags, disagreements."""
        return {"column": self.column, "flags": dict(self.flags), "disagreements": list(self.disagreements)}

    def on(self, scores: Scores) -> Scores:
        """The scores with cases as positive as the column says."""
        return replace(scores, run={**scores.run, "truth": self.record()})


def find_truth(flags: Mapping[str, bool], column: str, rows: Iterable[tuple[str, str, float | None]]) -> Truth:
    """What a column says, beside what the masks do.

    Args:
        flags: From `read_flags`.
        column: Where they stand.
        rows: Case, metric and value of scores; a case is positive by its mask if any reference volume is above 0.

    Examples:
        >>> find_truth({"A": True}, "tumour", [("A", "reference_volume_ml", 0.0)]).note
        'column tumour and the mask disagree in 1 of 1 cases: A'
    """
    positive = {case for case, metric, value in rows if metric == _VOLUME and value}
    return Truth(column, flags, tuple(case for case, flag in flags.items() if flag != (case in positive)))


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


def _as_flag(value: Any, column: str, case: str) -> bool:
    text = str(int(value) if isinstance(value, float) and value in (0.0, 1.0) else value).strip().lower()
    if text not in _WORDS:
        expected = f"yes or no of case {case} in column {column!r}"
        raise _wrong(expected, "nothing" if value is None else repr(value), "correct the column")
    return _WORDS[text]


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="truth column", remedy=remedy)
