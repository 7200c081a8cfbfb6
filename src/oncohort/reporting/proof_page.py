"""The page that says whether a conversion is right, and if not, where and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oncohort.reporting.data import Provenance
from oncohort.reporting.html import fill_template
from oncohort.reporting.numbers import DASH

MAX_SLICES = 2000


@dataclass(frozen=True)
class ProofSlice:
    """One slice of the table.

    Args:
        number: DICOM slice, from 0.
        file: Its file.
        differing: Voxels that differ.
        largest: Greatest |difference|.
        at: Where: column, row, slice.
        expected: What DICOM says there.
        found: What the image says there.
        ratio: Image over DICOM.
        offset_mm: Distance of its corners from their places.
    """

    number: int
    file: str
    differing: int
    largest: float
    at: tuple[int, int, int]
    expected: float
    found: float
    ratio: float
    offset_mm: float


@dataclass(frozen=True)
class ProofField:
    """One field of the sidecar: name, what the header says, what the sidecar says, `equal`, `differs` or `absent`."""

    name: str
    expected: str
    found: str
    status: str


@dataclass(frozen=True)
class ProofPage:
    """Everything on the page.

    Args:
        title: Name of the image.
        status: `equal`, `differs` or `cannot be compared`.
        dicom: Folder of the series.
        image: The file.
        sidecar: Its sidecar; "" without one.
        quantity: What its numbers were taken for.
        findings: Cause and text of each difference.
        remarks: What a user should know.
        grid: Rows of name, series, image.
        slices: A line each.
        fields: A line each.
        provenance: How it came about.
    """

    title: str
    status: str
    dicom: str
    image: str
    sidecar: str
    quantity: str
    findings: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]
    grid: tuple[tuple[str, str, str], ...]
    slices: tuple[ProofSlice, ...]
    fields: tuple[ProofField, ...]
    provenance: Provenance


def render_proof(page: ProofPage) -> str:
    """The page as text: one file that loads nothing from elsewhere.

    Examples:
        >>> same = ProofPage("a.nii", "equal", "scan", "a.nii", "", "HU", (), (), (), (), (), Provenance("2026"))
        >>> render_proof(same)[:15]
        '<!DOCTYPE html>'
    """
    failing = [one for one in page.slices if one.differing]
    return fill_template(
        "proof.html.j2",
        page=page,
        failing=failing,
        first=min(failing, key=lambda one: one.number, default=None),
        worst=max(failing, key=lambda one: math.inf if math.isnan(one.largest) else one.largest, default=None),
        shown=page.slices[:MAX_SLICES],
        strip=_strip(page.slices),
        data=_Holder(page.provenance),
        number=_number,
    )


@dataclass(frozen=True)
class _Holder:
    provenance: Provenance


@dataclass(frozen=True)
class _Strip:
    """Bars of the share of differing voxels by slice: x, height and whether there are any; in a box of 1000 x 100."""

    bars: tuple[tuple[float, float], ...]
    width: float
    first: int
    last: int


def _strip(slices: Sequence[ProofSlice]) -> _Strip | None:
    highest = max((one.differing for one in slices), default=0)
    if not highest:
        return None
    width = 1000 / len(slices)
    bars = tuple(
        (round(position * width, 3), round(max(2.0, 100 * one.differing / highest), 2))
        for position, one in enumerate(sorted(slices, key=lambda one: one.number))
        if one.differing
    )
    numbers = [one.number for one in slices]
    return _Strip(bars, round(max(width * 0.85, 1.0), 3), min(numbers), max(numbers))


def _number(value: float, digits: int = 6) -> str:
    """A number with so many significant digits, or a dash.

    Examples:
        >>> _number(0.0), _number(1234.5678), _number(float("nan"))
        ('0', '1234.57', '–')
    """
    return DASH if not math.isfinite(value) else f"{value:.{digits}g}"
