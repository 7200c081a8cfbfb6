"""Small DICOM series and structure sets, written with pydicom alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

CT, PET, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.481.3"
START_PET: dict[str, Any] = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    "SeriesDate": "20250101",
    "SeriesTime": "110000",
    "AcquisitionDate": "20250101",
    "AcquisitionTime": "110000",
    "FrameReferenceTime": "150000",
    "ActualFrameDuration": "300000",
    "DecayFactor": "1.0",
    "PatientWeight": "70",
}
TRACER: dict[str, Any] = {
    "Radiopharmaceutical": "Fluorodeoxyglucose",
    "RadionuclideTotalDose": "368080000",
    "RadionuclideHalfLife": "6586.2",
    "RadiopharmaceuticalStartTime": "100000",
}
DRO_FACTOR = 2.777781e-4

Change = Callable[[Dataset, int], None]


def write_series(
    folder: Path,
    *,
    modality: str = "CT",
    shape: tuple[int, int, int] = (5, 4, 3),
    uid: str = "1.2.3",
    syntax: str = ExplicitVRLittleEndian,
    stored: np.ndarray | None = None,
    tags: Mapping[str, Any] | None = None,
    change: Change = lambda data, k: None,
) -> list[Path]:
    """Slices of one series, (columns, rows, slices), 2 x 3 mm pixels, 4 mm apart; stored values i + 10 j + 100 k."""
    columns, rows, slices = shape
    if stored is None:
        i, j, k = np.indices(shape)
        stored = (i + 10 * j + 100 * k).astype(np.int16)
    paths = []
    for k in range(slices):
        data = _image(modality, uid, k)
        data.Rows, data.Columns = rows, columns
        data.BitsAllocated, data.BitsStored, data.HighBit = (stored.dtype.itemsize * 8,) * 2 + (
            stored.dtype.itemsize * 8 - 1,
        )
        data.PixelRepresentation = int(stored.dtype.kind == "i")
        for name, value in (tags or {}).items():
            setattr(data, name, value)
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        pixels = np.ascontiguousarray(stored[:, :, k].T).astype(stored.dtype.newbyteorder(order)).tobytes()
        data.add_new("PixelData", "OW", pixels + b"\0" * (len(pixels) % 2))
        change(data, k)
        paths.append(save(data, folder / f"{modality}-{uid}-{k}.dcm", syntax))
    return paths


def write_pet(
    folder: Path, *, tracer: Mapping[str, Any] | None = None, tags: Mapping[str, Any] | None = None, **more: Any
) -> list[Path]:
    """A PET series like the base digital reference object: 70 kg, 368.08 MBq, 3600 s, F-18."""
    item = Dataset()
    for name, value in {**TRACER, **(tracer or {})}.items():
        setattr(item, name, value)
    merged = {**START_PET, "RadiopharmaceuticalInformationSequence": [item], **(tags or {})}
    return write_series(folder, modality="PT", tags=merged, **{"uid": "1.2.4", **more})


def write_structures(
    path: Path,
    regions: Mapping[str, Sequence[Sequence[Sequence[float]]]],
    *,
    series: str = "1.2.3",
    instances: Sequence[str] = (),
    kind: str = "CLOSED_PLANAR",
    uid: str = "1.2.9",
    **tags: Any,
) -> Path:
    """A structure set: contours (lists of LPS points) by region name."""
    data = _common("RTSTRUCT", RTSTRUCT, uid, uid + ".1")
    referenced = _item(SeriesInstanceUID=series)
    study = _item(RTReferencedSeriesSequence=[referenced])
    data.ReferencedFrameOfReferenceSequence = [
        _item(FrameOfReferenceUID="1.2.8", RTReferencedStudySequence=[study] if series else [])
    ]
    data.StructureSetROISequence = [_item(ROINumber=n, ROIName=name) for n, name in enumerate(regions, 1)]
    images = [_item(ReferencedSOPInstanceUID=one) for one in instances]
    data.ROIContourSequence = [
        _item(
            ReferencedROINumber=n,
            ContourSequence=[
                _item(
                    ContourGeometricType=kind,
                    NumberOfContourPoints=len(contour),
                    ContourImageSequence=images,
                    ContourData=[float(value) for point in contour for value in point],
                )
                for contour in contours
            ],
        )
        for n, contours in enumerate(regions.values(), 1)
    ]
    for name, value in tags.items():
        setattr(data, name, value)
    return save(data, path, ImplicitVRLittleEndian)


def square(low: float, high: float, z: float) -> list[tuple[float, float, float]]:
    """A square contour in LPS mm."""
    return [(low, low, z), (high, low, z), (high, high, z), (low, high, z)]


def save(data: Dataset, path: Path, syntax: str) -> Path:
    """Write a data set with file meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", "") or "1.2"
    meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    data.file_meta, data.preamble = meta, b"\0" * 128
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    dcmwrite(path, data, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return path


def _image(modality: str, uid: str, k: int) -> Dataset:
    data = _common(modality, CT if modality == "CT" else PET, uid, f"{uid}.{k}")
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [-10, -20, 30 + 4 * k]
    data.PixelSpacing = [3, 2]
    data.RescaleSlope, data.RescaleIntercept = (1, -1000) if modality == "CT" else (0.5, 0)
    return data


def _common(modality: str, sop_class: str, series: str, instance: str) -> Dataset:
    return _item(
        SOPClassUID=sop_class,
        SOPInstanceUID=instance,
        Modality=modality,
        PatientID="P1",
        StudyInstanceUID="1.2.7",
        SeriesInstanceUID=series,
        FrameOfReferenceUID="1.2.8",
        StudyDate="20250101",
        SeriesNumber=1,
        PatientSex="F",
        PatientAge="063Y",
        Manufacturer="Nobody",
    )


def _item(**values: Any) -> Dataset:
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data
