"""What a PET series says about itself, as plain text and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oncohort.errors import SuvRefusal
from oncohort.suv.clock import join, local_datetime

SERIES_TAGS = (
    "Units",
    "SUVType",
    "DecayCorrection",
    "CorrectedImage",
    "PatientWeight",
    "PatientSize",
    "PatientSex",
    "SeriesDate",
    "SeriesTime",
    "TimezoneOffsetFromUTC",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
    "RadionuclideCode",
    "Radiopharmaceutical",
    "RadiopharmaceuticalCount",
    "GEScanDateTime",
    "GEAdministrationDateTime",
    "GEMeasurementDateTime",
    "SiemensReferenceDateTime",
    "PhilipsSUVFactor",
    "PhilipsActivityFactor",
    "DoseCalibrationFactor",
    "PixelSpacing",
    "SliceThickness",
)
"""Tags that must say the same in every slice. `RadionuclideCode` is the code value of the radionuclide,
`RadiopharmaceuticalCount` the number of items in the radiopharmaceutical sequence. Private: GE's scan (0009,100D),
administration (0009,103B) and dose measurement (0009,1039), Siemens' reference time (0071,1022), Philips' factors from
counts to SUVbw (7053,1000) and to Bq/ml (7053,1009), each by its private creator. The others are DICOM keywords."""

SLICE_TAGS = (
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "FrameReferenceTime",
    "ActualFrameDuration",
    "DecayFactor",
    "RescaleIntercept",
    "RescaleSlope",
    "ImageType",
)
"""Tags that may differ between slices (DICOM keywords)."""


_LONGEST_MS = 1e10


@dataclass(frozen=True)
class PetFrame:
    """When one bed position or time frame was measured.

    Attributes:
        acquisition: AcquisitionDate and AcquisitionTime; None if missing.
        reference_time_s: FrameReferenceTime in s; None if missing.
        duration_s: ActualFrameDuration in s; None if missing or 0.
        decay_factor: DecayFactor; None if missing or not above 0.
        decay_rounding: half a unit of the last digit of DecayFactor as written.
    """

    acquisition: datetime | None
    reference_time_s: float | None = None
    duration_s: float | None = None
    decay_factor: float | None = None
    decay_rounding: float = 0.0


@dataclass(frozen=True)
class PetHeader:
    """One PET series: the raw text of its tags and its frames in order of time.

    Attributes:
        where: file or series named in messages.
        tags: text per name of `SERIES_TAGS`; a missing or empty tag is absent.
        frames: distinct frames, at least one.
        frame_of_slice: index into `frames` for every slice, in the order given.
    """

    where: str
    tags: Mapping[str, str]
    frames: tuple[PetFrame, ...]
    frame_of_slice: tuple[int, ...] = ()

    def text(self, name: str) -> str:
        """The text of a tag, "" if it is missing."""
        return self.tags.get(name, "")

    def number(self, name: str) -> float | None:
        """The finite number that a tag holds, else None."""
        return parse_number(self.text(name))

    def refusal(self, code: str, *, expected: str, found: str, remedy: str = "") -> SuvRefusal:
        """The refusal of this series with its reason in one word."""
        return SuvRefusal(
            code=code,
            expected=expected,
            found=found,
            where=self.where,
            remedy=remedy or "correct the header at its origin, or leave this PET out",
        )


def pet_header(slices: Sequence[Mapping[str, object]], *, where: str) -> PetHeader:
    r"""The header of a series from the tags of each slice.

    Args:
        slices: per slice, values by the names of `SERIES_TAGS` and `SLICE_TAGS`; numbers, texts (several values
            parted by a backslash) or lists.
        where: file or series named in messages.

    Raises:
        SuvRefusal: a series tag differs between slices (`mixed_header`), a slice has an intercept
            (`intercept_not_zero`) or no slope (`slope_invalid`), or is a projection (`projection`).

    Examples:
        >>> header = pet_header([{"Units": "GML", "DecayCorrection": "ADMIN"}], where="series 1")
        >>> header.text("Units"), header.number("PatientWeight"), len(header.frames)
        ('GML', None, 1)
    """
    texts = [{name: as_text(value) for name, value in one.items() if as_text(value)} for one in slices]
    header = PetHeader(where, {name: texts[0][name] for name in SERIES_TAGS if name in texts[0]}, ())
    for one in texts:
        _check_constant(header, one)
        _check_scaling(header, one)
    timings = [tuple(one.get(name, "") for name in SLICE_TAGS[:6]) for one in texts]
    frame_of = {timing: _frame(dict(zip(SLICE_TAGS, timing, strict=False)), header) for timing in set(timings)}
    frames = tuple(sorted(set(frame_of.values()), key=_order))
    position = {frame: index for index, frame in enumerate(frames)}
    return PetHeader(where, header.tags, frames, tuple(position[frame_of[timing]] for timing in timings))


def as_text(value: object) -> str:
    r"""The value as DICOM text: lists parted by a backslash, None as "".

    Examples:
        >>> as_text(["DECY", "ATTN"])
        'DECY\\ATTN'
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return "\\".join(str(part).strip() for part in value)
    return str(value).strip()


def parse_number(text: str) -> float | None:
    """The finite number written in `text`, else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _check_constant(header: PetHeader, one: Mapping[str, str]) -> None:
    for name in SERIES_TAGS:
        if one.get(name, "") != header.text(name):
            raise header.refusal(
                "mixed_header",
                expected=f"the same {name} in every slice",
                found=f"{header.text(name)!r} and {one.get(name, '')!r}",
                remedy="part the series into those that belong together",
            )


def _check_scaling(header: PetHeader, one: Mapping[str, str]) -> None:
    intercept, slope = parse_number(one.get("RescaleIntercept", "0")), parse_number(one.get("RescaleSlope", "1"))
    if intercept != 0:
        found = one.get("RescaleIntercept", "")
        raise header.refusal("intercept_not_zero", expected="RescaleIntercept 0 in a PET", found=found)
    if slope is None or slope <= 0:
        found = one.get("RescaleSlope", "")
        raise header.refusal("slope_invalid", expected="RescaleSlope above 0", found=found)
    kinds = set(one.get("ImageType", "").upper().replace("\\", " ").split())
    if kinds & {"MIP", "PROJECTION"}:
        raise header.refusal("projection", expected="a stack of slices", found=f"ImageType {one['ImageType']}")


def _frame(timing: Mapping[str, str], header: PetHeader) -> PetFrame:
    acquisition = local_datetime(timing["AcquisitionDateTime"], header.text("TimezoneOffsetFromUTC"))
    if acquisition is None:
        day = timing["AcquisitionDate"] or header.text("SeriesDate")
        acquisition = join(day, timing["AcquisitionTime"])
    reference_s, duration_s = (_seconds(timing[name]) for name in ("FrameReferenceTime", "ActualFrameDuration"))
    factor = parse_number(timing["DecayFactor"])
    return PetFrame(
        acquisition=acquisition,
        reference_time_s=reference_s,
        duration_s=duration_s if duration_s is not None and duration_s > 0 else None,
        decay_factor=factor if factor is not None and factor > 0 else None,
        decay_rounding=_half_last_digit(timing["DecayFactor"]),
    )


def _seconds(milliseconds: str) -> float | None:
    value = parse_number(milliseconds)
    return None if value is None or abs(value) > _LONGEST_MS else value / 1000


def _half_last_digit(text: str) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return float(0.5 * 10.0 ** (int(exponent or 0) - digits)) if parse_number(text) is not None else 0.0


def _order(frame: PetFrame) -> tuple[datetime, float, float, float]:
    return (
        frame.acquisition or datetime.min,
        frame.reference_time_s or 0.0,
        frame.duration_s or 0.0,
        frame.decay_factor or 0.0,
    )
