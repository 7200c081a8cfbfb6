"""RT structure sets: named regions as planar contours, and the images they were drawn on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.geometry import LPS_TO_RAS
from oncohort.formats.dicom.header import RT_STRUCTURES
from oncohort.formats.dicom.values import PYDICOM_ERRORS, decoded, text
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap

Contour = NDArray[np.float64]

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_CONTOUR_DATA = 0x30060050
_REFERENCED_INSTANCE = 0x00081155
_SERIES_UID = 0x0020000E


@dataclass(frozen=True)
class Region:
    """One named region of interest.

    Attributes:
        name: ROIName; "ROI <number>" if it has none.
        contours: closed polygons, each (n, 3) in RAS+ mm.
        passed_over: contours that enclose no area (points, open lines).
        instances: SOPInstanceUIDs of the slices that the contours name.
    """

    name: str
    contours: tuple[Contour, ...]
    passed_over: int
    instances: frozenset[str]


@dataclass(frozen=True)
class RtStruct:
    """The regions of one structure set.

    Attributes:
        path: the file.
        frame_of_reference: UID of the space of the contours, "" if missing.
        series: SeriesInstanceUIDs that the structure set refers to.
        regions: in the order of the file.
    """

    path: str
    frame_of_reference: str
    series: tuple[str, ...]
    regions: tuple[Region, ...]

    @property
    def instances(self) -> frozenset[str]:
        """SOPInstanceUIDs of all slices that the contours name."""
        return frozenset().union(*(region.instances for region in self.regions))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the regions, each once, in the order of the file."""
        return tuple(dict.fromkeys(region.name for region in self.regions))

    def contours(self, name: str) -> tuple[tuple[Contour, ...], ...]:
        """Contours of every region with this name, region by region."""
        return tuple(region.contours for region in self.regions if region.name == name)

    def label_map(self, grid: Geometry) -> LabelMap:
        """The regions as labels on the grid of their series, by the pixel-centre rule; regions of one name are joined.

        Raises:
            GeometryError: contours beside the stack of slices, or in none of them.
        """
        scheme = LabelScheme("regions", {name: value for value, name in enumerate(self.names, start=1)})
        return LabelMap.from_masks({name: self._mask(name, grid) for name in self.names}, grid, scheme)

    def _mask(self, name: str, grid: Geometry) -> NDArray[np.bool_]:
        mask = np.zeros(grid.shape, np.bool_, order="F")
        for contours in self.contours(name):
            drawing = rasterise(contours, grid)
            if drawing.outside or drawing.astray:
                raise GeometryError(
                    expected="contours that lie in the slices of the grid",
                    found=f"{drawing.outside} of {name} beside the slices, {drawing.astray} between them or oblique",
                    where=self.path,
                    remedy="name the series that it was drawn on",
                )
            mask |= drawing.mask
        return mask


def read_rtstruct(path: str | Path) -> RtStruct:
    """The regions in an RT structure set, contours in RAS+ mm.

    Raises:
        FormatError: the file cannot be read, is no structure set, or a contour is no list of points.

    Examples:
        >>> from tempfile import NamedTemporaryFile
        >>> with NamedTemporaryFile() as empty:
        ...     try:
        ...         read_rtstruct(empty.name)
        ...     except FormatError as error:
        ...         print(error.expected)
        a readable RT structure set
    """
    try:
        data = dcmread(path)
        if text(data, 0x00080016) != RT_STRUCTURES:
            raise _wrong(path, "an RT structure set", "another kind of DICOM file")
        return RtStruct(str(path), _frame(data), _series(data), tuple(_regions(data)))
    except PYDICOM_ERRORS as error:
        raise _wrong(path, "a readable RT structure set", f"{type(error).__name__}: {error}"[:300]) from error


def _frame(data: Dataset) -> str:
    frames = [text(item, 0x00200052) for item in _items(data, "ReferencedFrameOfReferenceSequence")]
    frames += [text(item, 0x30060024) for item in _items(data, "StructureSetROISequence")]
    return next((frame for frame in frames if frame), text(data, 0x00200052))


def _series(data: Dataset) -> tuple[str, ...]:
    found = [
        text(series, _SERIES_UID)
        for frame in _items(data, "ReferencedFrameOfReferenceSequence")
        for study in _items(frame, "RTReferencedStudySequence")
        for series in _items(study, "RTReferencedSeriesSequence")
    ]
    return tuple(dict.fromkeys(uid for uid in found if uid))


def _regions(data: Dataset) -> Iterable[Region]:
    drawn: dict[str, list[Dataset]] = {}
    for item in _items(data, "ROIContourSequence"):
        drawn.setdefault(decoded(item, "ReferencedROINumber"), []).extend(_items(item, "ContourSequence"))
    for item in _items(data, "StructureSetROISequence"):
        number = decoded(item, "ROINumber")
        contours = drawn.get(number, [])
        closed = [one for one in contours if text(one, 0x30060042).upper() in _CLOSED]
        yield Region(
            decoded(item, "ROIName") or f"ROI {number}",
            tuple(_points(one) for one in closed),
            len(contours) - len(closed),
            frozenset(_instances(closed)),
        )


def _points(contour: Dataset) -> Contour:
    written = text(contour, _CONTOUR_DATA)
    points = np.array(written.split("\\") if written else [], dtype=np.float64)
    if points.size < 3 or points.size % 3 or not np.isfinite(points).all():
        raise ValueError(f"a contour with {points.size} coordinates")
    return points.reshape(-1, 3) @ LPS_TO_RAS


def _instances(contours: Iterable[Dataset]) -> Iterable[str]:
    for contour in contours:
        for image in _items(contour, "ContourImageSequence"):
            yield text(image, _REFERENCED_INSTANCE)


def _items(data: Dataset, keyword: str) -> list[Dataset]:
    return list(data.get(keyword) or ())


def _wrong(path: str | Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="export the structure set again")
