"""The JSON file beside a PET in BIDS, from what a cohort knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from oncohort.errors import MissingNeedError
from oncohort.suv.injection import nuclide_name
from oncohort.units import Unit
from oncohort.volume import Volume

UNKNOWN = "n/a"

REQUIRED = (
    "Manufacturer",
    "ManufacturersModelName",
    "Units",
    "TracerName",
    "TracerRadionuclide",
    "InjectedRadioactivity",
    "InjectedRadioactivityUnits",
    "InjectedMass",
    "InjectedMassUnits",
    "SpecificRadioactivity",
    "SpecificRadioactivityUnits",
    "ModeOfAdministration",
    "TimeZero",
    "ScanStart",
    "InjectionStart",
    "FrameTimesStart",
    "FrameDuration",
    "AcquisitionMode",
    "ImageDecayCorrected",
    "ImageDecayCorrectionTime",
    "ReconMethodName",
    "ReconMethodParameterLabels",
    "ReconMethodParameterUnits",
    "ReconMethodParameterValues",
    "ReconFilterType",
    "ReconFilterSize",
    "AttenuationCorrection",
)
"""Keys that BIDS 1.11.1 requires of a PET."""

_LISTS = {
    "FrameTimesStart",
    "FrameDuration",
    "ReconMethodParameterLabels",
    "ReconMethodParameterUnits",
    "ReconMethodParameterValues",
}


def activity(pet: Volume, *, where: str) -> Volume:
    """A PET in Bq/ml: as it is, or from SUVbw by the weight, dose and decay of its record.

    Bq/ml = SUVbw * dose / (1000 * weight) / 2^(t / half-life), t from injection to the reference time of rule
    `...-start`, 0 of rule `...-admin`.

    Raises:
        MissingNeedError: The record does not say them, or the PET has another unit.
    """
    if pet.unit is Unit.BQML:
        return pet
    factor = _suv_per_bqml(pet.record) if pet.unit is Unit.SUVBW else None
    if factor is None:
        raise MissingNeedError(
            expected="a PET in Bq/ml, or the weight, dose and decay by which its SUV was made",
            found=f"{pet.unit}, rule {pet.record.get('rule', 'not stated')!r}",
            where=where,
            remedy="write SUV alone (--activity if-known), or ingest DICOM whose PET is no ready-made SUV",
        )
    return Volume(pet.geometry, Unit.BQML, lambda: (pet.array / np.float32(factor)).astype(np.float32), pet.record)


def sidecar(record: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Every required key; what is not known is "n/a", in a list where BIDS wants one.

    Time zero is the reference time of the decay correction, which is when the scan began.

    Args:
        record: Of the PET (docs/suv.md).
        facts: Of the case.

    Source: BIDS 1.11.1, "Positron Emission Tomography".

    Examples:
        >>> found = sidecar({}, {"tracer": "FDG"})
        >>> found["TracerName"], found["ScanStart"], [key for key in REQUIRED if key not in found]
        ('FDG', 'n/a', [])
    """
    tags = record.get("tags") or {}
    known = {
        "Manufacturer": tags.get("Manufacturer") or facts.get("manufacturer"),
        "ManufacturersModelName": facts.get("manufacturer_model"),
        "Units": "Bq/mL",
        "TracerName": facts.get("tracer") or tags.get("Radiopharmaceutical"),
        "TracerRadionuclide": _radionuclide(str(tags.get("RadionuclideCode"))),
        **_dose(record),
        **_times(record),
        "AttenuationCorrection": _attenuation(str(tags.get("CorrectedImage", ""))),
    }
    return {key: _unknown(key) if known.get(key) is None else known[key] for key in REQUIRED}


def is_unknown(value: object) -> bool:
    """Whether a value of a JSON file says that nothing is known."""
    return value in (UNKNOWN, [UNKNOWN])


def _unknown(key: str) -> str | list[str]:
    return [UNKNOWN] if key in _LISTS else UNKNOWN


def _suv_per_bqml(record: Mapping[str, Any]) -> float | None:
    mode = str(record.get("rule", "")).rpartition("-")[2]
    weight, dose, half_life, elapsed = (
        _value(record, name) for name in ("weight_kg", "dose_bq", "half_life_s", "seconds_since_injection")
    )
    if weight is None or dose is None or mode not in ("start", "admin"):
        return None
    if mode == "admin":
        return 1000.0 * weight / dose
    if half_life is None or elapsed is None:
        return None
    return float(1000.0 * weight / dose * 2.0 ** (elapsed / half_life))


def _value(record: Mapping[str, Any], name: str) -> float | None:
    """The number of one entry of a record; None unless it is above 0 (or a time of 0)."""
    entry = record.get(name)
    value = entry.get("value") if isinstance(entry, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return float(value) if value or name == "seconds_since_injection" else None


def _radionuclide(code: str) -> str | None:
    name = nuclide_name(code)
    return None if name is None else name.replace("-", "")


def _dose(record: Mapping[str, Any]) -> dict[str, Any]:
    dose = _value(record, "dose_bq")
    return {} if dose is None else {"InjectedRadioactivity": dose / 1e6, "InjectedRadioactivityUnits": "MBq"}


def _times(record: Mapping[str, Any]) -> dict[str, Any]:
    rule = str(record.get("rule", ""))
    corrected = {"ImageDecayCorrected": not rule.endswith("-none")} if "-" in rule else {}
    reference, elapsed = record.get("reference_time") or {}, _value(record, "seconds_since_injection")
    try:
        zero = datetime.fromisoformat(str(reference["instant"]))
    except (KeyError, TypeError, ValueError):
        return corrected
    times = {"TimeZero": zero.strftime("%H:%M:%S"), "ScanStart": 0, "FrameTimesStart": [0]}
    injection = {} if elapsed is None else {"InjectionStart": -elapsed}
    return {**corrected, **times, **injection, "ImageDecayCorrectionTime": 0}


def _attenuation(corrections: str) -> str | None:
    return "corrected; method not recorded" if "ATTN" in corrections.upper().split("\\") else None
