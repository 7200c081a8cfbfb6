"""The factor from stored PET values to SUV."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oncohort.suv.body import Normalisation, relative_to_weight
from oncohort.suv.findings import Finding
from oncohort.suv.header import PetFrame, PetHeader
from oncohort.suv.injection import dose_bq, half_life_s, seconds_since_injection, weight_kg
from oncohort.suv.reference_time import ReferenceTime, reference_time
from oncohort.suv.stored import StoredQuantity, stored_quantity

RECIPE = "suv"
RECIPE_VERSION = 2
CROSS_CHECK_PERCENT = 1.0
"""Philips' two private factors may disagree by this much without a warning."""


@dataclass(frozen=True)
class SuvScale:
    """What turns rescaled PET values into SUV, and why.

    Attributes:
        factors: SUV = factor * rescaled value, for every slice of the header in its order (one, if it has no slices);
            g/ml per Bq/ml, or per count.
        rule: "bqml-start", "bqml-admin", "bqml-none", "cnts-start", "cnts-suv", "cps-start", "gml-bw", "gml-lbm",
            "cm2ml-bsa", "autopet-compat" and their like.
        record: every tag, choice and conversion, JSON-able.
        warnings: what a user should look at.
    """

    factors: tuple[float, ...]
    rule: str
    record: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def is_uniform(self) -> bool:
        """Whether all slices have one factor."""
        return len(set(self.factors)) == 1

    @property
    def factor(self) -> float:
        """The one factor of all slices.

        Raises:
            ValueError: The slices have several (DecayCorrection NONE): use `factors`.
        """
        if not self.is_uniform:
            raise ValueError(f"{len(set(self.factors))} factors, one for each frame: use `factors`")
        return self.factors[0]


@dataclass(frozen=True)
class _Decayed:
    """Injected activity over what is left of it in the image, for each frame, with its reasons."""

    per_frame: tuple[float, ...]
    parts: Mapping[str, Finding] = field(default_factory=dict)
    reference: ReferenceTime | None = None
    warnings: tuple[str, ...] = ()


def suv_factor(header: PetHeader, *, normalisation: Normalisation = "BW") -> SuvScale:
    r"""The factor to SUV, with the record of how it was found.

    Activities (Units BQML, CNTS with Philips' activity factor, calibrated CPS) are divided by the activity left at the
    reference time (DecayCorrection START), by the injected one (ADMIN), or by what is left in each frame (NONE):
    SUVbw = 1000 g/kg * weight * activity / dose. Uptake values (GML, CM2ML, CNTS with Philips' SUV factor alone) are
    only normalised anew. Everything else is refused: there is no fallback factor.

    Args:
        header: the series (`oncohort.suv.pet_header`).
        normalisation: what SUV is normalised to; body weight by default.

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
    mode = header.text("DecayCorrection").upper()
    stored = stored_quantity(header)
    contradiction = _check_corrections(header, mode)
    found = _of_uptake(header, stored, mode) if stored.quantity == "suv" else _of_activity(header, stored, mode)
    return _normalised(header, found, normalisation, contradiction)


@dataclass(frozen=True)
class _Found:
    """Factors to SUVbw by frame."""

    per_frame: tuple[float, ...]
    rule: str
    record: Mapping[str, Any]
    warnings: tuple[str, ...]


def _of_uptake(header: PetHeader, stored: StoredQuantity, mode: str) -> _Found:
    if mode not in ("START", "ADMIN"):
        raise _unsupported_mode(header, mode, "START or ADMIN beside uptake values")
    record = {**_parts(stored.parts), "fallbacks": list(stored.notes)}
    return _Found((stored.factor,) * _frame_count(header), stored.rule, record, _notes(stored.parts))


def _of_activity(header: PetHeader, stored: StoredQuantity, mode: str) -> _Found:
    rule = _MODES.get(mode)
    if rule is None:
        raise _unsupported_mode(header, mode, "START, ADMIN or NONE")
    weight, dose = weight_kg(header), dose_bq(header)
    decayed = rule(header)
    per_bqml = 1000 * weight.value / dose.value
    factors = tuple(stored.factor * per_bqml * grown for grown in decayed.per_frame)
    parts = {**stored.parts, "weight_kg": weight, "dose_bq": dose, **decayed.parts}
    record = _parts(parts)
    if decayed.reference is not None:
        record["reference_time"] = _reference_record(decayed.reference)
    check = _cross_check(header, stored, factors)
    record |= {"cross_check_percent": check} if check is not None else {}
    warnings = (*decayed.warnings, *_notes(parts), *_doubt(check))
    return _Found(factors, f"{stored.rule}-{mode.lower()}", record, warnings)


def _at_injection(header: PetHeader) -> _Decayed:
    return _Decayed((1.0,) * _frame_count(header))


def _at_start(header: PetHeader) -> _Decayed:
    half_life = half_life_s(header)
    reference = reference_time(header, half_life.value)
    elapsed = seconds_since_injection(header, reference.instant, half_life.value)
    grown = math.exp(math.log(2) * elapsed.value / half_life.value)
    parts = {"half_life_s": half_life, "seconds_since_injection": elapsed}
    return _Decayed((grown,) * _frame_count(header), parts, reference, reference.warnings)


def _not_corrected(header: PetHeader) -> _Decayed:
    """Each frame holds the mean over its duration of what decayed since the injection."""
    half_life = half_life_s(header)
    elapsed = [_seconds_to_frame(header, frame, half_life.value) for frame in header.frames]
    decay = math.log(2) / half_life.value
    grown = tuple(
        math.exp(decay * since.value)
        * decay
        * (frame.duration_s or 0.0)
        / -math.expm1(-decay * (frame.duration_s or 0.0))
        for since, frame in zip(elapsed, header.frames, strict=True)
    )
    parts = {"half_life_s": half_life, "seconds_to_first_frame": elapsed[0]}
    return _Decayed(grown, parts)


def _seconds_to_frame(header: PetHeader, frame: PetFrame, half_life: float) -> Finding:
    if frame.acquisition is None or frame.duration_s is None:
        raise header.refusal(
            "frame_time_missing",
            expected="AcquisitionTime and ActualFrameDuration of every slice beside DecayCorrection NONE",
            found=f"{frame.acquisition or 'no time'}, {frame.duration_s or 'no duration'}",
        )
    return seconds_since_injection(header, frame.acquisition, half_life)


_MODES: dict[str, Callable[[PetHeader], _Decayed]] = {
    "START": _at_start,
    "ADMIN": _at_injection,
    "NONE": _not_corrected,
}


def _check_corrections(header: PetHeader, mode: str) -> tuple[str, ...]:
    corrections = header.text("CorrectedImage").upper().split("\\")
    needed = [("ATTN", "not_attenuation_corrected")]
    needed += [("DECY", "not_decay_corrected")] if mode != "NONE" else []
    for code, name in needed:
        if code not in corrections:
            found = header.text("CorrectedImage") or "none"
            raise header.refusal(name, expected=f"{code} among CorrectedImage", found=found)
    if mode == "NONE" and "DECY" in corrections:
        return ("CorrectedImage says DECY, DecayCorrection NONE; the latter was taken",)
    return ()


def _cross_check(header: PetHeader, stored: StoredQuantity, factors: Sequence[float]) -> float | None:
    """Percent by which Philips' own factor to SUVbw lies above ours; None without both of its factors."""
    own = header.number("PhilipsSUVFactor")
    if stored.rule != "cnts" or own is None or own <= 0 or len(set(factors)) > 1:
        return None
    return round(100 * (own / factors[0] - 1), 6)


def _doubt(check: float | None) -> tuple[str, ...]:
    if check is None or abs(check) <= CROSS_CHECK_PERCENT:
        return ()
    return (f"Philips' own factor to SUV (7053,1000) differs by {check:+.2f} %; (7053,1009) was taken",)


def _normalised(header: PetHeader, found: _Found, normalisation: Normalisation, doubts: tuple[str, ...]) -> SuvScale:
    relative = 1.0
    record = dict(found.record)
    warnings = (*found.warnings, *doubts)
    if normalisation != "BW":
        weight = weight_kg(header)
        finding = relative_to_weight(header, normalisation, weight)
        relative = finding.value
        record |= _parts({"normalised_to": finding})
        warnings = tuple(dict.fromkeys((*warnings, *weight.notes, *finding.notes)))
    per_frame = [factor * relative for factor in found.per_frame]
    factors = tuple(per_frame[index] for index in header.frame_of_slice) or (per_frame[0],)
    whole = {
        "recipe": RECIPE,
        "recipe_version": RECIPE_VERSION,
        "rule": found.rule,
        "normalisation": normalisation,
        "factor": factors[0] if len(set(factors)) == 1 else list(factors),
        "tags": dict(header.tags),
        "frames": len(header.frames),
        **record,
        "warnings": list(warnings),
    }
    return SuvScale(factors, found.rule, whole, warnings)


def _unsupported_mode(header: PetHeader, mode: str, expected: str) -> Exception:
    return header.refusal(
        "unsupported_decay_correction",
        expected=f"DecayCorrection {expected}",
        found=f"DecayCorrection {mode or 'none'}",
        remedy="leave this PET out, or convert it with the vendor's software",
    )


def _frame_count(header: PetHeader) -> int:
    return max(1, len(header.frames))


def _parts(parts: Mapping[str, Finding]) -> dict[str, Any]:
    return {name: {"value": part.value, "source": part.source} for name, part in parts.items()}


def _notes(parts: Mapping[str, Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for part in parts.values() for note in part.notes))


def _reference_record(reference: ReferenceTime) -> dict[str, Any]:
    return {
        "instant": reference.instant.isoformat(),
        "winner": reference.winner,
        "candidates": {name: value and value.isoformat() for name, value in reference.candidates.items()},
        "frame_reference_time": reference.convention,
        "decay_factors": reference.verdict,
        "spread_percent": round(reference.spread_percent, 6),
    }
