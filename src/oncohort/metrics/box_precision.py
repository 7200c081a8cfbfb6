"""Average precision of ranked boxes, by VOC 2007, VOC 2010 and COCO, and its bootstrap."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.box_ranking import RankedHits, image_draws

Interpolation = Literal["11-point", "all-point", "101-point"]

_CELLS = 4_000_000  # draws x boxes that are held at once


def box_average_precision(ranked: RankedHits, *, interpolation: Interpolation) -> float:
    """Precision averaged over recall; NaN if there is no reference to find, 0 if nothing was predicted.

    Every precision is first raised to the best at that or any higher recall.
    Then "11-point" (VOC 2007) is its mean at recall 0, 0.1 ... 1,
    "101-point" (COCO) at 0, 0.01 ... 1, and "all-point" (VOC 2010) the area
    under it. Predictions of one score are not grouped: they count one after
    the other. The recalls of the 11 and 101 points are floating-point numbers
    as in the published programs, compared without tolerance: recall 9/15 does
    not reach the point 0.6 (0.6000000000000001), nor 7/20 the point 0.35.
    Published numbers depend on it (11-point 0.3333 or 0.3689 on one set).

    Args:
        ranked: From `rank_hits`.
        interpolation: Which of the three.

    Raises:
        ValueError: Another word.

    Source: Everingham et al., Int J Comput Vis 88 (2010) 303 and the VOC 2010 devkit; cocoapi, `COCOeval.accumulate`.

    Examples:
        >>> flags = np.array([1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1], bool)
        >>> ranked = RankedHits(np.arange(12.0)[::-1], flags, np.zeros(12, int), np.array([12]), np.array([True]))
        >>> round(box_average_precision(ranked, interpolation="all-point"), 6)
        0.509722
    """
    weights = np.ones((1, len(ranked.references)))
    return float(_average_precisions(ranked, weights, interpolation)[0])


def draw_box_average_precision(
    ranked: RankedHits, *, patients: ArrayLike, draws: ArrayLike, interpolation: Interpolation
) -> NDArray[np.float64]:
    """Average precision in each draw of patients: (draws,); NaN where a draw has no reference.

    Copies of a patient are separate images. Their boxes have equal scores and
    are counted one after the other.

    Args:
        ranked: From `rank_hits`.
        patients: (images,) index of the patient of each image.
        draws: (draws, patients) how often each patient was drawn.
        interpolation: As in `box_average_precision`.

    Examples:
        >>> ranked = RankedHits(np.array([0.9, 0.8]), np.array([True, False]), np.array([0, 1]),
        ...                     np.array([1, 1]), np.array([True, True]))
        >>> draw_box_average_precision(
        ...     ranked, patients=[0, 1], draws=[[1, 1], [2, 0], [0, 2]], interpolation="all-point"
        ... ).tolist()
        [0.5, 1.0, 0.0]
    """
    weights = image_draws(draws, patients)
    if weights.shape[1] != len(ranked.references):
        raise ValueError(f"expected a patient for each of {len(ranked.references)} images, got {weights.shape[1]}")
    rows = max(1, _CELLS // max(1, len(ranked.scores)))
    parts = [weights[first : first + rows] for first in range(0, len(weights), rows)]
    return np.concatenate([np.empty(0), *[_average_precisions(ranked, part, interpolation) for part in parts]])


def _average_precisions(
    ranked: RankedHits, weights: NDArray[np.float64], interpolation: Interpolation
) -> NDArray[np.float64]:
    """Average precision of each row of image weights (draws, images)."""
    if interpolation not in get_args(Interpolation):
        raise ValueError(f"expected one of {', '.join(get_args(Interpolation))}, got {interpolation!r}")
    references = (weights * ranked.references).sum(axis=1)
    times = weights[:, ranked.images]
    gained = times * ranked.hits
    found, predicted = np.cumsum(gained, axis=1), np.cumsum(times, axis=1)
    precision = np.divide(found, predicted, out=np.zeros_like(found), where=predicted > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    if interpolation == "all-point":
        areas = (gained * envelope).sum(axis=1)
        undefined = np.full(len(weights), np.nan)
        return np.asarray(np.divide(areas, references, out=undefined, where=references > 0))
    rows = zip(found, envelope, references, strict=True)
    return np.array([_mean_at_levels(*row, _levels(interpolation)) if row[2] else np.nan for row in rows])


def _levels(interpolation: Interpolation) -> NDArray[np.float64]:
    return np.linspace(0.0, 1.0, 11 if interpolation == "11-point" else 101)


def _mean_at_levels(
    found: NDArray[np.float64], envelope: NDArray[np.float64], references: float, levels: NDArray[np.float64]
) -> float:
    reached = np.searchsorted(found / references, levels, side="left")
    return float(np.append(envelope, 0.0)[reached].mean())
