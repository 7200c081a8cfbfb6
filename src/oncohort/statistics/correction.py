"""p-values of a family of tests, corrected for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike, *, log10: bool = False) -> NDArray[np.float64]:
    """Holm's step-down p-values: the chance of any false finding in the family; (tests,).

    NaN, a test that could not be made, stays NaN and does not count in the
    family.

    Args:
        p: (tests,) p-values, or their decimal logarithms.
        log10: Whether they are logarithms; so is the result then.

    Raises:
        ValueError: Not probabilities, or more than one axis.

    Source: Holm, Scand J Stat 6 (1979) 65-70.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values, order = _ordered(p, log10=log10)
    number = order.size
    raised = _times(values[order], np.arange(number, 0.0, -1.0), log10=log10)
    return _restored(values, order, np.maximum.accumulate(raised), log10=log10)


def benjamini_hochberg(p: ArrayLike, *, log10: bool = False) -> NDArray[np.float64]:
    """Benjamini and Hochberg's step-up p-values: the expected share of false findings; (tests,).

    NaN, a test that could not be made, stays NaN and does not count in the
    family.

    Args:
        p: (tests,) p-values, or their decimal logarithms.
        log10: Whether they are logarithms; so is the result then.

    Raises:
        ValueError: Not probabilities, or more than one axis.

    Source: Benjamini and Hochberg, J R Stat Soc B 57 (1995) 289-300.

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    values, order = _ordered(p, log10=log10)
    number = order.size
    raised = _times(values[order], number / np.arange(1, number + 1), log10=log10)
    return _restored(values, order, np.minimum.accumulate(raised[::-1])[::-1], log10=log10)


def _ordered(p: ArrayLike, *, log10: bool) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The values, and the indexes of those that are numbers, smallest first."""
    values = np.asarray(p, dtype=np.float64)
    low, high = (-np.inf, 0.0) if log10 else (0.0, 1.0)
    known = values[~np.isnan(values)] if values.ndim == 1 else values.reshape(-1)
    if values.ndim != 1 or (known < low).any() or (known > high).any():
        raise ValueError(f"expected one axis of p-values{' as decimal logarithms' * log10}, got {p!r}")
    return values, np.argsort(values, kind="stable")[: known.size]


def _times(ordered: NDArray[np.float64], factors: NDArray[np.float64], *, log10: bool) -> NDArray[np.float64]:
    return ordered + np.log10(factors) if log10 else ordered * factors


def _restored(
    values: NDArray[np.float64], order: NDArray[np.intp], raised: NDArray[np.float64], *, log10: bool
) -> NDArray[np.float64]:
    adjusted = np.full(values.shape, np.nan)
    adjusted[order] = np.minimum(raised, 0.0 if log10 else 1.0)
    return adjusted
