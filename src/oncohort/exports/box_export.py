"""What exports of boxes on slices have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from oncohort.cohort import Cohort
from oncohort.exports.boxes import BoxChoice
from oncohort.splits import Split


@dataclass(frozen=True)
class BoxExport:
    """Which boxes and slices are written, and in which parts.

    Args:
        choice: Which boxes.
        slices: Slices with boxes, or all of every volume that has boxes.
        split: The parts, if there are any.
    """

    choice: BoxChoice = field(default_factory=BoxChoice)
    slices: Literal["boxed", "all"] = "boxed"
    split: Split | None = None

    name: ClassVar[str] = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """None: no voxel is read."""
        return ()

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        own = {"slices": self.slices, "split": None if self.split is None else self.split.content_hash}
        return {"export": self.name, **self.choice.settings(), **own}

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """The boxes of the case and the volumes that they lie on."""
        return self.choice.facts(cohort, case)

    def check(self, cohort: Cohort) -> None:
        """Raise unless there are boxes of one reader, and the split fits.

        Raises:
            SettingsError: No boxes, or several readers.
            LeakageError: The split stands for other cases.
        """
        self.choice.check(cohort, self.name)
        if self.split is not None:
            self.split.require_cohort(cohort.tables.cases)
