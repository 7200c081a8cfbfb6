"""The factor from stored PET values to body-weight SUV."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from oncohort.suv.header import PetHeader
from oncohort.suv.injection import Finding, dose_bq, half_life_s, seconds_since_injection, weight_kg
from oncohort.suv.reference_time import ReferenceTime, reference_time

RECIPE = "suv-body-weight"
RECIPE_VERSION = 1


@dataclass(frozen=True)
class SuvScale:
    """What turns rescaled PET values into SUVbw, and why.

    Attributes:
        factor: SUVbw = factor * rescaled value (g/ml per Bq/ml, or 1 for values that are SUV already).
        rule: "gml-bw", "bqml-start" or "bqml-admin".
        record: every tag, choice and conversion, JSON-able.
        warnings: what a user should look at.
    """

    factor: float
    rule: str
    record: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def suv_factor(header: PetHeader) -> SuvScale:
    r"""The factor to body-weight SUV, with the record of how it was found.

    Units GML with SUVType BW or none are SUV already. Units BQML with DecayCorrection START or ADMIN are divided by
    the activity left at the reference time, or by the injected one: SUVbw = 1000 g/kg * weight * activity / dose.
    Everything else is refused: there is no fallback factor.

    Args:
        header: the series (`oncohort.suv.pet_header`).

    Raises:
        SuvRefusal: with `code`, when the header does not permit an honest factor.

    Examples:
        70 kg and 368.08 MBq, corrected to the time of injection:

        >>> from oncohort.suv import pet_header
        >>> tags = {"Units": "BQML", "DecayCorrection": "ADMIN", "CorrectedImage": "DECY\\ATTN",
        ...         "PatientWeight": "70", "RadionuclideTotalDose": "368080000"}
        >>> scale = suv_factor(pet_header([tags], where="phantom"))
        >>> round(scale.factor, 10), scale.rule
        (0.000190176, 'bqml-admin')
    """
    _check_corrections(header)
    mode = header.text("DecayCorrection").upper()
    units = header.text("Units").upper()
    rule = _RULES.get((units, mode))
    if rule is None:
        raise header.refusal(
            "unsupported_units" if units not in ("BQML", "GML") else "unsupported_decay_correction",
            expected="Units BQML or GML with DecayCorrection START or ADMIN",
            found=f"Units {units or 'none'}, DecayCorrection {mode or 'none'}",
            remedy="leave this PET out, or convert it with the vendor's software",
        )
    return rule(header)


def _stored_suv(header: PetHeader) -> SuvScale:
    kind = header.text("SUVType").upper()
    if kind not in ("", "BW"):
        raise header.refusal("unsupported_suv_type", expected="SUVType BW or none", found=kind)
    notes = () if kind else ("SUVType is missing; DICOM's default BW was taken",)
    return _scale(header, 1.0, "gml-bw", {"fallbacks": list(notes)}, ())


def _at_injection(header: PetHeader) -> SuvScale:
    weight, dose = weight_kg(header), dose_bq(header)
    parts = {"weight_kg": weight, "dose_bq": dose}
    return _scale(header, 1000 * weight.value / dose.value, "bqml-admin", _parts(parts), _notes(parts))


def _at_start(header: PetHeader) -> SuvScale:
    weight, dose, half_life = weight_kg(header), dose_bq(header), half_life_s(header)
    reference = reference_time(header, half_life.value)
    elapsed = seconds_since_injection(header, reference.instant, half_life.value)
    left = dose.value * math.exp(-math.log(2) * elapsed.value / half_life.value)
    parts = {"weight_kg": weight, "dose_bq": dose, "half_life_s": half_life, "seconds_since_injection": elapsed}
    record = {**_parts(parts), "reference_time": _reference_record(reference)}
    return _scale(header, 1000 * weight.value / left, "bqml-start", record, (*reference.warnings, *_notes(parts)))


_RULES: dict[tuple[str, str], Callable[[PetHeader], SuvScale]] = {
    ("BQML", "START"): _at_start,
    ("BQML", "ADMIN"): _at_injection,
    ("GML", "START"): _stored_suv,
    ("GML", "ADMIN"): _stored_suv,
}


def _check_corrections(header: PetHeader) -> None:
    corrections = header.text("CorrectedImage").upper().split("\\")
    for code, name in (("ATTN", "not_attenuation_corrected"), ("DECY", "not_decay_corrected")):
        if code not in corrections:
            found = header.text("CorrectedImage") or "none"
            raise header.refusal(name, expected=f"{code} among CorrectedImage", found=found)


def _scale(
    header: PetHeader, factor: float, rule: str, details: Mapping[str, Any], warnings: tuple[str, ...]
) -> SuvScale:
    record = {
        "recipe": RECIPE,
        "recipe_version": RECIPE_VERSION,
        "rule": rule,
        "factor": factor,
        "tags": dict(header.tags),
        "frames": len(header.frames),
        **details,
        "warnings": list(warnings),
    }
    return SuvScale(factor, rule, record, warnings)


def _parts(parts: Mapping[str, Finding]) -> dict[str, Any]:
    return {name: {"value": part.value, "source": part.source} for name, part in parts.items()}


def _notes(parts: Mapping[str, Finding]) -> tuple[str, ...]:
    return tuple(note for part in parts.values() for note in part.notes)


def _reference_record(reference: ReferenceTime) -> dict[str, Any]:
    return {
        "instant": reference.instant.isoformat(),
        "winner": reference.winner,
        "candidates": {name: value and value.isoformat() for name, value in reference.candidates.items()},
        "frame_reference_time": reference.convention,
        "decay_factors": reference.verdict,
        "spread_percent": round(reference.spread_percent, 6),
    }
