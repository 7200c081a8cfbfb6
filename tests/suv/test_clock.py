from __future__ import annotations

from datetime import date, datetime, time

import pytest

from oncohort.suv.clock import join, parse_date, parse_datetime, parse_time, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20250131", date(2025, 1, 31)),
        ("2025.01.31", date(2025, 1, 31)),
        ("20250231", None),
        ("17991231", None),
        ("90010101", None),
        ("2025", None),
        ("", None),
    ],
)
def test_dates(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("103015.5", time(10, 30, 15, 500000)),
        ("103015.1234567", time(10, 30, 15, 123456)),
        ("10:30:15", time(10, 30, 15)),
        ("1030", time(10, 30)),
        ("256060", None),
        ("10", None),
        ("noon", None),
    ],
)
def test_times(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20250131103015.25+0100", datetime(2025, 1, 31, 10, 30, 15, 250000)),
        ("202501311030", datetime(2025, 1, 31, 10, 30)),
        ("20250131", None),
        ("20251331103015", None),
    ],
)
def test_datetimes(text, expected):
    assert parse_datetime(text) == expected


def test_join_needs_both():
    assert join("20250131", "1030") == datetime(2025, 1, 31, 10, 30)
    assert join("", "1030") is None
    assert join("20250131", "") is None


def test_seconds_have_a_direction():
    assert seconds(datetime(2025, 1, 1, 0, 1), datetime(2025, 1, 1)) == 60.0
