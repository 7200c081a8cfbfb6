"""The long CSV that challengeR reads, a file per metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard import ScoreGrid, arrange_scores
from oncohort.leaderboard.protocol import profile_of
from oncohort.metrics import Direction
from oncohort.outputs.case_rows import models_of
from oncohort.profiles import MetricRule, Profile
from oncohort.results import Scores

COLUMNS = ("Task", "TestCase", "Algorithm", "MetricValue")
"""Columns of the file, named as in challengeR's own example."""

NO_VALUE = "NA"
"""What stands for a value that a failed prediction has not; challengeR asks for `na.treat` then."""

_RANKED = (Direction.HIGHER, Direction.LOWER)


@dataclass(frozen=True)
class ChallengerTable:
    """One metric for challengeR, and what `as.challenge` and the ranking functions must be told.

    Args:
        metric: What the scores call it.
        text: The CSV: one row per structure (`Task`), case and model.
        small_better: `smallBetter` of `as.challenge`.
        na_treat: `na.treat` of `aggregateThenRank` and `testThenRank`: the worst value there can be, or that
            any model has; None if no model has any value.
        gaps: Rows with `NA`.
        gaps_of_no_fault: Those among them that are not the prediction's fault, though another model has a value
            there; challengeR cannot tell them apart.
        left_out: Per structure, the cases where no model has a value and none failed, such as those without
            reference: challengeR would count them against everybody.
    """

    metric: str
    text: str
    small_better: bool
    na_treat: float | None
    gaps: int
    gaps_of_no_fault: int
    left_out: dict[str, tuple[str, ...]]


def challenger_tables(scores: Scores, *, profile: Profile | None = None) -> tuple[ChallengerTable, ...]:
    """A table for every metric of the profile that has a better direction, in its order.

    Structures are tasks. Rows of single lesions and steps are left aside.

    Args:
        scores: From `evaluate`.
        profile: By default the one that the scores were made with.

    Raises:
        InputError: There are no scores.

    Source: wiesenfa/challengeR, README ("Data requirements") and R/challengeR.R.

    Examples:
        >>> from oncohort.results import Score
        >>> def row(model, value, reason=None):
        ...     return Score(model, "A", "A", "lesion", "dice", value, "1", "autopet-iii", "1", undefined=reason)
        >>> scores = Scores.from_scores([row("a", 0.8), row("b", None, "prediction_missing")], {})
        >>> table = challenger_tables(scores)[0]
        >>> print(table.text)
        Task,TestCase,Algorithm,MetricValue
        lesion,A,a,0.8
        lesion,A,b,NA
        >>> table.small_better, table.na_treat
        (False, 0.0)
    """
    models_of(scores)
    grid = arrange_scores(scores)
    rules = [rule for rule in profile_of(scores, profile).metric if rule.metric.direction in _RANKED]
    return tuple(_table(grid, rule) for rule in rules if grid.structures_of(rule.column))


def _table(grid: ScoreGrid, rule: MetricRule) -> ChallengerTable:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    gaps = neutral = 0
    left_out: dict[str, tuple[str, ...]] = {}
    for structure in grid.structures_of(rule.column):
        values, failed = grid.values[structure, rule.column], grid.is_failed[structure, rule.column]
        is_listed = np.asarray((~np.isnan(values) | failed).any(axis=1))
        left_out[structure] = tuple(case for case, kept in zip(grid.cases, is_listed, strict=True) if not kept)
        gaps += int(np.isnan(values[is_listed]).sum())
        neutral += int((np.isnan(values) & ~failed)[is_listed].sum())
        writer.writerows(_rows(grid, structure, values, is_listed))
    lower = rule.metric.direction is Direction.LOWER
    return ChallengerTable(rule.column, written.getvalue(), lower, _worst(grid, rule), gaps, neutral, left_out)


def _rows(
    grid: ScoreGrid, structure: str, values: NDArray[np.float64], is_listed: NDArray[np.bool_]
) -> Iterator[tuple[str, str, str, str]]:
    for case, row, kept in zip(grid.cases, values.tolist(), is_listed, strict=True):
        for model, value in zip(grid.models, row, strict=True):
            if kept:
                yield structure, case, model, NO_VALUE if np.isnan(value) else repr(value)


def _worst(grid: ScoreGrid, rule: MetricRule) -> float | None:
    """0 for shares, of which more is better; else the worst value that any model has."""
    if rule.metric.direction is Direction.HIGHER and rule.metric.unit == "1":
        return 0.0
    every = np.concatenate([grid.values[name, rule.column].ravel() for name in grid.structures_of(rule.column)])
    known = every[~np.isnan(every)]
    if not known.size:
        return None
    return float(known.max() if rule.metric.direction is Direction.LOWER else known.min())
