"""Lean body mass, ideal weight and body surface: what SUV is normalised to instead of body weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from oncohort.suv.findings import Finding
from oncohort.suv.header import PetHeader

Normalisation = Literal["BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW", "BSA"]
"""What SUV is normalised to, by the values of DICOM's SUVType: body weight, lean body mass (Morgan, James,
Janmahasatian), ideal body weight, body surface area."""

_ABOVE_THIS_CENTIMETRE = 3.0
_HEIGHTS_M = (0.3, 2.8)

_Formula = Callable[[float, float], float]


@dataclass(frozen=True)
class _BySex:
    male: _Formula
    female: _Formula


_MASSES_KG: dict[str, _BySex] = {
    "LBM": _BySex(
        lambda weight, cm: 1.10 * weight - 120 * (weight / cm) ** 2,
        lambda weight, cm: 1.07 * weight - 148 * (weight / cm) ** 2,
    ),
    "LBMJAMES128": _BySex(
        lambda weight, cm: 1.10 * weight - 128 * (weight / cm) ** 2,
        lambda weight, cm: 1.07 * weight - 148 * (weight / cm) ** 2,
    ),
    "LBMJANMA": _BySex(
        lambda weight, cm: 9270 * weight / (6680 + 216 * _body_mass_index(weight, cm)),
        lambda weight, cm: 9270 * weight / (8780 + 244 * _body_mass_index(weight, cm)),
    ),
    "IBW": _BySex(
        lambda _, cm: 48.0 + 1.06 * (cm - 152),
        lambda _, cm: 45.5 + 0.91 * (cm - 152),
    ),
}


def body_mass_kg(kind: str, weight_kg: float, height_cm: float, sex: str) -> float:
    """Lean or ideal body mass in kg.

    Morgan (`LBM`), James (`LBMJAMES128`), Janmahasatian (`LBMJANMA`, the EANM's choice) and ideal weight (`IBW`).
    For a sex other than M and F it is the mean of both, a proposal without consensus.

    Args:
        kind: `LBM`, `LBMJAMES128`, `LBMJANMA` or `IBW`.
        weight_kg: Body weight.
        height_cm: Body height.
        sex: `M`, `F` or anything else.

    Examples:
        >>> [round(body_mass_kg("LBMJANMA", 70, 175, sex), 4) for sex in "MFO"]
        [55.8571, 45.197, 50.5271]
    """
    formula = _MASSES_KG[kind]
    male, female = formula.male(weight_kg, height_cm), formula.female(weight_kg, height_cm)
    return {"M": male, "F": female}.get(sex, (male + female) / 2)


def body_surface_m2(weight_kg: float, height_cm: float) -> float:
    """Body surface in m2 by Du Bois.

    Examples:
        >>> round(body_surface_m2(70, 175), 6)
        1.848143
    """
    return float(0.007184 * height_cm**0.725 * weight_kg**0.425)


def height_cm(header: PetHeader) -> Finding:
    """Body height in cm; PatientSize above 3 was written in cm.

    Raises:
        SuvRefusal: missing or 0 (`height_missing`), or impossible (`height_implausible`).

    Examples:
        >>> height_cm(PetHeader("series 1", {"PatientSize": "1.75"}, ())).value
        175.0
    """
    size = header.number("PatientSize")
    if size is None or size <= 0:
        found = header.text("PatientSize") or "none"
        raise header.refusal("height_missing", expected="PatientSize in m", found=found)
    metres = size / 100 if size > _ABOVE_THIS_CENTIMETRE else size
    if not _HEIGHTS_M[0] <= metres <= _HEIGHTS_M[1]:
        raise header.refusal("height_implausible", expected="PatientSize in m", found=f"{size:g}")
    notes = () if metres == size else (f"PatientSize {size:g} was read as cm",)
    return Finding(100 * metres, "PatientSize", notes)


def relative_to_weight(header: PetHeader, normalisation: str, weight: Finding) -> Finding:
    """The number that turns SUVbw into the SUV of a normalisation: its mass over the weight, or for `BSA` cm2 over g.

    Args:
        header: The series: height and sex.
        normalisation: A `Normalisation`.
        weight: Body weight in kg.

    Raises:
        SuvRefusal: The height is missing or impossible, or the formula gives no positive mass (`height_implausible`).
    """
    if normalisation == "BW":
        return Finding(1.0, "body weight")
    height = height_cm(header)
    if normalisation == "BSA":
        area = body_surface_m2(weight.value, height.value)
        return Finding(1e4 * area / (1000 * weight.value), "BSA (Du Bois)", height.notes)
    sex = header.text("PatientSex").upper()
    mass = body_mass_kg(normalisation, weight.value, height.value, sex)
    if mass <= 0:
        found = f"weight {weight.value:g} kg, height {height.value:g} cm"
        raise header.refusal(
            "height_implausible", expected=f"a weight and height that {normalisation} fits", found=found
        )
    notes = height.notes if sex in ("M", "F") else (*height.notes, _no_sex(sex, normalisation))
    return Finding(mass / weight.value, normalisation, notes)


def _no_sex(sex: str, normalisation: str) -> str:
    return f"PatientSex {sex or 'missing'}: the mean of both sexes was taken for {normalisation}"


def _body_mass_index(weight_kg: float, height_cm: float) -> float:
    return weight_kg / (height_cm / 100) ** 2
