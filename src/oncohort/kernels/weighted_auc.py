"""Areas under ROC and precision-recall curves of weighted cases: one sort, then one pass per draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def weigh_auc(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], patients: NDArray[np.intp], draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Area under the ROC curve in each draw; (draws,), NaN where a draw holds one class only.

    Pairs are counted in integers, a tie as half a pair: the result does not
    depend on the order of the cases.

    Args:
        scores: (cases,) higher means positive; no NaN.
        truth: (cases,).
        patients: (cases,) column of `draws` that weighs each case.
        draws: (draws, patients) how often each patient comes up.

    Examples:
        >>> scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
        >>> weigh_auc(scores, truth, np.arange(4), np.array([[1, 1, 1, 1], [1, 3, 0, 0]], np.int32)).tolist()
        [0.875, nan]
    """
    areas = np.empty(draws.shape[0])
    _weigh_auc(*_sorted_cases(scores, truth, patients), np.ascontiguousarray(draws), areas)
    return areas


def weigh_ap(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], patients: NDArray[np.intp], draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Average precision in each draw; (draws,), NaN where a draw holds no positive.

    The sum over thresholds of precision times the gain in recall; equal
    scores are one threshold. A positive of score -inf was never proposed: it
    counts in the recall and is not found at any threshold.

    Args:
        scores: (cases,) higher means positive; no NaN.
        truth: (cases,).
        patients: (cases,) column of `draws` that weighs each case.
        draws: (draws, patients) how often each patient comes up.

    Examples:
        >>> scores, truth = np.array([0.9, 0.8, 0.3, -np.inf]), np.array([True, False, True, True])
        >>> weigh_ap(scores, truth, np.arange(4), np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int32)).round(4).tolist()
        [0.5556, 0.8333]
    """
    areas = np.empty(draws.shape[0])
    columns, is_positive, is_last = _sorted_cases(-scores, truth, patients)
    proposed = int(np.count_nonzero(scores != -np.inf))
    _weigh_ap(columns, is_positive, is_last, proposed, np.ascontiguousarray(draws), areas)
    return areas


def _sorted_cases(
    keys: NDArray[np.float64], truth: NDArray[np.bool_], patients: NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]:
    """In ascending order of the keys: draw columns, classes, and where a run of equal keys ends."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_last = np.ones(ordered.size, np.uint8)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    return patients[order].astype(np.int32), truth[order].astype(np.uint8), is_last


@njit(nogil=True, cache=True)
def _weigh_auc(columns: Any, is_positive: Any, is_last: Any, draws: Any, areas: Any) -> None:
    for draw in range(draws.shape[0]):
        weights = draws[draw]
        below = np.int64(0)  # negatives of a lower score
        positives = np.int64(0)
        half_pairs = np.int64(0)
        tied = np.zeros(2, np.int64)
        for case in range(columns.size):
            tied[is_positive[case]] += weights[columns[case]]
            if is_last[case]:
                half_pairs += tied[1] * (2 * below + tied[0])
                below += tied[0]
                positives += tied[1]
                tied[0] = 0
                tied[1] = 0
        pairs = below * positives
        areas[draw] = half_pairs / (2.0 * pairs) if pairs > 0 else np.nan


@njit(nogil=True, cache=True)
def _weigh_ap(columns: Any, is_positive: Any, is_last: Any, proposed: int, draws: Any, areas: Any) -> None:
    for draw in range(draws.shape[0]):
        weights = draws[draw]
        counted = np.int64(0)  # cases up to the last threshold
        positives = np.int64(0)  # and the positives of them
        tied = np.zeros(2, np.int64)
        area = 0.0
        for case in range(proposed):
            tied[is_positive[case]] += weights[columns[case]]
            if is_last[case]:
                counted += tied[0] + tied[1]
                positives += tied[1]
                if tied[1] > 0:
                    area += tied[1] * positives / counted
                tied[0] = 0
                tied[1] = 0
        for case in range(proposed, columns.size):
            if is_positive[case]:
                positives += weights[columns[case]]
        areas[draw] = area / positives if positives > 0 else np.nan
