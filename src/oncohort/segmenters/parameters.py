"""Parameters of segmenters, checked."""

from __future__ import annotations

import math
from typing import Any

from oncohort.errors import SettingsError


def require_positive(name: str, value: Any, *, segmenter: str, limit: float = math.inf) -> None:
    """Raise unless `value` is a finite number above 0 and at most `limit`.

    Raises:
        SettingsError: Naming the parameter and the segmenter.

    Examples:
        >>> require_positive("suv", 2.5, segmenter="threshold")
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and 0 < value <= limit:
        return
    bound = "" if math.isinf(limit) else f" and at most {limit:g}"
    raise wrong_parameter(segmenter, f"{name} as a number above 0{bound}", repr(value))


def wrong_parameter(segmenter: str, expected: str, found: str) -> SettingsError:
    """The error for a parameter that a segmenter does not take."""
    return SettingsError(expected=expected, found=found, where=f"segmenter {segmenter}", remedy="correct the setting")
