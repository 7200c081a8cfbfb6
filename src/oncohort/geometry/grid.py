"""A grid in space: shape and affine."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.errors import GeometryError
from oncohort.geometry.boxes import Box, Index
from oncohort.geometry.orientation import axis_codes, axis_permutation

POSITION_TOLERANCE_MM = 0.01
"""Two grids are the same if no corner lies further apart than this."""

SLICE_TOLERANCE_MM = 0.1
"""Slices belong to one volume if no gap differs from the median gap by more than this."""

_MAX_EDGE = 32767  # what a NIfTI-1 header can say


class Geometry:
    """Where voxels lie: shape (i, j, k) and an affine to RAS+ millimetres.

    Voxel (0, 0, 0) has its centre at the affine's last column. Two geometries
    are equal (`==`) when shape and affine are exactly so; `is_same_grid`
    allows for rounding in files.

    Args:
        shape: Voxels along i, j, k.
        affine: (4, 4), voxel index to RAS+ millimetres.

    Raises:
        GeometryError: The shape is empty, or the affine is not finite, is
            singular, or does not end in 0, 0, 0, 1.

    Examples:
        >>> grid = Geometry((10, 10, 5), np.diag([-2.0, -2.0, 3.0, 1.0]))
        >>> grid.spacing_mm, grid.orientation, grid.voxel_ml
        ((2.0, 2.0, 3.0), 'LPS', 0.012)
    """

    shape: Index
    affine: NDArray[np.float64]

    def __init__(self, shape: tuple[int, ...], affine: ArrayLike) -> None:
        matrix = np.array(affine, dtype=np.float64) + 0.0  # no negative zeros: equal grids have equal hashes
        _check(shape, matrix)
        matrix.setflags(write=False)
        self.__dict__.update(shape=(int(shape[0]), int(shape[1]), int(shape[2])), affine=matrix)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Geometry is frozen: make a new one instead of setting {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Geometry, (self.shape, self.affine)

    def __repr__(self) -> str:
        return f"Geometry({self.shape}, {self.affine.tolist()})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Geometry):
            return NotImplemented
        return self.shape == other.shape and bool(np.array_equal(self.affine, other.affine))

    def __hash__(self) -> int:
        return hash((self.shape, self.affine.tobytes()))

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along i, j, k, in mm."""
        i, j, k = (float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))
        return i, j, k

    @cached_property
    def orientation(self) -> str:
        """Letters towards which i, j, k increase, such as "LPS"."""
        return axis_codes(self.affine)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in cubic millimetres."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres.

        Examples:
            >>> Geometry((1, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0])).voxel_ml
            1.0
        """
        return round(self.voxel_mm3 / 1000.0, 12)

    def to_mm(self, indices: ArrayLike) -> NDArray[np.float64]:
        """RAS+ positions (n, 3) in mm of voxel indices (n, 3)."""
        moved: NDArray[np.float64] = np.asarray(indices, dtype=np.float64) @ self.affine[:3, :3].T
        return moved + self.affine[:3, 3]

    def to_index(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices (n, 3), not rounded, of RAS+ positions (n, 3) in mm.

        Examples:
            >>> grid = Geometry((10, 10, 5), np.diag([-2.0, -2.0, 3.0, 1.0]))
            >>> grid.to_index([[-4.0, -6.0, 12.0]]).tolist()
            [[2.0, 3.0, 4.0]]
        """
        shifted = np.asarray(points_mm, dtype=np.float64) - self.affine[:3, 3]
        return np.asarray(shifted @ np.linalg.inv(self.affine[:3, :3]).T, dtype=np.float64)

    def crop(self, box: Box) -> Geometry:
        """The part of the grid inside `box`.

        Raises:
            GeometryError: The box is empty or reaches outside the grid.
        """
        if box.is_empty or box != box.intersect(Box((0, 0, 0), self.shape)):
            raise GeometryError(
                expected=f"a box inside {self.shape}",
                found=repr(box),
                where="crop",
                remedy="intersect the box with the grid",
            )
        affine = self.affine.copy()
        affine[:3, 3] = self.to_mm([box.start])[0]
        return Geometry(box.shape, affine)

    def reorient(self, codes: str) -> Geometry:
        """The same voxels with axes permuted and reversed so that they read `codes`.

        Examples:
            >>> Geometry((4, 5, 6), np.diag([-1.0, -1.0, 1.0, 1.0])).reorient("RAS").affine[:3, 3].tolist()
            [-3.0, -4.0, 0.0]
        """
        sources, flips = axis_permutation(self.orientation, codes)
        affine = np.eye(4)
        corner = np.zeros(3)
        for new, (old, flip) in enumerate(zip(sources, flips, strict=True)):
            affine[:3, new] = self.affine[:3, old] * (-1.0 if flip else 1.0)
            corner[old] = self.shape[old] - 1 if flip else 0
        affine[:3, 3] = self.to_mm([corner])[0]
        return Geometry(tuple(self.shape[old] for old in sources), affine)

    def largest_offset_mm(self, other: Geometry) -> float:
        """Greatest distance in mm between the same corner of two grids of one shape."""
        corners = np.array(np.meshgrid(*[(0, edge - 1) for edge in self.shape])).reshape(3, -1).T
        return float(np.linalg.norm(self.to_mm(corners) - other.to_mm(corners), axis=1).max())

    def is_same_grid(self, other: Geometry, *, tolerance_mm: float = POSITION_TOLERANCE_MM) -> bool:
        """Whether shapes are equal and no corner is further than `tolerance_mm` from its twin."""
        return self.shape == other.shape and self.largest_offset_mm(other) <= tolerance_mm

    def require_same_grid(self, other: Geometry, *, what: str, where: str) -> None:
        """Raise unless `other` is the same grid.

        Raises:
            GeometryError: With both grids and what sets them apart.
        """
        if self.is_same_grid(other):
            return
        if self.shape != other.shape:
            found = f"shape {other.shape}"
        else:
            found = f"a grid up to {self.largest_offset_mm(other):.3g} mm away (spacing {_short(other.spacing_mm)} mm)"
        raise GeometryError(
            expected=f"{what} on the grid of shape {self.shape}, spacing {_short(self.spacing_mm)} mm",
            found=found,
            where=where,
            remedy="write it on that grid, or resample it in a recipe",
        )


def _short(spacing: tuple[float, ...]) -> str:
    return " x ".join(f"{edge:.4g}" for edge in spacing)


def _check(shape: tuple[int, ...], affine: NDArray[Any]) -> None:
    if len(shape) != 3 or any(not 0 < edge <= _MAX_EDGE for edge in shape):
        raise _impossible("three edges from 1 to 32767 voxels", str(tuple(shape)))
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise _impossible("a finite 4 x 4 affine", str(affine.tolist()))
    if not np.array_equal(affine[3], [0.0, 0.0, 0.0, 1.0]):
        raise _impossible("an affine that ends in 0, 0, 0, 1", str(affine[3].tolist()))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < 1e-6 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-3:
        raise _impossible("three independent axes", str(affine[:3, :3].tolist()))


def _impossible(expected: str, found: str) -> GeometryError:
    return GeometryError(expected=expected, found=found, where="grid", remedy="repair the header of the file")
