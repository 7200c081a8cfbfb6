"""Intervals of a share of independent units."""

from __future__ import annotations

from typing import Literal

from scipy import stats

from oncohort.statistics.interval import Interval


def wilson_interval(successes: int, total: int, *, confidence: float) -> Interval | None:
    """The score interval of successes / total without continuity correction; None if total is 0.

    For patients or scans. Lesions within a patient are not independent:
    use `ratio_draws` with drawn patients.

    Args:
        successes: 0 to total.
        total: Number of independent units.
        confidence: Such as 0.95.

    Raises:
        ValueError: Not 0 <= successes <= total.

    Source: Wilson, J Am Stat Assoc 22 (1927) 209-212.

    Examples:
        >>> low, high, *_ = wilson_interval(122, 151, confidence=0.95)
        >>> f"{low:.4f} to {high:.4f}"
        '0.7378 to 0.8628'
    """
    return _interval(successes, total, confidence, "wilson")


def clopper_pearson_interval(successes: int, total: int, *, confidence: float) -> Interval | None:
    """The exact interval of successes / total, which covers at least its confidence; None if total is 0.

    Wider than Wilson's; for 0 or all successes, or where coverage must be
    guaranteed.

    Args:
        successes: 0 to total.
        total: Number of independent units.
        confidence: Such as 0.95.

    Raises:
        ValueError: Not 0 <= successes <= total.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.

    Examples:
        >>> low, high, *_ = clopper_pearson_interval(0, 100, confidence=0.95)
        >>> low, round(high, 4)
        (0.0, 0.0362)
    """
    return _interval(successes, total, confidence, "exact")


_NAMES = {"wilson": "wilson", "exact": "clopper-pearson"}


def _interval(successes: int, total: int, confidence: float, method: Literal["wilson", "exact"]) -> Interval | None:
    if not 0 <= successes <= total:
        raise ValueError(f"expected 0 <= successes <= total, got {successes} of {total}")
    if total == 0:
        return None
    found = stats.binomtest(int(successes), int(total)).proportion_ci(confidence, method=method)
    return Interval(float(found.low), float(found.high), _NAMES[method])
