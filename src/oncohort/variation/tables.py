"""What every variant gives, beside what the profile gives as it is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import polars as pl

from oncohort.leaderboard import ALL
from oncohort.variation.choices import Variant

AS_PROFILE = "profile"
"""Parameter of the rows that hold what the profile gives as it is written."""

ENVELOPE = "all"
"""Parameter of the ranges over all variants."""

CHOICE_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "structure": pl.String,
    "metric": pl.String,
    "parameter": pl.String,
    "variant": pl.String,
    "value": pl.Float64,
    "difference": pl.Float64,
    "rank": pl.Float64,
    "rank_change": pl.Float64,
    "n": pl.Int64,
}
"""A row per variant, metric and model: the estimate over the cohort, less that of the profile, and the place.

Negative changes of rank are better places. The metric `rank` is the overall ranking; its value is the weighted mean
rank."""

RANGE_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "structure": pl.String,
    "metric": pl.String,
    "parameter": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "low_variant": pl.String,
    "high": pl.Float64,
    "high_variant": pl.String,
    "rank": pl.Float64,
    "best_rank": pl.Float64,
    "worst_rank": pl.Float64,
    "variants": pl.Int64,
}
"""A row per metric, model and parameter, and one over all parameters (`all`); the profile itself is in each range."""

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Board:
    """The leaderboard of one variant.

    Args:
        variant: The profile as it is written, or with one parameter changed.
        aggregates: From `rank`.
        touched: The metrics that the variant can change, `rank` among them.
    """

    variant: Variant
    aggregates: pl.DataFrame
    touched: Collection[str]


def choice_table(boards: Sequence[Board]) -> pl.DataFrame:
    """The rows of every variant, those of the profile first; columns of `CHOICE_SCHEMA`."""
    written = {_measure(row): row for row in _whole_cohort(boards[0])}
    rows = [_row(board.variant, row, written.get(_measure(row))) for board in boards for row in _whole_cohort(board)]
    return pl.DataFrame(rows, schema=CHOICE_SCHEMA)


def range_table(choices: pl.DataFrame) -> pl.DataFrame:
    """The ranges of a table of choices; columns of `RANGE_SCHEMA`."""
    return pl.DataFrame(list(_ranges(choices)), schema=RANGE_SCHEMA)


def order_changes(choices: pl.DataFrame) -> list[Row]:
    """Every pair of models that changes its order in a metric under a variant.

    Returns:
        Rows of parameter, variant, metric, structure, ahead (now), behind (now, ahead as written).
    """
    keys = ("parameter", "variant", "metric", "structure")
    listed = [row for row in choices.iter_rows(named=True) if row["rank"] is not None]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in listed:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [
        {**dict(zip(keys, group, strict=True)), "ahead": first["model"], "behind": second["model"]}
        for group, rows in groups.items()
        if group[0] != AS_PROFILE
        for first, second in permutations(rows, 2)
        if first["rank"] < second["rank"] and _before(first) > _before(second)
    ]


def _before(row: Row) -> float:
    return float(row["rank"]) - float(row["rank_change"] or 0.0)


def _measure(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["model"], row["structure"], row["metric"]


def _whole_cohort(board: Board) -> Iterator[Row]:
    for row in board.aggregates.iter_rows(named=True):
        if row["subset"] == ALL and row["metric"] in board.touched:
            yield row


def _row(variant: Variant, row: Mapping[str, Any], written: Mapping[str, Any] | None) -> Row:
    return {
        **{name: row[name] for name in ("model", "structure", "metric", "n")},
        "parameter": variant.parameter or AS_PROFILE,
        "variant": variant.name,
        "value": row["estimate"],
        "difference": _less(row["estimate"], None if written is None else written["estimate"]),
        "rank": row["rank"],
        "rank_change": _less(row["rank"], None if written is None else written["rank"]),
    }


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _ranges(choices: pl.DataFrame) -> Iterator[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in choices.iter_rows(named=True):
        groups.setdefault(_measure(row), []).append(row)
    for written, *others in groups.values():
        yield _range(written, others, ENVELOPE)
        for parameter in dict.fromkeys(row["parameter"] for row in others):
            yield _range(written, [row for row in others if row["parameter"] == parameter], parameter)


def _range(written: Row, others: Iterable[Row], parameter: str) -> Row:
    rows = [written, *others]
    known = [row for row in rows if row["value"] is not None]
    ranks = [row["rank"] for row in rows if row["rank"] is not None]
    low = min(known, key=lambda row: row["value"], default=None)
    high = max(known, key=lambda row: row["value"], default=None)
    return {
        **{name: written[name] for name in ("model", "structure", "metric", "value", "rank")},
        "parameter": parameter,
        "low": None if low is None else low["value"],
        "low_variant": None if low is None else _called(low),
        "high": None if high is None else high["value"],
        "high_variant": None if high is None else _called(high),
        "best_rank": min(ranks, default=None),
        "worst_rank": max(ranks, default=None),
        "variants": len(rows) - 1,
    }


def _called(row: Row) -> str:
    return row["variant"] if row["parameter"] == AS_PROFILE else f"{row['parameter']}: {row['variant']}"
