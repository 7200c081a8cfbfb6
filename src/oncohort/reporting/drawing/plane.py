"""Views of the patient, and pixels with a place in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Extent = tuple[float, float, float, float]
"""Edges in mm: left, right, bottom, top of the picture, as matplotlib's `extent` wants them."""

_POSITIVE, _NEGATIVE = "RAS", "LPI"


@dataclass(frozen=True)
class View:
    """How the patient is looked at: which patient axis runs across the picture and which runs up.

    Args:
        name: "axial", "coronal" or "sagittal".
        across: Patient axis (0 right, 1 anterior, 2 superior) of the columns.
        across_sign: -1 if the columns run against it.
        up: Patient axis of the rows, which run upwards.

    Examples:
        >>> AXIAL.letters, SAGITTAL.letters
        (('R', 'L', 'P', 'A'), ('A', 'P', 'I', 'S'))
    """

    name: str
    across: int
    across_sign: int
    up: int

    @property
    def through(self) -> int:
        """The patient axis that points into the picture."""
        return 3 - self.across - self.up

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Sides of the patient at the left, right, bottom and top edge."""
        sides = _NEGATIVE[self.across], _POSITIVE[self.across]
        left, right = sides if self.across_sign > 0 else sides[::-1]
        return left, right, _NEGATIVE[self.up], _POSITIVE[self.up]

    def place(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (n, 2) in the picture, across and up, of RAS+ points (n, 3) in mm."""
        return np.stack([self.across_sign * points_mm[:, self.across], points_mm[:, self.up]], axis=1)


AXIAL = View("axial", across=0, across_sign=-1, up=1)
"""From the feet: the patient's right is on the left, the front is up."""

CORONAL = View("coronal", across=0, across_sign=-1, up=2)
"""From the front: the patient's right is on the left, the head is up."""

SAGITTAL = View("sagittal", across=1, across_sign=-1, up=2)
"""From the patient's left: the front is on the left, the head is up."""

VIEWS = {view.name: view for view in (AXIAL, CORONAL, SAGITTAL)}
"""The views by name."""


@dataclass(frozen=True)
class Plane:
    """Pixels (row, column) of a view: rows run upwards, columns to the right of the picture.

    Args:
        pixels: (rows, columns).
        spacing_mm: Height and width of a pixel.
        origin_mm: Where the centre of pixel (0, 0) lies, up and across.
    """

    pixels: NDArray[Any]
    spacing_mm: tuple[float, float]
    origin_mm: tuple[float, float]

    @property
    def extent_mm(self) -> Extent:
        """Edges of the pixels."""
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
        (height, width), (bottom, left) = self.spacing_mm, self.origin_mm
        return Plane(np.pad(self.pixels, 1), self.spacing_mm, (bottom - height, left - width))

    def with_pixels(self, pixels: NDArray[Any]) -> Plane:
        """Other pixels at the same place."""
        return Plane(pixels, self.spacing_mm, self.origin_mm)

    def _edges(self, rows: tuple[int, int], columns: tuple[int, int]) -> Extent:
        (height, width), (bottom, left) = self.spacing_mm, self.origin_mm
        return (
            left + (columns[0] - 0.5) * width,
            left + (columns[1] + 0.5) * width,
            bottom + (rows[0] - 0.5) * height,
            bottom + (rows[1] + 0.5) * height,
        )


def union_of(extents: list[Extent]) -> Extent:
    """The smallest extent that holds all of these.

    Examples:
        >>> union_of([(0.0, 1.0, 0.0, 1.0), (2.0, 3.0, -1.0, 0.5)])
        (0.0, 3.0, -1.0, 1.0)
    """
    left, right, bottom, top = (np.array(extents)[:, side] for side in range(4))
    return float(left.min()), float(right.max()), float(bottom.min()), float(top.max())


def grown(extent: Extent, margin_mm: float, limit: Extent) -> Extent:
    """The extent with a margin on each side, cut at `limit`.

    Examples:
        >>> grown((0.0, 2.0, 0.0, 2.0), 1.0, (-5.0, 2.5, 0.0, 9.0))
        (-1.0, 2.5, 0.0, 3.0)
    """
    left, right, bottom, top = extent
    return (
        max(left - margin_mm, limit[0]),
        min(right + margin_mm, limit[1]),
        max(bottom - margin_mm, limit[2]),
        min(top + margin_mm, limit[3]),
    )


def shortened(extent: Extent, height_mm: float, at_mm: float) -> Extent:
    """The extent cut to a height round a position, moved so that it stays inside.

    Examples:
        >>> shortened((0.0, 1.0, 0.0, 100.0), 20.0, 95.0)
        (0.0, 1.0, 80.0, 100.0)
    """
    left, right, bottom, top = extent
    if top - bottom <= height_mm:
        return extent
    low = min(max(at_mm - height_mm / 2, bottom), top - height_mm)
    return left, right, low, low + height_mm
