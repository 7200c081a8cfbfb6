"""Voxels on a grid, read when they are first needed."""

from oncohort.volume.grid_changes import crop, reorient, resample
from oncohort.volume.label_map import LabelMap, integers_in
from oncohort.volume.volume import Volume

__all__ = ["LabelMap", "Volume", "crop", "integers_in", "reorient", "resample"]
