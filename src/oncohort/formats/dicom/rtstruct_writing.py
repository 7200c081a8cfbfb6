"""RTSTRUCT files: masks on disk as contours along the edges of their pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage

from oncohort.errors import GeometryError, LabelError
from oncohort.formats.dicom.referenced import ReferencedSeries, tolerant
from oncohort.formats.dicom.study import (
    LPS_FROM_RAS,
    DicomStudy,
    WrittenSeries,
    frame_uid,
    study_facts,
    write_dataset,
)
from oncohort.geometry import Box, Geometry
from oncohort.storage import atomic_path
from oncohort.volume import LabelMap

Mask = NDArray[np.bool_]
Corner = tuple[int, int]
Algorithm = Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC", ""]

_LONGEST_NAME = 64  # VR LO
_COLOURS = ((255, 60, 60), (60, 160, 255), (60, 200, 60), (240, 180, 30))


def write_rtstruct(
    path: str | Path, label_map: LabelMap, series: ReferencedSeries, *, algorithm: Algorithm = ""
) -> None:
    """Write labels as an RTSTRUCT for a series on disk: one region per label, in the patient and study of the series.

    `read_rtstruct` and the pixel-centre rule give back every label with no differing voxel, holes and islands too. A
    label without voxel is a region without contours; labels that nobody looked for are left out. The same labels
    give the same bytes.

    Args:
        path: The file.
        label_map: Labels on the grid of the series.
        series: The images that the contours refer to.
        algorithm: Who drew them, as far as it is known.

    Raises:
        GeometryError: The labels lie on another grid.
        LabelError: A name that a region cannot have: longer than 64 characters, or with a backslash.
        OutputError: The file cannot be written.

    Examples:
        >>> from datetime import datetime
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.formats.dicom.referenced import read_referenced_series
        >>> from oncohort.formats.dicom.rtstruct import read_rtstruct
        >>> from oncohort.formats.dicom.writing import write_ct_series
        >>> from oncohort.labels import LabelScheme
        >>> from oncohort.units import Unit
        >>> from oncohort.volume import Volume
        >>> grid = Geometry((4, 3, 2), np.diag([-2.0, -2.0, 3.0, 1.0]))
        >>> ct = Volume.from_array(np.zeros(grid.shape, np.int16), grid, Unit.HU)
        >>> mask = np.arange(24).reshape(grid.shape) % 5 == 0
        >>> labels = LabelMap.from_masks({"lesion": mask}, grid, LabelScheme("lesion", {"lesion": 1}))
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_ct_series(f"{folder}/ct", ct, DicomStudy("A", datetime(2026, 1, 5), {}, "seed"))
        ...     write_rtstruct(f"{folder}/rs.dcm", labels, read_referenced_series(f"{folder}/ct"))
        ...     again = read_rtstruct(f"{folder}/rs.dcm").label_map(grid)
        >>> bool(np.array_equal(again.mask("lesion"), mask))
        True
    """
    series.geometry.require_same_grid(label_map.geometry, what="labels", where=str(path))
    looked_for = label_map.scheme.labels if label_map.annotated is None else label_map.annotated
    masks = {name: label_map.mask(name) for name in label_map.scheme.labels if name in looked_for}
    require_names(masks, str(path))
    content = b"".join(name.encode() + np.packbits(mask).tobytes() for name, mask in masks.items())
    with tolerant(), atomic_path(path) as temporary:
        write_contours(temporary, masks, series.images, series.study_of(content), algorithm=algorithm)


def require_names(names: Iterable[str], where: str) -> None:
    """Raise unless DICOM can hold every name.

    Raises:
        LabelError: A name is longer than 64 characters or has a backslash.
    """
    for name in names:
        if len(name) > _LONGEST_NAME or "\\" in name or name != name.strip() or not name.isprintable():
            raise LabelError(
                expected=f"names of up to {_LONGEST_NAME} characters, without backslash or outer spaces",
                found=repr(name),
                where=where,
                remedy="rename the label",
            )


def write_contours(
    path: str | Path,
    masks: Mapping[str, Mask],
    series: WrittenSeries,
    study: DicomStudy,
    *,
    algorithm: Algorithm = "AUTOMATIC",
) -> None:
    """Write masks by name as an RTSTRUCT that refers to one written series.

    Contours follow pixel edges, so the pixel-centre rule gives back each mask
    with no differing voxel. Holes are contours of their own (even-odd rule). An
    empty mask is a region without contours: drawn, nothing found.

    Args:
        path: The file.
        masks: Boolean masks (i, j, k) on the grid of `series`, by ROI name.
        series: The images that the contours were drawn on.
        study: Patient, study and time.
        algorithm: Who drew them; "" if it is not known.

    Raises:
        GeometryError: A mask does not have the grid's shape.
        OutputError: The file cannot be written.
    """
    dataset = Dataset()
    facts = _facts(series, study)
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    frame = facts["FrameOfReferenceUID"]
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(series, frame, facts["StudyInstanceUID"])]
    names = list(enumerate(masks, start=1))
    dataset.StructureSetROISequence = [_roi(number, name, frame, algorithm) for number, name in names]
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
        "FrameOfReferenceUID": facts.get("FrameOfReferenceUID") or frame_uid(study),
        "PositionReferenceIndicator": "",
    }


def _referenced_frame(series: WrittenSeries, frame: str, study_uid: str) -> Dataset:
    images = [_dataset(ReferencedSOPClassUID=series.sop_class, ReferencedSOPInstanceUID=uid) for uid in series.sop_uids]
    of_series = _dataset(SeriesInstanceUID=series.uid, ContourImageSequence=images)
    of_study = _dataset(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=study_uid,
        RTReferencedSeriesSequence=[of_series],
    )
    return _dataset(FrameOfReferenceUID=frame, RTReferencedStudySequence=[of_study])


def _roi(number: int, name: str, frame: str, algorithm: str) -> Dataset:
    return _dataset(
        ROINumber=number, ReferencedFrameOfReferenceUID=frame, ROIName=name, ROIGenerationAlgorithm=algorithm
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
