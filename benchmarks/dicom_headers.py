"""Headers of 20,000 generated DICOM files, and of the real ones of `sts_petct`: Oncohort's index beside pydicom."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from benchmarks.timing import Cost, show, timed
from oncohort.formats.dicom.header import DicomHeader, read_header
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.walk import TAGS

FILES = 20_000
_ROUNDS = 3
_NAME = "sts_petct"


def measure_headers() -> None:
    """Print the cost of both on the same files, in turn, in one process."""
    print("dicom headers: header-only index, 1 process")
    with TemporaryDirectory() as folder:
        for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            paths = write_files(Path(folder) / syntax.name, FILES, syntax)
            compare(f"{len(paths)} generated, {syntax.name}", paths)
        real = _real_files(Path(os.environ.get("ONCOHORT_DATA") or "/nonexistent"), Path(folder))
        if real:
            compare(f"{len(real)} real of {_NAME}", real)
        else:
            print(f"  not measured: ONCOHORT_DATA holds neither {_NAME} nor {_NAME}.zip")


def compare(what: str, paths: list[Path]) -> float:
    """How many times longer pydicom takes than the index; both must find the same SOPInstanceUIDs."""
    print(f" {what}")
    tags = list(TAGS)
    ours, theirs, index = [], [], []
    for _ in range(_ROUNDS):
        headers, cost = timed(lambda: [read_header(path) for path in paths])
        ours.append(cost)
        found, cost = timed(lambda: [dcmread(path, stop_before_pixels=True, specific_tags=tags) for path in paths])
        theirs.append(cost)
        index.append(timed(lambda: index_files(paths))[1])
        mine = [header.instance for header in headers if isinstance(header, DicomHeader)]
        assert mine == [str(data.SOPInstanceUID) for data in found]
    show("oncohort, read_header", _median(ours))
    show("oncohort, index_files (series, duplicates)", _median(index))
    show("pydicom.dcmread, specific_tags", _median(theirs))
    ratio = _median(theirs).cpu_s / _median(ours).cpu_s
    print(f"  pydicom takes {ratio:.1f} times as long as read_header")
    return ratio


def _median(costs: list[Cost]) -> Cost:
    key: Callable[[Cost], float] = lambda cost: cost.cpu_s  # noqa: E731 - one word for two uses
    return min(costs, key=lambda cost: abs(cost.cpu_s - median(key(one) for one in costs)))


def write_files(folder: Path, count: int, syntax: str) -> list[Path]:
    """Small CT slices with the elements of a usual scanner, 100 in a series."""
    folder.mkdir(parents=True)
    data = _slice()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, "1.2"
    meta.TransferSyntaxUID = syntax
    data.file_meta, data.preamble = meta, b"\0" * 128
    template = folder / "template"
    dcmwrite(template, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, enforce_file_format=True)
    content = template.read_bytes()
    template.unlink()
    paths = []
    for number in range(count):
        path = folder / f"{number:06d}.dcm"
        path.write_bytes(
            content.replace(b"1.2.826.0.1.100000", f"1.2.826.0.1.{100000 + number}".encode()).replace(
                b"1.2.826.0.2.1000", f"1.2.826.0.2.{1000 + number // 100}".encode()
            )
        )
        paths.append(path)
    return paths


_TAGS = {
    "SpecificCharacterSet": "ISO_IR 100",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "SOPInstanceUID": "1.2.826.0.1.100000",
    "SeriesInstanceUID": "1.2.826.0.2.1000",
    "StudyInstanceUID": "1.2.826.0.3",
    "FrameOfReferenceUID": "1.2.826.0.4",
    **dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), "20260105"),
    **dict.fromkeys(("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"), "101112.123456"),
    "Modality": "CT",
    "Manufacturer": "Nobody",
    "InstitutionName": "Nowhere",
    "StudyDescription": "Chest",
    "SeriesDescription": "Chest 5.0",
    "ManufacturerModelName": "Model",
    "PatientName": "A",
    "PatientID": "A0001",
    "PatientBirthDate": "",
    "PatientSex": "F",
    "PatientAge": "063Y",
    "PatientWeight": "70",
    "BodyPartExamined": "CHEST",
    "ScanOptions": "HELIX",
    "SliceThickness": "5",
    "KVP": "120",
    "DataCollectionDiameter": "500",
    "ReconstructionDiameter": "360",
    "DistanceSourceToDetector": "1040",
    "DistanceSourceToPatient": "570",
    "GantryDetectorTilt": "0",
    "TableHeight": "140",
    "RotationDirection": "CW",
    "ExposureTime": "500",
    "XRayTubeCurrent": "200",
    "Exposure": "100",
    "FilterType": "0",
    "GeneratorPower": "24",
    "FocalSpots": "1.2",
    "ConvolutionKernel": "B40f",
    "PatientPosition": "HFS",
    "SeriesNumber": "2",
    "AcquisitionNumber": "2",
    "InstanceNumber": "1",
    "ImagePositionPatient": [-180, -180, -100],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PositionReferenceIndicator": "",
    "SliceLocation": "-100",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 16,
    "Columns": 16,
    "PixelSpacing": [0.7, 0.7],
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 1,
    "WindowCenter": "40",
    "WindowWidth": "350",
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
    "PixelData": np.zeros((16, 16), "<i2").tobytes(),
}


def _slice() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D3000", "SRT", "Chest"
    data = Dataset()
    for keyword, value in {**_TAGS, "AnatomicRegionSequence": [code], "ProcedureCodeSequence": [code]}.items():
        setattr(data, keyword, value)
    return data


def _real_files(root: Path, folder: Path) -> list[Path]:
    place = root / _NAME / "dicom"
    archive = root / f"{_NAME}.zip"
    if not place.is_dir() and archive.is_file():
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder / "data")
        place = folder / "data" / _NAME / "dicom"
    return sorted(path for path in place.rglob("*.dcm") if path.is_file())
