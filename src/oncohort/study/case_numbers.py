"""What a reader wants to know of each case before any score: lesion volume, count, uptake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oncohort.cohort import Case, Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError
from oncohort.evaluation.reference_volumes import mask_volume_ml
from oncohort.formats import fingerprint_case
from oncohort.kernels import label_components
from oncohort.profiles import Profile
from oncohort.reporting import Column
from oncohort.storage import content_key

_VERSION = 1  # of the numbers below; part of every key

COLUMNS = (
    Column("lesion_ml", "Lesion volume", "ml", "", "Volume of the reference mask"),
    Column("lesions", "Lesions", "count", "", "Connected components of the reference mask"),
    Column("suvmax", "SUVmax in lesions", "SUVbw", "", "Largest body-weight SUV inside the reference mask"),
    Column("image_suvmax", "SUVmax in image", "SUVbw", "", "Largest body-weight SUV of the whole PET"),
)
"""The numbers of a case, as the report shows them."""


@dataclass(frozen=True)
class _Count:
    role: str
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
        mask = case.label_map(self.role).foreground() if self.role in case else None
        pet = case.image("pet") if "pet" in case else None
        if mask is None:
            undefined.update(dict.fromkeys(("lesion_ml", "lesions"), "no reference mask"))
        else:
            numbers["lesion_ml"] = mask_volume_ml(mask, case[self.role].geometry)
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
        elif not pet.geometry.is_same_grid(case[self.role].geometry):
            undefined["suvmax"] = "the mask is not on the grid of the PET"
        else:
            numbers["suvmax"] = float(pet.array[mask].max())
        return {**numbers, "undefined": undefined}


def count_cases(
    cohort: Cohort, profile: Profile, *, store: ResultStore, jobs: int, progress: ProgressCallback | None
) -> list[dict[str, Any]]:
    """One row per case with the numbers of `COLUMNS`, or the reason why one is undefined."""
    role = profile.target.role
    keys = [_key(cohort, case, profile) for case in cohort.case_ids]
    results = map_items(
        _Count(role, _connectivity(profile)),
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
    return content_key("case numbers", _VERSION, case, role, _connectivity(profile), needed)
