"""RTSTRUCT files: masks on disk as contours along the edges of their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage

from oncohort.errors import GeometryError
from oncohort.formats.dicom.study import (
    LPS_FROM_RAS,
    DicomStudy,
    WrittenSeries,
    frame_uid,
    study_facts,
    write_dataset,
)
from oncohort.geometry import Box, Geometry

Mask = NDArray[np.bool_]
Corner = tuple[int, int]

_COLOURS = ((255, 60, 60), (60, 160, 255), (60, 200, 60), (240, 180, 30))


def write_rtstruct(path: str | Path, masks: Mapping[str, Mask], series: WrittenSeries, study: DicomStudy) -> None:
    """Write masks by name as an RTSTRUCT that refers to one written series.

    Contours follow pixel edges, so the pixel-centre rule gives back each mask
    with no differing voxel. Holes are contours of their own (even-odd rule). An
    empty mask is a region without contours: drawn, nothing found.

    Args:
        path: The file.
        masks: Boolean masks (i, j, k) on the grid of `series`, by ROI name.
        series: The images that the contours were drawn on.
        study: Patient, study and time.

    Raises:
        GeometryError: A mask does not have the grid's shape.
        OutputError: The file cannot be written.
    """
    dataset = Dataset()
    for keyword, value in _facts(series, study).items():
        setattr(dataset, keyword, value)
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(series, study)]
    names = list(enumerate(masks, start=1))
    dataset.StructureSetROISequence = [_roi(number, name, frame_uid(study)) for number, name in names]
    dataset.ROIContourSequence = [_roi_contours(number, masks[name], series) for number, name in names]
    dataset.RTROIObservationsSequence = [_observation(number) for number, _ in names]
    write_dataset(Path(path), dataset)


def mask_contours(mask: Mask, geometry: Geometry) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Closed contours of a mask: slice k and corners (n, 3) in mm, RAS+, along pixel edges.

    Raises:
        GeometryError: The mask does not have the grid's shape.

    Examples:
        >>> mask = np.zeros((4, 4, 2), dtype=bool)
        >>> mask[1:3, 2, 1] = True
        >>> [(k, corners.tolist()) for k, corners in mask_contours(mask, Geometry((4, 4, 2), np.eye(4)))]
        [(1, [[0.5, 1.5, 1.0], [2.5, 1.5, 1.0], [2.5, 2.5, 1.0], [0.5, 2.5, 1.0]])]
    """
    if mask.shape != geometry.shape:
        raise GeometryError(
            expected=f"a mask of shape {geometry.shape}",
            found=str(mask.shape),
            where="contours",
            remedy="use the grid of the mask",
        )
    box = Box.of_mask(mask)
    if box is None:
        return
    for k in range(box.start[2], box.stop[2]):
        for corners in _outlines(mask[box.start[0] : box.stop[0], box.start[1] : box.stop[1], k]):
            index = np.column_stack([corners + np.array(box.start[:2]) - 0.5, np.full(len(corners), float(k))])
            yield k, geometry.to_mm(index)


def _outlines(mask: Mask) -> Iterator[NDArray[np.int64]]:
    """Closed lines round the inside of a plane (i, j), as corners; pixel (0, 0) has corners (0, 0) to (1, 1)."""
    following = _edges(mask)
    while following:
        start = next(iter(following))
        line = [start]
        while True:
            stops = following[line[-1]]
            stop = stops.pop()
            if not stops:
                del following[line[-1]]
            if stop == start:
                break
            line.append(stop)
        yield _without_straight_corners(np.array(line))


def _edges(mask: Mask) -> dict[Corner, list[Corner]]:
    """For each corner, where the pixel edges that leave it lead; the inside lies on a fixed side of every edge."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    edges: dict[Corner, list[Corner]] = {}
    sides = (
        (padded[1:-1, :-2], (0, 0), (1, 0)),
        (padded[2:, 1:-1], (1, 0), (1, 1)),
        (padded[1:-1, 2:], (1, 1), (0, 1)),
        (padded[:-2, 1:-1], (0, 1), (0, 0)),
    )
    for neighbour, (a, b), (c, d) in sides:
        for i, j in np.argwhere(inside & ~neighbour).tolist():
            edges.setdefault((i + a, j + b), []).append((i + c, j + d))
    return edges


def _without_straight_corners(line: NDArray[np.int64]) -> NDArray[np.int64]:
    before, after = line - np.roll(line, 1, axis=0), np.roll(line, -1, axis=0) - line
    return line[np.any(before != after, axis=1)]


def _facts(series: WrittenSeries, study: DicomStudy) -> dict[str, Any]:
    facts = study_facts(study)
    return {
        **facts,
        "SOPClassUID": str(RTStructureSetStorage),
        "SOPInstanceUID": study.uid("RTSTRUCT", series.uid),
        "Modality": "RTSTRUCT",
        "SeriesInstanceUID": study.uid("RTSTRUCT series", series.uid),
        "SeriesNumber": 4,
        "InstanceNumber": 1,
        "SeriesDescription": f"{facts.get('StudyDescription', '')} RTSTRUCT".strip(),
        "StructureSetLabel": "REFERENCE",
        "StructureSetDate": facts["StudyDate"],
        "StructureSetTime": facts["StudyTime"],
        "FrameOfReferenceUID": frame_uid(study),
        "PositionReferenceIndicator": "",
    }


def _referenced_frame(series: WrittenSeries, study: DicomStudy) -> Dataset:
    images = [_dataset(ReferencedSOPClassUID=series.sop_class, ReferencedSOPInstanceUID=uid) for uid in series.sop_uids]
    of_series = _dataset(SeriesInstanceUID=series.uid, ContourImageSequence=images)
    of_study = _dataset(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=study.uid("study"),
        RTReferencedSeriesSequence=[of_series],
    )
    return _dataset(FrameOfReferenceUID=frame_uid(study), RTReferencedStudySequence=[of_study])


def _roi(number: int, name: str, frame: str) -> Dataset:
    return _dataset(
        ROINumber=number, ReferencedFrameOfReferenceUID=frame, ROIName=name, ROIGenerationAlgorithm="AUTOMATIC"
    )


def _roi_contours(number: int, mask: Mask, series: WrittenSeries) -> Dataset:
    colour = list(_COLOURS[(number - 1) % len(_COLOURS)])
    region = _dataset(ReferencedROINumber=number, ROIDisplayColor=colour)
    contours = [_contour(series, k, corners) for k, corners in mask_contours(mask, series.geometry)]
    if contours:
        region.ContourSequence = contours
    return region


def _contour(series: WrittenSeries, k: int, corners: NDArray[np.float64]) -> Dataset:
    image = _dataset(ReferencedSOPClassUID=series.sop_class, ReferencedSOPInstanceUID=series.sop_uids[k])
    return _dataset(
        ContourImageSequence=[image],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(corners),
        ContourData=[f"{value:.6f}" for value in (corners * LPS_FROM_RAS).ravel()],
    )


def _observation(number: int) -> Dataset:
    return _dataset(ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType="", ROIInterpreter="")


def _dataset(**elements: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
