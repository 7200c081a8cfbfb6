"""Places in an order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_values(values: ArrayLike, *, ascending: bool) -> NDArray[np.int64]:
    """The place of each value along the last axis; 1 is best, equal values share the better place.

    NaN comes last: a model without a value is never ahead of one that has it.

    Args:
        values: (..., models).
        ascending: Whether smaller is better.

    Examples:
        >>> rank_values([0.7, 0.9, 0.7, float("nan")], ascending=False).tolist()
        [2, 1, 2, 4]
    """
    scores = np.asarray(values, dtype=np.float64)
    cost = np.where(np.isnan(scores), np.inf, scores if ascending else -scores)
    better = cost[..., None, :] < cost[..., :, None]
    return np.asarray(1 + better.sum(axis=-1), dtype=np.int64)
