"""Learning curves: losses and Dice by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from oncohort.formats.training_run import CurvePoint, TrainedFold
from oncohort.reporting.chart import MUTED, Chart, Look, drawing_style, looks_of
from oncohort.reporting.data import Drawing
from oncohort.reporting.numbers import DASH, format_number

MOST_MARKED = 40
"""With more epochs than this, lines have no marks."""

_TRAINING, _VALIDATION, _DICE = looks_of(["training", "validation", "pseudo Dice"]).values()


def draw_learning(model: str, fold: TrainedFold, points: Sequence[CurvePoint]) -> Drawing:
    """The learning curve of one fold: losses in one panel, pseudo Dice in the other, by epoch.

    Values that were no finite numbers leave gaps, and the caption counts them.

    Args:
        model: Its name.
        fold: Which network.
        points: Its epochs, at least one.

    Examples:
        >>> fold = TrainedFold("0", ("a",), ("b",), 1, "model/fold_0/last.pth", "0" * 64, 9.5, None)
        >>> draw_learning("unet", fold, [CurvePoint(1, -0.2, -0.1, (0.5,), 0.01, 9.0)]).title
        'Learning curve of unet, fold 0'
    """
    epochs = np.array([point.epoch for point in points], np.float64)
    training = _numbers([point.train_loss for point in points])
    validation = _numbers([point.validation_loss for point in points])
    dice = _by_label(points)
    chart = Chart(7.4, 2.9, panels=2, shares_up=False)
    losses, overlaps = chart.panels
    with drawing_style():
        _line(losses, epochs, training, _TRAINING, "training")
        _line(losses, epochs, validation, _VALIDATION, "validation")
        known = [label for label in dice if not np.isnan(label).all()]
        for number, label in enumerate(known if len(dice) > 1 else ()):
            overlaps.plot(epochs, label, color=MUTED, linewidth=0.7, label="" if number else "each label")
        _line(overlaps, epochs, _mean(dice), _DICE, "mean of the labels" if len(dice) > 1 else "pseudo Dice")
        overlaps.set_ylim(-0.03, 1.03)
        for axes in chart.panels:
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        losses.set_ylabel("loss (no unit)")
        overlaps.set_ylabel("pseudo Dice (0 to 1)")
    chart.legends("best")
    return Drawing(
        "learning",
        f"Learning curve of {model}, fold {fold.fold}",
        _caption(fold, points, training, validation, dice),
        chart.svg(),
    )


def _caption(
    fold: TrainedFold,
    points: Sequence[CurvePoint],
    training: NDArray[np.float64],
    validation: NDArray[np.float64],
    dice: NDArray[np.float64],
) -> str:
    held_out = (
        f"validated on {len(fold.held_out)} held out"
        if fold.held_out
        else "none held out: validation is on training cases and says nothing of new patients"
    )
    undefined = int(np.isnan(training).sum() + np.isnan(validation).sum())
    gaps = f" Losses that are no finite numbers and left out: {undefined}." if undefined else ""
    last = ", ".join(
        f"{name} {_text(values[-1])}"
        for name, values in (
            ("training loss", training),
            ("validation loss", validation),
            ("pseudo Dice", _mean(dice)),
        )
    )
    return (
        f"Fold {fold.fold}: epochs {points[0].epoch} to {points[-1].epoch}, trained on {len(fold.trained)} cases, "
        f"{held_out}. Left: mean loss of the batches of an epoch (soft Dice and cross-entropy, as nnU-Net sums them). "
        "Right: Dice of all voxels of the validation patches of an epoch together, which is not the Dice of cases. "
        f"Last epoch: {last}.{gaps}"
    )


def _line(axes: Any, across: NDArray[np.float64], up: NDArray[np.float64], look: Look, label: str) -> None:
    is_short = across.size <= MOST_MARKED
    style = {"marker": look.mark, "markersize": 3.5, "linewidth": 1.5} if is_short else {"linewidth": 1.1}
    axes.plot(across, up, color=look.colour, linestyle=look.dash, label=label, **style)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _by_label(points: Sequence[CurvePoint]) -> NDArray[np.float64]:
    """(labels, epochs) pseudo Dice, NaN where undefined; labels that an epoch does not list are undefined in it."""
    most = max(len(point.pseudo_dice) for point in points)
    table = np.full((most, len(points)), np.nan)
    for column, point in enumerate(points):
        table[: len(point.pseudo_dice), column] = _numbers(point.pseudo_dice)
    return table


def _mean(dice: NDArray[np.float64]) -> NDArray[np.float64]:
    """(epochs,) mean over the labels that have a value; NaN where none has."""
    known = ~np.isnan(dice)
    counts = known.sum(axis=0)
    mean: NDArray[np.float64] = np.divide(
        np.where(known, dice, 0).sum(axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )
    return mean


def _text(value: float) -> str:
    return DASH if np.isnan(value) else format_number(float(value), 3)
