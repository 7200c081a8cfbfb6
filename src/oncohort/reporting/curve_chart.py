"""ROC and FROC curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.reporting.chart import MUTED, Chart, drawing_style, looks_of
from oncohort.reporting.data import Drawing

_FROC_TICKS = {"1/8": 0.125, "1/4": 0.25, "1/2": 0.5, "1": 1.0, "2": 2.0, "4": 4.0, "8": 8.0}
_FEWEST, _MOST = 0.1, 10.0  # false positives per case that are shown


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of one model.

    Args:
        model: Its name.
        across: (points,) false positive rate, or false positives per case; ascending.
        up: (points,) sensitivity.
        summary: One number in words, such as "AUC 0.93 (0.90 to 0.96)".
        band: Places across, lower and upper sensitivity of a band; None for no band.
        marks: Places across and sensitivities to be marked; None for none.
    """

    model: str
    across: NDArray[np.float64]
    up: NDArray[np.float64]
    summary: str
    band: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None = None
    marks: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None


def draw_roc(curves: Sequence[Curve], *, positives: int, negatives: int, what: str, units: str = "cases") -> Drawing:
    """ROC curves with bootstrap bands, in a square.

    Args:
        curves: In the order of the leaderboard.
        positives: Cases with the structure.
        negatives: Cases without.
        what: What the models are ordered by, in words.
        units: What is counted: cases, patients or pairs.

    Examples:
        >>> step = np.array([0.0, 0.0, 1.0])
        >>> draw_roc([Curve("a", step, step, "AUC 1")], positives=3, negatives=4, what="volume").name
        'roc'
    """
    chart = Chart(4.6, 4.4)
    (axes,) = chart.panels
    looks = looks_of([curve.model for curve in curves])
    with drawing_style():
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        for curve in curves:
            look = looks[curve.model]
            if curve.band is not None:
                places, low, high = curve.band
                axes.fill_between(places, low, high, color=look.colour, alpha=0.13, linewidth=0)
            axes.plot(
                curve.across,
                curve.up,
                color=look.colour,
                linestyle=look.dash,
                linewidth=1.5,
                label=f"{curve.model}: {curve.summary}",
            )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    chart.label("1 − specificity", "sensitivity")
    chart.legend("lower right")
    return Drawing(
        "roc",
        "ROC",
        f"Is the structure there? {units.capitalize()} ordered by {what}; n = {positives} {units} with it, "
        f"{negatives} without. "
        "Band: 95 % of bootstrap draws of patients, those with it and those without each by themselves, at each "
        "false positive rate. Dotted: chance.",
        chart.svg(),
    )


def draw_froc(curves: Sequence[Curve], *, lesions: int, cases: int, unit: str = "case") -> Drawing:
    """Free-response ROC curves: sensitivity for lesions against false positives per case, logarithmic.

    Args:
        curves: In the order of the leaderboard.
        lesions: Lesions of the reference.
        cases: Cases, also those without a lesion.
        unit: What a case is: case, slice, series or scan.

    Examples:
        >>> draw_froc([Curve("a", np.array([0.1, 1.0]), np.array([0.2, 0.9]), "")], lesions=4, cases=2).name
        'froc'
    """
    chart = Chart(5.4, 3.9)
    (axes,) = chart.panels
    looks = looks_of([curve.model for curve in curves])
    with drawing_style():
        for curve in curves:
            look = looks[curve.model]
            across = np.maximum(curve.across, _FEWEST)
            axes.plot(
                across,
                curve.up,
                color=look.colour,
                linestyle=look.dash,
                linewidth=1.5,
                label=f"{curve.model}: {curve.summary}",
            )
            if curve.marks is not None:
                axes.scatter(*curve.marks, s=18, marker=look.mark, color=look.colour, zorder=4)
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(_FROC_TICKS.values()), list(_FROC_TICKS))
        axes.set(xlim=(_FEWEST, _MOST), ylim=(-0.02, 1.02))
    chart.label(f"false positive lesions per {unit} (logarithmic)", "share of lesions found")
    chart.legend("best")
    return Drawing(
        "froc",
        "FROC",
        f"Share of {lesions} lesions found against false positive lesions per {unit} "
        f"(n = {cases} {unit if unit.endswith('s') else f'{unit}s'}). Marks: at 1/8 to 8 false positives per {unit}.",
        chart.svg(),
    )
