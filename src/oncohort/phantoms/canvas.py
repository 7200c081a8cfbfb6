"""A grid of tissues on which bodies are painted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry
from oncohort.phantoms.body import Part
from oncohort.phantoms.shapes import Axis, Point, Shape
from oncohort.phantoms.tissues import Tissue

Slices = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Axes:
    """Coordinates of an axis-aligned grid in mm, RAS+: x along i, y along j, z along k."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]

    @staticmethod
    def of(geometry: Geometry) -> Axes:
        """The coordinates of the voxel centres of a grid whose axes run along x, y and z."""
        x, y, z = (
            (geometry.affine[axis, axis] * np.arange(edge) + geometry.affine[axis, 3]).astype(np.float32)
            for axis, edge in enumerate(geometry.shape)
        )
        return Axes(x, y, z)

    def scaled(self, factors: Point) -> Axes:
        """The same voxels seen from a body that is larger by these factors along x, y, z."""
        a, b, c = (np.float32(factor) for factor in factors)
        return Axes(self.x / a, self.y / b, self.z / c)

    def box(self, shape: Shape) -> Slices:
        """Index ranges along k, j, i of the box round `shape`; empty where the grid misses it."""
        low, high = shape.bounds()
        return _span(self.z, low[2], high[2]), _span(self.y, low[1], high[1]), _span(self.x, low[0], high[0])

    def inside(self, shape: Shape, box: Slices) -> NDArray[np.bool_]:
        """Which voxel centres of `box` lie in `shape`, along k, j, i."""
        in_k, in_j, in_i = box
        x: Axis = self.x[in_i][None, None, :]
        return shape.contains(x, self.y[in_j][None, :, None], self.z[in_k][:, None, None])


def paint(tissues: NDArray[np.uint8], axes: Axes, parts: Iterable[Part]) -> None:
    """Give the voxels (k, j, i) inside each part its tissue, where the part may take their place."""
    for part in parts:
        box = axes.box(part.shape)
        target = tissues[box]
        if target.size:
            chosen = axes.inside(part.shape, box) & _lookup(part.onto)[target]
            target[chosen] = part.tissue


def _lookup(tissues: Collection[Tissue]) -> NDArray[np.bool_]:
    table = np.zeros(len(Tissue), dtype=np.bool_)
    table[list(tissues)] = True
    return table


def _span(axis: NDArray[np.float32], low: float, high: float) -> slice:
    found = np.flatnonzero((axis >= low) & (axis <= high))
    return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)
