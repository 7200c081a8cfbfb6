"""The patient from the front: maxima of a volume along the line of sight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry
from oncohort.geometry.orientation import axis_permutation

Extent = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plane:
    """Pixels (row, column): rows run from feet to head, columns from the patient's right to left.

    Args:
        pixels: (rows, columns).
        spacing_mm: Height and width of a pixel.
        origin_mm: Where the centre of pixel (0, 0) lies, towards the head and towards the left.
    """

    pixels: NDArray[Any]
    spacing_mm: tuple[float, float]
    origin_mm: tuple[float, float]

    @property
    def extent_mm(self) -> Extent:
        """Edges of the pixels: right, left, bottom, top, as matplotlib's `extent` wants them."""
        return self._edges((0, self.pixels.shape[0] - 1), (0, self.pixels.shape[1] - 1))

    @property
    def columns_mm(self) -> NDArray[np.floating[Any]]:
        """Positions of the column centres."""
        return self.origin_mm[1] + self.spacing_mm[1] * np.arange(self.pixels.shape[1])

    @property
    def rows_mm(self) -> NDArray[np.floating[Any]]:
        """Positions of the row centres."""
        return self.origin_mm[0] + self.spacing_mm[0] * np.arange(self.pixels.shape[0])

    def extent_of(self, pixels: NDArray[np.bool_]) -> Extent | None:
        """Edges round the pixels that are set; None if there are none."""
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if rows.size == 0:
            return None
        return self._edges((int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))

    def padded(self) -> Plane:
        """The plane with a rim of zeros one pixel wide, so that contours close."""
        (height, width), (bottom, right) = self.spacing_mm, self.origin_mm
        return Plane(np.pad(self.pixels, 1), self.spacing_mm, (bottom - height, right - width))

    def _edges(self, rows: tuple[int, int], columns: tuple[int, int]) -> Extent:
        (height, width), (bottom, right) = self.spacing_mm, self.origin_mm
        return (
            right + (columns[0] - 0.5) * width,
            right + (columns[1] + 0.5) * width,
            bottom + (rows[0] - 0.5) * height,
            bottom + (rows[1] + 0.5) * height,
        )


def coronal_maximum(array: NDArray[Any], geometry: Geometry) -> Plane:
    """Largest value along the front-to-back axis, seen from the front.

    The patient's right is on the left, as radiologists look at it. Any axis order and
    direction will do; a tilted grid is shown along its own axes. Planes of two grids
    with the same axes share one frame in mm.

    Args:
        array: (i, j, k), numbers or a mask.
        geometry: The grid of `array`.

    Examples:
        >>> array = np.zeros((3, 4, 2))
        >>> array[2, 1, 0] = 7.0
        >>> coronal_maximum(array, Geometry((3, 4, 2), np.diag([-2.0, -2.0, 3.0, 1.0]))).pixels.tolist()
        [[0.0, 0.0, 7.0], [0.0, 0.0, 0.0]]
    """
    (left, back, head), flips = axis_permutation(geometry.orientation, "LPS")
    seen = np.max(array, axis=back)
    seen = seen if head < left else seen.T
    pixels = seen[:: -1 if flips[2] else 1, :: -1 if flips[0] else 1]
    affine = geometry.reorient("LPS").affine
    width, height = float(np.linalg.norm(affine[:3, 0])), float(np.linalg.norm(affine[:3, 2]))
    origin = float(affine[:3, 3] @ affine[:3, 2] / height), float(affine[:3, 3] @ affine[:3, 0] / width)
    return Plane(np.ascontiguousarray(pixels), (height, width), origin)


def shown_extent(pet: Plane, masks: Iterable[Plane], *, air: float, margin_mm: float) -> Extent:
    """Part of the plane worth showing: above `air` or inside a mask, with a margin, never beyond the scan.

    Examples:
        >>> pet = Plane(np.pad([[3.0]], 2), (10.0, 10.0), (0.0, 0.0))
        >>> shown_extent(pet, [], air=0.5, margin_mm=10.0)
        (5.0, 35.0, 5.0, 35.0)
    """
    found = [plane.extent_of(plane.pixels) for plane in masks]
    found.append(pet.extent_of(np.nan_to_num(pet.pixels) > air))
    extents = [extent for extent in found if extent is not None]
    if not extents:
        return pet.extent_mm
    right, left, bottom, top = (np.array(extents)[:, side] for side in range(4))
    scan = pet.extent_mm
    return (
        max(float(right.min()) - margin_mm, scan[0]),
        min(float(left.max()) + margin_mm, scan[1]),
        max(float(bottom.min()) - margin_mm, scan[2]),
        min(float(top.max()) + margin_mm, scan[3]),
    )
