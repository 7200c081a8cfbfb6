"""The DICOM series as it is stored: pixels, slope and intercept of each slice, and what it may become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import InputError, SuvRefusal
from oncohort.formats.dicom.geometry import stack_slices
from oncohort.formats.dicom.header import DicomHeader, Identity
from oncohort.formats.dicom.index import DicomIndex, index_files
from oncohort.formats.dicom.pixels import SliceFile, read_stored
from oncohort.formats.dicom.series import pet_scale, slice_file
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import Geometry
from oncohort.sources.walking import walk_folder
from oncohort.suv import activity_factor, autopet_factor, pet_header, suv_factor
from oncohort.suv.body import Normalisation

Plane = NDArray[np.float64]
NATIVE, SUV, ACTIVITY = "native", "suv", "activity"
MOST_SERIES = 8
"""Series of one size among which the one that differs least is looked for."""

Candidate = tuple[tuple[DicomHeader, ...], tuple[str, ...]]
"""Headers of a series, and remarks about the files."""


@dataclass(frozen=True)
class Quantity:
    """What the rescaled values may be multiplied by.

    Attributes:
        rule: `native`, `suv`, `activity`, or the name of another rule.
        text: What the product is.
        factors: One for each slice along the normal.
    """

    rule: str
    text: str
    factors: tuple[float, ...]

    @property
    def is_right(self) -> bool:
        """Whether a conversion may hold it."""
        return self.rule in (NATIVE, SUV, ACTIVITY)


@dataclass(frozen=True)
class Original:
    """One series, slices in order along their normal.

    Attributes:
        headers: Header of each slice.
        slices: Where its pixels lie.
        geometry: The grid; i along a row, j along a column, k along the normal.
        quantities: First what is stored, then SUVbw by the rules, then what other rules would make of it.
        remarks: Files left out, and why there is no SUV.
    """

    headers: tuple[DicomHeader, ...]
    slices: tuple[SliceFile, ...]
    geometry: Geometry
    quantities: tuple[Quantity, ...]
    remarks: tuple[str, ...]

    @property
    def unit(self) -> str:
        """HU, or Units of the PET."""
        return "HU" if self.headers[0].modality == "CT" else self.headers[0].facts.get("Units", "no unit")

    def stored(self, k: int) -> Plane:
        """Stored values (i, j) of slice `k`."""
        return np.asarray(read_stored(self.slices[k]).T, dtype=np.float64)

    def rescaled(self, k: int) -> Plane:
        """Stored values times the slope of this slice plus its intercept."""
        one = self.slices[k]
        return self.stored(k) * one.slope + one.intercept

    def quantity(self, rule: str) -> Quantity | None:
        """The quantity of a rule, if the header permits it."""
        return next((one for one in self.quantities if one.rule == rule), None)


class NotComparable(Exception):  # noqa: N818 - it becomes a verdict before it leaves the room
    """Why an image and a series cannot be compared: one word, and the reason."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(cause, text)
        self.cause, self.text = cause, text


def find_series(path: Path, wanted: Geometry, uid: str, identity: Identity = "header") -> tuple[Candidate, ...]:
    """The series that an image may have come from.

    The one with the UID `uid`; else those whose slices have the size of the image and whose number of slices fits best.

    Args:
        path: A tree of DICOM files, or one file.
        wanted: Grid of the image.
        uid: SeriesInstanceUID of the sidecar, or "".
        identity: "folder" takes also files without PatientID or UIDs.

    Raises:
        InputError: There is no CT or PET series.
    """
    index = index_files(walk_folder(path.absolute()).files if path.is_dir() else [path], identity=identity)
    series = list(index.series.values())
    if not series:
        reasons = "; ".join(sorted({f"{one.reason} ({one.detail})" for one in index.refused})[:3])
        raise InputError(
            expected="a CT or PET series",
            found=reasons or "no files",
            where=str(path),
            remedy="name the folder of the series that was converted",
        )
    if uid in index.series:
        series = [index.series[uid]]
    best = min(_misfit(headers, wanted) for headers in series)
    fitting = [headers for headers in series if _misfit(headers, wanted) == best]
    return tuple((headers, tuple(_remarks(index, headers))) for headers in fitting[:MOST_SERIES])


def _misfit(headers: Sequence[DicomHeader], wanted: Geometry) -> tuple[int, int]:
    image = headers[0].image
    plane = sorted((image.columns, image.rows)) if image else []
    edges = list(wanted.shape)
    for edge in plane:
        if edge not in edges:
            return 1, abs(len(headers) - max(wanted.shape))
        edges.remove(edge)
    return 0, abs(len(headers) - edges[0])


def _remarks(index: DicomIndex, chosen: Sequence[DicomHeader]) -> Iterator[str]:
    if len(index.series) > 1:
        name = chosen[0].facts.get("SeriesDescription", "without description")
        yield f"{len(index.series)} series lie there; compared was {chosen[0].series} ({name})"
    ours = [one.reason for one in index.refused if one.identity is None or one.identity.series == chosen[0].series]
    for reason, number in sorted(Counter(ours).items()):
        yield f"{number} {'file was' if number == 1 else 'files were'} left out: {reason}"


def read_original(headers: Sequence[DicomHeader], remarks: tuple[str, ...]) -> Original:
    """The series of these headers.

    Raises:
        NotComparable: The slices are no stack with one place for each.
    """
    images = [one.image for one in headers if one.image is not None]
    try:
        stack = stack_slices(images)
    except Unusable as unusable:
        raise NotComparable(
            "no_volume", f"the DICOM series is no volume: {unusable.reason} ({unusable.detail})"
        ) from None
    if any(image.slope in (None, 0.0) or image.intercept is None for image in images):
        raise NotComparable("no_rescale", "RescaleSlope or RescaleIntercept is missing or 0 in the DICOM series")
    ordered = tuple(headers[index] for index in stack.order)
    slices = tuple(slice_file(headers[index], images[index]) for index in stack.order)
    quantities, doubts = _quantities(ordered)
    return Original(ordered, slices, stack.geometry, quantities, (*remarks, *doubts))


def _quantities(headers: Sequence[DicomHeader]) -> tuple[tuple[Quantity, ...], tuple[str, ...]]:
    ones = (1.0,) * len(headers)
    if headers[0].modality == "CT":
        return (Quantity(NATIVE, "HU", ones),), ()
    units = headers[0].facts.get("Units", "no unit")
    native = Quantity(NATIVE, f"rescaled values (Units {units})", ones)
    kilo = Quantity("kilo", f"thousandths of the rescaled values (Units {units})", (1e-3,) * len(headers))
    try:
        scale = pet_scale(headers)
    except SuvRefusal as refusal:
        doubt = f"there is no SUV to compare with: {refusal.code}, expected {refusal.expected}, found {refusal.found}"
        return (native, *_activity(headers, units), *_autopet(headers), kilo), (doubt,)
    suv = Quantity(SUV, f"SUVbw by rule {scale.rule}", scale.factors)
    others = [*_autopet(headers), *_alternatives(suv, scale.record.get("alternatives", ())), *_normalised(headers)]
    return (native, suv, *_activity(headers, units), *others, kilo), ()


def _activity(headers: Sequence[DicomHeader], units: str) -> Iterator[Quantity]:
    if units == "BQML":
        return
    try:
        scale = activity_factor(pet_header([one.facts for one in headers], where=headers[0].path))
    except SuvRefusal:
        return
    yield Quantity(ACTIVITY, f"Bq/ml by rule {scale.rule}", scale.factors)


def _autopet(headers: Sequence[DicomHeader]) -> Iterator[Quantity]:
    facts = [one.facts for one in sorted(headers, key=lambda one: one.path)]
    try:
        scale = autopet_factor(facts, where=headers[0].path)
    except SuvRefusal:
        return
    yield Quantity("autopet-compat", "SUV by autoPET's script (autopet-compat)", scale.factors)


def _alternatives(suv: Quantity, listed: Sequence[dict[str, float | str]]) -> Iterator[Quantity]:
    for one in listed:
        low, high = float(one["low_percent"]), float(one["high_percent"])
        if low == high and low > -100:
            factors = tuple(factor * (1 + low / 100) for factor in suv.factors)
            yield Quantity(str(one["rule"]), f"SUV with {one['rule']}", factors)


def _normalised(headers: Sequence[DicomHeader]) -> Iterator[Quantity]:
    header = pet_header([one.facts for one in headers], where=headers[0].path)
    for name in get_args(Normalisation):
        if name == "BW":
            continue
        try:
            scale = suv_factor(header, normalisation=name)
        except SuvRefusal:
            continue
        yield Quantity(f"suv {name}", f"SUV normalised to {name} instead of body weight", scale.factors)
