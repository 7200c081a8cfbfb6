"""One mark per case and model along the axis of a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.reporting.chart import MOST_VECTORS, Chart, drawing_style, looks_of
from oncohort.reporting.data import Column, Drawing
from oncohort.reporting.drawing.canvas import INK

_ROWS = 9
_APART = 0.012  # of the axis: closer marks are put beside each other


@dataclass(frozen=True, eq=False)
class Strip:
    """The values of one model.

    Args:
        values: (cases,), NaN where undefined.
        estimate: What the leaderboard says; None if it has none.
        low: Lower end of its interval.
        high: Upper end.
    """

    values: NDArray[np.float64]
    estimate: float | None
    low: float | None
    high: float | None


def draw_strips(strips: Mapping[str, Strip], column: Column) -> Drawing:
    """The values of every case, model under model, with the estimate and its interval.

    Args:
        strips: By model, in the order of the leaderboard.
        column: The metric.

    Examples:
        >>> strips = {"a": Strip(np.array([0.5, 0.7]), 0.6, 0.5, 0.7)}
        >>> draw_strips(strips, Column("dice", "Dice")).name
        'cases-dice'
    """
    looks = looks_of(list(strips))
    chart = Chart(6.4, 1.0 + 0.62 * len(strips))
    (axes,) = chart.panels
    known = {model: strip.values[~np.isnan(strip.values)] for model, strip in strips.items()}
    everything = np.concatenate([np.zeros(0), *known.values()])
    span = float(np.ptp(everything)) if everything.size else 0.0
    is_raster = everything.size > MOST_VECTORS
    with drawing_style():
        for number, (model, strip) in enumerate(strips.items()):
            look, values = looks[model], np.sort(known[model])
            heights = number + 0.06 + 0.055 * _beside(values, apart=_APART * (span or 1.0))
            axes.scatter(
                values,
                heights,
                s=16,
                marker=look.mark,
                facecolor=look.colour,
                edgecolor="white",
                linewidth=0.4,
                alpha=0.85,
                rasterized=is_raster,
            )
            _mark_estimate(axes, strip, number)
        axes.set_yticks(range(len(strips)), list(strips))
        axes.set(ylim=(len(strips) - 0.35, -0.45))
        axes.grid(visible=False, axis="y")
        if column.unit == "1" and everything.size and everything.min() >= 0 and everything.max() <= 1:
            axes.set(xlim=(-0.02, 1.02))
    unit = f" ({column.printed_unit})" if column.printed_unit else ""
    chart.label(f"{column.label}{unit}", "")
    counts = ", ".join(f"{model} {values.size}" for model, values in known.items())
    return Drawing(
        f"cases-{column.name}",
        f"{column.label} of every case",
        f"One mark per case{unit and f', in {column.printed_unit}'}; cases with a value: {counts}. "
        "Diamond and line: estimate with 95 % interval.",
        chart.svg(),
    )


def _mark_estimate(axes: Any, strip: Strip, number: int) -> None:
    height = number - 0.16
    if strip.low is not None and strip.high is not None:
        axes.hlines(height, strip.low, strip.high, color=INK, linewidth=1.8, zorder=4)
    if strip.estimate is not None:
        axes.scatter(strip.estimate, height, marker="D", s=22, color=INK, zorder=5)


def _beside(ordered: NDArray[np.float64], *, apart: float) -> NDArray[np.float64]:
    """The row of each of the ordered values, so that close ones do not cover each other."""
    ends = np.full(_ROWS, -np.inf)
    rows = np.zeros(ordered.size)
    for number, value in enumerate(ordered):
        free = np.flatnonzero(value - ends >= apart)
        row = int(free[0]) if free.size else int(np.argmin(ends))
        ends[row] = value
        rows[number] = row
    return rows
