"""A phantom's body on a coarser grid, and the masks of its structures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box, Geometry
from oncohort.phantoms.canvas import Axes, Slices
from oncohort.phantoms.lesions import LesionTruth
from oncohort.phantoms.patient import PhantomPatient
from oncohort.phantoms.shapes import Ellipsoid, Point, Shape
from oncohort.phantoms.tissues import Tissue
from oncohort.units import Unit
from oncohort.volume import Volume, crop

Mask = NDArray[np.bool_]
"""Along k, j, i."""


@dataclass(frozen=True)
class Region:
    """Where a structure lies in the standard body: in any of the shapes, and where it has one of the tissues.

    Attributes:
        shapes: In mm of the standard body, RAS+; none means everywhere.
        tissues: None means any.
        side: +1 keeps what is right of the middle of the body, -1 what is left of it.
    """

    shapes: tuple[Shape, ...] = ()
    tissues: frozenset[Tissue] = frozenset()
    side: float = 0.0


@dataclass(frozen=True)
class Scene:
    """The tissues of a phantom on a grid.

    Attributes:
        grid: Its axes run along x, y and z.
        tissues: Integers of `Tissue` (k, j, i).
        body: Where the voxels lie in the standard body.
        world: Where they lie in mm, RAS+.
    """

    grid: Geometry
    tissues: NDArray[np.uint8]
    body: Axes
    world: Axes

    def empty(self) -> Mask:
        """No voxel of the grid."""
        return np.zeros(self.tissues.shape, dtype=np.bool_)

    def mask(self, region: Region) -> Mask:
        """The voxels of a region; a made-up body that falls between the voxel centres gets the nearest voxel."""
        mask = self.empty() if region.shapes else np.ones(self.tissues.shape, dtype=np.bool_)
        for shape in region.shapes:
            box = self.body.box(shape)
            if mask[box].size:
                mask[box] |= self.body.inside(shape, box)
        if region.tissues:
            mask &= np.isin(self.tissues, list(region.tissues))
        elif region.shapes and not mask.any():
            self._mark_nearest(mask, self.body, _middle(region.shapes[0]))
        if region.side:
            mask &= (self.world.x * region.side > 0)[None, None, :]
        return mask

    def ellipsoid(self, body: Ellipsoid) -> Mask:
        """The voxels of an ellipsoid given in mm of the world, at least one."""
        mask = self.empty()
        box: Slices = self.world.box(body)
        if mask[box].size:
            mask[box] = self.world.inside(body, box)
        if not mask.any():
            self._mark_nearest(mask, self.world, body.centre)
        return mask

    def lesion(self, truth: LesionTruth) -> Mask:
        """The voxels of a lesion of the phantom."""
        return self.ellipsoid(Ellipsoid(truth.centre_mm, truth.radii_mm))

    def _mark_nearest(self, mask: Mask, axes: Axes, point: Point) -> None:
        nearest = [
            int(np.abs(axis - value).argmin()) for axis, value in zip((axes.x, axes.y, axes.z), point, strict=True)
        ]
        if axes.z.min() <= point[2] <= axes.z.max():
            mask[nearest[2], nearest[1], nearest[0]] = True


def strided(
    volume: Volume, stride: int | tuple[int, int, int], heights_mm: tuple[float, float] | None = None
) -> Volume:
    """Every `stride`-th voxel of a volume along each axis (i, j, k), from `heights_mm` (low, high) of the world.

    Examples:
        >>> line = Volume.from_array(np.arange(6).reshape(1, 1, 6), Geometry((1, 1, 6), np.eye(4)), Unit.NONE)
        >>> strided(line, 2, (1.0, 4.0)).array.ravel().tolist()
        [1, 3]
    """
    i, j, k = volume.geometry.shape
    first, last = 0, k
    if heights_mm is not None:
        heights = volume.geometry.to_mm([(0, 0, index) for index in range(k)])[:, 2]
        inside = np.flatnonzero((heights >= heights_mm[0]) & (heights <= heights_mm[1]))
        first, last = int(inside[0]), int(inside[-1]) + 1
    part = crop(volume, Box((0, 0, first), (i, j, last)))
    steps = (stride, stride, stride) if isinstance(stride, int) else stride
    affine = part.geometry.affine.copy()
    affine[:3, :3] *= steps
    array = np.ascontiguousarray(part.array[tuple(slice(None, None, step) for step in steps)])
    return Volume.from_array(array, Geometry(array.shape, affine), volume.unit, volume.record)


def scene_of(patient: PhantomPatient, stride: int, heights_mm: tuple[float, float] | None = None) -> Scene:
    """The body of a phantom on every `stride`-th voxel of its CT, from `heights_mm` (low, high)."""
    tissues = strided(patient.organs.layers[0], stride, heights_mm)
    axes = Axes.of(tissues.geometry)
    return Scene(tissues.geometry, np.ascontiguousarray(tissues.array.T), axes.scaled(patient.scale), axes)


def volume_of(values: NDArray[np.generic], grid: Geometry, unit: Unit = Unit.LABEL) -> Volume:
    """Voxels (k, j, i) as a volume."""
    return Volume.from_array(values.T, grid, unit)


def label_array(masks: Iterable[tuple[int, Mask]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Integers (k, j, i) of masks painted one after the other; later ones win."""
    joined = np.zeros(shape, dtype=np.uint8)
    for value, mask in masks:
        joined[mask] = value
    return joined


def _middle(shape: Shape) -> Point:
    low, high = shape.bounds()
    x, y, z = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    return x, y, z
