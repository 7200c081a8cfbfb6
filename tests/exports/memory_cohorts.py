"""Cohorts in memory for exports: voxels given by case and role."""

from __future__ import annotations

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((6, 5, 4), [[-2.0, 0, 0, 10], [0, -2.0, 0, 20], [0, 0, 3.0, -30], [0, 0, 0, 1]])
LESION = LabelScheme("lesion", {"lesion": 1})


def ct(grid=GRID, seed=0):
    voxels = np.random.default_rng(seed).integers(-1000, 1000, grid.shape).astype(np.int16)
    return Volume.from_array(voxels, grid, Unit.HU)


def pet(grid=GRID, seed=0, record=None):
    voxels = np.random.default_rng(seed).random(grid.shape).astype(np.float32)
    return Volume.from_array(voxels, grid, Unit.SUVBW, record or {})


def masks(scheme=LESION, grid=GRID, annotated=None, **places):
    """A label map with one block of voxels by name: (i0, i1, j0, j1, k0, k1)."""
    arrays = {}
    for name, (i0, i1, j0, j1, k0, k1) in places.items():
        arrays[name] = np.zeros(grid.shape, bool)
        arrays[name][i0:i1, j0:j1, k0:k1] = True
    found = LabelMap.from_masks(arrays, grid, scheme)
    return LabelMap(grid, found.layers, scheme, annotated)


def cohort_of(volumes, *, scheme=LESION, cases=None, boxes=(), prompts=(), name="small", licences=("CC0-1.0",)):
    """A cohort of {case: {role: volume}}; `cases` are facts by case."""
    facts = cases or {}
    rows = {
        "cases": [{"case": case, "patient": case, **facts.get(case, {})} for case in volumes],
        "volumes": [
            {
                "case": case,
                "role": role,
                "path": f"{case}/{role}.none",
                "unit": "label" if isinstance(one, LabelMap) else str(one.unit),
                **header_facts(one),
            }
            for case, roles in volumes.items()
            for role, one in roles.items()
        ],
        "boxes": boxes,
        "prompts": prompts,
    }
    tables = Tables.from_rows(rows)
    facts = CohortFacts(name, "python", licences=licences)
    return Cohort(facts, scheme, tables, lambda row: volumes[row["case"]][row["role"]])
