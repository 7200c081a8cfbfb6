"""Numbers as a reader sees them: rounded, with a true minus, or a dash with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from oncohort.reporting.data import Column, Row

DASH = "–"
_REASONS = {
    "prediction_missing": "the prediction is missing",
    "prediction_skipped": "there is no usable prediction, and the profile leaves such cases out",
    "prediction_unreadable": "the prediction cannot be read",
    "prediction_empty": "the prediction is empty",
    "reference_empty": "the reference is empty",
    "reference_not_annotated": "nobody looked for the structure in the reference",
    "both_empty": "reference and prediction are both empty",
}


@dataclass(frozen=True)
class Cell:
    """A number in a table, or a dash with the reason in `title`."""

    text: str
    value: float | None = None
    title: str = ""


@dataclass(frozen=True)
class Spread:
    """How one number is spread over the cases; texts, and positions from 0 to 1 for the strip of dots."""

    label: str
    unit: str
    n: int
    median: str
    quartiles: str
    range: str
    dots: tuple[float, ...]
    middle: float
    is_log: bool


def format_number(value: float, digits: int) -> str:
    """`value` with `digits` decimals, thousands apart from 10 000 on, and a true minus sign.

    Examples:
        >>> format_number(-0.0004, 3), format_number(-12345.6, 1)
        ('0.000', '−12\u202f345.6')
    """
    text = f"{abs(value):,.{digits}f}" if abs(value) >= 10_000 else f"{abs(value):.{digits}f}"
    negative = value < 0 and any(letter in "123456789" for letter in text)
    return ("−" if negative else "") + text.replace(",", "\u202f")


def format_p(log10_p: float | None) -> str:
    """A p-value from its decimal logarithm, so that none is ever printed as 0.

    Examples:
        >>> format_p(-1.0), format_p(-3.2), format_p(-1535.37), format_p(None)
        ('0.100', '6.3e-4', '4.3e-1536', '–')
    """
    if log10_p is None or math.isnan(log10_p):
        return DASH
    if log10_p >= -3:
        return f"{10.0**log10_p:.3f}"
    exponent = math.floor(log10_p)
    mantissa = f"{10.0 ** (log10_p - exponent):.1f}"
    return f"1.0e{exponent + 1}" if mantissa == "10.0" else f"{mantissa}e{exponent}"


def explain(reason: str) -> str:
    """A reason code as words.

    Examples:
        >>> explain("reference_empty"), explain("no_surface")
        ('the reference is empty', 'no surface')
    """
    return _REASONS.get(reason, reason.replace("_", " "))


def number_cell(value: Any, digits: int, reason: str | None = None) -> Cell:
    """The cell of a value that may be missing.

    Examples:
        >>> number_cell(None, 3, "reference_empty").title
        'undefined: the reference is empty'
        >>> number_cell(0.5, 3)
        Cell(text='0.500', value=0.5, title='')
    """
    if value is None or not math.isfinite(value):
        return Cell(DASH, None, f"undefined: {explain(reason)}" if reason else "not given")
    return Cell(format_number(float(value), digits), float(value))


def spread_of(column: Column, rows: Iterable[Mapping[str, Any]]) -> Spread | None:
    """Median, quartiles and range of one column over the cases; None if no case has a value.

    Quartiles by linear interpolation between the ordered values (Hyndman and Fan, type 7).

    Examples:
        >>> spread_of(Column("a", "A", "ml"), [{"a": 1.0}, {"a": 2.0}, {"a": 9.0}, {"a": None}]).quartiles
        '1.5 to 5.5'
    """
    values = sorted(float(row[column.name]) for row in rows if _is_number(row, column.name))
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    is_log = values[0] > 0 and values[-1] / values[0] > 30
    return Spread(
        label=column.label,
        unit=column.printed_unit,
        n=len(values),
        median=format_number(middle, column.digits),
        quartiles=f"{format_number(low, column.digits)} to {format_number(high, column.digits)}",
        range=f"{format_number(values[0], column.digits)} to {format_number(values[-1], column.digits)}",
        dots=tuple(_place(value, values[0], values[-1], is_log=is_log) for value in values),
        middle=_place(middle, values[0], values[-1], is_log=is_log),
        is_log=is_log,
    )


def _is_number(row: Row, name: str) -> bool:
    value = row.get(name)
    return value is not None and math.isfinite(value)


def _place(value: float, low: float, high: float, *, is_log: bool) -> float:
    if high == low:
        return 0.5
    if is_log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return round((value - low) / (high - low), 4)
