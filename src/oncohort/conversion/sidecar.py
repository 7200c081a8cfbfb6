"""The JSON beside a converted volume: names of BIDS-PET where it has them, DICOM keywords elsewhere, and the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from oncohort.conversion.settings import ConversionSettings
from oncohort.formats.dicom.description import describe_file
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.series import DicomSeries
from oncohort.suv.clock import join, parse_datetime, seconds
from oncohort.suv.header import parse_number
from oncohort.suv.injection import nuclide_name
from oncohort.units import Unit

_RENAMED = {
    "ManufacturerModelName": "ManufacturersModelName",
    "BodyPartExamined": "BodyPart",
    "ReconstructionMethod": "ReconMethodName",
    "RadiopharmaceuticalRoute": "ModeOfAdministration",
    "AttenuationCorrectionMethod": "AttenuationCorrection",
}
_NUMBERS = ("KVP", "XRayTubeCurrent", "Exposure", "SliceThickness", "GantryDetectorTilt")
_LISTS = ("ImageType", "CorrectedImage")
_PATIENT = ("PatientWeight", "PatientSize")
_UNITS = {Unit.HU: "HU", Unit.SUVBW: "SUVbw", Unit.BQML: "Bq/mL"}
_MEGA = 1e6
_DAY = timedelta(days=1)


def series_fields(series: DicomSeries, headers: Sequence[DicomHeader], settings: ConversionSettings) -> dict[str, Any]:
    """All fields of the sidecar of a series (strict JSON values).

    Args:
        series: The series.
        headers: Of its slices, in order along k.
        settings: How it is converted.
    """
    first = headers[0]
    fields: dict[str, Any] = {"Modality": first.modality, "Units": _UNITS[series.unit]}
    fields |= _described(describe_file(first.path))
    if first.modality == "PT":
        fields |= _tracer(first.facts) | _timing(series.record, headers)
    fields["ConversionSoftware"] = "Oncohort"
    fields["ConversionSoftwareVersion"] = version("oncohort")
    fields["Oncohort"] = {
        "format_version": "1.0",
        "settings": settings.to_dict(),
        "patient": first.patient,
        "study_uid": first.study,
        "series_uid": first.series,
        "frame_of_reference_uid": first.frame,
        "geometry": {
            "shape": list(series.geometry.shape),
            "spacing_mm": list(series.geometry.spacing_mm),
            "orientation": series.geometry.orientation,
            "affine": series.geometry.affine.tolist(),
        },
        "scale": dict(series.record),
        "warnings": list(series.warnings),
        "header": _shared(headers),
    }
    return fields


def _described(texts: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for keyword, text in texts.items():
        number = parse_number(text) if keyword in _NUMBERS else None
        value: Any = text.split("\\") if keyword in _LISTS else text
        fields[_RENAMED.get(keyword, keyword)] = value if number is None else number
    return fields


def _tracer(facts: Mapping[str, str]) -> dict[str, Any]:
    dose = parse_number(facts.get("RadionuclideTotalDose", ""))
    fields = {
        "TracerName": facts.get("Radiopharmaceutical"),
        "TracerRadionuclide": (nuclide_name(facts.get("RadionuclideCode", "")) or "").replace("-", "") or None,
        "InjectedRadioactivity": None if dose is None else (dose / _MEGA if dose >= 1e5 else dose),
        "InjectedRadioactivityUnits": None if dose is None else "MBq",
        "RadionuclideHalfLife": parse_number(facts.get("RadionuclideHalfLife", "")),
        "CorrectedImage": facts["CorrectedImage"].split("\\") if facts.get("CorrectedImage") else None,
        "DecayCorrection": facts.get("DecayCorrection"),
        "PatientSex": facts.get("PatientSex"),
        "PatientAge": facts.get("PatientAge"),
        **{name: parse_number(facts.get(name, "")) for name in _PATIENT},
    }
    return {name: value for name, value in fields.items() if value is not None}


def _timing(record: Mapping[str, Any], headers: Sequence[DicomHeader]) -> dict[str, Any]:
    """Times in seconds from TimeZero, which is the time of the series (else that of its first slice)."""
    facts = headers[0].facts
    acquired = sorted(at for one in headers if (at := _instant(one.acquired)) is not None)
    zero = join(facts.get("SeriesDate", ""), facts.get("SeriesTime", "")) or (acquired[0] if acquired else None)
    durations = sorted({value for one in headers if (value := parse_number(_duration(one))) is not None})
    mode = facts.get("DecayCorrection", "")
    fields: dict[str, Any] = {"ImageDecayCorrected": mode != "NONE"} if mode else {}
    if durations:
        fields["FrameDuration"] = [value / 1000 for value in durations]
    if zero is None:
        return fields
    fields["TimeZero"] = zero.strftime("%H:%M:%S.%f").rstrip("0").rstrip(".")
    if acquired:
        fields["ScanStart"] = seconds(acquired[0], zero)
        fields["FrameTimesStart"] = [0.0]
    injected = _injected(record, facts, zero)
    if injected is not None:
        fields["InjectionStart"] = seconds(injected, zero)
    corrected = injected if mode == "ADMIN" else _reference(record)
    if corrected is not None and mode in ("START", "ADMIN"):
        fields["ImageDecayCorrectionTime"] = seconds(corrected, zero)
    return fields


def _duration(header: DicomHeader) -> str:
    return header.facts.get("ActualFrameDuration", "")


def _instant(acquired: str) -> datetime | None:
    day, _, clock = acquired.partition(" ")
    return join(day, clock) if clock else parse_datetime(acquired)


def _reference(record: Mapping[str, Any]) -> datetime | None:
    found = record.get("suv", record).get("reference_time", {}).get("instant")
    return datetime.fromisoformat(found) if found else None


def _injected(record: Mapping[str, Any], facts: Mapping[str, str], zero: datetime) -> datetime | None:
    """The injection as the SUV has it; where that needs none, by the tags: the last such time of day before `zero`."""
    elapsed = record.get("suv", record).get("seconds_since_injection")
    reference = _reference(record)
    if isinstance(elapsed, Mapping) and reference is not None:
        return reference - timedelta(seconds=elapsed["value"])
    stamped = parse_datetime(facts.get("RadiopharmaceuticalStartDateTime", ""))
    if stamped is not None:
        return stamped
    at = join(zero.strftime("%Y%m%d"), facts.get("RadiopharmaceuticalStartTime", ""))
    return at - _DAY if at is not None and at > zero else at


def _shared(headers: Sequence[DicomHeader]) -> dict[str, str]:
    """Raw texts that all slices agree on, by DICOM keyword or the name of a private element."""
    return {
        name: text for name, text in headers[0].facts.items() if all(one.facts.get(name) == text for one in headers)
    }
