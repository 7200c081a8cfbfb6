"""What all objects of one DICOM study share, and slices on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from oncohort.errors import GeometryError, OutputError
from oncohort.geometry import Geometry

LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])
"""DICOM counts x towards the left and y towards the back; Oncohort the other way."""

_SOFTWARE = "Oncohort"


@dataclass(frozen=True)
class DicomStudy:
    """What all series of one study say in common.

    Attributes:
        patient_id: Also the case id after ingestion.
        started: Start of the study; nothing in a file depends on the clock of the computer.
        facts: Further DICOM attributes by keyword, written into every file as they are.
        entropy: Text from which all UIDs of the study are made.
    """

    patient_id: str
    started: datetime
    facts: Mapping[str, Any]
    entropy: str

    def uid(self, *what: object) -> str:
        """A UID of this study, the same for the same words.

        Examples:
            >>> study = DicomStudy("A", datetime(2026, 1, 5), {}, "seed 1")
            >>> study.uid("CT") == study.uid("CT"), study.uid("CT")[:5], len(study.uid("CT")) <= 64
            (True, '2.25.', True)
        """
        digest = hashlib.sha256(repr((self.entropy, self.patient_id, *map(str, what))).encode()).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"


@dataclass(frozen=True)
class WrittenSeries:
    """A series as it was written, for those that refer to it.

    Attributes:
        uid: SeriesInstanceUID.
        sop_class: SOPClassUID of its images.
        sop_uids: SOPInstanceUIDs, along k.
        geometry: The grid.
    """

    uid: str
    sop_class: str
    sop_uids: tuple[str, ...]
    geometry: Geometry


def study_facts(study: DicomStudy) -> dict[str, Any]:
    """DICOM attributes by keyword that every object of a study carries."""
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyInstanceUID": study.uid("study"),
        "StudyDate": date_text(study.started),
        "StudyTime": time_text(study.started),
        "StudyID": "1",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "PatientID": study.patient_id,
        "PatientName": study.patient_id,
        "PatientBirthDate": "",
        "PatientSex": "",
        "Manufacturer": _SOFTWARE,
        **study.facts,
    }


def frame_uid(study: DicomStudy) -> str:
    """The frame of reference that the images of a study share."""
    return study.uid("frame of reference")


def series_facts(
    study: DicomStudy, geometry: Geometry, *, modality: str, sop_class: str, number: int
) -> dict[str, Any]:
    """Attributes of every image of a series on this grid, by keyword.

    Raises:
        GeometryError: The grid is sheared.
    """
    columns, rows, _ = geometry.shape
    return {
        **study_facts(study),
        "SOPClassUID": sop_class,
        "Modality": modality,
        "SeriesInstanceUID": study.uid(modality),
        "SeriesNumber": number,
        "SeriesDate": date_text(study.started),
        "SeriesTime": time_text(study.started),
        "SeriesDescription": f"{study.facts.get('StudyDescription', '')} {modality}".strip(),
        "FrameOfReferenceUID": frame_uid(study),
        "PositionReferenceIndicator": "",
        "PatientPosition": "HFS",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        **_plane(geometry),
    }


def _plane(geometry: Geometry) -> dict[str, Any]:
    directions = geometry.affine[:3, :3] / np.array(geometry.spacing_mm)
    if not np.allclose(directions.T @ directions, np.eye(3), atol=1e-4):
        raise GeometryError(
            expected="a grid with right angles",
            found=str(directions.tolist()),
            where="series to write",
            remedy="resample it",
        )
    along_i, along_j = (directions[:, axis] * LPS_FROM_RAS for axis in (0, 1))
    width, height, depth = geometry.spacing_mm
    return {
        "ImageOrientationPatient": [format_number_as_ds(float(value) + 0.0) for value in (*along_i, *along_j)],
        "PixelSpacing": [format_number_as_ds(height), format_number_as_ds(width)],
        "SliceThickness": format_number_as_ds(depth),
    }


SliceOf = Callable[[int], tuple[NDArray[np.int16], Mapping[str, Any]]]
"""Stored numbers (row, column) of slice k, and the DICOM attributes that are its own."""


def write_slices(
    folder: Path, common: Mapping[str, Any], geometry: Geometry, study: DicomStudy, slice_of: SliceOf
) -> WrittenSeries:
    """Write one file per slice (k), in order, and say what was written.

    Raises:
        OutputError: A file cannot be written.
    """
    template = Dataset()
    for keyword, value in common.items():
        setattr(template, keyword, value)
    count = geometry.shape[2]
    positions = geometry.to_mm([(0, 0, k) for k in range(count)]) * LPS_FROM_RAS
    uids = tuple(study.uid(common["SeriesInstanceUID"], k) for k in range(count))
    for k, uid in enumerate(uids):
        stored, facts = slice_of(k)
        for keyword, value in facts.items():
            setattr(template, keyword, value)
        template.SOPInstanceUID = uid
        template.InstanceNumber = k + 1
        template.ImagePositionPatient = [format_number_as_ds(float(value)) for value in positions[k]]
        template.PixelData = np.ascontiguousarray(stored, dtype="<i2").tobytes()
        write_dataset(folder / f"{k + 1:04d}.dcm", template)
    return WrittenSeries(str(common["SeriesInstanceUID"]), str(common["SOPClassUID"]), uids, geometry)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a data set as a DICOM file, explicit little endian, with nothing in it from this computer.

    Raises:
        OutputError: The file cannot be written.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationVersionName = _SOFTWARE.upper()
    dataset.file_meta = meta  # type: ignore[attr-defined, unused-ignore]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, dataset, enforce_file_format=True)
    except OSError as error:
        raise OutputError(
            expected="a place that can be written",
            found=error.strerror or str(error),
            where=str(path),
            remedy="free space or choose another --out",
        ) from error


def date_text(instant: datetime) -> str:
    """DICOM date (DA) of an instant."""
    return instant.strftime("%Y%m%d")


def time_text(instant: datetime) -> str:
    """DICOM time (TM) of an instant, with microseconds."""
    return instant.strftime("%H%M%S.%f")
