r"""What the stored numbers of a PET series are: activities, or uptake values already.

Units BQML are Bq/ml. CNTS (Philips) become Bq/ml by the private activity factor (7053,1009), or SUVbw by the private
SUV factor (7053,1000). CPS are counts per second and voxel. GML and CM2ML are uptake values, normalised as SUVType
says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from oncohort.suv.body import relative_to_weight
from oncohort.suv.findings import Finding
from oncohort.suv.header import PetHeader
from oncohort.suv.injection import weight_kg

SUV_TYPES = ("BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW")
"""Values of SUVType that stored g/ml can have; BSA goes with cm2/ml."""


@dataclass(frozen=True)
class StoredQuantity:
    """What a stored (rescaled) number means.

    Attributes:
        quantity: `activity` (Bq/ml after `factor`) or `suv` (SUVbw after `factor`).
        factor: from the stored number to Bq/ml or SUVbw.
        rule: first part of the name of the rule: bqml, cnts, cps, gml-bw, gml-lbm ..., cm2ml-bsa.
        parts: what went into the factor.
        notes: doubts and defaults, as sentences.
    """

    quantity: Literal["activity", "suv"]
    factor: float
    rule: str
    parts: Mapping[str, Finding] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def stored_quantity(header: PetHeader) -> StoredQuantity:
    """What the numbers of a series are, by Units, SUVType and private factors.

    Raises:
        SuvRefusal: Units without a way to activity or uptake: proportional counts, counts without a factor
            (`unsupported_units`, `philips_factor_missing`, `counts_not_calibrated`), an SUVType that does not go with
            the units (`unsupported_suv_type`).

    Examples:
        >>> stored_quantity(PetHeader("series 1", {"Units": "CNTS", "PhilipsSUVFactor": "0.0005"}, ())).factor
        0.0005
    """
    units = header.text("Units").upper()
    reader = _READERS.get(units)
    if reader is None:
        raise header.refusal(
            "unsupported_units",
            expected=f"Units {', '.join(_READERS)}",
            found=f"Units {units or 'none'}",
            remedy="leave this PET out, or convert it with the vendor's software",
        )
    return reader(header)


def _activity(_: PetHeader) -> StoredQuantity:
    return StoredQuantity("activity", 1.0, "bqml")


def _counts(header: PetHeader) -> StoredQuantity:
    activity, uptake = _positive(header, "PhilipsActivityFactor"), _positive(header, "PhilipsSUVFactor")
    if activity is not None:
        part = {"activity_factor": Finding(activity, "PhilipsActivityFactor (7053,1009)")}
        return StoredQuantity("activity", activity, "cnts", part)
    if uptake is not None:
        part = {"suv_factor": Finding(uptake, "PhilipsSUVFactor (7053,1000)")}
        return StoredQuantity("suv", uptake, "cnts-suv", part)
    raise header.refusal(
        "philips_factor_missing",
        expected="a private factor (7053,1009) or (7053,1000) above 0 beside Units CNTS",
        found=f"{header.text('PhilipsActivityFactor') or 'none'} and {header.text('PhilipsSUVFactor') or 'none'}",
        remedy="export the series again with its private tags",
    )


def _counts_per_second(header: PetHeader) -> StoredQuantity:
    """CPS over the voxel's ml, times DoseCalibrationFactor unless the image was calibrated (DCAL) already."""
    volume = _voxel_ml(header)
    if "DCAL" in header.text("CorrectedImage").upper().split("\\"):
        return StoredQuantity("activity", 1 / volume.value, "cps", {"voxel_ml": volume})
    calibration = _positive(header, "DoseCalibrationFactor")
    if calibration is None:
        raise header.refusal(
            "counts_not_calibrated",
            expected="DoseCalibrationFactor above 0, or DCAL among CorrectedImage, beside Units CPS",
            found=header.text("DoseCalibrationFactor") or "none",
        )
    parts = {"voxel_ml": volume, "calibration": Finding(calibration, "DoseCalibrationFactor")}
    return StoredQuantity("activity", calibration / volume.value, "cps", parts)


def _uptake_per_gram(header: PetHeader) -> StoredQuantity:
    kind = header.text("SUVType").upper()
    if kind not in ("", *SUV_TYPES):
        expected = f"SUVType {', '.join(SUV_TYPES)} or none beside Units GML"
        raise header.refusal("unsupported_suv_type", expected=expected, found=kind)
    if kind in ("", "BW"):
        notes = () if kind else ("SUVType is missing; DICOM's default BW was taken",)
        return StoredQuantity("suv", 1.0, "gml-bw", notes=notes)
    return _normalised(header, kind, f"gml-{kind.lower()}")


def _uptake_per_area(header: PetHeader) -> StoredQuantity:
    kind = header.text("SUVType").upper()
    if kind not in ("", "BSA"):
        raise header.refusal("unsupported_suv_type", expected="SUVType BSA or none beside Units CM2ML", found=kind)
    return _normalised(header, "BSA", "cm2ml-bsa")


def _normalised(header: PetHeader, kind: str, rule: str) -> StoredQuantity:
    weight = weight_kg(header)
    relative = relative_to_weight(header, kind, weight)
    parts = {"weight_kg": weight, "normaliser": relative}
    return StoredQuantity("suv", 1 / relative.value, rule, parts)


_READERS: dict[str, Callable[[PetHeader], StoredQuantity]] = {
    "BQML": _activity,
    "CNTS": _counts,
    "CPS": _counts_per_second,
    "GML": _uptake_per_gram,
    "CM2ML": _uptake_per_area,
}


def _positive(header: PetHeader, name: str) -> float | None:
    value = header.number(name)
    return value if value is not None and value > 0 else None


def _voxel_ml(header: PetHeader) -> Finding:
    try:
        rows, columns = (float(part) for part in header.text("PixelSpacing").split("\\"))
        volume = rows * columns * float(header.text("SliceThickness")) / 1000
    except ValueError:
        volume = 0.0
    if not 0 < volume < float("inf"):
        found = f"{header.text('PixelSpacing') or 'none'} and {header.text('SliceThickness') or 'none'}"
        raise header.refusal(
            "counts_not_calibrated", expected="PixelSpacing and SliceThickness in mm beside Units CPS", found=found
        )
    return Finding(volume, "PixelSpacing, SliceThickness")
