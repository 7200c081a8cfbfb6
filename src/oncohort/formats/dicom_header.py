"""What one DICOM file says before its pixels: one read per file, raw values, no guesses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID

from oncohort.formats.dicom_image import ImageFacts, image_facts
from oncohort.formats.dicom_values import PYDICOM_ERRORS, RefusedFile, Unusable, decoded, text

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
RT_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"

_MODALITIES = {CT_IMAGE: "CT", PET_IMAGE: "PT", RT_STRUCTURES: "RTSTRUCT"}
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_NOT_IMAGES = (
    "RT Plan",
    "RT Ion",
    "RT Beams",
    "RT Dose",
    "SR Storage",
    "Presentation State",
    "Registration",
    "Directory",
    "Waveform",
    "Encapsulated",
    "Raw Data",
    "Real World",
    "Fiducials",
    "Key Object",
)
_ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!")
_FACTS = (
    "Manufacturer",
    "StudyDate",
    "SeriesNumber",
    "PatientSex",
    "PatientAge",
    "PatientWeight",
    "PatientSize",
    "ImageType",
    "RescaleType",
)
_PET_FACTS = (
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "Units",
    "SUVType",
    "DecayCorrection",
    "CorrectedImage",
    "FrameReferenceTime",
    "ActualFrameDuration",
    "DecayFactor",
    "RescaleIntercept",
    "RescaleSlope",
)
_TRACER_FACTS = (
    "Radiopharmaceutical",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
)
_TAGS = {name: tag_for_keyword(name) or 0 for name in (*_FACTS, *_PET_FACTS, *_TRACER_FACTS)}


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """One DICOM file that a case may use: a CT or PET slice, or (`image` is None) a structure set.

    Attributes:
        path: as it was given.
        bytes: size of the file.
        mtime_ns: when it was changed last.
        patient: PatientID.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        instance: SOPInstanceUID.
        modality: "CT", "PT" or "RTSTRUCT", by the SOP class.
        frame: FrameOfReferenceUID, "" if missing.
        facts: raw text by DICOM keyword; for PET also what SUV needs, by the names of `oncohort.suv`.
        image: the slice; None for a structure set.
    """

    path: str
    bytes: int
    mtime_ns: int
    patient: str
    study: str
    series: str
    instance: str
    modality: str
    frame: str
    facts: Mapping[str, str]
    image: ImageFacts | None = None


def read_header(path: str | Path) -> DicomHeader | RefusedFile:
    """What a DICOM file says before its pixels, or why it cannot be used.

    Accepted are uncompressed CT and PET images of one frame, and RT structure sets. The size of the pixel data is
    checked against the file, so a truncated file is refused here, before anything is converted.

    Examples:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as note:
        ...     _ = note.write(b"no image, but long enough to hold the mark that DICOM files have" * 4)
        ...     note.flush()
        ...     read_header(note.name).reason
        'not DICOM'
    """
    name = str(path)
    try:
        with Path(path).open("rb") as stream:
            return _read(name, stream)
    except Unusable as unusable:
        return RefusedFile(name, unusable.reason, unusable.detail)
    except PermissionError as error:
        return RefusedFile(name, "unreadable", error.strerror or str(error))
    except PYDICOM_ERRORS as error:
        return RefusedFile(name, "broken DICOM", f"{type(error).__name__}: {error}"[:300])


def has_dicom_mark(path: str | Path) -> bool:
    """Whether byte 128 of a file begins with the mark of DICOM; a file that cannot be read has none."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _read(name: str, stream: IO[bytes]) -> DicomHeader:
    status = os.fstat(stream.fileno())
    _check_mark(stream, status.st_size)
    data = dcmread(stream, stop_before_pixels=True)
    sop_class = text(data, 0x00080016) or str(data.file_meta.get("MediaStorageSOPClassUID", ""))
    _check_class(sop_class, text(data, 0x00080060))
    header = _identity(name, status, data, _MODALITIES[sop_class])
    if sop_class == RT_STRUCTURES:
        return header
    return replace(header, image=image_facts(data, stream, status.st_size))


def _check_mark(stream: IO[bytes], size: int) -> None:
    if size == 0:
        raise Unusable("empty file", "0 bytes")
    start = stream.read(132)
    stream.seek(0)
    if start[128:] != b"DICM":
        kind = "an archive: unpack it first" if start.startswith(_ARCHIVES) else "no DICM mark at byte 128"
        raise Unusable("not DICOM", kind)


def _check_class(sop_class: str, modality: str) -> None:
    if sop_class in _MODALITIES:
        return
    name = UID(sop_class).name
    if sop_class in _SEGMENTATIONS:
        raise Unusable("segmentation object", "DICOM SEG is not read; RTSTRUCT is")
    if any(word in name for word in _NOT_IMAGES):
        raise Unusable("not an image", name)
    if name.startswith(("Enhanced CT", "Enhanced PET", "Legacy Converted")):
        raise Unusable("multi-frame", f"{name}: only classic series with one slice per file are read")
    if not sop_class and not modality:
        raise Unusable("broken DICOM", "neither SOPClassUID nor Modality")
    raise Unusable("not CT or PET", f"modality {modality or 'missing'}, {name or 'no SOP class'}")


def _identity(name: str, status: os.stat_result, data: FileDataset, modality: str) -> DicomHeader:
    patient = decoded(data, "PatientID")
    study, series, instance = (text(data, tag) for tag in (0x0020000D, 0x0020000E, 0x00080018))
    required = {
        "PatientID": patient,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": instance,
    }
    missing = [tag for tag, value in required.items() if not value]
    if missing:
        raise Unusable("no identity", f"{', '.join(missing)} missing or empty")
    return DicomHeader(
        path=name,
        bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        patient=sys.intern(patient),
        study=sys.intern(study),
        series=sys.intern(series),
        instance=instance,
        modality=modality,
        frame=sys.intern(text(data, 0x00200052)),
        facts=_facts(data, pet=modality == "PT"),
    )


def _facts(data: FileDataset, *, pet: bool) -> dict[str, str]:
    facts = {name: text(data, _TAGS[name]) for name in _FACTS}
    for name in ("StudyDescription", "SeriesDescription"):
        facts[name] = decoded(data, name)
    if pet:
        facts |= {name: text(data, _TAGS[name]) for name in _PET_FACTS}
        facts |= _tracer_facts(data)
        facts["GEScanDateTime"] = _ge_scan_time(data)
    return {name: sys.intern(value) for name, value in facts.items() if value}


def _tracer_facts(data: FileDataset) -> dict[str, str]:
    items = _items(data, "RadiopharmaceuticalInformationSequence")
    if not items:
        return {}
    facts = {name: text(items[0], _TAGS[name]) for name in _TRACER_FACTS}
    facts["RadiopharmaceuticalCount"] = str(len(items))
    codes = _items(items[0], "RadionuclideCodeSequence")
    facts["RadionuclideCode"] = decoded(codes[0], "CodeValue") if codes else ""
    names = _items(items[0], "RadiopharmaceuticalCodeSequence")
    if names and not facts["Radiopharmaceutical"]:
        facts["Radiopharmaceutical"] = decoded(names[0], "CodeMeaning")
    return facts


def _items(data: Dataset, keyword: str) -> list[Dataset]:
    return list(data.get(keyword) or ())


def _ge_scan_time(data: FileDataset) -> str:
    for block in range(0x10, 0x20):
        if text(data, 0x00090000 + block) == "GEMS_PETD_01":
            return text(data, 0x00090000 + block * 0x100 + 0x0D)
    return ""
