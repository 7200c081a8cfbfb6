"""What a reader wants to know of each case before any score: lesion volume, count, uptake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.cohort import Case, Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError
from oncohort.evaluation.reference_volumes import mask_volume_ml
from oncohort.formats import fingerprint_case
from oncohort.kernels import label_components
from oncohort.profiles import Profile, Target
from oncohort.reporting import Column
from oncohort.storage import content_key
from oncohort.volume import LabelMap

_VERSION = 2  # of the numbers below; part of every key

COLUMNS = (
    Column("lesion_ml", "Lesion volume", "ml", "", "Volume of the reference mask"),
    Column("lesions", "Lesions", "count", "", "Connected components of the reference mask"),
    Column("suvmax", "SUVmax in lesions", "SUVbw", "", "Largest body-weight SUV inside the reference mask"),
    Column("image_suvmax", "SUVmax in image", "SUVbw", "", "Largest body-weight SUV of the whole PET"),
)
"""The numbers of a case, as the report shows them."""


@dataclass(frozen=True)
class _Count:
    target: Target
    connectivity: int | None

    def __call__(self, case: Case) -> dict[str, Any]:
        try:
            return self._numbers(case)
        except InputError as error:
            reason = str(error)
            return {"undefined": {column.name: reason for column in COLUMNS}}

    def _numbers(self, case: Case) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        undefined: dict[str, str] = {}
        role = self.target.role
        mask = _lesions(case.label_map(role), self.target) if role in case else None
        pet = case.image("pet") if "pet" in case else None
        if mask is None:
            reason = "the profile scores every label by itself" if role in case else "no reference mask"
            undefined.update(dict.fromkeys(("lesion_ml", "lesions"), reason))
        else:
            numbers["lesion_ml"] = mask_volume_ml(mask, case[role].geometry)
            if self.connectivity is None:
                undefined["lesions"] = "the profile has no components"
            else:
                numbers["lesions"] = label_components(mask, self.connectivity)[1]
        if pet is None:
            undefined["image_suvmax"] = "no PET"
        else:
            numbers["image_suvmax"] = float(pet.array.max())
        if mask is None or pet is None or not mask.any():
            undefined["suvmax"] = "no lesion voxel on a PET"
        elif not pet.geometry.is_same_grid(case[role].geometry):
            undefined["suvmax"] = "the mask is not on the grid of the PET"
        else:
            numbers["suvmax"] = float(pet.array[mask].max())
        return {**numbers, "undefined": undefined}


def _lesions(labels: LabelMap, target: Target) -> NDArray[np.bool_] | None:
    """The structures that the profile names, or all labels where they are one; None where each is scored by itself."""
    if target.is_union:
        return labels.foreground()
    if target.structures == "each":
        return None
    masks = [labels.mask(name) for name in target.structures or ()]
    return np.asarray(np.any(masks, axis=0), np.bool_)


def count_cases(
    cohort: Cohort, profile: Profile, *, store: ResultStore, jobs: int, progress: ProgressCallback | None
) -> list[dict[str, Any]]:
    """One row per case with the numbers of `COLUMNS`, or the reason why one is undefined."""
    keys = [_key(cohort, case, profile) for case in cohort.case_ids]
    results = map_items(
        _Count(profile.target, _connectivity(profile)),
        list(cohort),
        keys=keys,
        store=store,
        jobs=jobs,
        progress=progress,
        label="describe",
    )
    store.prune(set(keys))
    cases = cohort.tables.cases.select("case", "patient").iter_rows(named=True)
    return [{**case, **numbers} for case, numbers in zip(cases, results, strict=True)]


def _connectivity(profile: Profile) -> int | None:
    return None if profile.components is None else profile.components.connectivity


def _key(cohort: Cohort, case: str, profile: Profile) -> str:
    role = profile.target.role
    needed = fingerprint_case(cohort, case, ("pet", role))
    structures = profile.target.structures
    return content_key("case numbers", _VERSION, case, role, structures, _connectivity(profile), needed)
