"""What the phantom is made of: attenuation and uptake of each tissue."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Tracer = Literal["FDG", "PSMA"]


class Tissue(IntEnum):
    """Integers by which a phantom's voxels name their tissue; `AIR` is all that surrounds the body."""

    AIR = 0
    FAT = 1
    MUSCLE = 2
    VISCERAL_FAT = 3
    LUNG = 4
    LIVER = 5
    SPLEEN = 6
    KIDNEY = 7
    BLADDER = 8
    BRAIN = 9
    HEART = 10
    BLOOD = 11
    AORTA = 12
    MARROW = 13
    CORTICAL_BONE = 14
    STOMACH = 15
    BOWEL = 16
    PANCREAS = 17
    URINE = 18
    WHITE_MATTER = 19
    FLUID = 20
    GAS = 21
    CARTILAGE = 22
    LESION = 23


PROPERTIES: dict[Tissue, tuple[float, float]] = {
    Tissue.AIR: (-1000.0, 0.0),
    Tissue.FAT: (-100.0, 0.25),
    Tissue.MUSCLE: (50.0, 0.65),
    Tissue.VISCERAL_FAT: (-95.0, 0.4),
    Tissue.LUNG: (-800.0, 0.4),
    Tissue.LIVER: (60.0, 2.2),
    Tissue.SPLEEN: (55.0, 1.8),
    Tissue.KIDNEY: (40.0, 2.8),
    Tissue.BLADDER: (8.0, 15.0),
    Tissue.BRAIN: (38.0, 9.0),
    Tissue.HEART: (50.0, 4.0),
    Tissue.BLOOD: (45.0, 1.6),
    Tissue.AORTA: (45.0, 1.6),
    Tissue.MARROW: (230.0, 1.3),
    Tissue.CORTICAL_BONE: (850.0, 0.6),
    Tissue.STOMACH: (40.0, 1.5),
    Tissue.BOWEL: (30.0, 1.2),
    Tissue.PANCREAS: (42.0, 1.5),
    Tissue.URINE: (8.0, 9.0),
    Tissue.WHITE_MATTER: (30.0, 5.0),
    Tissue.FLUID: (10.0, 0.6),
    Tissue.GAS: (-950.0, 0.3),
    Tissue.CARTILAGE: (110.0, 0.8),
    Tissue.LESION: (45.0, 0.0),
}
"""Attenuation in HU and mean SUVbw (FDG, one hour after injection) of each tissue; a lesion brings its own uptake."""

PSMA_UPTAKE: dict[Tissue, float] = {
    Tissue.MUSCLE: 0.5,
    Tissue.LIVER: 5.0,
    Tissue.SPLEEN: 6.5,
    Tissue.KIDNEY: 38.0,
    Tissue.BRAIN: 0.3,
    Tissue.HEART: 1.2,
    Tissue.BOWEL: 3.0,
    Tissue.MARROW: 0.6,
}
"""Mean SUVbw where PSMA differs from FDG."""

UPTAKE_SPREAD: dict[Tissue, float] = {
    Tissue.HEART: 0.5,
    Tissue.BLADDER: 0.35,
    Tissue.URINE: 0.35,
    Tissue.BOWEL: 0.25,
    Tissue.STOMACH: 0.25,
    Tissue.MARROW: 0.2,
    Tissue.BRAIN: 0.1,
}
"""Logarithmic spread of uptake from patient to patient; 0.12 for the tissues not named."""


def hounsfield_table() -> NDArray[np.float32]:
    """HU per tissue integer.

    Examples:
        >>> float(hounsfield_table()[Tissue.LUNG])
        -800.0
    """
    return np.array([PROPERTIES[tissue][0] for tissue in Tissue], dtype=np.float32)


def uptake_table(rng: np.random.Generator, tracer: Tracer = "FDG") -> NDArray[np.float32]:
    """SUVbw per tissue integer of one patient: the means, each times a random factor cut at two spreads."""
    other: Mapping[Tissue, float] = PSMA_UPTAKE if tracer == "PSMA" else {}
    factors = np.exp(np.clip(rng.standard_normal(len(Tissue)), -2, 2) * [UPTAKE_SPREAD.get(t, 0.12) for t in Tissue])
    means = np.array([other.get(tissue, PROPERTIES[tissue][1]) for tissue in Tissue])
    table: NDArray[np.float32] = (means * factors).astype(np.float32)
    table[Tissue.WHITE_MATTER] = table[Tissue.BRAIN] * np.float32(0.55)
    table[Tissue.AORTA] = table[Tissue.BLOOD]
    return table
