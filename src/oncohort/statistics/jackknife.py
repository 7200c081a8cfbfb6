"""A statistic without each patient in turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BLOCK = 2**22


def jackknife_patients(
    statistic: Callable[[NDArray[np.int32]], NDArray[np.float64]],
    *,
    patients: int,
    members: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """The statistic without each patient in turn; (members,) or (members, columns).

    A draw in which one patient comes up 0 times and all others once, so that
    every function of draws (`bootstrap_means`, `ratio_draws`, `auc_draws`)
    gives its own jackknife.

    Args:
        statistic: From draws (draws, patients) to values (draws,) or (draws, columns).
        patients: Number of columns of the draws.
        members: Indexes of the patients to leave out in turn; None: all. Name those with a case in
            the statistic: the others do not change it and would dilute the acceleration of `bca_interval`.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.

    Examples:
        >>> from oncohort.statistics import bootstrap_means
        >>> values, owner = [1.0, 3.0, 8.0], [0, 0, 1]
        >>> jackknife_patients(lambda draws: bootstrap_means(values, owner, draws), patients=2).tolist()
        [8.0, 2.0]
    """
    omitted = np.arange(patients) if members is None else np.asarray(members, dtype=np.intp)
    step = max(1, _BLOCK // max(patients, 1))
    blocks = [statistic(_without(omitted[start : start + step], patients)) for start in range(0, omitted.size, step)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _without(omitted: NDArray[np.intp], patients: int) -> NDArray[np.int32]:
    draws = np.ones((omitted.size, patients), np.int32)
    draws[np.arange(omitted.size), omitted] = 0
    return draws
