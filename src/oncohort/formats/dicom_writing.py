"""Classic CT and PET series: a volume on disk as one DICOM file per slice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage
from pydicom.valuerep import format_number_as_ds

from oncohort.errors import GeometryError, InputError, OutputError
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])
"""DICOM counts x towards the left and y towards the back; Oncohort the other way."""

_CT_INTERCEPT = -1024
_PET_STEPS = 32767
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
class Injection:
    """The tracer of a PET and when it was given.

    Attributes:
        dose_bq: Activity at `given`, in Bq.
        given: Date and time of the injection.
        half_life_s: In seconds.
        weight_kg: Body weight that turns activity into SUV.
    """

    dose_bq: float
    given: datetime
    half_life_s: float
    weight_kg: float

    def bqml_per_suv(self, reference: datetime) -> float:
        """Activity in Bq/ml, decay-corrected to `reference`, of a body-weight SUV of 1.

        Dose at the reference time divided by 1000 g per kg of body weight
        (1 ml weighs 1 g).

        Examples:
            >>> day = datetime(2026, 1, 5)
            >>> injection = Injection(3.6e8, day, 6586.2, 70.0)
            >>> round(injection.bqml_per_suv(day + timedelta(seconds=6586.2)), 6)
            2571.428571
        """
        elapsed = (reference - self.given).total_seconds()
        return self.dose_bq * exp(-log(2.0) * elapsed / self.half_life_s) / (1000.0 * self.weight_kg)


@dataclass(frozen=True)
class BedTiming:
    """How a whole-body PET was taken: bed positions one after the other, from the first slice up.

    Attributes:
        slices: Slices per bed position.
        seconds: Duration of each.
    """

    slices: int
    seconds: float


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


def write_ct_series(folder: str | Path, ct: Volume, study: DicomStudy) -> WrittenSeries:
    """Write a volume in HU as a CT series with intercept -1024, one file per slice (k).

    Whole HU from -1024 to 31743 come back as they are.

    Args:
        folder: Gets `0001.dcm` and so on; made if missing.
        ct: HU on a grid with right angles.
        study: Patient, study and time.

    Raises:
        InputError: The volume is not in HU.
        GeometryError: The grid is sheared.
        OutputError: A file cannot be written.
    """
    _require_unit(ct, Unit.HU)
    common = _series(study, ct.geometry, modality="CT", sop_class=CTImageStorage, number=2)
    common.update(
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "RescaleIntercept": str(_CT_INTERCEPT),
            "RescaleSlope": "1",
            "RescaleType": "HU",
            "KVP": "120",
            "PixelRepresentation": 1,
            "WindowCenter": "40",
            "WindowWidth": "400",
        }
    )

    def slice_of(k: int) -> tuple[NDArray[np.int16], Mapping[str, Any]]:
        stored = np.clip(np.rint(ct.array[:, :, k].T).astype(np.int32) - _CT_INTERCEPT, 0, 32767)
        return stored.astype(np.int16), {
            "AcquisitionDate": _date(study.started),
            "AcquisitionTime": _time(study.started),
        }

    return _write_series(Path(folder), common, ct.geometry, study, slice_of)


def write_pet_series(
    folder: str | Path, pet: Volume, study: DicomStudy, *, injection: Injection, beds: BedTiming
) -> WrittenSeries:
    """Write a volume in SUVbw as a PET series in Bq/ml, decay-corrected to its start (START).

    Every slice has its own slope, and every bed position its own acquisition
    time, frame reference time and decay factor, as whole-body scanners write
    them. SUV come back within half of a slope, at most 1/65534 of the highest
    value of the slice.

    Args:
        folder: Gets `0001.dcm` and so on; made if missing.
        pet: SUVbw, not negative, on a grid with right angles.
        study: Patient, study and time; the PET starts when the study does.
        injection: Tracer and weight.
        beds: Bed positions.

    Raises:
        InputError: The volume is not in SUVbw, or has negative or undefined voxels.
        GeometryError: The grid is sheared.
        OutputError: A file cannot be written.
    """
    _require_unit(pet, Unit.SUVBW)
    if not float(pet.array.min()) >= 0.0 or not np.isfinite(pet.array.max()):
        raise InputError(
            expected="SUV of 0 and above",
            found="negative or undefined voxels",
            where="PET to write",
            remedy="clip them first",
        )
    common = _series(study, pet.geometry, modality="PT", sop_class=PositronEmissionTomographyImageStorage, number=3)
    common.update(_pet_facts(injection, pet.geometry))
    to_bqml = injection.bqml_per_suv(study.started)

    def slice_of(k: int) -> tuple[NDArray[np.int16], Mapping[str, Any]]:
        activity = pet.array[:, :, k].T.astype(np.float64) * to_bqml
        slope = float(format_number_as_ds(float(activity.max() / _PET_STEPS) or 1.0))
        stored = np.minimum(np.rint(activity / slope), _PET_STEPS).astype(np.int16)
        return stored, {
            "RescaleSlope": format_number_as_ds(slope),
            "ImageIndex": k + 1,
            **_frame_timing(study.started, k // beds.slices, beds.seconds, injection.half_life_s),
        }

    return _write_series(Path(folder), common, pet.geometry, study, slice_of)


def _frame_timing(started: datetime, bed: int, seconds: float, half_life_s: float) -> dict[str, Any]:
    """Times and decay factor of one bed position (PS3.3 C.8.9.4): the reference is the mean of the decaying counts."""
    decay = log(2.0) / half_life_s
    delay = bed * seconds
    share = decay * seconds / (1.0 - exp(-decay * seconds))
    begin = started + timedelta(seconds=delay)
    return {
        "AcquisitionDate": _date(begin),
        "AcquisitionTime": _time(begin),
        "ActualFrameDuration": str(round(seconds * 1000)),
        "FrameReferenceTime": format_number_as_ds(1000.0 * (delay + log(share) / decay)),
        "DecayFactor": format_number_as_ds(share * exp(decay * delay)),
    }


def _pet_facts(injection: Injection, geometry: Geometry) -> dict[str, Any]:
    tracer = Dataset()
    tracer.Radiopharmaceutical = "Fluorodeoxyglucose"
    tracer.RadiopharmaceuticalStartTime = _time(injection.given)
    tracer.RadiopharmaceuticalStartDateTime = _date(injection.given) + _time(injection.given)
    tracer.RadionuclideTotalDose = format_number_as_ds(injection.dose_bq)
    tracer.RadionuclideHalfLife = format_number_as_ds(injection.half_life_s)
    tracer.RadionuclideCodeSequence = [_code("77004003", "Fluorine-18")]
    tracer.RadiopharmaceuticalCodeSequence = [_code("35321007", "Fluorodeoxyglucose F^18^")]
    return {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SeriesType": ["WHOLE BODY", "IMAGE"],
        "Units": "BQML",
        "CountsSource": "EMISSION",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"],
        "NumberOfSlices": geometry.shape[2],
        "RescaleIntercept": "0",
        "PixelRepresentation": 1,
        "PatientWeight": format_number_as_ds(injection.weight_kg),
        "RadiopharmaceuticalInformationSequence": [tracer],
    }


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code


def study_facts(study: DicomStudy) -> dict[str, Any]:
    """DICOM attributes by keyword that every object of a study carries."""
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyInstanceUID": study.uid("study"),
        "StudyDate": _date(study.started),
        "StudyTime": _time(study.started),
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


def _series(study: DicomStudy, geometry: Geometry, *, modality: str, sop_class: str, number: int) -> dict[str, Any]:
    columns, rows, _ = geometry.shape
    return {
        **study_facts(study),
        "SOPClassUID": sop_class,
        "Modality": modality,
        "SeriesInstanceUID": study.uid(modality),
        "SeriesNumber": number,
        "SeriesDate": _date(study.started),
        "SeriesTime": _time(study.started),
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


def _write_series(
    folder: Path, common: Mapping[str, Any], geometry: Geometry, study: DicomStudy, slice_of: SliceOf
) -> WrittenSeries:
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


def _require_unit(volume: Volume, unit: Unit) -> None:
    if volume.unit is not unit:
        raise InputError(
            expected=f"a volume in {unit}", found=str(volume.unit), where="series to write", remedy="convert it first"
        )


def _date(instant: datetime) -> str:
    return instant.strftime("%Y%m%d")


def _time(instant: datetime) -> str:
    return instant.strftime("%H%M%S.%f")
