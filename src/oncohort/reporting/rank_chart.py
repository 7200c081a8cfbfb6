"""How often each model has each place in the bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oncohort.reporting.chart import Chart, drawing_style, looks_of
from oncohort.reporting.data import Drawing
from oncohort.reporting.drawing.canvas import INK

_LARGEST = 520.0  # points squared of a circle that stands for every draw
_SMALLEST_SHARE = 0.001


@dataclass(frozen=True)
class PlaceShares:
    """The places of one model.

    Args:
        model: Its name.
        place: On the data as they are.
        shares: Share of the draws in which it has place 1, 2, ...
        low: Lower end of the interval of places.
        high: Upper end.
    """

    model: str
    place: float
    shares: Sequence[float]
    low: float
    high: float


def draw_rank_stability(models: Sequence[PlaceShares], *, cases: int, tau: float | None, method: str) -> Drawing:
    """Circles whose area is the share of draws in which a model has a place; best model first.

    Args:
        models: In the order of the ranking.
        cases: Number of cases.
        tau: Mean of Kendall's tau between draws and the ranking.
        method: How ranking and draws came about, in words.

    Source: After the blob plot of M. Wiesenfarth et al., Scientific Reports 11 (2021) 2369.

    Examples:
        >>> rows = [PlaceShares("a", 1, [0.9, 0.1], 1, 2), PlaceShares("b", 2, [0.1, 0.9], 1, 2)]
        >>> draw_rank_stability(rows, cases=24, tau=0.8, method="means").svg[:4]
        '<svg'
    """
    looks = looks_of([row.model for row in models])
    chart = Chart(max(3.4, 1.4 + 0.75 * len(models)), max(2.5, 1.2 + 0.42 * len(models)))
    (axes,) = chart.panels
    with drawing_style():
        for number, row in enumerate(models):
            shares = np.asarray(row.shares)
            seen = np.flatnonzero(shares >= _SMALLEST_SHARE)
            look = looks[row.model]
            axes.vlines(number, row.low, row.high, color=look.colour, linewidth=1.4, zorder=2)
            axes.scatter(
                np.full(seen.size, number), seen + 1, s=_LARGEST * shares[seen], color=look.colour, alpha=0.55, zorder=3
            )
            axes.scatter(number, row.place, marker="x", s=42, color=INK, linewidth=1.6, zorder=4)
        axes.set_xticks(range(len(models)), [row.model for row in models], rotation=0 if len(models) <= 5 else 40)
        axes.set(xlim=(-0.6, len(models) - 0.4), ylim=(len(models) + 0.6, 0.4), yticks=range(1, len(models) + 1))
        axes.grid(visible=False, axis="x")
    chart.label("", "place")
    words = "" if tau is None else f" Mean Kendall τ between a draw and the ranking: {tau:.2f}."
    return Drawing(
        "rank-stability",
        "Rank stability",
        "Area of a circle: share of the bootstrap draws of patients in which the model has that place "
        f"(n = {cases} cases). Cross: place on the data. Line: 95 % of the draws.{words} Ranking: {method}.",
        chart.svg(),
    )
