"""The instant to which a scanner decay-corrected a PET series with DecayCorrection START."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oncohort.suv.clock import join, parse_datetime, seconds
from oncohort.suv.header import PetFrame, PetHeader

ONE_INSTANT_S = 2.0
"""Times that lie no further apart than this are one instant."""

SERIES_BEFORE_SCAN_S = 0.01
"""The series time may lie this much after the earliest acquisition."""

SPREAD_WARNING_PERCENT = 1.0
"""Candidates whose factors differ by more than this are worth a warning."""


@dataclass(frozen=True)
class ReferenceTime:
    """The chosen instant and how it was chosen.

    Attributes:
        instant: the time to which activities refer.
        winner: "S" series, "G" GE private, "M" Siemens private, "B" back-computed, "E" earliest acquisition,
            "DF" decay factor alone.
        candidates: the five instants; None where the header gives none.
        convention: what FrameReferenceTime counts to, "mean" or "start"; "" if unknown.
        verdict: what the decay factors say.
        spread_percent: how far apart the factors of the candidates lie.
        warnings: sentences for the user.
    """

    instant: datetime
    winner: str
    candidates: Mapping[str, datetime | None]
    convention: str
    verdict: str
    spread_percent: float
    warnings: tuple[str, ...] = field(default=())


def reference_time(header: PetHeader, half_life_s: float) -> ReferenceTime:
    """The instant to which START-corrected activities refer.

    Five candidates (series time, GE's and Siemens' private times, the time back-computed from FrameReferenceTime, the
    earliest acquisition) are judged by the decay factors, where these say anything. Without them, the series time
    stands unless it lies after the first acquisition. Rule: `reference/suv.md`, section 2.

    Args:
        header: the series.
        half_life_s: half-life in s.

    Raises:
        SuvRefusal: no candidate agrees with the decay factors, or there is none (`reference_time_unknown`).

    Examples:
        >>> from oncohort.suv.header import pet_header
        >>> scan = {"SeriesDate": "20000907", "SeriesTime": "112011", "AcquisitionTime": "112011",
        ...         "FrameReferenceTime": "0", "ActualFrameDuration": "240000", "DecayFactor": "1.01268"}
        >>> found = reference_time(pet_header([scan], where="series 1"), 6588.0)
        >>> found.winner, found.instant.isoformat(), found.verdict
        ('S', '2000-09-07T11:20:11', 'confirms S')
    """
    decay = math.log(2) / half_life_s
    convention, back_computed = _back_computed(header.frames, decay)
    acquisitions = [frame.acquisition for frame in header.frames if frame.acquisition is not None]
    candidates = {
        "S": join(header.text("SeriesDate"), header.text("SeriesTime")),
        "G": parse_datetime(header.text("GEScanDateTime")),
        "M": parse_datetime(header.text("SiemensReferenceDateTime")),
        "B": back_computed,
        "E": min(acquisitions) if len(acquisitions) == len(header.frames) else None,
    }
    winner, instant, verdict, warnings = _choose(header, candidates, decay)
    spread = _spread_percent(candidates, decay)
    if spread > SPREAD_WARNING_PERCENT:
        warnings.append(f"candidates for the reference time differ by {spread:.2f} % in SUV; {winner} was taken")
    return ReferenceTime(instant, winner, candidates, convention, verdict, spread, tuple(warnings))


def mean_count_time_s(duration_s: float, decay: float) -> float:
    """Seconds after frame start at which the activity equals its mean over the frame.

    Examples:
        >>> round(mean_count_time_s(240.0, math.log(2) / 6588.0), 3)
        119.747
    """
    return math.log(decay * duration_s / -math.expm1(-decay * duration_s)) / decay


def _choose(
    header: PetHeader, candidates: Mapping[str, datetime | None], decay: float
) -> tuple[str, datetime, str, list[str]]:
    delays = _frame_delays_s(header.frames, decay)
    if delays is None:
        winner, warnings = _without_decay_factor(header, candidates)
        return winner, _known(candidates[winner]), "uninformative", warnings
    tolerance = _tolerance_s(header.frames, decay)
    starts = [_known(frame.acquisition) for frame in header.frames]
    for name, candidate in candidates.items():
        if candidate is not None and _survives(candidate, starts, delays, tolerance):
            return name, candidate, f"confirms {name}", []
    alone = [start - timedelta(seconds=delay) for start, delay in zip(starts, delays, strict=True)]
    if seconds(max(alone), min(alone)) <= tolerance:
        warning = "no time in the header agrees with the decay factors; the time that they give was taken"
        return "DF", alone[0], "contradicts all candidates", [warning]
    raise header.refusal(
        "reference_time_unknown",
        expected="a reference time that agrees with the decay factors",
        found=", ".join(f"{name} {value}" for name, value in candidates.items()),
    )


def _without_decay_factor(header: PetHeader, candidates: Mapping[str, datetime | None]) -> tuple[str, list[str]]:
    series, earliest = candidates["S"], candidates["E"]
    if series is not None and earliest is not None and seconds(series, earliest) <= SERIES_BEFORE_SCAN_S:
        return "S", []
    for name in ("G", "M", "B"):
        if candidates[name] is not None:
            return name, []
    if earliest is None:
        found = "none, or not in every slice"
        raise header.refusal("reference_time_unknown", expected="SeriesTime and AcquisitionTime", found=found)
    return "E", ["the series time lies after the scan or is missing; the earliest acquisition was taken"]


def _back_computed(frames: Sequence[PetFrame], decay: float) -> tuple[str, datetime | None]:
    starts, counted, means = [], [], []
    for frame in frames:
        if frame.acquisition is None or frame.reference_time_s is None or frame.duration_s is None:
            return "", None
        starts.append(frame.acquisition)
        counted.append(frame.reference_time_s)
        means.append(mean_count_time_s(frame.duration_s, decay))
    is_mean = all(count >= mean - 0.5 for count, mean in zip(counted, means, strict=True))
    offsets = [(mean if is_mean else 0.0) - count for count, mean in zip(counted, means, strict=True)]
    instants = [start + timedelta(seconds=offset) for start, offset in zip(starts, offsets, strict=True)]
    one_instant = seconds(max(instants), min(instants)) <= ONE_INSTANT_S
    return ("mean" if is_mean else "start"), (min(instants) if one_instant else None)


def _frame_delays_s(frames: Sequence[PetFrame], decay: float) -> list[float] | None:
    """Seconds from the reference time to each frame's start by its decay factor; None if these say nothing."""
    delays = []
    for frame in frames:
        if frame.decay_factor is None or frame.duration_s is None or frame.acquisition is None:
            return None
        delays.append(math.log(frame.decay_factor) / decay - mean_count_time_s(frame.duration_s, decay))
    return None if all(frame.decay_factor == 1 for frame in frames) else delays


def _tolerance_s(frames: Sequence[PetFrame], decay: float) -> float:
    rounding = max(frame.decay_rounding / (frame.decay_factor or 1.0) for frame in frames)
    return max(ONE_INSTANT_S, rounding / decay)


def _survives(candidate: datetime, starts: Sequence[datetime], delays: Sequence[float], tolerance: float) -> bool:
    since = [seconds(start, candidate) for start in starts]
    if all(abs(elapsed - delay) <= tolerance for elapsed, delay in zip(since, delays, strict=True)):
        return True
    return all(abs(elapsed) <= tolerance for elapsed in since) and abs(min(delays)) <= tolerance


def _spread_percent(candidates: Mapping[str, datetime | None], decay: float) -> float:
    known = [candidate for candidate in candidates.values() if candidate is not None]
    apart = seconds(max(known), min(known))
    return 100 * math.expm1(min(decay * apart, 50.0))


def _known(instant: datetime | None) -> datetime:
    if instant is None:
        raise ValueError("a frame without time was not sorted out")
    return instant
