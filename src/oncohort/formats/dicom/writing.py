"""Classic CT and PET series: a volume on disk as one DICOM file per slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, PositronEmissionTomographyImageStorage
from pydicom.valuerep import format_number_as_ds

from oncohort.errors import InputError
from oncohort.formats.dicom.study import DicomStudy, WrittenSeries, date_text, series_facts, time_text, write_slices
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

_CT_INTERCEPT = -1024
_PET_STEPS = 32767


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


def write_ct_series(
    folder: str | Path, ct: Volume, study: DicomStudy, *, more: Mapping[str, Any] | None = None
) -> WrittenSeries:
    """Write a volume in HU as a CT series with intercept -1024, one file per slice (k).

    Whole HU from -1024 to 31743 come back as they are.

    Args:
        folder: Gets `0001.dcm` and so on; made if missing.
        ct: HU on a grid with right angles.
        study: Patient, study and time.
        more: Further attributes by keyword, which may take the place of those that are written anyway.

    Raises:
        InputError: The volume is not in HU.
        GeometryError: The grid is sheared.
        OutputError: A file cannot be written.
    """
    _require_unit(ct, Unit.HU)
    common = series_facts(study, ct.geometry, modality="CT", sop_class=CTImageStorage, number=2)
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
            **(more or {}),
        }
    )

    def slice_of(k: int) -> tuple[NDArray[np.int16], Mapping[str, Any]]:
        stored = np.clip(np.rint(ct.array[:, :, k].T).astype(np.int32) - _CT_INTERCEPT, 0, 32767)
        return stored.astype(np.int16), {
            "AcquisitionDate": date_text(study.started),
            "AcquisitionTime": time_text(study.started),
        }

    return write_slices(Path(folder), common, ct.geometry, study, slice_of)


def write_pet_series(
    folder: str | Path,
    pet: Volume,
    study: DicomStudy,
    *,
    injection: Injection,
    beds: BedTiming,
    more: Mapping[str, Any] | None = None,
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
        more: Further attributes by keyword, which may take the place of those that are written anyway.

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
    common = series_facts(
        study, pet.geometry, modality="PT", sop_class=PositronEmissionTomographyImageStorage, number=3
    )
    common.update({**_pet_facts(injection, pet.geometry), **(more or {})})
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

    return write_slices(Path(folder), common, pet.geometry, study, slice_of)


def _frame_timing(started: datetime, bed: int, seconds: float, half_life_s: float) -> dict[str, Any]:
    """Times and decay factor of one bed position (PS3.3 C.8.9.4): the reference is the mean of the decaying counts."""
    decay = log(2.0) / half_life_s
    delay = bed * seconds
    share = decay * seconds / (1.0 - exp(-decay * seconds))
    begin = started + timedelta(seconds=delay)
    return {
        "AcquisitionDate": date_text(begin),
        "AcquisitionTime": time_text(begin),
        "ActualFrameDuration": str(round(seconds * 1000)),
        "FrameReferenceTime": format_number_as_ds(1000.0 * (delay + log(share) / decay)),
        "DecayFactor": format_number_as_ds(share * exp(decay * delay)),
    }


def _pet_facts(injection: Injection, geometry: Geometry) -> dict[str, Any]:
    tracer = Dataset()
    tracer.Radiopharmaceutical = "Fluorodeoxyglucose"
    tracer.RadiopharmaceuticalStartTime = time_text(injection.given)
    tracer.RadiopharmaceuticalStartDateTime = date_text(injection.given) + time_text(injection.given)
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


def _require_unit(volume: Volume, unit: Unit) -> None:
    if volume.unit is not unit:
        raise InputError(
            expected=f"a volume in {unit}", found=str(volume.unit), where="series to write", remedy="convert it first"
        )
