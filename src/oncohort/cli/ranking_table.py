"""A leaderboard in the terminal."""

from __future__ import annotations

from typing import Any

import polars as pl

from oncohort.cli.output import show_table
from oncohort.leaderboard import RANK, overall_places


def show_leaderboard(aggregates: pl.DataFrame) -> None:
    """Show estimate and interval of every metric, one table per subset, models in order of their place."""
    places = overall_places(aggregates)
    for subset in aggregates["subset"].unique(maintain_order=True):
        rows = aggregates.filter(pl.col("subset").eq_missing(subset)).to_dicts()
        _show_subset(str(subset), rows, places)


def _show_subset(subset: str, rows: list[dict[str, Any]], places: dict[str, float | None]) -> None:
    metrics = list(dict.fromkeys(row["metric"] for row in rows if row["metric"] != RANK))
    if not metrics:
        return
    by_place = {(row["model"], row["metric"]): row for row in rows}
    models = [model for model in places if any(row["model"] == model for row in rows)]
    missing = {model: max(row["n_missing"] or 0 for row in rows if row["model"] == model) for model in models}
    lines = [
        [
            _place(places[model]),
            model if not missing[model] else f"{model} (incomplete)",
            *(_interval(by_place.get((model, metric))) for metric in metrics),
            missing[model],
        ]
        for model in models
    ]
    show_table(f"leaderboard, {subset}", ["place", "model", *metrics, "missing"], lines)


def _place(place: float | None) -> str:
    return "-" if place is None else f"{place:g}"


def _interval(row: dict[str, Any] | None) -> str:
    if row is None or row["estimate"] is None:
        return "-"
    if row["low"] is None or row["high"] is None:
        return f"{row['estimate']:.4g}"
    return f"{row['estimate']:.4g} [{row['low']:.4g}, {row['high']:.4g}]"
