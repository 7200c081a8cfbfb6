"""A value with the tag that gave it and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One value read from the header, where it came from, and what was done to it.

    Attributes:
        value: in the unit that the function names.
        source: tag or rule that gave it.
        notes: conversions and doubts, as sentences.

    Examples:
        >>> Finding(71.0, "PatientWeight").notes
        ()
    """

    value: float
    source: str
    notes: tuple[str, ...] = ()
