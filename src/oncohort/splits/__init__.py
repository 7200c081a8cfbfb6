"""Parting a cohort into folds and a test set, by patient."""

from oncohort.splits.assigning import assign_groups
from oncohort.splits.drawing import draw_split, given_split
from oncohort.splits.split import Split, volume_class

__all__ = ["Split", "assign_groups", "draw_split", "given_split", "volume_class"]
