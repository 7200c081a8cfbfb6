"""What two profiles say differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oncohort.profiles.schema import Profile

_ABOUT_THE_FILE = ("type", "format_version")
_ORDERED = ("metric.", "cohort_metric.", "box_metric.")


@dataclass(frozen=True)
class Difference:
    """One key that two profiles answer differently.

    Args:
        key: Such as `components.connectivity` or `metric.dice.weight`.
        first: The value in the first profile as JSON; None where it has none.
        second: The same of the second.
    """

    key: str
    first: Any
    second: Any


def compare_profiles(first: Profile, second: Profile) -> tuple[Difference, ...]:
    """Every key with another value, in the order of the files; comments are not compared.

    Metrics are compared by their column in the scores. One that only one
    profile has is a single difference, `metric.<column>`; another order is
    one of `metric`.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> found = compare_profiles(load_profile("autopet-i"), load_profile("autopet-iii"))
        >>> [one for one in found if one.key == "metric.dice.reference_empty"]
        [Difference(key='metric.dice.reference_empty', first=0.0, second='undefined')]
    """
    return tuple(_differences("", _facts(first), _facts(second)))


def _facts(profile: Profile) -> dict[str, Any]:
    """The profile as nested tables, metrics by their column."""
    facts = profile.model_dump(mode="json", exclude=set(_ABOUT_THE_FILE))
    for key in ("metric", "cohort_metric", "box_metric"):
        facts[key] = {rule.column: rule.model_dump(mode="json") for rule in getattr(profile, key)}
    return facts


def _differences(prefix: str, first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys([*first, *second]):
        here, there = first.get(key), second.get(key)
        if isinstance(here, dict) and isinstance(there, dict):
            yield from _differences(f"{prefix}{key}.", here, there)
        elif here != there:
            yield Difference(f"{prefix}{key}", here, there)
    if prefix in _ORDERED and [key for key in first if key in second] != [key for key in second if key in first]:
        yield Difference(prefix.removesuffix("."), list(first), list(second))
