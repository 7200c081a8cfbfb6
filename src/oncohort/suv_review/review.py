"""How one PET becomes SUV, as a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oncohort.suv import Alternative


@dataclass(frozen=True)
class SeriesReview:
    """How one PET becomes SUV.

    Attributes:
        name: series, case and role, or row.
        where: folder or file.
        rule: of the factor; "" if it was refused.
        factors: smallest and largest factor over the slices; None if refused.
        refusal: code and reason; "" if there is a factor.
        record: every tag and choice, as it stands beside a volume.
        alternatives: other rules with the smallest and largest difference in percent.
        warnings: doubts about this header alone.
        doubts: in what it differs from the others.
    """

    name: str
    where: str
    rule: str = ""
    factors: tuple[float, float] | None = None
    refusal: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    alternatives: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def part(self, name: str) -> float | None:
        """A number of the record, such as `weight_kg`, `dose_bq`, `seconds_since_injection`."""
        value = self.record.get(name, {})
        return float(value["value"]) if isinstance(value, Mapping) and "value" in value else None

    @property
    def winner(self) -> str:
        """Which candidate for the reference time was taken; "" without one."""
        return str(self.record.get("reference_time", {}).get("winner", ""))

    @property
    def is_odd(self) -> bool:
        """Whether somebody should look at it."""
        return bool(self.refusal or self.warnings or self.doubts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Refusal, warnings and doubts."""
        return (*((self.refusal,) if self.refusal else ()), *self.warnings, *self.doubts)

    @property
    def alternative_lines(self) -> tuple[str, ...]:
        """What other rules would change, a line each."""
        keys = ("rule", "low_percent", "high_percent")
        return tuple(Alternative(*(one[key] for key in keys)).text for one in self.alternatives)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "name": self.name,
            "where": self.where,
            "rule": self.rule or None,
            "factor": None if self.factors is None else list(self.factors),
            "refusal": self.refusal or None,
            "alternatives": [dict(one) for one in self.alternatives],
            "warnings": list(self.warnings),
            "doubts": list(self.doubts),
            "record": dict(self.record),
        }
