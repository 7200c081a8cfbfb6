"""Numbers that two masks give: pure functions of arrays and spacing."""

from oncohort.metrics.lesions import ComponentOverlap, overlap_components
from oncohort.metrics.overlap import OverlapCounts, dice, volume_difference_ml
from oncohort.metrics.pairs import MaskPair, Presence, compare_masks
from oncohort.metrics.registry import METRICS, Direction, Metric, Symmetry

__all__ = [
    "METRICS",
    "ComponentOverlap",
    "Direction",
    "MaskPair",
    "Metric",
    "OverlapCounts",
    "Presence",
    "Symmetry",
    "compare_masks",
    "dice",
    "overlap_components",
    "volume_difference_ml",
]
