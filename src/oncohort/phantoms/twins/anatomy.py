"""Where the structures of published label sets lie in the standard body.

Organs that the phantom has are told by their tissue; the others are small made-up bodies at plausible places.
Right is at positive x.
"""

from __future__ import annotations

import numpy as np

from oncohort.phantoms.body import TRUNK
from oncohort.phantoms.shapes import Column, Ellipsoid, Point, Shape, Tube, Without
from oncohort.phantoms.tissues import Tissue
from oncohort.phantoms.twins.scene import Region

BONE = frozenset({Tissue.CORTICAL_BONE, Tissue.MARROW})
_BLOOD = frozenset({Tissue.BLOOD})
_HEART = frozenset({Tissue.HEART, Tissue.BLOOD, Tissue.LESION})
_LUNG = frozenset({Tissue.LUNG})
_MUSCLE = frozenset({Tissue.MUSCLE})

SIDES = {"left": -1.0, "right": 1.0}

PANCREAS_PATH: tuple[Point, ...] = ((34.0, 12.0, 312.0), (2.0, 20.0, 322.0), (-52.0, -4.0, 340.0))
"""Centre line of the pancreas from head to tail, in mm of the standard body."""


def both(name: str, shape: Shape | None, *tissues: Tissue) -> dict[str, Region]:
    """`<name>_left` and `<name>_right` from the shape on the right; without a shape, the tissue on either side."""
    return {
        f"{name}_{word}": Region(() if shape is None else (_mirrored(shape, side),), frozenset(tissues), side)
        for word, side in SIDES.items()
    }


def slab(low: float, high: float, *, half_width: float = 170.0, half_depth: float = 120.0, y: float = 0.0) -> Column:
    """An upright elliptic cylinder between two heights."""
    return Column(((low, 0.0, y, half_width, half_depth), (high, 0.0, y, half_width, half_depth)))


def _mirrored(shape: Shape, side: float) -> Shape:
    if side > 0:
        return shape
    if isinstance(shape, Ellipsoid):
        x, y, z = shape.centre
        return Ellipsoid((-x, y, z), shape.radii, -shape.turn_z, -shape.turn_y, shape.power)
    if isinstance(shape, Tube):
        return Tube(tuple((-x, y, z) for x, y, z in shape.path), shape.radius)
    return shape


def _ball(*centre: float, radii: tuple[float, float, float]) -> Ellipsoid:
    x, y, z = centre
    return Ellipsoid((x, y, z), radii)


ABDOMEN: dict[str, Region] = {
    **both("adrenal_gland", _ball(38.0, -24.0, 356.0, radii=(8.0, 7.0, 9.0))),
    **both("kidney", None, Tissue.KIDNEY),
    **both("lung", None, Tissue.LUNG),
    **both(
        "femur", Tube(((86.0, 0.0, 104.0), (114.0, -4.0, 82.0), (106.0, -2.0, 52.0), (88.0, 4.0, -10.0)), 16.0), *BONE
    ),
    "aorta": Region(tissues=frozenset({Tissue.AORTA})),
    "bladder": Region(tissues=frozenset({Tissue.BLADDER})),
    "brain": Region(tissues=frozenset({Tissue.BRAIN, Tissue.WHITE_MATTER})),
    "celiac_artery": Region((Tube(((-7.0, 0.0, 352.0), (-7.0, 14.0, 354.0), (8.0, 20.0, 352.0)), 5.0),)),
    "colon": Region((slab(84.0, 335.0),), frozenset({Tissue.BOWEL, Tissue.GAS})),
    "common_bile_duct": Region((Tube(((30.0, 4.0, 346.0), (34.0, 4.0, 318.0)), 4.5),)),
    "duodenum": Region((Tube(((50.0, 14.0, 334.0), (56.0, 6.0, 300.0), (22.0, 2.0, 288.0)), 8.0),)),
    "gallbladder": Region((_ball(36.0, 46.0, 338.0, radii=(10.0, 12.0, 14.0)),)),
    "liver": Region(tissues=frozenset({Tissue.LIVER})),
    "pancreas": Region(tissues=frozenset({Tissue.PANCREAS})),
    "pancreatic_duct": Region((Tube(PANCREAS_PATH, 3.5),), frozenset({Tissue.PANCREAS})),
    "postcava": Region((Tube(((17.0, 4.0, 440.0), (16.0, -10.0, 340.0), (11.0, -8.0, 222.0)), 11.0),), _BLOOD),
    "prostate": Region((_ball(0.0, 6.0, 82.0, radii=(16.0, 13.0, 9.0)),)),
    "spleen": Region(tissues=frozenset({Tissue.SPLEEN})),
    "stomach": Region(
        (_ball(-50.0, 24.0, 366.0, radii=(40.0, 40.0, 44.0)),),
        frozenset({Tissue.STOMACH, Tissue.FLUID, Tissue.GAS}),
    ),
    "superior_mesenteric_artery": Region((Tube(((-6.0, 0.0, 338.0), (-3.0, 12.0, 316.0), (0.0, 14.0, 262.0)), 5.0),)),
    "veins": Region((Tube(((4.0, 14.0, 290.0), (12.0, 14.0, 330.0), (34.0, 6.0, 368.0)), 6.0),)),
}
"""Organs and vessels of the abdomen, with lungs, brain and femurs."""

CHEST: dict[str, Region] = {
    "lung_upper_lobe_left": Region((slab(470.0, 620.0),), _LUNG, -1.0),
    "lung_lower_lobe_left": Region((slab(300.0, 470.0),), _LUNG, -1.0),
    "lung_upper_lobe_right": Region((slab(500.0, 620.0),), _LUNG, 1.0),
    "lung_middle_lobe_right": Region((slab(440.0, 500.0),), _LUNG, 1.0),
    "lung_lower_lobe_right": Region((slab(300.0, 440.0),), _LUNG, 1.0),
    **both("thyroid", _ball(18.0, 16.0, 636.0, radii=(8.0, 9.0, 14.0))),
    "trachea": Region((slab(530.0, 684.0, half_width=14.0, half_depth=40.0, y=14.0),), frozenset({Tissue.GAS})),
    "heart_myocardium": Region(tissues=frozenset({Tissue.HEART})),
    "heart_atrium_left": Region((_ball(-18.0, -2.0, 470.0, radii=(18.0, 12.0, 14.0)),), _HEART),
    "heart_atrium_right": Region((_ball(18.0, 18.0, 456.0, radii=(12.0, 16.0, 20.0)),), _HEART),
    "heart_ventricle_left": Region((_ball(-47.0, 24.0, 447.0, radii=(19.0, 15.0, 25.0)),), _BLOOD),
    "heart_ventricle_right": Region((_ball(-8.0, 40.0, 440.0, radii=(22.0, 14.0, 20.0)),), _BLOOD),
    "pulmonary_artery": Region((Tube(((-14.0, 24.0, 492.0), (-18.0, 8.0, 512.0), (20.0, 2.0, 510.0)), 8.0),)),
    "inferior_vena_cava": ABDOMEN["postcava"],
    "portal_splenic_vein": Region((Tube(((34.0, 6.0, 368.0), (12.0, 14.0, 330.0), (-60.0, -10.0, 350.0)), 5.0),)),
    **both("iliac_artery", Tube(((6.0, -8.0, 220.0), (38.0, -4.0, 172.0), (58.0, 30.0, 120.0)), 5.0)),
    **both("iliac_vena", Tube(((10.0, -16.0, 214.0), (44.0, -14.0, 168.0), (64.0, 18.0, 116.0)), 5.0)),
}
"""Heart, vessels and lobes of the lung."""

MUSCLES: dict[str, Region] = {
    **both("autochthon", Tube(((26.0, -72.0, 180.0), (24.0, -72.0, 360.0), (22.0, -62.0, 560.0)), 15.0), *_MUSCLE),
    **both("gluteus_maximus", _ball(62.0, -74.0, 116.0, radii=(40.0, 22.0, 46.0)), *_MUSCLE),
    **both("gluteus_medius", _ball(112.0, -24.0, 168.0, radii=(24.0, 30.0, 40.0)), *_MUSCLE),
    **both("gluteus_minimus", _ball(112.0, 0.0, 140.0, radii=(16.0, 20.0, 24.0)), *_MUSCLE),
    **both("iliopsoas", Tube(((34.0, -32.0, 280.0), (46.0, -24.0, 200.0), (74.0, 26.0, 120.0)), 14.0)),
}
"""Muscles of back and pelvis."""

BONES: dict[str, Region] = {
    **both("clavicle", Tube(((18.0, 42.0, 576.0), (70.0, 32.0, 598.0), (124.0, -6.0, 588.0)), 8.0), *BONE),
    **both("scapula", Ellipsoid((86.0, -58.0, 540.0), (36.0, 8.0, 50.0), turn_z=18.0), *BONE),
    **both("humerus", _ball(130.0, -12.0, 572.0, radii=(21.0, 21.0, 21.0)), *BONE),
    **both("hip", _ball(74.0, -6.0, 130.0, radii=(60.0, 70.0, 96.0)), *BONE),
    "femur_left": ABDOMEN["femur_left"],
    "femur_right": ABDOMEN["femur_right"],
    "skull": Region((slab(648.0, 840.0),), BONE),
    "sacrum": Region((_ball(0.0, -58.0, 158.0, radii=(42.0, 19.0, 52.0)),), BONE),
    "sternum": Region((_ball(0.0, 66.0, 505.0, radii=(18.0, 9.0, 70.0)),), BONE),
}
"""Bones of the trunk and skull; hands, lower legs and feet lie outside the phantom's field of view."""

BODY: dict[str, Region] = {
    "skeletal_muscle": Region((slab(236.0, 262.0),), _MUSCLE),
    "subcutaneous_fat": Region((slab(236.0, 262.0),), frozenset({Tissue.FAT})),
    "visceral_fat": Region((slab(236.0, 262.0),), frozenset({Tissue.VISCERAL_FAT})),
}
"""Body composition at the height of the third lumbar vertebra."""


def _spine_levels() -> dict[str, tuple[float, float]]:
    """Height of the lower and upper edge of each vertebra, from L5 up to C1."""
    levels: dict[str, tuple[float, float]] = {}
    low = 189.0
    for names, height in (
        ([f"L{number}" for number in range(5, 0, -1)], 27.0),
        ([f"T{number}" for number in range(12, 0, -1)], 23.0),
        ([f"C{number}" for number in range(7, 0, -1)], 14.0),
    ):
        for name in names:
            levels[name] = (low, low + height)
            low += height
    return levels


SPINE: dict[str, Region] = {
    f"vertebra_{name}": Region((slab(low, high, half_width=38.0, half_depth=48.0, y=-48.0),), BONE)
    for name, (low, high) in _spine_levels().items()
}
"""Vertebrae from C1 to L5; the sixth lumbar one is not there, as in most people."""


def _chest_section(low: float, high: float) -> Shape:
    """The chest wall between two heights, without shoulders, shoulder blades and spine."""
    z, a, b, y = zip(*TRUNK, strict=True)
    levels = tuple(
        (at, 0.0, float(np.interp(at, z, y)), float(np.interp(at, z, a)) - 18.0, float(np.interp(at, z, b)) - 18.0)
        for at in (low, high)
    )
    section: Shape = Column(levels, power=2.3)
    for blade in (86.0, -86.0):
        section = Without(
            section, Ellipsoid((blade, -58.0, 540.0), (40.0, 10.0, 52.0), turn_z=18.0 if blade > 0 else -18.0)
        )
    return Without(section, slab(360.0, 600.0, half_width=40.0, half_depth=48.0, y=-48.0))


def _ribs() -> dict[str, Region]:
    ribs: dict[str, Region] = {}
    for number in range(1, 13):
        high = 596.0 - 19.0 * (number - 1)
        for word, side in SIDES.items():
            ribs[f"rib_{word}_{number}"] = Region((_chest_section(high - 19.0, high),), BONE, side)
    return ribs


RIBS: dict[str, Region] = _ribs()
"""Twelve pairs; the thirteenth is not there, as in most people."""

REGIONS: dict[str, Region] = {**ABDOMEN, **CHEST, **MUSCLES, **SPINE, **RIBS, **BONES, **BODY}
"""Every structure by its common name."""
