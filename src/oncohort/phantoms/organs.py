"""The organs of the standard body, as parts to paint in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oncohort.phantoms.body import INNER, SOFT, Part
from oncohort.phantoms.shapes import Ellipsoid, Point, Tube, Without
from oncohort.phantoms.tissues import Tissue

_ABDOMEN = INNER - {Tissue.LUNG}
_AIRWAY = SOFT - {Tissue.CORTICAL_BONE, Tissue.MARROW}


def organ_parts(rng: np.random.Generator) -> Iterator[Part]:
    """Organs of chest, abdomen and pelvis; size and place vary a little from patient to patient."""
    yield from _chest(rng)
    yield from _vessels()
    yield from _upper_abdomen(rng)
    yield from _bowel(rng)
    yield from _urinary(rng)


def _varied(rng: np.random.Generator, organ: Ellipsoid, *, size: float = 0.05, shift_mm: float = 2.5) -> Ellipsoid:
    growth = 1.0 + size * rng.uniform(-1.0, 1.0, size=3)
    shift = shift_mm * rng.uniform(-1.0, 1.0, size=3)
    x, y, z = (float(c + s) for c, s in zip(organ.centre, shift, strict=True))
    a, b, c = (float(r * g) for r, g in zip(organ.radii, growth, strict=True))
    return replace(organ, centre=(x, y, z), radii=(a, b, c))


def _chest(rng: np.random.Generator) -> Iterator[Part]:
    dome = 3.0 * rng.uniform(-1.0, 1.0)
    for side in (-1.0, 1.0):
        lung = Ellipsoid((side * 58.0, -4.0, 470.0), (50.0, 62.0, 126.0), power=2.4)
        base = Ellipsoid((side * 56.0, 4.0, 330.0 + dome), (72.0, 84.0, 96.0 if side > 0 else 88.0), power=2.4)
        yield Part(Tissue.LUNG, Without(lung, base))
    yield Part(Tissue.VISCERAL_FAT, Ellipsoid((0.0, 10.0, 505.0), (24.0, 62.0, 88.0), power=2.4))
    heart = _varied(rng, Ellipsoid((-16.0, 22.0, 448.0), (46.0, 38.0, 38.0)))
    yield Part(Tissue.BLOOD, heart)
    x, y, z = heart.centre
    ventricle = Ellipsoid((x - 17.0, y + 2.0, z - 4.0), (30.0, 26.0, 34.0), turn_z=35.0, turn_y=-25.0)
    yield Part(Tissue.HEART, ventricle)
    yield Part(Tissue.BLOOD, replace(ventricle, centre=(x - 14.0, y, z + 3.0), radii=(19.0, 15.0, 25.0)))
    yield Part(Tissue.MUSCLE, Tube(((-3.0, -16.0, 590.0), (-4.0, -24.0, 500.0), (-16.0, -14.0, 400.0)), 7.0))
    airway: tuple[Point, ...] = (
        (0.0, 46.0, 694.0),
        (0.0, 14.0, 684.0),
        (0.0, 12.0, 640.0),
        (0.0, 4.0, 600.0),
        (0.0, -4.0, 530.0),
    )
    yield Part(Tissue.CARTILAGE, Tube(airway[2:], 10.5), _AIRWAY)
    yield Part(Tissue.GAS, Tube(airway, 8.0), _AIRWAY)
    for side in (-1.0, 1.0):
        yield Part(Tissue.GAS, Tube(((0.0, -4.0, 532.0), (side * 34.0, -6.0, 502.0)), 6.0))
        for branch in ((70.0, 8.0, 536.0), (76.0, 16.0, 462.0), (70.0, -30.0, 452.0)):
            yield Part(Tissue.BLOOD, Tube(((side * 26.0, 0.0, 500.0), (side * branch[0], branch[1], branch[2])), 3.5))


def _vessels() -> Iterator[Part]:
    arch: tuple[Point, ...] = (
        (6.0, 18.0, 474.0),
        (10.0, 18.0, 530.0),
        (2.0, 6.0, 552.0),
        (-10.0, -12.0, 554.0),
        (-17.0, -24.0, 536.0),
        (-16.0, -26.0, 430.0),
    )
    yield Part(Tissue.AORTA, Tube(arch, 12.0), SOFT)
    yield Part(Tissue.AORTA, Tube(((-16.0, -26.0, 430.0), (-8.0, -14.0, 340.0), (-5.0, -8.0, 222.0)), 9.5), SOFT)
    yield Part(Tissue.BLOOD, Tube(((16.0, 12.0, 560.0), (18.0, 10.0, 480.0)), 9.0))
    yield Part(
        Tissue.BLOOD,
        Tube(((17.0, 4.0, 440.0), (16.0, -10.0, 340.0), (11.0, -8.0, 222.0)), 10.0),
        _ABDOMEN | {Tissue.LUNG},
    )
    for side in (-1.0, 1.0):
        iliac: tuple[Point, ...] = (
            (side * 4.0, -8.0, 224.0),
            (side * 38.0, -4.0, 172.0),
            (side * 58.0, 40.0, 108.0),
            (side * 62.0, 44.0, -8.0),
        )
        yield Part(Tissue.BLOOD, Tube(iliac, 6.0), SOFT)
        neck: tuple[Point, ...] = ((side * 10.0, 4.0, 552.0), (side * 22.0, 2.0, 610.0), (side * 28.0, 2.0, 690.0))
        yield Part(Tissue.BLOOD, Tube(neck, 4.5), _AIRWAY)


def _upper_abdomen(rng: np.random.Generator) -> Iterator[Part]:
    right = _varied(rng, Ellipsoid((56.0, 4.0, 366.0), (60.0, 62.0, 62.0), power=2.3))
    left = _varied(rng, Ellipsoid((4.0, 26.0, 384.0), (62.0, 36.0, 32.0)))
    for lobe in (right, left):
        yield Part(Tissue.LIVER, lobe, _ABDOMEN - {Tissue.BLOOD, Tissue.HEART, Tissue.AORTA})
    yield Part(Tissue.STOMACH, _varied(rng, Ellipsoid((-50.0, 24.0, 366.0), (32.0, 30.0, 38.0), turn_z=20.0)), _FREE)
    yield Part(Tissue.FLUID, Ellipsoid((-50.0, 18.0, 364.0), (23.0, 20.0, 28.0)), frozenset({Tissue.STOMACH}))
    yield Part(
        Tissue.GAS, Ellipsoid((-48.0, 36.0, 374.0), (15.0, 9.0, 18.0)), frozenset({Tissue.STOMACH, Tissue.FLUID})
    )
    yield Part(Tissue.SPLEEN, _varied(rng, Ellipsoid((-80.0, -26.0, 372.0), (22.0, 36.0, 46.0), turn_z=-25.0)), _FREE)
    yield Part(Tissue.PANCREAS, Tube(((34.0, 12.0, 312.0), (2.0, 20.0, 322.0), (-52.0, -4.0, 340.0)), 10.0), _FREE)


_FREE = frozenset({Tissue.VISCERAL_FAT, Tissue.STOMACH, Tissue.BOWEL})


def _bowel(rng: np.random.Generator) -> Iterator[Part]:
    colon: tuple[Point, ...] = (
        (78.0, 10.0, 190.0),
        (82.0, 4.0, 286.0),
        (50.0, 38.0, 296.0),
        (0.0, 46.0, 276.0),
        (-50.0, 36.0, 300.0),
        (-84.0, -6.0, 320.0),
        (-80.0, 0.0, 200.0),
        (-50.0, 0.0, 166.0),
        (-18.0, -14.0, 160.0),
        (0.0, -34.0, 140.0),
        (0.0, -34.0, 84.0),
    )
    only_fat = frozenset({Tissue.VISCERAL_FAT})
    yield Part(Tissue.BOWEL, Tube(colon, 14.0), only_fat)
    for start, stop in ((1, 2), (2, 3), (6, 7)):
        yield Part(Tissue.GAS, Tube((colon[start], colon[stop]), 6.5), frozenset({Tissue.BOWEL}))
    for _ in range(7):
        turns = rng.uniform((-52.0, -4.0, 180.0), (52.0, 40.0, 272.0), size=(4, 3))
        loop: tuple[Point, ...] = tuple((float(x), float(y), float(z)) for x, y, z in turns)
        yield Part(Tissue.BOWEL, Tube(loop, 9.5), only_fat)


def _urinary(rng: np.random.Generator) -> Iterator[Part]:
    for side in (-1.0, 1.0):
        lowered = 8.0 if side > 0 else 0.0
        kidney = _varied(rng, Ellipsoid((side * 58.0, -36.0, 312.0 - lowered), (23.0, 21.0, 44.0), turn_y=side * 12.0))
        yield Part(Tissue.KIDNEY, kidney, SOFT - _HARD)
        x, y, z = kidney.centre
        pelvis = (x - side * 8.0, y + 4.0, z)
        yield Part(Tissue.URINE, Ellipsoid(pelvis, (7.0, 7.0, 17.0)), SOFT - _HARD)
        ureter: tuple[Point, ...] = (
            pelvis,
            (side * 34.0, -10.0, 240.0),
            (side * 34.0, -18.0, 170.0),
            (side * 16.0, 2.0, 108.0),
        )
        yield Part(Tissue.URINE, Tube(ureter, 2.2), SOFT - _HARD)
    bladder = Ellipsoid((0.0, 18.0, 112.0), (31.0, 26.0, 25.0))
    yield Part(Tissue.BLADDER, _varied(rng, bladder, size=0.18), SOFT - _HARD)


_HARD = frozenset({Tissue.CORTICAL_BONE, Tissue.MARROW, Tissue.CARTILAGE})
