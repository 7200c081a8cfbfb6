"""What one DICOM file says before its pixels: one read per file, raw values, no guesses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydicom.uid import UID

from oncohort.formats.dicom.compression import refuse_syntax
from oncohort.formats.dicom.dataset import parse_header
from oncohort.formats.dicom.elements import UnknownHeader, Window
from oncohort.formats.dicom.enhanced import CLASSIC_CLASSES, flatten_frames
from oncohort.formats.dicom.image import ImageFacts, image_facts
from oncohort.formats.dicom.private import private_texts
from oncohort.formats.dicom.values import (
    PYDICOM_ERRORS,
    FileIdentity,
    HeaderValues,
    RawHeader,
    RefusedFile,
    Unusable,
)
from oncohort.formats.dicom.walk import DEFLATED, TAGS, walk_header

Identity = Literal["header", "folder"]
"""What says which files are one series: the identifiers in their headers, or that they lie in one folder."""

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
RT_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""

_MODALITIES = {CT_IMAGE: "CT", PET_IMAGE: "PT", RT_STRUCTURES: "RTSTRUCT", **dict.fromkeys(SEGMENTATIONS, "SEG")}
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
    "SliceThickness",
    "ConvolutionKernel",
    "AcquisitionNumber",
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
    "DoseCalibrationFactor",
    "PixelSpacing",
    "TimezoneOffsetFromUTC",
)
_TRACER_FACTS = (
    "Radiopharmaceutical",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
)
_FACT_TAGS = tuple((name, TAGS[name]) for name in _FACTS)
_PET_TAGS = tuple((name, TAGS[name]) for name in _PET_FACTS)


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """One DICOM file that a case may use: a CT or PET slice, or (`image` is None) a structure set or segmentation.

    Attributes:
        path: as it was given.
        bytes: size of the file.
        mtime_ns: when it was changed last.
        patient: PatientID.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        instance: SOPInstanceUID.
        modality: "CT", "PT", "RTSTRUCT" or "SEG", by the SOP class.
        frame: FrameOfReferenceUID, "" if missing.
        facts: raw text by DICOM keyword; for PET also what SUV needs, by the names of `oncohort.suv`.
        image: the slice; None for a structure set or segmentation.
        acquired: date and time of acquisition as the header writes them, "" if missing.
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
    acquired: str = ""


def read_header(path: str | Path, identity: Identity = "header") -> DicomHeader | RefusedFile:
    """What a DICOM file says before its pixels, or why it cannot be used.

    Accepted are CT and PET images of one frame, RT structure sets and segmentations. The size of the pixel data of an
    image is checked against the file, so a truncated file is refused here, before anything is converted. A refused
    file is given with its UIDs where it has any.

    Args:
        path: the file.
        identity: "folder" takes also a file without PatientID or UIDs; those are "" then.

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
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return _read(name, descriptor, identity)
        finally:
            os.close(descriptor)
    except Unusable as unusable:
        return RefusedFile(name, unusable.reason, unusable.detail)
    except PermissionError as error:
        return RefusedFile(name, "unreadable", error.strerror or str(error))
    except PYDICOM_ERRORS as error:
        return RefusedFile(name, "broken DICOM", f"{type(error).__name__}: {error}"[:300])


def read_frames(path: str | Path, identity: Identity = "header") -> tuple[DicomHeader, ...] | RefusedFile:
    """The frames of an Enhanced or Legacy Converted CT or PET, each as a slice; or why they cannot be used.

    The instance of a frame is the SOPInstanceUID of the file, a number sign, and its number from 1.

    Args:
        path: a file that `read_header` refuses with the reason "multi-frame".
        identity: as for `read_header`.
    """
    name = str(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            status = os.fstat(descriptor)
            opened = _Opened(name, status, Window(descriptor, status.st_size), identity)
            with Path(name).open("rb") as stream:
                raw = parse_header(stream, status.st_size)
            slices = [_header(opened, frame) for frame in flatten_frames(raw, status.st_size)]
        finally:
            os.close(descriptor)
    except Unusable as unusable:
        return RefusedFile(name, unusable.reason, unusable.detail)
    except PYDICOM_ERRORS as error:
        return RefusedFile(name, "broken DICOM", f"{type(error).__name__}: {error}"[:300])
    return tuple(replace(one, instance=f"{one.instance}#{number}") for number, one in enumerate(slices, start=1))


def identity_of(header: DicomHeader) -> FileIdentity:
    """Whose image a file is."""
    sop_class = next(uid for uid, modality in _MODALITIES.items() if modality == header.modality)
    date = header.facts.get("StudyDate", "")
    return FileIdentity(header.patient, header.study, header.series, header.instance, date, sop_class)


def has_dicom_mark(path: str | Path) -> bool:
    """Whether byte 128 of a file begins with the mark of DICOM; a file that cannot be read has none."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _Opened:
    name: str
    status: os.stat_result
    window: Window
    identity: Identity


def _read(name: str, descriptor: int, identity: Identity) -> DicomHeader | RefusedFile:
    status = os.fstat(descriptor)
    window = Window(descriptor, status.st_size)
    _check_mark(window.cut(0, 132), status.st_size)
    opened = _Opened(name, status, window, identity)
    try:
        return _understood(opened, walk_header(window))
    except UnknownHeader:
        with Path(name).open("rb") as stream:
            return _understood(opened, parse_header(stream, status.st_size))


def _understood(opened: _Opened, raw: RawHeader) -> DicomHeader | RefusedFile:
    try:
        return _header(opened, raw)
    except Unusable as unusable:
        return RefusedFile(opened.name, unusable.reason, unusable.detail, _whose(raw))


def _whose(raw: RawHeader) -> FileIdentity | None:
    data = raw.values
    instance = data.text(TAGS["SOPInstanceUID"])
    if not instance:
        return None
    study, series, date = (data.text(TAGS[name]) for name in ("StudyInstanceUID", "SeriesInstanceUID", "StudyDate"))
    return FileIdentity(data.decoded(TAGS["PatientID"]), study, series, instance, date, _sop_class(raw))


def _sop_class(raw: RawHeader) -> str:
    return raw.values.text(TAGS["SOPClassUID"]) or raw.media_class


def _check_mark(start: bytes, size: int) -> None:
    if size == 0:
        raise Unusable("empty file", "0 bytes")
    if start[128:] != b"DICM":
        kind = "an archive: unpack it first" if start.startswith(_ARCHIVES) else "no DICM mark at byte 128"
        raise Unusable("not DICOM", kind)


def _check_class(sop_class: str, modality: str) -> None:
    if sop_class in _MODALITIES:
        return
    name = UID(sop_class).name
    if any(word in name for word in _NOT_IMAGES):
        raise Unusable("not an image", name)
    if sop_class in CLASSIC_CLASSES or name.startswith("Legacy Converted"):
        raise Unusable("multi-frame", name)
    if "Secondary Capture" in name:
        raise Unusable("secondary capture", f"{name}: a picture of a screen, not a scan")
    if not sop_class and not modality:
        raise Unusable("broken DICOM", "neither SOPClassUID nor Modality")
    raise Unusable("not CT or PET", f"modality {modality or 'missing'}, {name or 'no SOP class'}")


def _header(opened: _Opened, raw: RawHeader) -> DicomHeader:
    data, status = raw.values, opened.status
    sop_class = _sop_class(raw)
    _check_class(sop_class, data.text(TAGS["Modality"]))
    if raw.syntax == DEFLATED:
        refuse_syntax(raw.syntax)
    modality = _MODALITIES[sop_class]
    patient, study, series, instance = _identity(data, required=opened.identity == "header")
    return DicomHeader(
        path=opened.name,
        bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        patient=sys.intern(patient),
        study=study,
        series=series,
        instance=instance,
        modality=modality,
        frame=data.text(TAGS["FrameOfReferenceUID"]),
        facts=_facts(data, pet=modality == "PT"),
        image=None if modality in ("RTSTRUCT", "SEG") else image_facts(raw, status.st_size, opened.window.cut),
        acquired=sys.intern(_acquired(data)),
    )


def _acquired(data: HeaderValues) -> str:
    date, clock = data.text(TAGS["AcquisitionDate"]), data.text(TAGS["AcquisitionTime"])
    return data.text(TAGS["AcquisitionDateTime"]) or (f"{date} {clock}".strip() if clock else "")


def _identity(data: HeaderValues, *, required: bool) -> tuple[str, str, str, str]:
    patient = data.decoded(TAGS["PatientID"])
    study, series, instance = (
        data.text(TAGS[name]) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    if not required or (patient and study and series and instance):
        return patient, study, series, instance
    values = {
        "PatientID": patient,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": instance,
    }
    missing = [tag for tag, value in values.items() if not value]
    raise Unusable("no identity", f"{', '.join(missing)} missing or empty")


def _facts(data: HeaderValues, *, pet: bool) -> Mapping[str, str]:
    facts = {name: data.text(tag) for name, tag in _FACT_TAGS}
    for name in ("StudyDescription", "SeriesDescription"):
        facts[name] = sys.intern(data.decoded(TAGS[name]))
    if pet:
        facts |= {name: data.text(tag) for name, tag in _PET_TAGS}
        facts |= _tracer_facts(data)
        facts |= private_texts(data)
    return share_facts({name: value for name, value in facts.items() if value})


def share_facts(facts: dict[str, str]) -> Mapping[str, str]:
    """The same mapping for the same facts: slices of a series mostly agree, and there may be hundreds of thousands.

    Examples:
        >>> share_facts({"PatientSex": "F"}) is share_facts({"PatientSex": "F"})
        True
    """
    return _shared(tuple(facts.items()))


@lru_cache(maxsize=1 << 12)
def _shared(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return dict(items)


def _tracer_facts(data: HeaderValues) -> dict[str, str]:
    items = data.items(TAGS["RadiopharmaceuticalInformationSequence"])
    if not items:
        return {}
    facts = {name: items[0].text(TAGS[name]) for name in _TRACER_FACTS}
    facts["RadiopharmaceuticalCount"] = str(len(items))
    codes = items[0].items(TAGS["RadionuclideCodeSequence"])
    facts["RadionuclideCode"] = codes[0].decoded(TAGS["CodeValue"]) if codes else ""
    names = items[0].items(TAGS["RadiopharmaceuticalCodeSequence"])
    if names and not facts["Radiopharmaceutical"]:
        facts["Radiopharmaceutical"] = names[0].decoded(TAGS["CodeMeaning"])
    return facts
