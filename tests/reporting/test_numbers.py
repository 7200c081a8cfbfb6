import math

import pytest

from oncohort.reporting.data import Column
from oncohort.reporting.numbers import DASH, explain, format_number, number_cell, spread_of


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.12345, 3, "0.123"),
        (-0.5, 1, "\u22120.5"),
        (-0.0004, 3, "0.000"),
        (9999.0, 0, "9999"),
        (10000.0, 0, "10\u202f000"),
    ],
)
def test_numbers_are_rounded_with_a_true_minus(value: float, digits: int, text: str) -> None:
    assert format_number(value, digits) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_number_is_a_dash_with_a_reason(value: float | None) -> None:
    cell = number_cell(value, 3, "both_empty")
    assert (cell.text, cell.value) == (DASH, None)
    assert cell.title == "undefined: reference and prediction are both empty"
    assert number_cell(value, 3).title == "not given"


def test_unknown_reasons_are_said_as_they_are() -> None:
    assert explain("grid_differs_by_2_mm") == "grid differs by 2 mm"


def test_spread_of_a_column() -> None:
    spread = spread_of(Column("a", "A", "count"), [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 5}, {}, {"a": math.nan}])
    assert spread is not None
    assert (spread.n, spread.median, spread.quartiles, spread.range) == (4, "2", "2 to 4", "1 to 5")
    assert spread.dots == (0.0, 0.25, 0.5, 1.0)
    assert spread.middle == 0.375
    assert not spread.is_log


def test_wide_positive_numbers_are_placed_by_their_logarithm() -> None:
    spread = spread_of(Column("a", "A", "ml"), [{"a": 1.0}, {"a": 10.0}, {"a": 100.0}])
    assert spread is not None
    assert spread.is_log
    assert spread.dots == (0.0, 0.5, 1.0)


def test_spread_of_one_value_and_of_none() -> None:
    one = spread_of(Column("a", "A"), [{"a": 3.0}])
    assert one is not None
    assert (one.median, one.quartiles, one.dots) == ("3.000", "3.000 to 3.000", (0.5,))
    assert spread_of(Column("a", "A"), [{"a": None}]) is None
