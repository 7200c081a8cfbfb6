"""FROC of ranked boxes, and its bootstrap."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.box_ranking import RankedHits, image_draws
from oncohort.metrics.froc import FrocCurve, froc_sensitivities
from oncohort.metrics.roc import accumulate


def box_froc_curve(ranked: RankedHits) -> FrocCurve:
    """Found references over false predictions per image, with one point per score.

    Images that are skipped are no cases. `froc_cpm` and `froc_sensitivities`
    read the curve.

    Args:
        ranked: From `rank_hits`.

    Raises:
        ValueError: No image takes part.

    Examples:
        >>> ranked = RankedHits(np.array([0.9, 0.8]), np.array([True, False]), np.array([0, 1]),
        ...                     np.array([1, 1]), np.array([True, True]))
        >>> box_froc_curve(ranked).sensitivity.tolist()
        [0.0, 0.5, 0.5]
    """
    cases = int(ranked.counted.sum())
    if not cases:
        raise ValueError("expected one image or more that takes part, got none")
    hits = ranked.hits.astype(np.float64)
    thresholds, (found, false) = accumulate(ranked.scores, hits, 1.0 - hits)
    return FrocCurve(thresholds, found, false, float(ranked.references.sum()), float(cases))


def draw_box_sensitivities(
    ranked: RankedHits,
    *,
    patients: ArrayLike,
    draws: ArrayLike,
    rates: ArrayLike,
    between: Literal["linear", "step"],
) -> NDArray[np.float64]:
    """The sensitivity at each rate of false positives in each draw of patients: (draws, rates).

    NaN where a draw has no reference or no image that takes part. The mean
    over the rates is the CPM of the draw.

    Args:
        ranked: From `rank_hits`.
        patients: (images,) index of the patient of each image.
        draws: (draws, patients) how often each patient was drawn.
        rates: (n,) false positives per image.
        between: Straight lines between the points of the curve, or the last point reached.

    Examples:
        >>> ranked = RankedHits(np.array([0.9, 0.8]), np.array([True, False]), np.array([0, 1]),
        ...                     np.array([1, 1]), np.array([True, True]))
        >>> draw_box_sensitivities(
        ...     ranked, patients=[0, 1], draws=[[1, 1], [2, 0]], rates=[0.125], between="step"
        ... ).tolist()
        [[0.5], [1.0]]
    """
    weights = image_draws(draws, patients)
    if weights.shape[1] != len(ranked.references):
        raise ValueError(f"expected a patient for each of {len(ranked.references)} images, got {weights.shape[1]}")
    rows = [_sensitivities(ranked, row, rates, between) for row in weights]
    return np.array(rows).reshape(len(weights), np.asarray(rates).size)


def _sensitivities(
    ranked: RankedHits, weights: NDArray[np.float64], rates: ArrayLike, between: Literal["linear", "step"]
) -> NDArray[np.float64]:
    cases = float(weights[ranked.counted].sum())
    references = float(weights @ ranked.references)
    if not cases or not references:
        return np.full(np.asarray(rates).size, np.nan)
    times = weights[ranked.images]
    thresholds, (found, false) = accumulate(ranked.scores, times * ranked.hits, times * ~ranked.hits)
    curve = FrocCurve(thresholds, found, false, references, cases)
    return froc_sensitivities(curve, rates=rates, between=between)
