"""What another reading of the same header would change: the errors that other programs make, in percent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oncohort.errors import SuvRefusal
from oncohort.suv.autopet import autopet_factor
from oncohort.suv.clock import seconds
from oncohort.suv.factor import SuvScale
from oncohort.suv.header import PetFrame, PetHeader
from oncohort.suv.injection import half_life_s, seconds_since_injection
from oncohort.suv.reference_time import ReferenceTime, mean_count_time_s, reference_time

_CANDIDATES = {
    "S": "series time",
    "G": "GE's private scan time",
    "M": "Siemens' private reference time",
    "B": "time back-computed from FrameReferenceTime",
    "E": "earliest acquisition",
}


@dataclass(frozen=True)
class Alternative:
    """One other rule and how far its SUV lies from the one that was taken.

    Attributes:
        rule: what it does, in words.
        low_percent: smallest difference over the slices, in percent of the SUV that was taken.
        high_percent: largest one; the same for a rule with one factor.

    Examples:
        >>> Alternative("earliest acquisition", 2.6, 2.6).text
        'earliest acquisition: +2.60 %'
    """

    rule: str
    low_percent: float
    high_percent: float

    @property
    def text(self) -> str:
        """The alternative in a line."""
        if math.isclose(self.low_percent, self.high_percent, abs_tol=5e-3):
            return f"{self.rule}: {_signed(self.high_percent)} %"
        return f"{self.rule}: {_signed(self.low_percent)} to {_signed(self.high_percent)} %"


def _signed(percent: float) -> str:
    return "±0" if abs(percent) < 5e-3 else f"{percent:+.2f}"


def suv_alternatives(
    header: PetHeader, scale: SuvScale, slices: Sequence[Mapping[str, object]]
) -> tuple[Alternative, ...]:
    """What other rules would make of a series, largest difference first.

    For DecayCorrection START: every other candidate for the reference time, each frame's own times (which give a
    staircase of bed positions), and no decay at all. For any series: the script behind autoPET's volumes.

    Args:
        header: the series.
        scale: what `suv_factor` made of it.
        slices: per slice, values by DICOM keyword, as for `pet_header`.

    Examples:
        >>> from oncohort.suv import pet_header, suv_factor
        >>> tags = {"Units": "GML", "DecayCorrection": "START", "CorrectedImage": ["DECY", "ATTN"]}
        >>> header = pet_header([tags], where="series 1")
        >>> suv_alternatives(header, suv_factor(header), [tags])
        ()
    """
    found = [*_of_reference(header, scale), *_of_autopet(scale, slices, header.where)]
    return tuple(sorted(found, key=lambda one: -max(abs(one.low_percent), abs(one.high_percent))))


def with_alternatives(scale: SuvScale, header: PetHeader, slices: Sequence[Mapping[str, object]]) -> SuvScale:
    """The scale with what other rules would change in its record, as `alternatives`: rule, low and high percent."""
    listed = [
        {"rule": one.rule, "low_percent": round(one.low_percent, 6), "high_percent": round(one.high_percent, 6)}
        for one in suv_alternatives(header, scale, slices)
    ]
    return replace(scale, record={**scale.record, "alternatives": listed})


def _of_reference(header: PetHeader, scale: SuvScale) -> Iterator[Alternative]:
    if not scale.rule.endswith("-start"):
        return
    half_life = half_life_s(header).value
    reference = reference_time(header, half_life)
    decay = math.log(2) / half_life
    for name, instant in reference.candidates.items():
        if instant is not None and name != reference.winner:
            yield _shifted(_CANDIDATES[name], [seconds(instant, reference.instant)], decay)
    yield from _of_frames(header.frames, reference, decay)
    since = seconds_since_injection(header, reference.instant, half_life).value
    yield _shifted("no decay since the injection (read as ADMIN)", [-since], decay)


def _of_frames(frames: Sequence[PetFrame], reference: ReferenceTime, decay: float) -> Iterator[Alternative]:
    if len(frames) < 2:
        return
    readings = {
        "each frame's acquisition time": [frame.acquisition for frame in frames],
        "each frame's acquisition time - FrameReferenceTime": [_back(frame, 0.0) for frame in frames],
        "each frame's mean count time - FrameReferenceTime": [
            _back(frame, mean_count_time_s(frame.duration_s, decay) if frame.duration_s else None) for frame in frames
        ],
    }
    for rule, instants in readings.items():
        known = [instant for instant in instants if instant is not None]
        if len(known) == len(frames) and len(set(known)) > 1:
            yield _shifted(rule, [seconds(instant, reference.instant) for instant in known], decay)


def _back(frame: PetFrame, offset_s: float | None) -> datetime | None:
    if frame.acquisition is None or frame.reference_time_s is None or offset_s is None:
        return None
    return frame.acquisition + timedelta(seconds=offset_s - frame.reference_time_s)


def _of_autopet(scale: SuvScale, slices: Sequence[Mapping[str, object]], where: str) -> Iterator[Alternative]:
    try:
        factor = autopet_factor(slices, where=where).factor
    except SuvRefusal:
        return
    percents = [100 * (factor / own - 1) for own in scale.factors]
    yield Alternative("autoPET's script (autopet-compat)", min(percents), max(percents))


def _shifted(rule: str, seconds_later: Sequence[float], decay: float) -> Alternative:
    percents = [100 * math.expm1(max(-700.0, min(decay * later, 700.0))) for later in seconds_later]
    return Alternative(rule, min(percents), max(percents))
