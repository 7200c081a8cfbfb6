"""Small Enhanced and Legacy Converted multi-frame objects, written with pydicom alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_files import TRACER, save

ENHANCED_CT, LEGACY_CT = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"
ENHANCED_PET, LEGACY_PET = "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1"
CODES = {"BQML": "Bq/ml", "GML": "g/ml{SUVbw}"}


def item(**values: Any) -> Dataset:
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data


def write_frames(
    path: Path,
    sop_class: str,
    *,
    shape: tuple[int, int, int] = (5, 4, 3),
    slopes: tuple[float, ...] = (1.0, 2.0, 3.0),
    syntax: str = ExplicitVRLittleEndian,
    change: Callable[[Dataset], None] = lambda data: None,
) -> Path:
    """Frames of 2 x 3 mm pixels, 4 mm apart, written from top to bottom; stored values i + 10 j + 100 k."""
    columns, rows, frames = shape
    i, j, k = np.indices(shape)
    stored = (i + 10 * j + 100 * k).astype(np.int16)
    data = item(
        SOPClassUID=sop_class, SOPInstanceUID="1.2.3.5", StudyInstanceUID="1.2.7", SeriesInstanceUID="1.2.3",
        PatientID="P1", StudyDate="20250101", SeriesDate="20250101", SeriesTime="110000", FrameOfReferenceUID="1.2.8",
        Modality="PT" if sop_class in (ENHANCED_PET, LEGACY_PET) else "CT", SeriesNumber=4, Rows=rows, Columns=columns,
        BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=1, SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", NumberOfFrames=frames, ImageType=["ORIGINAL", "PRIMARY", "VOLUME"],
    )  # fmt: skip
    data.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[3, 2], SliceThickness=4)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    order = list(range(frames))[::-1]
    data.PerFrameFunctionalGroupsSequence = [_frame(sop_class, number, slopes[number]) for number in order]
    if data.Modality == "PT":
        _add_pet(data, sop_class)
    pixels = np.stack([stored[:, :, number].T for number in order]).astype("<i2")
    data.add_new("PixelData", "OW", pixels.tobytes() + b"\0" * (pixels.nbytes % 2))
    change(data)
    return save(data, path, syntax)


def write_implicit(path: Path, sop_class: str) -> Path:
    return write_frames(path, sop_class, syntax=ImplicitVRLittleEndian)


def _frame(sop_class: str, k: int, slope: float) -> Dataset:
    ct = sop_class in (ENHANCED_CT, LEGACY_CT)
    frame = item(
        PlanePositionSequence=[item(ImagePositionPatient=[-10, -20, 30 + 4 * k])],
        PixelValueTransformationSequence=[
            item(RescaleSlope=slope, RescaleIntercept=-1000 if ct else 0, RescaleType="HU" if ct else "US")
        ],
        FrameContentSequence=[
            item(
                FrameAcquisitionDateTime=f"20250101110{k}00",
                FrameReferenceDateTime=f"20250101110{k}30",
                FrameAcquisitionDuration=60000.0,
            )
        ],
    )
    if sop_class == ENHANCED_PET:
        code = item(CodeValue=CODES["BQML"], CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
        frame.RealWorldValueMappingSequence = [
            item(RealWorldValueSlope=slope, RealWorldValueIntercept=0.0, MeasurementUnitsCodeSequence=[code])
        ]
    if sop_class == LEGACY_PET:
        frame.UnassignedPerFrameConvertedAttributesSequence = [
            item(FrameReferenceTime=str(60000 * k + 30000), ActualFrameDuration="60000", DecayFactor="1.0")
        ]
    return frame


def _add_pet(data: Dataset, sop_class: str) -> None:
    tracer = item(**TRACER)
    data.PatientWeight = 70
    if sop_class == LEGACY_PET:
        shared = item(Units="BQML", DecayCorrection="START", CorrectedImage=["DECY", "ATTN", "SCAT"])
        data.SharedFunctionalGroupsSequence[0].UnassignedSharedConvertedAttributesSequence = [shared]
    else:
        tracer.RadiopharmaceuticalStartDateTime = "20250101100000"
        data.DecayCorrected, data.AttenuationCorrected, data.ScatterCorrected = "YES", "YES", "YES"
        data.DecayCorrectionDateTime = "20250101110000"
    data.RadiopharmaceuticalInformationSequence = [tracer]
