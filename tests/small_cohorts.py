"""Cohorts of a few voxels on disk, for tests of the rooms that join cohorts with something."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import open_cohort, write_cohort, write_label_map, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

CT_GRID = Geometry((12, 12, 8), [[-1.0, 0, 0, 5], [0, -1.0, 0, 6], [0, 0, 2.0, -7], [0, 0, 0, 1]])
PET_GRID = Geometry((6, 6, 5), [[-2.0, 0, 0, 4], [0, -2.0, 0, 5], [0, 0, 3.0, -6], [0, 0, 0, 1]])
SCHEME = LabelScheme("lesion", {"lesion": 1})


def write_small_cohort(
    folder: Path, cases: Iterable[str] = ("A", "B/1"), without: Iterable[tuple[str, str]] = ()
) -> Cohort:
    """A cohort with `ct`, `pet` and `lesions` per case, except the pairs (case, role) in `without`."""
    rows, volumes = [], []
    for number, case in enumerate(cases):
        rows.append({"case": case, "patient": case[:1], "tracer": "FDG", "own_fact": number})
        rng = np.random.default_rng(number)
        ct = Volume.from_array(rng.integers(-1000, 1000, CT_GRID.shape).astype(np.int16), CT_GRID, Unit.HU)
        pet = Volume.from_array(rng.random(PET_GRID.shape).astype(np.float32), PET_GRID, Unit.SUVBW, {"rule": "START"})
        lesions = LabelMap.from_masks({"lesion": pet.array > 0.8}, PET_GRID, SCHEME)
        for role, volume in (("ct", ct), ("pet", pet), ("lesions", lesions)):
            if (case, role) not in without:
                volumes.append(_written(folder, case, f"volumes/{number}/{role}.nii.gz", role, volume))
    tables = Tables.from_rows(
        {"cases": rows, "volumes": volumes, "refused": [{"path": "x.txt", "reason": "not DICOM"}]}
    )
    write_cohort(folder, Cohort(CohortFacts("small", "dicom", licences=("CC0-1.0",)), SCHEME, tables))
    return open_cohort(folder)


def _written(folder: Path, case: str, path: str, role: str, volume: Volume | LabelMap) -> dict[str, object]:
    if isinstance(volume, LabelMap):
        facts, unit, scale = write_label_map(folder / path, volume), "label", None
    else:
        facts, unit, scale = write_nifti(folder / path, volume), str(volume.unit), json.dumps(dict(volume.record))
    own = {"case": case, "role": role, "path": path, "unit": unit, "scale": scale, "state": "original", "version": 1}
    return {**own, **header_facts(volume), **facts}
