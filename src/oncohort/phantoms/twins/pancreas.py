"""An abdomen with pancreatic lesions, which the twins of PanTS and of the decathlon share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry
from oncohort.phantoms.shapes import Ellipsoid, Point
from oncohort.phantoms.tissues import Tissue
from oncohort.phantoms.twins.anatomy import ABDOMEN, PANCREAS_PATH
from oncohort.phantoms.twins.protocol import TwinCase
from oncohort.phantoms.twins.scene import Mask, Scene, scene_of, strided

HEIGHTS_MM = (40.0, 520.0)
"""From the thighs to the middle of the chest."""

LESIONS = (1, 1, 2, 0, 1, 0, 0, 1)
"""Lesions of the first patients; the row repeats."""

CONTRAST_HU = {"Non-contrast": 0, "Venous": 100, "Arterial": 240, "Delay": 70}
"""What each phase adds to the blood of the aorta."""

PHASES = ("Venous", "Arterial", "Venous", "Non-contrast", "Arterial", "Venous", "Delay", "Non-contrast")
"""Phases of the first patients; the row repeats."""

_GROUND = frozenset({Tissue.PANCREAS, Tissue.VISCERAL_FAT, Tissue.BOWEL, Tissue.STOMACH, Tissue.BLOOD, Tissue.FLUID})
_PLACES = (("head", 0, 0.6), ("tail", 1, 0.7))
_LESION_HU = -25
_HEAD_X_MM, _TAIL_X_MM = 6.0, -22.0


@dataclass(frozen=True)
class Abdomen:
    """One drawn abdomen.

    Attributes:
        ct: HU (k, j, i).
        grid: Of CT and masks, LPS.
        scene: For further structures.
        pancreas: With its lesions.
        lesions: One mask per lesion.
        truth: Place, centre, radii and volume of each lesion.
        phase: Contrast phase of the CT.
    """

    ct: NDArray[np.int16]
    grid: Geometry
    scene: Scene
    pancreas: Mask
    lesions: tuple[Mask, ...]
    truth: tuple[dict[str, Any], ...]
    phase: str

    @property
    def lesion(self) -> Mask:
        """All lesions together."""
        joined = self.scene.empty()
        for mask in self.lesions:
            joined |= mask
        return joined

    def part(self, name: str) -> Mask:
        """Head, body or tail of the pancreas, with the lesions in it."""
        x = self.scene.body.x[None, None, :]
        head, tail = x > _HEAD_X_MM, x < _TAIL_X_MM
        return np.asarray(self.pancreas & {"head": head, "tail": tail, "body": ~head & ~tail}[name])


def draw_abdomen(case: TwinCase, lesions: int | None = None) -> Abdomen:
    """The abdomen of a patient with as many lesions of the pancreas as the case has, or as asked for (0 to 2)."""
    patient = case.draw(0)
    scene = scene_of(patient, 1, HEIGHTS_MM)
    ct = np.ascontiguousarray(strided(patient.ct, 1, HEIGHTS_MM).array.T).astype(np.int16)
    phase = PHASES[(case.number - 1) % len(PHASES)]
    ct[scene.tissues == Tissue.AORTA] += CONTRAST_HU[phase]
    wanted = LESIONS[(case.number - 1) % len(LESIONS)] if lesions is None else lesions
    pancreas = scene.mask(ABDOMEN["pancreas"])
    masks, truth = [], []
    for number, (place, segment, share) in enumerate(_PLACES[:wanted], start=1):
        body = _body(case, segment, share, patient.scale, number)
        mask = scene.ellipsoid(body) & np.isin(scene.tissues, list(_GROUND))
        ct[mask] = np.where(scene.tissues[mask] == Tissue.PANCREAS, ct[mask], 42) + _LESION_HU
        pancreas |= mask
        masks.append(mask)
        truth.append(_row(number, place, body, int(mask.sum()), scene.grid))
    return Abdomen(ct, scene.grid, scene, pancreas, tuple(masks), tuple(truth), phase)


def _body(case: TwinCase, segment: int, share: float, scale: Point, number: int) -> Ellipsoid:
    """An ellipsoid on the centre line of the pancreas, in mm of the world."""
    rng = np.random.default_rng((case.patient_seed, number))
    start, stop = np.array(PANCREAS_PATH[segment]), np.array(PANCREAS_PATH[segment + 1])
    x, y, z = (round(float(value), 1) for value in (start + share * (stop - start)) * scale)
    a, b, c = (round(float(value), 1) for value in rng.uniform(10.5, 13.0, size=3))
    return Ellipsoid((x, y, z), (a, b, c))


def _row(number: int, place: str, body: Ellipsoid, voxels: int, grid: Geometry) -> dict[str, Any]:
    return {
        "lesion": number,
        "organ": f"pancreas {place}",
        "centre_mm": list(body.centre),
        "radii_mm": list(body.radii),
        "mask_ml": round(voxels * grid.voxel_ml, 6),
    }
