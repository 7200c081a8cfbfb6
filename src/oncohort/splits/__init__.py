"""Parting a cohort into folds and a test set, by patient."""

from oncohort.splits.assigning import assign_groups
from oncohort.splits.drawing import draw_split, given_split, require_drawable, trained_validation
from oncohort.splits.split import SPLIT_TYPE, Split
from oncohort.splits.strata import thin_strata, volume_class

__all__ = [
    "SPLIT_TYPE",
    "Split",
    "assign_groups",
    "draw_split",
    "given_split",
    "require_drawable",
    "thin_strata",
    "trained_validation",
    "volume_class",
]
