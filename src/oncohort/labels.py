"""Names of labels and their integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oncohort.errors import LabelError

_LARGEST = 65535  # what the voxels of a mask can hold


@dataclass(frozen=True)
class LabelScheme:
    """Names and integers of the labels in a mask; 0 is background and has no name.

    Args:
        name: What the scheme is called.
        labels: Integer per name, from 1 to 65535, each once.
        groups: Names that stand for several labels (pancreas = head + body + tail).
        codes: SNOMED CT code per name, where known.
        aliases: Other names under which data sets know a label.

    Raises:
        LabelError: Two names share an integer, or a group names no label.

    Examples:
        >>> scheme = LabelScheme("lesion", {"lesion": 1}, aliases={"tumour": "lesion"})
        >>> scheme.value("tumour"), scheme.name_of(1)
        (1, 'lesion')
    """

    name: str
    labels: Mapping[str, int]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = list(self.labels.values())
        if any(not 1 <= value <= _LARGEST for value in values) or len(set(values)) != len(values):
            raise self._wrong(f"a different integer from 1 to {_LARGEST} for every name", str(dict(self.labels)))
        for members in (*self.groups.values(), self.aliases.values(), self.codes):
            missing = sorted(set(members) - set(self.labels))
            if missing:
                raise self._wrong("groups, codes and aliases of known labels", ", ".join(missing))

    def value(self, name: str) -> int:
        """The integer of `name` or of the label that it is an alias of.

        Raises:
            LabelError: No label has this name.
        """
        known = self.aliases.get(name, name)
        if known not in self.labels:
            raise self._wrong(f"one of {', '.join(self.labels)}", repr(name))
        return self.labels[known]

    def name_of(self, value: int) -> str:
        """The name of integer `value`.

        Raises:
            LabelError: No label has this integer.
        """
        for name, number in self.labels.items():
            if number == value:
                return name
        raise self._wrong(f"one of {sorted(self.labels.values())}", str(value))

    def to_dict(self) -> dict[str, Any]:
        """The scheme as JSON values; `from_dict` reads it back."""
        return {
            "name": self.name,
            "labels": dict(self.labels),
            "groups": {name: list(members) for name, members in self.groups.items()},
            "codes": dict(self.codes),
            "aliases": dict(self.aliases),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> LabelScheme:
        """The scheme that `to_dict` wrote.

        Raises:
            LabelError: The values are no label scheme.
        """
        try:
            return LabelScheme(
                name=str(values["name"]),
                labels={str(name): int(value) for name, value in values["labels"].items()},
                groups={str(name): tuple(members) for name, members in values.get("groups", {}).items()},
                codes=dict(values.get("codes", {})),
                aliases=dict(values.get("aliases", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LabelError(
                expected="a label scheme (name, labels)",
                found=repr(error),
                where="label scheme",
                remedy="see docs/cohort-format.md",
            ) from error

    def _wrong(self, expected: str, found: str) -> LabelError:
        return LabelError(
            expected=expected, found=found, where=f"label scheme {self.name!r}", remedy="correct the label scheme"
        )
