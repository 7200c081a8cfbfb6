"""Subsets by what is known of the cases, and rates by the size of lesions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.errors import InputError
from oncohort.leaderboard.cohort_metrics import POOLED
from oncohort.leaderboard.cohort_quantities import PooledRatio
from oncohort.leaderboard.grid import ScoreGrid
from oncohort.leaderboard.intervals import CONFIDENCE, Resampling
from oncohort.leaderboard.places import order_means
from oncohort.leaderboard.samples import Array, Sample
from oncohort.leaderboard.stability import NO_STABILITY, measure_stability
from oncohort.metrics import Direction
from oncohort.reporting.leaderboard_tables import COUNTED

SIZE_CLASS = "size_class"
"""The column of `lesions.parquet` that rates of lesions are grouped by."""

UNKNOWN = "unknown"
"""Group of the cases without a value."""

_MOST_GROUPS = 12
_THIRDS = (1 / 3, 2 / 3)
_SIDES = {"lesion_recall": "reference", "lesion_precision": "prediction"}


def group_cases(cases: Sequence[str], facts: pl.DataFrame | None, by: str) -> dict[str, NDArray[np.bool_]]:
    """Who belongs to which group, by the values of a column; numbers of many values are cut into thirds.

    Args:
        cases: In the order of the scores.
        facts: One row per case, with a column `case`.
        by: The column.

    Returns:
        Per group, (cases,); cases without a value are the group "unknown".

    Raises:
        InputError: There is no such column, it has no value or too many, or cases are not listed.

    Examples:
        >>> facts = pl.DataFrame({"case": ["A", "B"], "sex": ["F", None]})
        >>> {name: members.tolist() for name, members in group_cases(["A", "B"], facts, "sex").items()}
        {'sex F': [True, False], 'sex unknown': [False, True]}
    """
    column = _column(cases, facts, by)
    if column.dtype.is_numeric() and column.n_unique() > _MOST_GROUPS // 2:
        column = _thirds(column)
    values = [UNKNOWN if value is None else str(value) for value in column]
    names = sorted(set(values), key=lambda name: (name == UNKNOWN, name))
    if names == [UNKNOWN]:
        raise _wrong(f"values in column {by!r}", "no case has one")
    if len(names) > _MOST_GROUPS:
        raise _wrong(f"a column of at most {_MOST_GROUPS} values", f"{len(names)} values of {by!r}")
    return {f"{by} {name}": np.array([value == name for value in values]) for name in names}


def rank_size_classes(
    grid: ScoreGrid, lesions: pl.DataFrame | None, resampling: Resampling
) -> Iterator[dict[str, Any]]:
    """Rows of pooled lesion recall and precision by size class, model by model.

    Recall is the share of the reference's lesions of a class that are matched,
    precision the share of the predicted lesions of a class.

    Args:
        grid: Models, cases and patients.
        lesions: `lesions.parquet` of the scores.
        resampling: Draws of patients.

    Raises:
        InputError: There are no lesions with size classes.
    """
    if lesions is None or lesions.is_empty() or lesions[SIZE_CLASS].null_count() == lesions.height:
        raise _wrong("lesions with size classes", "none")
    for name in _ordered_classes(lesions):
        for metric, side in _SIDES.items():
            rows = lesions.filter((pl.col(SIZE_CLASS) == name) & (pl.col("side") == side))
            yield from _ratio_rows(grid, f"{SIZE_CLASS} {name}", metric, rows, resampling)


def _ordered_classes(lesions: pl.DataFrame) -> list[str]:
    """Size classes from small to large lesions."""
    smallest = lesions.drop_nulls(SIZE_CLASS).group_by(SIZE_CLASS).agg(pl.col("volume_ml").min())
    return smallest.sort("volume_ml")[SIZE_CLASS].to_list()


def _ratio_rows(
    grid: ScoreGrid, subset: str, metric: str, rows: pl.DataFrame, resampling: Resampling
) -> Iterator[dict[str, Any]]:
    is_matched = pl.col("matched").list.len().fill_null(0) > 0
    there = _counts(grid, rows)
    structure = grid.structures[0] if len(grid.structures) == 1 else POOLED
    ratio = PooledRatio(structure, metric, Direction.HIGHER, _counts(grid, rows.filter(is_matched)), there)
    sample = Sample(np.ones(len(grid.cases), bool), grid.patients)
    values = resampling.values_of(ratio, sample)
    places = order_means(values, np.zeros_like(values), ascending=False)
    stability = measure_stability(places, confidence=CONFIDENCE)
    for model, (estimate, words) in enumerate(resampling.estimates(ratio, sample, values)):
        yield {
            **estimate,
            **(NO_STABILITY if stability is None else stability.row(model)),
            "model": grid.models[model],
            "subset": subset,
            "metric": metric,
            "structure": ratio.structure,
            "n": int(there[:, model].sum()),
            "n_undefined": 0,
            "n_missing": int(grid.is_missing[:, model].sum()),
            "rank": None if np.isnan(values[0, model]) else float(places[0, model]),
            "letters": None,
            "method": f"ratio of sums over lesions ({COUNTED.format('lesions')}); {words}",
        }


def _counts(grid: ScoreGrid, rows: pl.DataFrame) -> Array:
    """(cases, models): how many rows there are."""
    counts = np.zeros((len(grid.cases), len(grid.models)))
    i = {case: index for index, case in enumerate(grid.cases)}
    j = {model: index for index, model in enumerate(grid.models)}
    for case, model in rows.select("case", "model").iter_rows():
        counts[i[case], j[model]] += 1
    return counts


def _column(cases: Sequence[str], facts: pl.DataFrame | None, by: str) -> pl.Series:
    """The values of a column in the order of the cases."""
    if facts is None or by not in facts.columns or "case" not in facts.columns:
        known = "no table of cases" if facts is None else f"columns {', '.join(facts.columns)}"
        raise _wrong(f"a table of cases with column {by!r}", known)
    found = dict(zip(facts["case"], facts[by], strict=True))
    absent = [case for case in cases if case not in found]
    if absent:
        raise _wrong("a table with every case of the scores", f"no row for {', '.join(absent[:5])}")
    return pl.Series(by, [found[case] for case in cases], dtype=facts[by].dtype)


def _thirds(column: pl.Series) -> pl.Series:
    """Numbers as the third of the cases that they fall into, in words."""
    values = column.cast(pl.Float64)
    known = values.drop_nulls().drop_nans()
    edges = [float(edge) for edge in np.quantile(known.to_numpy(), _THIRDS)]
    words = (f"1: up to {edges[0]:.4g}", f"2: above {edges[0]:.4g} to {edges[1]:.4g}", f"3: above {edges[1]:.4g}")
    return pl.Series(
        column.name,
        [None if value is None or np.isnan(value) else words[int(np.searchsorted(edges, value))] for value in values],
        dtype=pl.String,
    )


def _wrong(expected: str, found: str) -> InputError:
    return InputError(
        expected=expected,
        found=found,
        where="rank by groups",
        remedy="name a column of cases.parquet, and the cohort that was scored (--cohort); "
        "size_class needs a profile that lists lesions and names size_edges_ml",
    )
