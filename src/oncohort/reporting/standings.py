"""The leaderboard: overall standing, and a forest plot for each metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from oncohort.reporting.data import Column, ReportData, Row
from oncohort.reporting.forest import Axis, stacked
from oncohort.reporting.leaderboard_tables import counted_text, names_structures, places_text
from oncohort.reporting.numbers import Cell, number_cell
from oncohort.reporting.tables import ModelTag

RANK = "rank"
_MOST_DOTS = 250


@dataclass(frozen=True)
class Standing:
    """A model's place over all metrics, and its estimate for each."""

    model: ModelTag
    place: str
    letters: str
    places: str
    first: str
    mean_rank: Cell
    interval: str
    estimates: tuple[Cell, ...]


@dataclass(frozen=True)
class ForestLine:
    """A model in one metric: numbers, and their places on the axis (None where undefined)."""

    model: ModelTag
    place: str
    estimate: Cell
    interval: str
    letters: str
    places: str
    at: float | None
    span: tuple[float, float] | None
    dots: tuple[tuple[float, int], ...]
    counted: str
    undefined: int
    missing: int


@dataclass(frozen=True)
class MetricBlock:
    """One metric: its axis and the models by subset; `is_named` if a reader must be told of a single subset too."""

    column: Column
    axis: Axis
    groups: tuple[tuple[str, tuple[ForestLine, ...]], ...]
    has_dots: bool
    is_named: bool


def standing_columns(data: ReportData) -> tuple[Column, ...]:
    """The metrics of the overall standing: the main ones, or all where none is named."""
    return tuple(column for column in data.metrics if not data.main_metrics or column.name in data.main_metrics)


def standings(data: ReportData, models: Mapping[str, ModelTag]) -> tuple[Standing, ...]:
    """Models by overall place; empty if the aggregates hold no overall ranking."""
    overall = [row for row in data.leaderboard if row["metric"] == RANK]
    estimates = {(row["model"], row["subset"], row["metric"]): row for row in data.leaderboard}
    columns = standing_columns(data)
    lines = []
    for row in _in_order(overall, models):
        found = [estimates.get((row["model"], row["subset"], column.name)) for column in columns]
        cells = tuple(_estimate(one, column) for one, column in zip(found, columns, strict=True))
        mean_rank, low, high = (number_cell(row.get(key), 2) for key in ("estimate", "low", "high"))
        interval = "" if low.value is None or high.value is None else f"{low.text} to {high.text}"
        lines.append(
            Standing(
                model=models[row["model"]],
                place=place_text(row.get("rank")),
                letters=row.get("letters") or "",
                places=places_text(row) if row.get("rank_low") is not None else "",
                first=_percent(row.get("first_share")),
                mean_rank=mean_rank,
                interval=interval,
                estimates=cells,
            )
        )
    return tuple(lines)


def metric_blocks(data: ReportData, models: Mapping[str, ModelTag]) -> tuple[MetricBlock, ...]:
    """A forest plot for each metric that the aggregates know and that is good or bad, in order of the metrics."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in data.leaderboard:
        rows[row["metric"]].append(row)
    return tuple(
        _block(column, rows[column.name], data, models)
        for column in data.metrics
        if column.name in rows and column.better
    )


def place_text(rank: float | None) -> str:
    """A place as one reads it; shared places keep their half.

    Examples:
        >>> place_text(2.0), place_text(1.5), place_text(None)
        ('2', '1.5', '–')
    """
    return "–" if rank is None else f"{rank:g}"


def _block(column: Column, rows: list[Row], data: ReportData, models: Mapping[str, ModelTag]) -> MetricBlock:
    values = [row[key] for row in rows for key in ("estimate", "low", "high") if row.get(key) is not None]
    axis = Axis.around(values, bounded=column.unit == "1" and all(0 <= value <= 1 for value in values))
    several = names_structures(rows)
    by_subset: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_subset[f"{row['subset']}, {row['structure']}" if several else row["subset"]].append(row)
    dots = _dots(column, data, axis) if len(by_subset) == 1 else {}
    groups = tuple(
        (subset, tuple(_line(row, column, axis, models[row["model"]], dots) for row in _in_order(members, models)))
        for subset, members in by_subset.items()
    )
    return MetricBlock(column, axis, groups, bool(dots), several)


def _line(row: Row, column: Column, axis: Axis, model: ModelTag, dots: Mapping[str, list[float]]) -> ForestLine:
    estimate, low, high = (_estimate({"estimate": row.get(key)}, column) for key in ("estimate", "low", "high"))
    span = None if low.value is None or high.value is None else (axis.place(low.value), axis.place(high.value))
    return ForestLine(
        model=model,
        place=place_text(row.get("rank")),
        estimate=estimate,
        interval=f"{low.text} to {high.text}" if span else "",
        letters=row.get("letters") or "",
        places=places_text(row) if row.get("rank_low") is not None else "",
        at=None if estimate.value is None else axis.place(estimate.value),
        span=span,
        dots=tuple(stacked(dots.get(model.name, []), apart=4.0, most=3)),
        counted=counted_text(row),
        undefined=row.get("n_undefined") or 0,
        missing=row.get("n_missing") or 0,
    )


def _dots(column: Column, data: ReportData, axis: Axis) -> dict[str, list[float]]:
    """Places of the single cases: for shares only, as a single large volume would squash any other axis."""
    if column.unit != "1" or len({row["case"] for row in data.scores}) > _MOST_DOTS:
        return {}
    found: dict[str, list[float]] = defaultdict(list)
    for row in data.scores:
        if row["metric"] == column.name and row["value"] is not None:
            found[row["model"]].append(axis.place(row["value"]))
    return found


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _estimate(row: Row | None, column: Column) -> Cell:
    return number_cell(row["estimate"] if row else None, column.digits, "no case has a value")


def _in_order(rows: list[Row], models: Mapping[str, ModelTag]) -> list[Row]:
    """Rows by rank; those without one last, and equal ones in the order of the models."""
    order = list(models)
    return sorted(rows, key=lambda row: (_last_if_none(row.get("rank")), order.index(row["model"])))


def _last_if_none(rank: float | None) -> float:
    return float("inf") if rank is None else float(rank)
