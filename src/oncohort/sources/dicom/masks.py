"""The labels of one structure set or segmentation on the grid of its series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.rtstruct import RtStruct, read_rtstruct
from oncohort.formats.dicom.segmentation import Code, Segment
from oncohort.formats.dicom.segmentation_reading import parse_segmentation
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.sources.protocol import FileStamp
from oncohort.storage import file_stamp
from oncohort.volume import LabelMap


@dataclass(frozen=True)
class DrawnMask:
    """Labels, what a user should look at, and rows of `structures.parquet` without case and volume."""

    label_map: LabelMap
    remarks: tuple[str, ...]
    structures: tuple[dict[str, Any], ...] = ()


def draw_mask(mask: Mapping[str, Any], planned: FileStamp, grid: Geometry, scheme: LabelScheme) -> DrawnMask:
    """The regions or segments of a planned mask on the grid of its series.

    Args:
        mask: as it was planned: `form` (RTSTRUCT or SEG), `path`, `regions`, `volume`.
        planned: the file as it was planned.
        grid: of the series.
        scheme: names and integers of the cohort.

    Raises:
        Unusable: the file changed, or what it draws lies in no slice of the series.
    """
    _check_unchanged(planned)
    if mask["form"] == "SEG":
        return _draw_segments(mask, grid, scheme)
    try:
        structures = read_rtstruct(planned.path)
    except FormatError as error:
        raise Unusable("changed or unreadable", error.found) from error
    drawn = _Regions(structures, tuple(mask["regions"]), grid)
    label_map = LabelMap.from_masks(drawn, grid, scheme)
    if drawn.astray:
        detail = f"{', '.join(drawn.astray)}: contours that lie in no slice of {mask['volume']}"
        raise Unusable("contours off the slices", detail)
    return DrawnMask(label_map, tuple(drawn.remarks))


def _check_unchanged(planned: FileStamp) -> None:
    try:
        found = file_stamp(planned.path)
    except OSError as error:
        raise Unusable("changed or unreadable", error.strerror or str(error)) from error
    if found != {"bytes": planned.bytes, "mtime_ns": planned.mtime_ns}:
        raise Unusable("changed or unreadable", "a file that has changed since it was indexed")


def _draw_segments(mask: Mapping[str, Any], grid: Geometry, scheme: LabelScheme) -> DrawnMask:
    segmentation = parse_segmentation(mask["path"])
    try:
        label_map = segmentation.label_map(grid, scheme=scheme, only=mask["regions"])
    except GeometryError as error:
        raise Unusable("segments off the slices", f"{error.found}; drawn on {mask['volume']}") from error
    except FormatError as error:
        raise Unusable("broken DICOM", error.found) from error
    occurring = {scheme.name_of(value) for value in label_map.values()}
    remarks = tuple(f"{name} covers no voxel" for name in mask["regions"] if name not in occurring)
    kept = (segment for segment in segmentation.segments if segment.label in mask["regions"])
    return DrawnMask(label_map, remarks, tuple(_segment_row(segment) for segment in kept))


def _segment_row(segment: Segment) -> dict[str, Any]:
    return {
        "structure": segment.label,
        "lesion": segment.tracking_id or None,
        "measure": "segment_number",
        "value": float(segment.number),
        "unit": "1",
        "tracking_uid": segment.tracking_uid or None,
        "category": _words(segment.category),
        "type": _words(segment.type),
        "algorithm": " ".join(filter(None, (segment.algorithm, segment.algorithm_name))) or None,
    }


def _words(code: Code) -> str | None:
    return " ".join(filter(None, (code.scheme, code.value, code.meaning))) or None


class _Regions(Mapping[str, NDArray[np.bool_]]):
    """Masks by region name, drawn when they are asked for, so that one is in memory at a time."""

    def __init__(self, structures: RtStruct, names: tuple[str, ...], grid: Geometry) -> None:
        self.structures, self.names, self.grid = structures, names, grid
        self.astray: list[str] = []
        self.remarks: list[str] = []

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        mask = np.zeros(self.grid.shape, np.bool_, order="F")
        outside = 0
        for contours in self.structures.contours(name):
            drawing = rasterise(contours, self.grid)
            mask |= drawing.mask
            outside += drawing.outside
            if drawing.astray and name not in self.astray:
                self.astray.append(name)
        if outside:
            self.remarks.append(f"{outside} contours of {name} lie beside the volume")
        if not mask.any():
            self.remarks.append(f"{name} covers no voxel centre")
        passed_over = sum(region.passed_over for region in self.structures.regions if region.name == name)
        if passed_over:
            self.remarks.append(f"{passed_over} points or open lines of {name} enclose no area")
        return mask

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
