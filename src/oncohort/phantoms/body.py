"""The standard body: outline, muscle and cavity, as parts to paint in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oncohort.phantoms.shapes import Column, Ellipsoid, Point, Shape
from oncohort.phantoms.tissues import Tissue

HEIGHT_MM = 832.0
"""Height of the standard body's field of view: z runs from 0 (thigh) to here (above the vertex)."""

SOFT = frozenset(Tissue) - {Tissue.AIR, Tissue.FAT}
"""Tissues under the skin's fat: all that a bone may take the place of."""

INNER = SOFT - {Tissue.MUSCLE, Tissue.MARROW, Tissue.CORTICAL_BONE, Tissue.CARTILAGE}
"""Tissues of the body cavities: all that an organ may take the place of."""


@dataclass(frozen=True)
class Part:
    """One body to paint: its tissue, its form, and the tissues that it may take the place of."""

    tissue: Tissue
    shape: Shape
    onto: frozenset[Tissue] = INNER


TRUNK = (
    (40.0, 148.0, 84.0, -4.0),
    (90.0, 154.0, 92.0, -6.0),
    (150.0, 152.0, 94.0, -6.0),
    (220.0, 134.0, 88.0, 0.0),
    (290.0, 124.0, 86.0, 2.0),
    (370.0, 132.0, 92.0, 2.0),
    (450.0, 140.0, 96.0, 2.0),
    (530.0, 148.0, 92.0, -2.0),
    (575.0, 158.0, 80.0, -8.0),
    (605.0, 146.0, 64.0, -12.0),
    (625.0, 104.0, 56.0, -12.0),
    (642.0, 62.0, 52.0, -10.0),
    (660.0, 50.0, 50.0, -8.0),
    (690.0, 49.0, 50.0, -6.0),
)
"""Height z, half width, half depth and centre y of the trunk's skin, in mm."""


def outline_parts() -> Iterator[Part]:
    """Skin fat, muscle and the visceral cavity of trunk, thighs and head."""
    everywhere = frozenset(Tissue)
    for tissue, inset in ((Tissue.FAT, 0.0), (Tissue.MUSCLE, 11.0)):
        for side in (-1.0, 1.0):
            yield Part(tissue, _thigh(side, inset), everywhere)
        yield Part(tissue, _trunk(inset), everywhere)
        yield Part(tissue, _ellipsoid((0.0, 6.0, 733.0), (70.0, 88.0, 86.0), min(inset, 5.0)), everywhere)
        yield Part(tissue, _ellipsoid((0.0, 36.0, 690.0), (50.0, 54.0, 52.0), min(inset, 6.0)), everywhere)
    yield Part(Tissue.VISCERAL_FAT, _cavity(), frozenset({Tissue.MUSCLE}))


def _trunk(inset: float) -> Column:
    levels = tuple((z, 0.0, y, a - inset, b - inset) for z, a, b, y in TRUNK)
    return Column(levels, power=2.3)


def _thigh(side: float, inset: float) -> Column:
    levels = ((0.0, 72.0, 0.0, 66.0, 74.0), (30.0, 74.0, -1.0, 70.0, 78.0), (70.0, 76.0, -4.0, 74.0, 84.0))
    return Column(tuple((z, side * x, y, a - inset, b - inset) for z, x, y, a, b in levels))


def _ellipsoid(centre: Point, radii: Point, inset: float) -> Ellipsoid:
    a, b, c = (radius - inset for radius in radii)
    return Ellipsoid(centre, (a, b, c))


def _cavity() -> Column:
    levels = tuple((z, 0.0, y + 10.0, a - 32.0, b - 32.0) for z, a, b, y in TRUNK if 90.0 <= z <= 575.0)
    pelvis = (80.0, 0.0, 5.0, 60.0, 50.0)
    return Column((pelvis, (120.0, 0.0, 5.0, 78.0, 58.0), *levels[1:], (605.0, 0.0, 0.0, 55.0, 34.0)), power=2.2)
