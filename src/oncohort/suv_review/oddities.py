"""Which PET of many is unlike the others."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from oncohort.suv_review.review import SeriesReview

MOST_DEVIATIONS = 3.5
"""A number further than this many robust deviations (1.4826 MAD) from the median of its cohort is odd."""

FEWEST = 5
"""Fewer series than these have no usual value."""


def find_odd(reviews: Iterable[SeriesReview]) -> tuple[SeriesReview, ...]:
    """The reviews with `doubts`: another rule, recipe or reference time than most, or a number far from the others.

    Numbers are compared where at least five series have them: minutes from injection to reference time, injected MBq
    and MBq/kg, weight.
    """
    listed = tuple(reviews)
    scaled = [one for one in listed if one.factors is not None]
    usual = {name: _most_frequent([read(one) for one in scaled]) for name, read in _WORDS.items()}
    ranges = {name: _range([read(one) for one in scaled]) for name, read in NUMBERS.items()}
    return tuple(replace(one, doubts=tuple(_doubts(one, usual, ranges))) for one in listed)


_WORDS: dict[str, Callable[[SeriesReview], str]] = {
    "rule": lambda one: one.rule,
    "recipe": lambda one: str(one.record.get("recipe", "")),
    "reference time": lambda one: one.winner,
}


def _megabecquerel_per_kg(one: SeriesReview) -> float | None:
    dose, weight = one.part("dose_bq"), one.part("weight_kg")
    return None if dose is None or not weight else dose / 1e6 / weight


def _scaled(name: str, divisor: float) -> Callable[[SeriesReview], float | None]:
    def read(one: SeriesReview) -> float | None:
        value = one.part(name)
        return None if value is None else value / divisor

    return read


NUMBERS: dict[str, Callable[[SeriesReview], float | None]] = {
    "minutes since injection": _scaled("seconds_since_injection", 60),
    "injected MBq": _scaled("dose_bq", 1e6),
    "injected MBq/kg": _megabecquerel_per_kg,
    "weight in kg": _scaled("weight_kg", 1),
}
"""What is compared, by its name with unit."""


def _doubts(
    one: SeriesReview, usual: Mapping[str, str], ranges: Mapping[str, tuple[float, float] | None]
) -> Iterator[str]:
    if one.factors is None:
        return
    for name, read in _WORDS.items():
        if usual[name] and read(one) and read(one) != usual[name]:
            yield f"{name} {read(one)}, most have {usual[name]}"
    for name, number in NUMBERS.items():
        value, usually = number(one), ranges[name]
        if value is not None and usually is not None and not usually[0] <= value <= usually[1]:
            yield f"{name} {value:.4g}, the others lie within {usually[0]:.4g} to {usually[1]:.4g}"


def _most_frequent(words: Sequence[str]) -> str:
    known = [word for word in words if word]
    if len(known) < FEWEST:
        return ""
    top = statistics.mode(known)
    return top if known.count(top) > len(known) / 2 else ""


def _range(numbers: Sequence[float | None]) -> tuple[float, float] | None:
    known = [number for number in numbers if number is not None]
    if len(known) < FEWEST:
        return None
    middle = statistics.median(known)
    deviation = 1.4826 * statistics.median([abs(number - middle) for number in known])
    width = MOST_DEVIATIONS * max(deviation, 0.01 * abs(middle))
    return middle - width, middle + width
