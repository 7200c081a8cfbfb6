"""Masks of a few voxels, measured by a profile."""

from __future__ import annotations

import numpy as np

from oncohort.evaluation import MISSING, compare, measure
from oncohort.evaluation.structures import find_structures
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

CUBE = Geometry((4, 4, 4), np.diag([10.0, 10.0, 10.0, 1.0]))


def scheme_of(profile):
    name = profile.target.structure or (*(profile.target.structures or ()),)[0]
    return LabelScheme("s", {"liver" if profile.target.structures == "each" else name: 1})


def as_map(array, grid, scheme):
    return LabelMap(grid, (Volume.from_array(array, grid, Unit.LABEL),), scheme)


def measured(name, reference, prediction, grid=CUBE):
    profile = load_profile(name)
    scheme = scheme_of(profile)
    second = None if prediction is None else as_map(prediction, grid, scheme)
    structures = find_structures(profile, scheme)
    image = Volume.from_array(np.full(grid.shape, 3.0, np.float32), grid, Unit.SUVBW)
    pairs = compare(as_map(reference, grid, scheme), second, profile, structures=structures, image=image)
    found = [
        one
        for tracer in ("PSMA", "FDG")
        for one in measure(pairs, profile, absent=MISSING if prediction is None else None, facts={"tracer": tracer})
    ]
    return {one.metric: one.undefined or one.value for one in found}
