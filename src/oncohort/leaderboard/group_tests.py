"""Whether a model does better in one group of patients than in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.leaderboard.grid import ScoreGrid, arrange_scores
from oncohort.leaderboard.places import aligned_values
from oncohort.leaderboard.protocol import is_ranked, profile_of, quantities_of
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array
from oncohort.leaderboard.subgroups import UNKNOWN, group_cases
from oncohort.metrics import Direction
from oncohort.profiles import Profile
from oncohort.results import Scores
from oncohort.statistics.correction import holm
from oncohort.statistics.groups import kruskal_wallis, mann_whitney

GROUP_TEST_SCHEMA: dict[str, Any] = {
    "structure": pl.String,
    "metric": pl.String,
    "model": pl.String,
    "groups": pl.List(pl.String),
    "n": pl.List(pl.Int64),
    "medians": pl.List(pl.Float64),
    "test": pl.String,
    "effect": pl.Float64,
    "p": pl.Float64,
    "log10_p": pl.Float64,
    "p_holm": pl.Float64,
    "log10_p_holm": pl.Float64,
}
"""Columns of `compare_groups`."""


def compare_groups(
    scores: Scores, facts: pl.DataFrame, *, by: str, profile: str | Path | Profile | None = None
) -> pl.DataFrame:
    """Each model in each metric: do the groups of a column differ?

    Two groups by Mann and Whitney's test (`effect` is the rank-biserial
    correlation), more by Kruskal and Wallis's (`effect` is epsilon-squared).
    Patients are compared, by the mean of their cases in the group; cases of
    unknown group are left out. A failed prediction has the worst value of any
    model. `p_holm` is adjusted for the models of the same structure and
    metric.

    Args:
        scores: From `evaluate`.
        facts: One row per case, with columns `case` and `by`.
        by: The column; numbers of many values are cut into thirds.
        profile: By default the one that the scores were made with.

    Returns:
        Columns of `GROUP_TEST_SCHEMA`; groups without a value are left out of the test.

    Raises:
        InputError: The column is not there, or the scores lack a metric of the profile.

    Examples:
        >>> from oncohort.results import Score
        >>> rows = [Score("m", str(case), str(case), "lesion", metric, float(case), "1", "autopet-iii", "1")
        ...         for case in range(8) for metric in ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")]
        >>> facts = pl.DataFrame({"case": [str(case) for case in range(8)], "sex": ["F"] * 4 + ["M"] * 4})
        >>> compare_groups(Scores.from_scores(rows, {}), facts, by="sex")["effect"][0]
        -1.0
    """
    grid = arrange_scores(scores)
    groups = {
        name: members for name, members in group_cases(grid.cases, facts, by).items() if name != f"{by} {UNKNOWN}"
    }
    rows = [
        {"structure": quantity.structure, "metric": quantity.metric, **row}
        for quantity in quantities_of(grid, profile_of(scores, profile))
        if is_ranked(quantity) and quantity.case_values is not None
        for row in _rows(quantity, quantity.case_values, grid, groups)
    ]
    return pl.DataFrame(rows, schema=GROUP_TEST_SCHEMA)


def _rows(
    quantity: Quantity,
    case_values: tuple[Array, NDArray[np.bool_]],
    grid: ScoreGrid,
    groups: Mapping[str, NDArray[np.bool_]],
) -> Iterator[dict[str, Any]]:
    values = aligned_values(*case_values, ascending=quantity.direction is Direction.LOWER)
    rows = [
        {"model": model, **_test(_patient_means(values[:, index], grid.patients, groups))}
        for index, model in enumerate(grid.models)
    ]
    made = [row for row in rows if row["log10_p"] is not None]
    for row, log10_p in zip(made, holm([row["log10_p"] for row in made], log10=True), strict=True):
        yield {**row, "p_holm": float(10.0**log10_p), "log10_p_holm": float(log10_p)}


def _patient_means(
    values: Array, patients: NDArray[np.intp], groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Array]:
    """Per group that has a value, the mean of every patient's cases in it."""
    found = {}
    for name, members in groups.items():
        known = members & ~np.isnan(values)
        if known.any():
            _, owner = np.unique(patients[known], return_inverse=True)
            found[name] = np.bincount(owner, weights=values[known]) / np.bincount(owner)
    return found


def _test(groups: Mapping[str, Array]) -> dict[str, Any]:
    if len(groups) < 2:
        return {"log10_p": None}
    members = list(groups.values())
    found = mann_whitney(*members) if len(members) == 2 else kruskal_wallis(members)
    return {
        "groups": list(groups),
        "n": [group.size for group in members],
        "medians": [float(np.median(group)) for group in members],
        "test": found.test,
        "effect": found.effect,
        "p": found.p,
        "log10_p": found.log10_p,
    }
