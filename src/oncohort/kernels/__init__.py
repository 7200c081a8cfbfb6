"""Compiled loops: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from oncohort.kernels.component_overlaps import ComponentCounts, overlap_components
from oncohort.kernels.components import CONNECTIVITIES, count_overlaps, find_maxima, label_components
from oncohort.kernels.joint_counts import JointCounts, count_joint
from oncohort.kernels.layout import like
from oncohort.kernels.nearest import NearestSearch
from oncohort.kernels.pairs import count_pairs
from oncohort.kernels.recode import recode_labels
from oncohort.kernels.sphere_means import RegionValues, measure_regions, sphere_offsets
from oncohort.kernels.surface_points import SurfaceArray, SurfaceKind, SurfacePoints, list_surfaces
from oncohort.kernels.tolerance import count_within, is_within_reach
from oncohort.kernels.value_counts import ValueCounts, count_values
from oncohort.kernels.weighted_auc import weigh_ap, weigh_auc

__all__ = [
    "CONNECTIVITIES",
    "ComponentCounts",
    "JointCounts",
    "NearestSearch",
    "RegionValues",
    "SurfaceArray",
    "SurfaceKind",
    "SurfacePoints",
    "ValueCounts",
    "count_joint",
    "count_overlaps",
    "count_pairs",
    "count_values",
    "count_within",
    "find_maxima",
    "is_within_reach",
    "label_components",
    "like",
    "list_surfaces",
    "measure_regions",
    "overlap_components",
    "recode_labels",
    "sphere_offsets",
    "warm_kernels",
    "weigh_ap",
    "weigh_auc",
]


def warm_kernels() -> None:
    """Compile every kernel and fill the compile cache, so that spawned processes find it.

    Examples:
        >>> warm_kernels()
    """
    mask = np.ones((2, 2, 9), np.uint8)
    count_joint(mask, mask)
    components, count = label_components(mask, 18)
    count_overlaps(components, count, mask)
    find_maxima(components, count, mask)
    for ids in (mask, components, mask.astype(np.int32)):
        count_pairs(ids, ids)
    overlap_components(mask, mask, 18)
    for width in (np.uint8, np.int16, np.int32):
        recode_labels(mask.astype(width), [1])
    for kind in ("voxels", "elements"):
        points = list_surfaces(mask, kind, [1])
        NearestSearch(points.shape, (1.0, 1.0, 1.0)).distances(points.positions(1), points.positions(1))
    count_within(mask, mask, [1], spacing_mm=(1.0, 1.0, 1.0), tolerance_mm=1.0)
    for regions in (mask, components):
        for number in (np.float32, np.float64):
            measure_regions(
                regions, 1, mask.astype(number), start=(0, 0, 0), offsets=sphere_offsets((1.0, 1.0, 1.0), 1.0)
            )
    for kind_of_number in "u1", "u2", "f4", "f8":
        count_values(mask.astype(kind_of_number), mask)
    for weigh in (weigh_auc, weigh_ap):
        weigh(np.zeros(1), np.ones(1, bool), np.zeros(1, np.intp), np.ones((1, 1), np.int32))
