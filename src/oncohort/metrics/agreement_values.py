"""How well paired values agree: bias, limits of agreement, intraclass correlation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtri, ndtri, stdtrit

Form = Literal["ICC(1)", "ICC(C,1)", "ICC(A,1)", "ICC(k)", "ICC(C,k)", "ICC(A,k)"]


@dataclass(frozen=True)
class Limits:
    """A number with the interval that holds it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Bias of the prediction and the range in which its differences lie.

    Args:
        n: Number of pairs.
        bias: Mean difference, prediction less reference, with its interval.
        sd: Standard deviation of the differences (n - 1).
        lower: Lower limit of agreement with its interval.
        upper: Upper limit of agreement with its interval.
    """

    n: int
    bias: Limits
    sd: float
    lower: Limits
    upper: Limits


def limits_of_agreement(
    reference: ArrayLike, prediction: ArrayLike, *, coverage: float = 0.95, confidence: float = 0.95
) -> LimitsOfAgreement:
    """Bias and limits of agreement of paired values, each with its interval.

    The limits hold `coverage` of the differences if these are normal and
    do not grow with the value. One pair gives a bias alone, none nothing: what cannot be
    told is NaN. Lesions of one patient are not independent; then the intervals are too narrow.

    Args:
        reference: (pairs,).
        prediction: (pairs,), the same unit.
        coverage: Share of the differences between the limits; 0.95 means 1.96 standard deviations.
        confidence: Of the intervals.

    Raises:
        ValueError: The lengths differ, or a value is not a finite number.

    Source: Bland and Altman, Stat Methods Med Res 8 (1999) 135, section 2: the standard error of a limit is
    sd x sqrt(1/n + z^2 / (2 (n - 1))), with Student's t on n - 1 degrees of freedom.

    Examples:
        >>> found = limits_of_agreement([10.0, 20.0, 30.0, 40.0], [11.0, 20.0, 33.0, 40.0])
        >>> found.bias.value, round(found.sd, 4), round(found.lower.value, 4), round(found.upper.value, 4)
        (1.0, 1.4142, -1.7718, 3.7718)
    """
    first, second = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"expected pairs of values, got {first.shape} and {second.shape}")
    differences = _finite(second) - _finite(first)
    n = differences.size
    bias = float(differences.mean()) if n else math.nan
    sd = float(differences.std(ddof=1)) if n > 1 else math.nan
    z = float(ndtri((1.0 + coverage) / 2.0))
    t = float(stdtrit(n - 1, (1.0 + confidence) / 2.0)) if n > 1 else math.nan
    of_bias = t * sd * math.sqrt(1.0 / max(n, 1))
    of_limit = t * sd * math.sqrt(1.0 / max(n, 1) + z**2 / (2.0 * max(n - 1, 1)))
    lower, upper = bias - z * sd, bias + z * sd
    return LimitsOfAgreement(
        n=n,
        bias=Limits(bias, bias - of_bias, bias + of_bias),
        sd=sd,
        lower=Limits(lower, lower - of_limit, lower + of_limit),
        upper=Limits(upper, upper - of_limit, upper + of_limit),
    )


def intraclass_correlation(table: ArrayLike, *, form: Form, confidence: float = 0.95) -> Limits:
    """Share of the variance that the subjects have in common, with its interval.

    Forms after McGraw and Wong, in brackets those of Shrout and Fleiss:

    - `ICC(1)` (1,1): one-way; each subject has readers of its own;
    - `ICC(A,1)` (2,1): two-way, absolute agreement; a constant difference between readers counts;
    - `ICC(C,1)` (3,1): two-way, consistency; it does not;
    - `ICC(k)`, `ICC(A,k)`, `ICC(C,k)`: the same for the mean of the k readers.

    Random and mixed two-way models share these formulas. The value may be negative; it is NaN where
    all values are equal. The interval of absolute agreement is approximate (Satterthwaite); where it misses
    the value itself, as it may for negative ones, its bounds are NaN. For means of readers, what lies at or
    beyond the pole of the formula (which then gives correlations above 1) is -inf.

    Args:
        table: (subjects, readers), such as reference and prediction side by side; at least 2 x 2.
        form: See above.
        confidence: Of the interval.

    Raises:
        ValueError: An unknown form, fewer than two subjects or readers, or a value that is
            not a finite number.

    Source: McGraw and Wong, Psychol Methods 1 (1996) 30, tables 4 and 7.

    Examples:
        >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
        >>> round(intraclass_correlation(judges, form="ICC(A,1)").value, 4)
        0.2898
    """
    if form not in get_args(Form):
        raise ValueError(f"expected one of {', '.join(get_args(Form))}, got {form!r}")
    values = _finite(np.asarray(table, np.float64))
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"expected a table of two or more subjects and readers, got {values.shape}")
    squares = _mean_squares(values)
    single = {"ICC(1": _one_way, "ICC(k": _one_way, "ICC(C": _consistency, "ICC(A": _absolute}[form[:5]]
    found = single(squares, (1.0 + confidence) / 2.0)
    if "k" not in form:
        return found
    return Limits(*(_of_the_mean(value, squares.k) for value in (found.value, found.low, found.high)))


class _Squares(NamedTuple):
    """Mean squares of a table of n subjects and k readers."""

    subjects: float
    readers: float
    error: float
    within: float
    n: int
    k: int


def _mean_squares(table: NDArray[np.float64]) -> _Squares:
    n, k = table.shape
    centred = table - table.mean()
    subjects = k * float((centred.mean(axis=1) ** 2).sum())
    readers = n * float((centred.mean(axis=0) ** 2).sum())
    within = float(((table - table.mean(axis=1, keepdims=True)) ** 2).sum())
    rest = centred - centred.mean(axis=1, keepdims=True) - centred.mean(axis=0, keepdims=True)
    return _Squares(
        subjects=subjects / (n - 1),
        readers=readers / (k - 1),
        error=float((rest**2).sum()) / ((n - 1) * (k - 1)),
        within=within / (n * (k - 1)),
        n=n,
        k=k,
    )


def _one_way(squares: _Squares, quantile: float) -> Limits:
    return _from_f(squares, squares.within, squares.n * (squares.k - 1), quantile)


def _consistency(squares: _Squares, quantile: float) -> Limits:
    return _from_f(squares, squares.error, (squares.n - 1) * (squares.k - 1), quantile)


def _from_f(squares: _Squares, error: float, df: int, quantile: float) -> Limits:
    """ICC(1) and ICC(C,1): the F ratio of subjects to error, and its limits."""
    n, k, subjects = squares.n, squares.k, squares.subjects

    def share(times_error: float, times_subjects: float) -> float:
        top = times_subjects * subjects - times_error * error
        return _divide(top, top + k * times_error * error)

    below, above = float(fdtri(n - 1, df, quantile)), float(fdtri(df, n - 1, quantile))
    return Limits(share(1.0, 1.0), share(below, 1.0), share(1.0, above))


def _absolute(squares: _Squares, quantile: float) -> Limits:
    """ICC(A,1), with the degrees of freedom after Satterthwaite."""
    subjects, readers, error, _, n, k = squares
    total = subjects + (k - 1) * error + k / n * (readers - error)
    value = _divide(subjects - error, total)
    if value == 1.0 or math.isnan(value):
        return Limits(value, value, value)
    a = k * value / (n * (1.0 - value)) * readers
    b = (1.0 + k * value * (n - 1) / (n * (1.0 - value))) * error
    df = _divide((a + b) ** 2, a**2 / (k - 1) + b**2 / ((n - 1) * (k - 1)))
    below, above = float(fdtri(n - 1, df, quantile)), float(fdtri(df, n - 1, quantile))
    others = k * readers + (k * n - k - n) * error
    low = _divide(n * (subjects / below - error), others + n * subjects / below)
    high = _divide(n * (above * subjects - error), others + n * above * subjects)
    return Limits(value, low, high) if low <= value <= high else Limits(value, math.nan, math.nan)


def _of_the_mean(value: float, k: int) -> float:
    """The correlation of the mean of k readers (Spearman-Brown); -inf from its pole down."""
    below = 1.0 + (k - 1) * value
    return -math.inf if below <= 0.0 else k * value / below


def _divide(top: float, below: float) -> float:
    return top / below if below else math.nan


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(values).all():
        raise ValueError("expected finite numbers; leave out or settle undefined pairs first")
    return values
