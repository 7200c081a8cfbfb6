"""Small DICOM SEG objects, written with pydicom alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from dicom_files import save

BINARY, LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
POSITION, SPACING, GAP = (-10.0, -20.0, 30.0), (3.0, 2.0), 4.0
"""The grid of `dicom_files.write_series`: rows 3 mm and columns 2 mm apart, slices 4 mm."""


def frame(k: float, pixels: np.ndarray, segment: int | None = 1, **more: Any) -> dict[str, Any]:
    """A frame (rows, columns) on slice k; `position`, `orientation`, `spacing` and `uid` may be given."""
    return {"k": k, "pixels": pixels, "segment": segment, **more}


def described(number: int, label: str, **more: Any) -> Dataset:
    """An item of the SegmentSequence: a neoplasm drawn by hand."""
    return item(
        SegmentNumber=number,
        SegmentLabel=label,
        SegmentAlgorithmType="MANUAL",
        SegmentedPropertyCategoryCodeSequence=[code("49755003", "Morphologically Abnormal Structure")],
        SegmentedPropertyTypeCodeSequence=[code("108369006", "Neoplasm")],
        **more,
    )


def code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def write_seg(
    path: Path,
    frames: Sequence[Mapping[str, Any]],
    segments: Sequence[Dataset],
    *,
    kind: str = "BINARY",
    series: str = "1.2.3",
    syntax: str = ExplicitVRLittleEndian,
    tags: Mapping[str, Any] | None = None,
) -> Path:
    """A segmentation of `frames` on a series like those of `dicom_files.write_series`."""
    stored = np.array([one["pixels"] for one in frames])
    bits = 1 if kind == "BINARY" else stored.dtype.itemsize * 8
    data = item(
        SOPClassUID=LABELMAP if kind == "LABELMAP" else BINARY, SOPInstanceUID="1.2.66.1", Modality="SEG",
        PatientID="P1", StudyInstanceUID="1.2.7", SeriesInstanceUID="1.2.66", FrameOfReferenceUID="1.2.8",
        StudyDate="20250101", SeriesNumber=300, SegmentationType=kind, SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", NumberOfFrames=len(frames), Rows=stored.shape[1],
        Columns=stored.shape[2], BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=0,
        SegmentSequence=list(segments),
        ReferencedSeriesSequence=[item(SeriesInstanceUID=series)] if series else [],
        SharedFunctionalGroupsSequence=[item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelMeasuresSequence=[item(PixelSpacing=list(SPACING), SpacingBetweenSlices=GAP, SliceThickness=9)],
        )],
        PerFrameFunctionalGroupsSequence=[_group(one) for one in frames],
    )  # fmt: skip
    if kind == "FRACTIONAL":
        data.SegmentationFractionalType, data.MaximumFractionalValue = "PROBABILITY", 200
    for name, value in (tags or {}).items():
        setattr(data, name, value)
    pixels = np.packbits(stored.ravel(), bitorder="little") if kind == "BINARY" else stored
    content = pixels.tobytes()
    data.add_new("PixelData", "OB" if bits < 16 else "OW", content + b"\0" * (len(content) % 2))
    return save(data, path, syntax)


def _group(one: Mapping[str, Any]) -> Dataset:
    x, y, z = POSITION
    group = item(
        PlanePositionSequence=[item(ImagePositionPatient=list(one.get("position", (x, y, z + GAP * one["k"]))))]
    )
    if "orientation" in one:
        group.PlaneOrientationSequence = [item(ImageOrientationPatient=list(one["orientation"]))]
    if "spacing" in one:
        group.PixelMeasuresSequence = [item(PixelSpacing=list(one["spacing"]))]
    if one["segment"] is not None:
        group.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=one["segment"])]
    if "uid" in one:
        source = item(ReferencedSOPInstanceUID=one["uid"])
        group.DerivationImageSequence = [item(SourceImageSequence=[source])]
    return group


def item(**values: Any) -> Dataset:
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data
