"""What was done to the values: hypotheses, each tested on every voxel of every slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oncohort.verification.arrangement import TOLERANCE
from oncohort.verification.original import Plane
from oncohort.verification.verdict import Finding

_TINY = 1e-300
_SAME = 4e-6
_BITS = 65536.0


@dataclass(frozen=True)
class Pair:
    """A slice of the image, the right way round, and the DICOM slice that it holds.

    Attributes:
        k: Number of the DICOM slice.
        found: Values (i, j) of the image, finite.
        stored: Stored values of DICOM.
        slope: RescaleSlope of the slice.
        intercept: Its RescaleIntercept.
        factor: From rescaled values to the quantity that the image was taken for.
    """

    k: int
    found: Plane
    stored: Plane
    slope: float
    intercept: float
    factor: float

    @property
    def expected(self) -> Plane:
        """What the image should hold."""
        return (self.stored * self.slope + self.intercept) * self.factor

    @property
    def tolerance(self) -> Plane:
        """What float32 explains, voxel by voxel."""
        return rounding_of(self.stored, self.slope, self.intercept, self.factor)


def rounding_of(stored: Plane, slope: float, intercept: float, factor: float) -> Plane:
    """Difference by which a value may depart because float32 was used on the way."""
    terms = np.abs(stored * (slope * factor)) + abs(intercept * factor)
    return np.asarray(TOLERANCE * terms + _TINY, dtype=np.float64)


@dataclass
class _Evidence:
    """What all slices together say about one image; `False` as soon as a voxel contradicts."""

    slopes: dict[int, float] = field(default_factory=dict)
    ratios: dict[int, float] = field(default_factory=dict)
    own_slopes: dict[int, float] = field(default_factory=dict)
    no_intercept: bool = True
    no_rescale: bool = True
    wrapped: bool = True
    has_turn: bool = False
    rounded: float = 0.0
    truncated: bool = True
    whole: bool = True
    offset: tuple[float, float] = (math.inf, -math.inf)
    raised: tuple[float, float] = (math.inf, -math.inf)
    lowered: tuple[float, float] = (math.inf, -math.inf)
    span: tuple[float, float] = (math.inf, -math.inf)
    slack: float = 0.0
    has_intercept: bool = False
    has_rescale: bool = False
    differing: dict[int, int] = field(default_factory=dict)


def value_findings(pairs: Iterable[Pair], *, step: float) -> Iterator[Finding]:
    """The first hypothesis that all voxels bear out; none if nothing differs, `unexplained` if none does.

    Args:
        pairs: Every slice.
        step: Distance of neighbouring numbers in the file if it stores integers; 0 for floats.
    """
    evidence = _Evidence()
    for pair in pairs:
        _add(evidence, pair)
    if not any(evidence.differing.values()):
        return
    where = tuple(sorted(k for k, count in evidence.differing.items() if count))
    tests = (_blank, _unscaled, _merged, _factor, _wrapped, _clipped, _rounded, _moved, _staircase)
    for test in tests:
        told = test(evidence, step)
        if told is not None:
            yield Finding(told[0], told[1], where)
            return
    count = sum(evidence.differing.values())
    text = f"the values of {count} voxels differ in a way that none of the tested causes explains"
    yield Finding("unexplained", text, where)


def _add(evidence: _Evidence, pair: Pair) -> None:
    expected, tolerance, found = pair.expected, pair.tolerance, pair.found
    away = found - expected
    differs = np.abs(away) > tolerance
    evidence.differing[pair.k] = evidence.differing.get(pair.k, 0) + int(differs.sum())
    evidence.own_slopes[pair.k] = pair.slope
    evidence.has_intercept |= pair.intercept != 0
    evidence.has_rescale |= pair.intercept != 0 or pair.slope != 1
    _add_scale(evidence, pair)
    evidence.no_intercept &= _agree(found, pair.stored * (pair.slope * pair.factor), tolerance)
    evidence.no_rescale &= _agree(found, pair.stored, TOLERANCE * np.abs(pair.stored) + _TINY)
    turn = pair.slope * pair.factor * _BITS
    turns = np.round(away / turn)
    evidence.wrapped &= _agree(away, turns * turn, tolerance + 1e-9 * abs(turn))
    evidence.has_turn |= bool(turns.any())
    evidence.slack = max(evidence.slack, float(tolerance.max()))
    evidence.rounded = max(evidence.rounded, float(np.abs(away).max()))
    evidence.truncated &= bool((np.abs(found) <= np.abs(expected) + tolerance).all())
    evidence.whole &= bool((found == np.round(found)).all())
    evidence.offset = _widen(evidence.offset, away)
    evidence.raised = _widen(evidence.raised, found[differs & (away > 0)])
    evidence.lowered = _widen(evidence.lowered, found[differs & (away < 0)])
    evidence.span = _widen(evidence.span, found)


def _add_scale(evidence: _Evidence, pair: Pair) -> None:
    """The slope that would explain the slice with its intercept, and the ratio that would with it scaled."""
    evidence.slopes[pair.k] = _fit(pair.stored * pair.factor, pair.found - pair.intercept * pair.factor)
    evidence.ratios[pair.k] = _fit(pair.expected, pair.found)


def _fit(reference: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The one factor between two planes; infinite if there is none; NaN if the reference is 0 everywhere."""
    size = float((reference**2).sum())
    if size == 0:
        return math.nan if not found.any() else math.inf
    ratio = float((reference * found).sum()) / size
    tolerance = 4 * TOLERANCE * (np.abs(reference * ratio) + float(np.abs(found).max()) * 1e-2)
    return ratio if _agree(found, reference * ratio, tolerance + _TINY) else math.inf


def slice_ratio(reference: Plane, found: Plane) -> float:
    """Image over DICOM by least squares; NaN where DICOM is 0."""
    size = float((reference**2).sum())
    return float((reference * found).sum()) / size if size else math.nan


def _agree(found: Plane, other: Plane, tolerance: Plane) -> bool:
    return bool((np.abs(found - other) <= tolerance).all())


def _widen(span: tuple[float, float], values: NDArray[np.float64]) -> tuple[float, float]:
    if values.size == 0:
        return span
    return min(span[0], float(values.min())), max(span[1], float(values.max()))


_Told = tuple[str, str] | None


def _blank(evidence: _Evidence, step: float) -> _Told:
    low, high = evidence.span
    return ("blank", f"every voxel is {low:.6g}") if low == high else None


def _merged(evidence: _Evidence, step: float) -> _Told:
    own = sorted(set(evidence.own_slopes.values()))
    used = {k: slope for k, slope in evidence.slopes.items() if not math.isnan(slope)}
    if len(own) < 2 or not used or not all(map(math.isfinite, used.values())):
        return None
    wrong = {k: slope for k, slope in used.items() if not _is_same(slope, evidence.own_slopes[k])}
    if not wrong or not _is_one([*wrong.values()]):
        return None
    one = float(np.median(list(wrong.values())))
    if len(wrong) == 1 and not any(_is_same(one, slope) for slope in own):
        return None
    low, high = _percents([one / evidence.own_slopes[k] for k in wrong])
    of = next((f", that of slice {k}," for k, slope in evidence.own_slopes.items() if _is_same(slope, one)), "")
    return (
        "merged_slopes",
        f"one RescaleSlope, {one:.6g}{of} was used where slices have their own ({own[0]:.6g} to {own[-1]:.6g}): "
        f"{_range(low, high)} in {_count(wrong)} of {len(evidence.own_slopes)} slices",
    )


def _unscaled(evidence: _Evidence, step: float) -> _Told:
    if evidence.has_rescale and evidence.no_rescale:
        return (
            "rescale_missing",
            "the image holds the stored values: neither RescaleSlope nor RescaleIntercept was applied",
        )
    if evidence.has_intercept and evidence.no_intercept:
        return "intercept_missing", "RescaleIntercept was not added"
    return None


def _factor(evidence: _Evidence, step: float) -> _Told:
    ratios = _known(evidence.ratios)
    if not ratios or not _is_one(ratios):
        return None
    ratio = float(np.median(ratios))
    return (
        "unnamed_factor",
        f"every voxel is multiplied by {ratio:.7g} ({100 * (ratio - 1):+.4g} %), by no rule that is known",
    )


def _staircase(evidence: _Evidence, step: float) -> _Told:
    ratios = _known(evidence.ratios)
    if len(ratios) < 2:
        return None
    low, high = _percents(ratios)
    return (
        "slice_factors",
        f"every slice is multiplied by a factor of its own, {_range(low, high)}: scaled with each frame's own times?",
    )


def _wrapped(evidence: _Evidence, step: float) -> _Told:
    if not evidence.wrapped or not evidence.has_turn:
        return None
    return "wrapped", "values that do not fit into 16 bits ran over: they lie 65536 stored units away"


def _clipped(evidence: _Evidence, step: float) -> _Told:
    parts = []
    for (low, high), bound, word in (
        (evidence.raised, evidence.span[0], "below"),
        (evidence.lowered, evidence.span[1], "above"),
    ):
        if math.isfinite(low):
            if high - low > evidence.slack or abs(low - bound) > evidence.slack:
                return None
            parts.append(f"everything {word} {bound:.6g} became {bound:.6g}")
    return "clipped", f"the range was clipped: {' and '.join(parts)}"


def _rounded(evidence: _Evidence, step: float) -> _Told:
    width = max(step, 1.0) if evidence.whole else step
    if not width or evidence.rounded >= width - evidence.slack:
        return None
    lost = f"up to {evidence.rounded:.4g} is lost"
    if evidence.rounded <= width / 2 + evidence.slack:
        return "rounded", f"values were rounded to {_steps(width)}: {lost}"
    if evidence.truncated:
        return "rounded", f"values were cut to {_steps(width)}, towards 0: {lost}"
    return None


def _moved(evidence: _Evidence, step: float) -> _Told:
    low, high = evidence.offset
    if high - low > 2 * evidence.slack:
        return None
    return "constant_offset", f"{(low + high) / 2:+.6g} was added to every voxel"


def _steps(width: float) -> str:
    return "whole numbers" if width == 1 else f"steps of {width:.4g}, the slope of the NIfTI file"


def _known(ratios: dict[int, float]) -> list[float]:
    known = [ratio for ratio in ratios.values() if not math.isnan(ratio)]
    return known if all(map(math.isfinite, known)) else []


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * abs(other)


def _is_one(values: Sequence[float]) -> bool:
    return all(_is_same(value, values[0]) for value in values)


def _percents(ratios: Sequence[float]) -> tuple[float, float]:
    percents = [100 * (ratio - 1) for ratio in ratios]
    return min(percents), max(percents)


def _range(low: float, high: float) -> str:
    return f"{high:+.4g} %" if math.isclose(low, high, abs_tol=5e-3) else f"{low:+.4g} to {high:+.4g} %"


def _count(slices: dict[int, float]) -> int:
    return len(slices)
