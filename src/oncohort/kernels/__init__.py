"""Compiled loops: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from oncohort.kernels.components import CONNECTIVITIES, count_overlaps, find_maxima, label_components
from oncohort.kernels.joint_counts import JointCounts, count_joint
from oncohort.kernels.layout import like

__all__ = [
    "CONNECTIVITIES",
    "JointCounts",
    "count_joint",
    "count_overlaps",
    "find_maxima",
    "label_components",
    "like",
    "warm_kernels",
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
