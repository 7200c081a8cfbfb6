"""Boxes on the slices of a series, and the millimetres of that series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.boxes.algebra import Boxes, as_boxes
from oncohort.geometry import Geometry

PlaneBox = tuple[tuple[float, float], tuple[float, float]]
"""Half-open pixels of one slice: (i0, i1), (j0, j1)."""


@dataclass(frozen=True)
class SliceStack:
    """The slices of one series in millimetres, without their pixels.

    Positions are measured along the row direction, the column direction and
    the normal of the slices (dot products with ImagePositionPatient), so that
    slices need not be evenly spaced and boxes stay boxes on oblique slices.

    Args:
        series: Its identifier.
        frame: What two series must share to be comparable in mm: the
            FrameOfReferenceUID, or the study where there is none.
        directions: Row and column direction, six numbers (ImageOrientationPatient).
        origin_mm: Centre of pixel (0, 0) along the row and the column direction.
        pixel_mm: Distance of neighbouring columns (i) and of neighbouring rows (j).
        step_mm: Usual distance of neighbouring slices (of positions, not SliceThickness).

    Raises:
        ValueError: A distance is not above zero.
    """

    series: str
    frame: str
    directions: tuple[float, float, float, float, float, float]
    origin_mm: tuple[float, float]
    pixel_mm: tuple[float, float]
    step_mm: float

    def __post_init__(self) -> None:
        if not min(*self.pixel_mm, self.step_mm) > 0:
            raise ValueError(f"expected distances above 0 mm, got {self.pixel_mm} and step {self.step_mm}")

    @staticmethod
    def of_grid(geometry: Geometry, *, series: str, frame: str) -> SliceStack:
        """The stack of a volume whose slices lie along k; `slice_positions_mm` gives their positions.

        Args:
            geometry: Of the volume.
            series: Its identifier.
            frame: As above.

        Examples:
            >>> grid = Geometry((10, 10, 5), np.diag([-2.0, -2.0, 3.0, 1.0]))
            >>> SliceStack.of_grid(grid, series="ct", frame="f").pixel_mm
            (2.0, 2.0)
        """
        (row, column, _), spacing = _plane_axes(geometry), geometry.spacing_mm
        origin = geometry.affine[:3, 3]
        x0, x1, x2, y0, y1, y2 = (float(number) for number in (*row, *column))
        directions = (x0, x1, x2, y0, y1, y2)
        start = (float(origin @ row), float(origin @ column))
        return SliceStack(series, frame, directions, start, (spacing[0], spacing[1]), spacing[2])

    def plane_mm(self, boxes: ArrayLike) -> Boxes:
        """Outer edges (n, 2, 2) in mm of half-open pixel boxes (n, 2, 2): half a pixel beyond the centres.

        Examples:
            >>> stack = SliceStack("a", "f", (1, 0, 0, 0, 1, 0), (-100.0, -100.0), (2.0, 2.0), 5.0)
            >>> stack.plane_mm([[[0, 4], [10, 11]]]).tolist()
            [[[-101.0, -93.0], [-81.0, -79.0]]]
        """
        pixel, origin = np.array(self.pixel_mm)[:, None], np.array(self.origin_mm)[:, None]
        edges: Boxes = (as_boxes(boxes) - 0.5) * pixel + origin
        return edges

    def slab_mm(self, position_mm: float) -> tuple[float, float]:
        """Where the slice at `position_mm` begins and ends along the normal."""
        return position_mm - self.step_mm / 2, position_mm + self.step_mm / 2

    def shares_axes(self, other: SliceStack) -> bool:
        """Whether mm of the two series mean the same: one frame, and the same directions within 0.001."""
        return self.frame == other.frame and bool(np.allclose(self.directions, other.directions, rtol=0, atol=1e-3))


def slice_positions_mm(geometry: Geometry) -> NDArray[np.float64]:
    """Position (k,) of every slice of a volume along the normal of its slices, in mm.

    The normal is row direction x column direction, so positions fall with k
    in a volume whose axes are left-handed.

    Examples:
        >>> slice_positions_mm(Geometry((4, 4, 3), np.diag([-2.0, -2.0, 3.0, 1.0]))).tolist()
        [0.0, 3.0, 6.0]
    """
    _, _, normal = _plane_axes(geometry)
    indices = np.zeros((geometry.shape[2], 3))
    indices[:, 2] = np.arange(geometry.shape[2])
    return np.asarray(geometry.to_mm(indices) @ normal, dtype=np.float64)


def _plane_axes(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along i, along j, and across both."""
    axes = geometry.affine[:3, :3] / np.array(geometry.spacing_mm)
    return axes[:, 0], axes[:, 1], np.cross(axes[:, 0], axes[:, 1])


@dataclass(frozen=True)
class SliceBox:
    """One box that a reader drew on one slice.

    Args:
        series: The `SliceStack` it lies on, by its identifier.
        slice_uid: The slice (SOPInstanceUID).
        position_mm: Of the slice along the normal.
        box: Half-open pixels (i0, i1), (j0, j1).
        class_name: What it is said to show.
        reader: Who drew it.
    """

    series: str
    slice_uid: str
    position_mm: float
    box: PlaneBox
    class_name: str
    reader: str


def plane_boxes(boxes: tuple[SliceBox, ...] | list[SliceBox]) -> Boxes:
    """The pixel boxes (n, 2, 2) of slice boxes."""
    return as_boxes(np.array([box.box for box in boxes], dtype=np.float64).reshape(-1, 2, 2))


@dataclass(frozen=True)
class BoxReading:
    """One lesion as one reader boxed it on one series.

    Args:
        stack: The series.
        class_name: Of all its boxes.
        reader: Who drew them.
        boxes: At most one per slice, by rising position.
    """

    stack: SliceStack
    class_name: str
    reader: str
    boxes: tuple[SliceBox, ...]

    @property
    def slabs_mm(self) -> Boxes:
        """Every slice box with the thickness of one step: (n, 3, 2) in mm."""
        planes = self.stack.plane_mm(plane_boxes(self.boxes))
        slabs = np.array([self.stack.slab_mm(box.position_mm) for box in self.boxes]).reshape(-1, 1, 2)
        return np.concatenate([planes, slabs], axis=1)

    @property
    def extent_mm(self) -> NDArray[np.float64]:
        """The 3D box (3, 2) in mm round all slices, from pixel edge to pixel edge and half a step beyond in z."""
        slabs = self.slabs_mm
        return np.stack([slabs[..., 0].min(axis=0), slabs[..., 1].max(axis=0)], axis=1)

    @property
    def missing_slices(self) -> int:
        """How many steps between the first and the last box hold no box."""
        steps = np.diff([box.position_mm for box in self.boxes]) / self.stack.step_mm
        return int((np.maximum(np.round(steps), 1) - 1).sum())
