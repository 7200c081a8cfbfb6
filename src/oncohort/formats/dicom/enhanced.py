"""Enhanced and Legacy Converted multi-frame CT and PET (PS3.3 C.7.6.16): each frame as a classic slice would say it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from oncohort.formats.dicom.dataset import DatasetValues
from oncohort.formats.dicom.image import UNCOMPRESSED
from oncohort.formats.dicom.values import RawHeader, Unusable, number
from oncohort.suv.clock import join, parse_datetime, seconds

CLASSIC_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2.1": "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.2": "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.130": "1.2.840.10008.5.1.4.1.1.128",
    "1.2.840.10008.5.1.4.1.1.128.1": "1.2.840.10008.5.1.4.1.1.128",
}
"""The classic SOP class by that of the multi-frame object: Enhanced CT, Legacy CT, Enhanced PET, Legacy PET."""

_MACROS = (
    "PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence", "PixelValueTransformationSequence",
    "FrameContentSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence", "CTReconstructionSequence",
    "PETFrameAcquisitionSequence", "PETFrameCorrectionFactorsSequence", "RealWorldValueMappingSequence",
    "UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence",
)  # fmt: skip
_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_CORRECTIONS = {
    "DecayCorrected": "DECY",
    "AttenuationCorrected": "ATTN",
    "ScatterCorrected": "SCAT",
    "DeadTimeCorrected": "DTIM",
    "RandomsCorrected": "RAN",
    "CountLossNormalizationCorrected": "NORM",
}
_UNITS = {"Bq/ml": ("BQML", ""), "{counts}": ("CNTS", ""), "{counts}/s": ("CPS", ""), "g/ml{SUVbw}": ("GML", "BW")}
_ADMINISTRATION_S = 1.0


def flatten_frames(raw: RawHeader, size: int) -> Iterator[RawHeader]:
    """The header of each frame, with attributes of its functional groups where a classic slice has them.

    Args:
        raw: header of a multi-frame object, as pydicom reads it.
        size: bytes of the file.

    Raises:
        Unusable: compressed frames, a number of frames that the functional groups or the pixels do not have.
    """
    if not isinstance(raw.values, DatasetValues):
        raise TypeError("the header must be that of pydicom")
    data = raw.values.data
    if raw.syntax not in UNCOMPRESSED:
        raise Unusable("multi-frame", "compressed frames in one file are not read")
    groups = data.get(_PER_FRAME) or []
    count = int(number(str(data.get("NumberOfFrames") or "1"), "NumberOfFrames"))
    if count < 1 or len(groups) != count:
        raise Unusable("broken DICOM", f"{count} frames, functional groups of {len(groups)}")
    head, frame_bytes = _frame_head(raw, data, count, size)
    shared = next(iter(data.get(_SHARED) or []), Dataset())
    top = Dataset()
    top.update({tag: data.get_item(tag) for tag in data.keys() - _dropped(data)})
    top.SOPClassUID = CLASSIC_CLASSES[str(data.SOPClassUID)]
    for frame in range(count):
        flat = Dataset()
        flat.update(top)
        for group in (shared, groups[frame]):
            _take(flat, group)
        _rename(flat)
        position = raw.pixels_at + frame * frame_bytes
        yield replace(raw, values=DatasetValues(flat), pixels_at=position, pixel_head=head)


def _dropped(data: Dataset) -> set[BaseTag]:
    return {data[name].tag for name in (_SHARED, _PER_FRAME, "NumberOfFrames") if name in data}


def _frame_head(raw: RawHeader, data: Dataset, count: int, size: int) -> tuple[bytes, int]:
    """The head of the pixels, as if they were one frame, and the bytes of a frame."""
    implicit, order = UNCOMPRESSED[raw.syntax]
    frame_bytes = int(data.Rows) * int(data.Columns) * (int(data.BitsAllocated) // 8)
    place = slice(4, 8) if implicit else slice(8, 12)
    if len(raw.pixel_head) < place.stop:
        raise Unusable("truncated", "the file ends before its pixel data")
    (length,) = struct.unpack(order + "I", raw.pixel_head[place])
    if frame_bytes < 1 or not count * frame_bytes <= length <= count * frame_bytes + 1:
        raise Unusable("broken DICOM", f"{length} bytes of pixel data for {count} frames of {frame_bytes} bytes")
    if raw.pixels_at + place.stop + count * frame_bytes > size:
        raise Unusable("truncated", f"{size - raw.pixels_at - place.stop} of {count * frame_bytes} bytes of pixel data")
    head = bytearray(raw.pixel_head)
    head[place] = struct.pack(order + "I", frame_bytes)
    return bytes(head), frame_bytes


def _take(flat: Dataset, group: Dataset) -> None:
    for name in _MACROS:
        items = group.get(name) or []
        if len(items) == 1:
            flat.update(items[0])


def _rename(flat: Dataset) -> None:
    """Say what only multi-frame objects say by the attributes of classic slices, where these are missing."""
    if flat.get("FrameType"):
        flat.ImageType = flat.FrameType
    if flat.get("FrameAcquisitionDateTime"):
        flat.AcquisitionDateTime = flat.FrameAcquisitionDateTime
    if "FrameAcquisitionDuration" in flat and "ActualFrameDuration" not in flat:
        flat.ActualFrameDuration = round(float(flat.FrameAcquisitionDuration))
    if flat.SOPClassUID == CLASSIC_CLASSES["1.2.840.10008.5.1.4.1.1.130"] and "Units" not in flat:
        _name_units(flat)
        _name_corrections(flat)


def _name_units(flat: Dataset) -> None:
    codes = flat.get("MeasurementUnitsCodeSequence") or []
    units, suv_type = _UNITS.get(str(codes[0].get("CodeValue", "")), ("", "")) if codes else ("", "")
    if units and "RealWorldValueSlope" in flat:
        flat.Units, flat.SUVType = units, suv_type
        flat.RescaleSlope, flat.RescaleIntercept = flat.RealWorldValueSlope, flat.get("RealWorldValueIntercept", 0)


def _name_corrections(flat: Dataset) -> None:
    flat.CorrectedImage = [word for name, word in _CORRECTIONS.items() if flat.get(name) == "YES"]
    if flat.get("DecayCorrected") != "YES":
        flat.DecayCorrection = "NONE"
        return
    reference = parse_datetime(str(flat.get("DecayCorrectionDateTime", "")))
    if reference is None:
        return
    injected = _injection(flat)
    at_injection = injected is not None and abs(seconds(reference, injected)) <= _ADMINISTRATION_S
    flat.DecayCorrection = "ADMIN" if at_injection else "START"
    flat.SeriesDate, flat.SeriesTime = reference.strftime("%Y%m%d"), reference.strftime("%H%M%S.%f")
    frame = parse_datetime(str(flat.get("FrameReferenceDateTime", "")))
    if frame is not None:
        flat.FrameReferenceTime = f"{1000 * seconds(frame, reference):.3f}"


def _injection(flat: Dataset) -> datetime | None:
    items = flat.get("RadiopharmaceuticalInformationSequence") or []
    if not items:
        return None
    stamped = parse_datetime(str(items[0].get("RadiopharmaceuticalStartDateTime", "")))
    return stamped or join(str(flat.get("SeriesDate", "")), str(items[0].get("RadiopharmaceuticalStartTime", "")))
