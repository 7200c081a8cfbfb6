"""Values of a JSON file by the kind that they must have.

Every function gives the value back or raises `ValueError` with what it found; the reader of a format catches it and
says which file it is.
"""

from __future__ import annotations

import math
import string
from typing import Any

_SHOWN = 80
_SHA256_LENGTH = 64


def as_object(value: Any) -> dict[str, Any]:
    """An object.

    Examples:
        >>> as_object({"a": 1})
        {'a': 1}
    """
    if not isinstance(value, dict):
        raise _wrong(value, "an object")
    return dict(value)


def as_list(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise _wrong(value, "a list")
    return list(value)


def as_text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise _wrong(value, "text")
    return value


def as_texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(as_text(one) for one in as_list(value))


def as_count(value: Any) -> int:
    """A whole number from 0; neither true nor 1.0."""
    if type(value) is not int or value < 0:
        raise _wrong(value, "a whole number from 0")
    return value


def as_number(value: Any) -> float:
    """A finite number from 0.

    Examples:
        >>> as_number(2)
        2.0
    """
    number = as_finite(value)
    if number is None or number < 0:
        raise _wrong(value, "a number from 0")
    return number


def as_finite(value: Any) -> float | None:
    """A number; None for null, NaN and infinities, which some programs write into JSON.

    Examples:
        >>> as_finite(-1.5), as_finite(float("nan")), as_finite(None)
        (-1.5, None, None)
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "a number or null")
    try:
        number = float(value)
    except OverflowError as error:
        raise _wrong("an integer beyond all floats", "a number or null") from error
    return number if math.isfinite(number) else None


def as_sha256(value: Any) -> str:
    """A SHA-256 in lower-case hexadecimal."""
    text = as_text(value)
    if len(text) != _SHA256_LENGTH or not set(text) <= set(string.hexdigits.lower()):
        raise _wrong(text, "a SHA-256")
    return text


def _wrong(value: Any, expected: str) -> ValueError:
    found = type(value).__name__ if isinstance(value, dict | list) else repr(value)[:_SHOWN]
    return ValueError(f"{found} instead of {expected}")
