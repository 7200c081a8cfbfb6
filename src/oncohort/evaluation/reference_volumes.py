"""How much the references of a cohort hold, for figures of scores that do not say it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.cohort import Case, Cohort
from oncohort.compute import ProgressCallback, map_items
from oncohort.errors import InputError
from oncohort.geometry import Geometry


@dataclass(frozen=True)
class _Volume:
    role: str

    def __call__(self, case: Case) -> float | None:
        if self.role not in case:
            return None
        try:
            labels = case.label_map(self.role)
            return mask_volume_ml(labels.foreground(), labels.geometry)
        except InputError:
            return None


def mask_volume_ml(mask: NDArray[np.bool_], grid: Geometry) -> float:
    """Volume in ml of a mask (i, j, k) on a grid.

    Examples:
        >>> mask_volume_ml(np.ones((2, 1, 1), bool), Geometry((2, 1, 1), np.diag([10.0, 10.0, 5.0, 1.0])))
        1.0
    """
    return int(np.count_nonzero(mask)) * grid.voxel_ml


def reference_volumes(
    cohort: Cohort, role: str, cases: Collection[str], *, progress: ProgressCallback | None = None
) -> dict[str, float | None]:
    """Volume in ml of all that a mask holds, by case; None where there is no mask or it cannot be read.

    Args:
        cohort: Holds the masks.
        role: Of the reference.
        cases: Which cases; those that the cohort lacks have None.
        progress: Called after every case.

    Examples:
        >>> from pathlib import Path
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> from oncohort.labels import LabelScheme
        >>> empty = Cohort(CohortFacts("none", "test"), LabelScheme("none", {}), Tables.from_rows({}), len, Path())
        >>> reference_volumes(empty, "lesions", ["A"])
        {'A': None}
    """
    known = [case for case in cases if case in cohort.case_ids]
    items = [cohort[case] for case in known]
    found = map_items(_Volume(role), items, keys=known, progress=progress, label="volumes")
    return {**dict.fromkeys(cases), **dict(zip(known, found, strict=True))}
