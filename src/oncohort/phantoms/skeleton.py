"""The bones of the standard body, as parts to paint in order."""

from __future__ import annotations

from collections.abc import Iterator

from oncohort.phantoms.body import SOFT, TRUNK, Part
from oncohort.phantoms.shapes import Bands, Column, Ellipsoid, Point, Shape, Tube, Without
from oncohort.phantoms.tissues import Tissue

_BONE = frozenset({Tissue.CORTICAL_BONE, Tissue.MARROW})


def skeleton_parts() -> Iterator[Part]:
    """Bones, each with marrow inside a cortex where it is wide enough."""
    yield from _chest()
    yield from _shoulders()
    yield from _pelvis()
    yield from _skull()
    yield from _spine()


def _bone(shape: Shape, marrow: Shape | None = None, onto: frozenset[Tissue] = SOFT) -> Iterator[Part]:
    yield Part(Tissue.CORTICAL_BONE, shape, onto)
    if marrow is not None:
        yield Part(Tissue.MARROW, marrow, frozenset({Tissue.CORTICAL_BONE}))


def _chest() -> Iterator[Part]:
    outer = _wall(20.0)
    cage = Without(outer, _wall(30.0))
    yield from _bone(Bands(cage, pitch=25.0, thickness=11.0, slope=0.55))
    yield Part(Tissue.MARROW, Bands(Without(_wall(22.5), _wall(27.5)), pitch=25.0, thickness=8.5, slope=0.55), SOFT)
    yield Part(Tissue.CARTILAGE, Ellipsoid((0.0, 72.0, 470.0), (46.0, 14.0, 60.0), power=3.0), _BONE)
    yield from _bone(
        Ellipsoid((0.0, 66.0, 505.0), (17.0, 7.0, 68.0), power=3.0),
        Ellipsoid((0.0, 66.0, 505.0), (14.0, 4.5, 65.0), power=3.0),
    )


def _wall(inset: float) -> Column:
    levels = [(z, 0.0, y, a - inset, b - inset) for z, a, b, y in TRUNK if 370.0 <= z <= 530.0]
    return Column((*levels, (590.0, 0.0, -6.0, 92.0 - inset, 74.0 - inset)), power=2.3)


def _shoulders() -> Iterator[Part]:
    for side in (-1.0, 1.0):
        yield from _bone(
            Ellipsoid((side * 86.0, -58.0, 540.0), (34.0, 5.5, 48.0), turn_z=side * 18.0),
            Ellipsoid((side * 86.0, -58.0, 540.0), (28.0, 3.0, 42.0), turn_z=side * 18.0),
        )
        clavicle: tuple[Point, ...] = (
            (side * 18.0, 42.0, 576.0),
            (side * 70.0, 32.0, 598.0),
            (side * 124.0, -6.0, 588.0),
        )
        yield from _bone(Tube(clavicle, 6.5), Tube(clavicle, 4.0))
        yield from _bone(
            Ellipsoid((side * 130.0, -12.0, 572.0), (19.0, 19.0, 19.0)),
            Ellipsoid((side * 130.0, -12.0, 572.0), (16.5, 16.5, 16.5)),
        )


def _pelvis() -> Iterator[Part]:
    for side in (-1.0, 1.0):
        wing, hip = (side * 82.0, -20.0, 172.0), (side * 86.0, 0.0, 104.0)
        yield from _bone(
            Ellipsoid(wing, (50.0, 8.5, 52.0), turn_z=side * 38.0, turn_y=side * 18.0),
            Ellipsoid(wing, (46.0, 5.5, 48.0), turn_z=side * 38.0, turn_y=side * 18.0),
        )
        ring: tuple[Point, ...] = (
            (side * 8.0, 46.0, 84.0),
            (side * 46.0, 32.0, 96.0),
            (side * 76.0, -2.0, 112.0),
            (side * 62.0, -36.0, 72.0),
            (side * 50.0, -12.0, 56.0),
            (side * 18.0, 38.0, 74.0),
        )
        yield from _bone(Tube(ring, 8.5), Tube(ring, 5.5))
        yield from _bone(Ellipsoid(hip, (23.0, 23.0, 23.0)), Ellipsoid(hip, (20.0, 20.0, 20.0)))
        femur: tuple[Point, ...] = (
            hip,
            (side * 114.0, -4.0, 82.0),
            (side * 106.0, -2.0, 52.0),
            (side * 88.0, 4.0, -10.0),
        )
        yield from _bone(Tube(femur, 13.5), Tube(femur, 8.5))
    yield from _bone(
        Ellipsoid((0.0, -58.0, 158.0), (40.0, 17.0, 50.0)), Ellipsoid((0.0, -58.0, 158.0), (36.5, 13.5, 46.5))
    )


_VAULT = (0.0, 4.0, 738.0)


def _skull() -> Iterator[Part]:
    yield from _bone(Ellipsoid(_VAULT, (64.0, 82.0, 76.0)))
    yield Part(
        Tissue.MARROW, Without(Ellipsoid(_VAULT, (62.0, 80.0, 74.0)), Ellipsoid(_VAULT, (59.5, 77.5, 71.5))), SOFT
    )
    jaw: tuple[Point, ...] = (
        (48.0, 8.0, 700.0),
        (42.0, 30.0, 664.0),
        (20.0, 68.0, 656.0),
        (-20.0, 68.0, 656.0),
        (-42.0, 30.0, 664.0),
        (-48.0, 8.0, 700.0),
    )
    yield from _bone(Tube(jaw, 8.0), Tube(jaw, 4.5))
    yield from _bone(Ellipsoid((0.0, 58.0, 688.0), (30.0, 22.0, 12.0)))
    yield Part(Tissue.BRAIN, Ellipsoid((0.0, 4.0, 742.0), (57.0, 74.0, 64.0)), SOFT)
    yield Part(Tissue.WHITE_MATTER, Ellipsoid((0.0, 4.0, 744.0), (41.0, 56.0, 44.0)), SOFT)
    for side in (-1.0, 1.0):
        yield Part(Tissue.BRAIN, Ellipsoid((side * 20.0, 8.0, 738.0), (12.0, 24.0, 15.0)), SOFT)
        yield Part(Tissue.FLUID, Ellipsoid((side * 9.0, 0.0, 750.0), (5.0, 24.0, 9.0)), SOFT)
        yield Part(Tissue.BRAIN, Ellipsoid((side * 22.0, -38.0, 696.0), (24.0, 24.0, 18.0)), SOFT)
        yield Part(Tissue.GAS, Ellipsoid((side * 22.0, 62.0, 700.0), (11.0, 14.0, 13.0)), SOFT)
        yield Part(Tissue.FLUID, Ellipsoid((side * 30.0, 76.0, 722.0), (13.0, 13.0, 13.0)), SOFT)
    yield Part(Tissue.GAS, Ellipsoid((0.0, 64.0, 704.0), (8.0, 24.0, 15.0)), SOFT)


def _spine() -> Iterator[Part]:
    back = (
        (150.0, 0.0, -42.0, 22.0, 17.0),
        (200.0, 0.0, -32.0, 22.0, 17.0),
        (260.0, 0.0, -30.0, 21.0, 17.0),
        (340.0, 0.0, -36.0, 20.0, 16.0),
        (430.0, 0.0, -44.0, 17.0, 15.0),
        (530.0, 0.0, -40.0, 15.0, 13.0),
        (610.0, 0.0, -22.0, 13.0, 11.0),
        (690.0, 0.0, -12.0, 13.0, 11.0),
    )
    vertebrae = Column(back, power=2.4)
    yield from _bone(vertebrae, Column(tuple((z, x, y, a - 2.5, b - 2.5) for z, x, y, a, b in back), power=2.4))
    yield Part(Tissue.CARTILAGE, Bands(vertebrae, pitch=27.0, thickness=6.0), _BONE)
    arches = Column(tuple((z, x, y - b - 9.0, 15.0, 11.0) for z, x, y, _, b in back))
    yield from _bone(arches)
    yield Part(Tissue.FLUID, Column(tuple((z, x, y - b - 7.0, 8.5, 7.0) for z, x, y, _, b in back)), SOFT)
    for side in (-1.0, 0.0, 1.0):
        yield from _bone(Bands(_processes(back, side), pitch=27.0, thickness=14.0))


def _processes(back: tuple[tuple[float, float, float, float, float], ...], side: float) -> Column:
    """Spinous (side 0) or transverse processes behind or beside the vertebrae of chest and loin."""
    width, depth, behind = (4.0, 8.0, 24.0) if side == 0.0 else (10.0, 5.0, 9.0)
    return Column(tuple((z, x + side * 24.0, y - b - behind, width, depth) for z, x, y, _, b in back if z < 600.0))
