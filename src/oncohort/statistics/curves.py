"""Areas under curves in every draw of patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.kernels import weigh_ap, weigh_auc
from oncohort.statistics.checks import classes, numbers, owners


def auc_draws(
    scores: ArrayLike, truth: ArrayLike, patients: ArrayLike | None, draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Area under the ROC curve in each draw of patients; (draws,), NaN where a draw holds one class only.

    The scores are sorted once; a draw is a vector of weights and costs one
    pass. Ties count half. Draw stratified by class (`draw_patients(...,
    strata=)`), and no draw is without one of them.

    Args:
        scores: (cases,) higher means positive; -inf and inf are allowed, NaN is not.
        truth: (cases,) bool or 0 and 1.
        patients: (cases,) index of the patient of each case; None: each case is a patient.
        draws: (draws, patients) from `draw_patients`.

    Raises:
        ValueError: The lengths differ, or a score is NaN.

    Source: Hanley and McNeil, Radiology 143 (1982) 29-36 (the area as a share of pairs).

    Examples:
        >>> draws = np.array([[1, 1, 1, 1], [0, 2, 2, 0]], np.int32)
        >>> auc_draws([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1], None, draws).tolist()
        [0.875, 0.5]
    """
    return weigh_auc(*_cases(scores, truth, patients, draws), draws)


def ap_draws(
    scores: ArrayLike, truth: ArrayLike, patients: ArrayLike | None, draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Average precision in each draw of patients; (draws,), NaN where a draw holds no positive.

    Sum over thresholds of precision times gain in recall, without
    interpolation; equal scores are one threshold. A lesion that was never
    proposed takes part with score -inf: it lowers the recall and is found at
    no threshold.

    Args:
        scores: (cases or candidates,) higher means positive; NaN is not allowed.
        truth: (cases,) bool or 0 and 1.
        patients: (cases,) index of the patient of each case; None: each case is a patient.
        draws: (draws, patients) from `draw_patients`.

    Raises:
        ValueError: The lengths differ, or a score is NaN.

    Source: Davis and Goadrich, ICML 2006 (why the steps are not joined by lines).

    Examples:
        >>> ap_draws([0.9, 0.8, 0.3], [1, 0, 1], None, np.array([[1, 1, 1], [1, 0, 1]], np.int32)).round(4).tolist()
        [0.8333, 1.0]
    """
    return weigh_ap(*_cases(scores, truth, patients, draws), draws)


def _cases(
    scores: ArrayLike, truth: ArrayLike, patients: ArrayLike | None, draws: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    known = numbers(scores, "scores")
    return known, classes(truth, known.size), owners(patients, known.size, count=draws.shape[1])
