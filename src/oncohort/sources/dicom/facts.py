"""What the headers of a study say about the case, and what a user should look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oncohort.sources.dicom.studies import SeriesFound, Study
from oncohort.sources.walking import relative
from oncohort.suv.clock import parse_date
from oncohort.suv.header import parse_number

_AGE = re.compile(r"(\d{1,4})([YMWD])$")
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_TRACERS = (("FDG", ("FDG", "FLUORODEOXYGLUCOSE", "FLUDEOXYGLUCOSE")), ("PSMA", ("PSMA",)))


def case_row(name: str, study: Study, timepoint: int) -> dict[str, Any]:
    """The row of `cases.parquet`: only what the headers say, the first that says it; PET before CT."""
    facts: dict[str, str] = {}
    for found in study.volumes.values():
        facts = {**found.header.facts, **facts}
    day = parse_date(facts.get("StudyDate", ""))
    weight = parse_number(facts.get("PatientWeight", ""))
    return {
        "case": name,
        "patient": study.patient,
        "study": study.uid,
        "study_date": None if day is None else day.isoformat(),
        "timepoint": timepoint,
        "tracer": tracer_name(facts.get("Radiopharmaceutical", "")),
        "sex": facts.get("PatientSex") or None,
        "age_years": age_years(facts.get("PatientAge", "")),
        "weight_kg": weight if weight is not None and weight > 0 else None,
        "manufacturer": facts.get("Manufacturer") or None,
        "study_description": facts.get("StudyDescription") or None,
        "radiopharmaceutical": facts.get("Radiopharmaceutical") or None,
    }


def age_years(text: str) -> float | None:
    """Years in a DICOM age such as "059Y" or "018M"; None if it is none.

    Examples:
        >>> age_years("059Y"), age_years("018M"), age_years("old")
        (59.0, 1.5, None)
    """
    found = _AGE.match(text.strip())
    return None if found is None else round(int(found.group(1)) * _YEARS[found.group(2)], 4)


def tracer_name(text: str) -> str | None:
    """The short name of a known tracer, else the text as it is; None if there is none.

    Examples:
        >>> tracer_name("FDG -- fluorodeoxyglucose"), tracer_name("Florbetapir")
        ('FDG', 'Florbetapir')
    """
    upper = text.upper()
    for name, words in _TRACERS:
        if any(word in upper for word in words):
            return name
    return text or None


def study_findings(root: Path, name: str, study: Study) -> Iterator[dict[str, Any]]:
    """Rows of `findings.parquet` that are clear from the headers."""
    for role, found in study.volumes.items():
        path = relative(root, found.header.path)
        for warning in found.series.warnings:
            yield finding("suv", name, path, f"{role}: {warning}", "compare the record in volumes.scale with the scan")
        if role in study.apart:
            evidence = f"{role} lies in frame of reference {found.header.frame or 'none'}"
            yield finding(
                "frame_of_reference", name, path, evidence, "register it to the PET before it is used with it"
            )
    yield from _doubles(root, name, study.volumes)


def finding(rule: str, case: str, path: str, evidence: str, remedy: str) -> dict[str, Any]:
    """One row of `findings.parquet` with severity "warning"."""
    return {
        "rule": rule,
        "severity": "warning",
        "case": case,
        "path": path,
        "evidence": evidence,
        "remedy": remedy,
    }


def _doubles(root: Path, name: str, volumes: Mapping[str, SeriesFound]) -> Iterator[dict[str, Any]]:
    for modality, base in (("PT", "pet"), ("CT", "ct")):
        roles = {role: found for role, found in volumes.items() if found.header.modality == modality}
        if base in roles and len(roles) > 1:
            listed = ", ".join(f"{role}: series {_number(found)}" for role, found in roles.items())
            path = relative(root, roles[base].header.path)
            row = finding(
                "several_series", name, path, f"{len(roles)} series ({listed})", "check that the first is meant"
            )
            yield {**row, "severity": "info"}


def _number(found: SeriesFound) -> str:
    return found.header.facts.get("SeriesNumber") or "without number"
