"""Dates and times as DICOM writes them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

_FIRST_YEAR, _LAST_YEAR = 1800, 9000
_DATE = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})$")
_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,6})\d*)?)?$")
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})$")
_DATETIME = re.compile(r"(\d{8})(\d{4,6}(?:\.\d+)?)([+-]\d{4})?$")


def parse_date(text: str) -> date | None:
    """The day of a DA value, or None if it is no day.

    Examples:
        >>> parse_date("20000907")
        datetime.date(2000, 9, 7)
    """
    found = _DATE.match(text.strip())
    if found is None:
        return None
    try:
        day = date(*(int(part) for part in found.groups()))
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def parse_time(text: str) -> time | None:
    """The time of day of a TM value, whose seconds may be missing; None if it is none.

    Examples:
        >>> parse_time("104830.351370"), parse_time("1050")
        (datetime.time(10, 48, 30, 351370), datetime.time(10, 50))
    """
    found = _TIME.match(text.strip())
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    try:
        return time(int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")))
    except ValueError:
        return None


def parse_datetime(text: str) -> datetime | None:
    """The instant of a DT value in the clock of the scanner (an offset from UTC is left aside); None if it is none.

    Examples:
        >>> parse_datetime("20201217083045.000000 ")
        datetime.datetime(2020, 12, 17, 8, 30, 45)
    """
    found = _DATETIME.match(text.strip())
    if found is None:
        return None
    return join(found.group(1), found.group(2))


def join(day: str, clock: str) -> datetime | None:
    """The instant that a DA and a TM value give together; None unless both are valid."""
    parsed_day, parsed_time = parse_date(day), parse_time(clock)
    if parsed_day is None or parsed_time is None:
        return None
    return datetime.combine(parsed_day, parsed_time)


def seconds(later: datetime, earlier: datetime) -> float:
    """Seconds from `earlier` to `later`."""
    return (later - earlier) / timedelta(seconds=1)


def utc_offset(text: str) -> timedelta | None:
    """The offset from UTC that a DT value or TimezoneOffsetFromUTC ends with, or None.

    Examples:
        >>> utc_offset("20250101090000-0100") == -timedelta(hours=1), utc_offset("20250101090000")
        (True, None)
    """
    found = _OFFSET.search(text.strip())
    if found is None:
        return None
    sign = -1 if found.group(1) == "-" else 1
    return sign * timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))


def local_datetime(text: str, zone: str) -> datetime | None:
    """The instant of a DT value in the clock of a scanner.

    A value with an offset from UTC is moved into the zone of the scanner, if that is known; without either it is in
    that zone already.

    Args:
        text: The DT value.
        zone: TimezoneOffsetFromUTC of the file, "" if it is missing.

    Examples:
        >>> local_datetime("20250101090000-0100", "+0000")
        datetime.datetime(2025, 1, 1, 10, 0)
    """
    instant, own, there = parse_datetime(text), utc_offset(text), utc_offset(zone)
    if instant is None or own is None or there is None:
        return instant
    return instant - own + there
