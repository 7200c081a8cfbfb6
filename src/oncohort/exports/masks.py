"""Which masks are written, and by which integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oncohort.cohort import Cohort
from oncohort.exports.boxes import BoxChoice
from oncohort.exports.case_files import volume_row, wrong_setting
from oncohort.exports.labels import LabelMapping, mapped
from oncohort.exports.named_labels import named_labels, require_named
from oncohort.splits import Split
from oncohort.units import Unit
from oncohort.volume import Volume


@dataclass(frozen=True)
class Masks:
    """The masks of one role, or some of their labels.

    Args:
        role: In the cohort.
        labels: Labels and groups of the scheme that are written, the others become background; none for all.
        union: Name of the one label that all labels together become.

    Examples:
        >>> Masks("organs", labels=("liver", "spleen")).settings()
        {'label_role': 'organs', 'labels': ['liver', 'spleen'], 'union': None}
    """

    role: str = "lesions"
    labels: tuple[str, ...] = ()
    union: str | None = None

    def settings(self) -> dict[str, Any]:
        """The choice as JSON values."""
        return {"label_role": self.role, "labels": list(self.labels), "union": self.union}

    def check(self, cohort: Cohort, export: str) -> None:
        """Raise unless the scheme of the cohort has the labels.

        Raises:
            SettingsError: A label that it lacks, or union beside labels.
        """
        if self.union is not None and self.labels:
            raise wrong_setting(export, "union alone", "labels beside it", "leave one of them out")
        require_named(self.labels, cohort.scheme, where=f"export {export}")

    def mapping(self, cohort: Cohort) -> LabelMapping:
        """The integers that are written: 1, 2, 3 ... without gaps."""
        if self.union is not None:
            return LabelMapping({self.union: 1}, {self.union: 1})
        return LabelMapping.gapless(cohort.scheme, only=named_labels(self.labels, cohort.scheme))

    def unchanged(self, cohort: Cohort) -> LabelMapping:
        """The integers that are written where they need not be consecutive: those of the cohort."""
        if self.union is not None:
            return self.mapping(cohort)
        chosen = named_labels(self.labels, cohort.scheme)
        kept = {name: value for name, value in cohort.scheme.labels.items() if name in (chosen or {name})}
        return LabelMapping(kept, kept, tuple(sorted(set(cohort.scheme.labels.values()) - set(kept.values()))))

    def volume(self, cohort: Cohort, case: str, mapping: LabelMapping) -> Volume:
        """The masks of a case as one volume of integers.

        Raises:
            MissingNeedError: The case has no such masks.
            LabelError: Labels overlap, or an integer has no name.
        """
        volume_row(cohort, case, self.role)
        found = cohort[case].label_map(self.role)
        if self.union is not None:
            return Volume.from_array(found.foreground().astype(np.uint8), found.geometry, Unit.LABEL)
        return mapped(found, mapping, where=f"case {case}")


def check_contents(
    export: str, cohort: Cohort, masks: Masks | None, boxes: BoxChoice | None, split: Split | None
) -> None:
    """Raise unless what an export writes fits the cohort.

    Raises:
        SettingsError: A label that the scheme lacks, no boxes, or several readers.
        LeakageError: The split stands for other cases.
    """
    if masks is not None:
        masks.check(cohort, export)
    if boxes is not None:
        boxes.check(cohort, export)
    if split is not None:
        split.require_cohort(cohort.tables.cases)
