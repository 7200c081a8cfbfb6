"""A forest plot beside a table: one axis for a metric, positions for estimates, intervals and cases."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oncohort.reporting.numbers import format_number

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A linear scale from `low` to `high` with round ticks, drawn `width` units wide inside `margin`.

    Examples:
        >>> axis = Axis.around([0.2, 0.9], bounded=True)
        >>> axis.low, axis.high, axis.place(0.5)
        (0.0, 1.0, 130.0)
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    width: float = 240.0
    margin: float = 10.0

    @staticmethod
    def around(values: Iterable[float], *, bounded: bool) -> Axis:
        """The axis that holds all values and zero; from 0 to 1 if the metric is `bounded` so."""
        found = [value for value in values if math.isfinite(value)]
        low, high = (0.0, 1.0) if bounded else (min([0.0, *found]), max([0.0, *found]))
        if high == low:
            high = low + 1.0
        step = _round_step((high - low) / 4.0)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(round(number * step, 10) for number in range(first, last + 1))
        return Axis(ticks[0], ticks[-1], ticks)

    @property
    def labels(self) -> tuple[tuple[float, str], ...]:
        """Place and text of each tick."""
        step = self.ticks[1] - self.ticks[0]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        digits += 0 if math.isclose(round(step, digits), step) else 1
        return tuple((self.place(tick), format_number(tick, digits)) for tick in self.ticks)

    @property
    def total(self) -> float:
        """Width with both margins."""
        return self.width + 2 * self.margin

    def place(self, value: float) -> float:
        """Where `value` lies, in drawing units; values beyond the ends are put on the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.margin + self.width * share, 2)


def stacked(places: Sequence[float], *, apart: float, most: int = 4) -> list[tuple[float, int]]:
    """Each place with the row it takes so that dots closer than `apart` do not cover each other.

    Examples:
        >>> stacked([10.0, 11.0, 30.0], apart=3.0)
        [(10.0, 0), (11.0, 1), (30.0, 0)]
    """
    ends: list[float] = []
    result = []
    for place in sorted(places):
        row = next((row for row, end in enumerate(ends) if place - end >= apart), len(ends))
        if row == most:
            row = ends.index(min(ends))
        ends[row : row + 1] = [place]
        result.append((place, row))
    return result


def _round_step(rough: float) -> float:
    scale = 10.0 ** math.floor(math.log10(rough))
    return scale * next(step for step in _STEPS if step * scale >= rough * 0.999)
