"""The course of a metric over the steps of an interaction, as one number."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

MissingStep = Literal["undefined", "carried"]


def area_over_steps(values: ArrayLike, *, missing: MissingStep | float) -> float:
    """Area under a metric over the states 0 to K, by trapezoids of unit width.

    Not divided by the number of steps: a metric that is 1 throughout has the area K, which is 5 for the
    six states of autoPET V and 10 for the eleven of autoPET IV. A single state has no area, 0.

    Args:
        values: (states,) the metric at state 0, 1, ... K; NaN where it is missing or undefined.
        missing: What such a state is worth: `undefined` makes the whole area NaN; `carried` takes the
            last value before it (NaN if there is none); a number is taken itself.

    Raises:
        ValueError: No state, more than one axis, or an unknown rule.

    Source: autoPET IV and V evaluation: trapezoid over unit steps.

    Examples:
        >>> area_over_steps([0.5, 0.7, 0.9], missing="undefined")
        1.4
        >>> area_over_steps([0.5, float("nan"), 0.9], missing="carried")
        1.2
    """
    levels = _settled(values, missing)
    widths = np.ones(levels.size)
    widths[0] -= 0.5
    widths[-1] -= 0.5
    return math.fsum(levels * widths)


def mean_over_steps(values: ArrayLike, *, missing: MissingStep | float) -> float:
    """`area_over_steps` divided by the number of steps K: the mean level, comparable between protocols.

    NaN for a single state, which has no step.

    Args:
        values: (states,) as in `area_over_steps`.
        missing: As in `area_over_steps`.

    Raises:
        ValueError: As in `area_over_steps`.

    Examples:
        >>> mean_over_steps([0.5, 0.7, 0.9], missing="undefined")
        0.7
    """
    area = area_over_steps(values, missing=missing)
    steps = np.size(values) - 1
    return area / steps if steps else math.nan


def _settled(values: ArrayLike, missing: MissingStep | float) -> NDArray[np.float64]:
    """The values with every missing state settled by the rule."""
    levels = np.array(values, dtype=np.float64)
    if levels.ndim != 1 or levels.size == 0:
        raise ValueError(f"expected the values of one state or more, got an array of shape {levels.shape}")
    absent = np.isnan(levels)
    if missing == "carried":
        last = np.maximum.accumulate(np.where(absent, 0, np.arange(levels.size)))
        return np.asarray(levels[last], np.float64)
    if isinstance(missing, str):
        if missing != "undefined":
            raise ValueError(f"expected undefined, carried or a number for missing states, got {missing!r}")
        return levels
    levels[absent] = missing
    return levels
