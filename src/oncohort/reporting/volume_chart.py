"""A metric against the volume of the lesions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from oncohort.reporting.chart import MOST_VECTORS, Chart, drawing_style, looks_of
from oncohort.reporting.data import Column, Drawing
from oncohort.reporting.drawing.canvas import INK

MOST_PANELS = 4
_FEWEST_IN_BIN = 6
_MOST_BINS = 6


def draw_against_volume(
    volumes_ml: NDArray[np.float64], values: Mapping[str, NDArray[np.float64]], column: Column
) -> Drawing:
    """A panel per model (the first four): one mark per case, volume on a logarithmic axis, and running medians.

    Cases without a lesion have no place on the axis and are left out.

    Args:
        volumes_ml: (cases,) volume of the reference.
        values: Per model, (cases,), NaN where undefined.
        column: The metric.

    Examples:
        >>> drawing = draw_against_volume(np.array([1.0, 10.0]), {"a": np.array([0.5, 0.7])}, Column("dice", "Dice"))
        >>> drawing.name
        'dice-by-volume'
    """
    shown = dict(list(values.items())[:MOST_PANELS])
    looks = looks_of(list(values))
    chart = Chart(max(3.6, 1.0 + 2.2 * len(shown)), 2.9, panels=max(1, len(shown)))
    counts = []
    with drawing_style():
        for axes, (model, found) in zip(chart.panels, shown.items(), strict=False):
            kept = (volumes_ml > 0) & ~np.isnan(found)
            counts.append(f"{model} {int(kept.sum())}")
            axes.scatter(
                volumes_ml[kept],
                found[kept],
                s=20,
                marker=looks[model].mark,
                facecolor=looks[model].colour,
                edgecolor="white",
                linewidth=0.4,
                alpha=0.85,
                rasterized=int(kept.sum()) > MOST_VECTORS,
            )
            axes.plot(*running_medians(volumes_ml[kept], found[kept]), color=INK, linewidth=1.4, zorder=4)
            axes.set_title(model, fontsize=8.5, color=INK)
            axes.set_xscale("log")
            if column.unit == "1":
                axes.set_ylim(-0.03, 1.03)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_formatter(lambda value, _: "")
    unit = f" ({column.printed_unit})" if column.printed_unit else ""
    chart.label("reference volume (ml, logarithmic)", f"{column.label}{unit}")
    rest = len(values) - len(shown)
    return Drawing(
        f"{column.name}-by-volume",
        f"{column.label} against lesion volume",
        f"One mark per case, by the volume of its reference in ml; cases: {', '.join(counts)}. "
        f"Line: medians of groups of cases of equal number.{_not_drawn(rest)}",
        chart.svg(),
    )


def running_medians(
    across: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Medians of both axes in up to six groups of equal number, each of at least six cases.

    Examples:
        >>> x, y = running_medians(np.arange(1.0, 13.0), np.arange(12.0))
        >>> x.tolist(), y.tolist()
        ([3.5, 9.5], [2.5, 8.5])
    """
    groups = min(_MOST_BINS, across.size // _FEWEST_IN_BIN)
    if groups < 2:
        return np.zeros(0), np.zeros(0)
    parts = np.array_split(np.argsort(across, kind="stable"), groups)
    return np.array([np.median(across[part]) for part in parts]), np.array([np.median(values[part]) for part in parts])


def _not_drawn(rest: int) -> str:
    if rest == 0:
        return ""
    return " 1 more model is not drawn." if rest == 1 else f" {rest} more models are not drawn."
