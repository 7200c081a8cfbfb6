"""Grids without voxels: shape, affine, orientation and half-open boxes."""

from oncohort.geometry.boxes import Box
from oncohort.geometry.grid import POSITION_TOLERANCE_MM, SLICE_TOLERANCE_MM, Geometry
from oncohort.geometry.orientation import axis_codes, axis_permutation

__all__ = ["POSITION_TOLERANCE_MM", "SLICE_TOLERANCE_MM", "Box", "Geometry", "axis_codes", "axis_permutation"]
