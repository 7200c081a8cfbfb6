"""Lesions of a phantom: where they grow, how large and how active they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.phantoms.canvas import Axes
from oncohort.phantoms.shapes import Ellipsoid, Point
from oncohort.phantoms.tissues import Tissue

GAP_MM = 10.0
"""Free distance kept between the surfaces of two lesions, so that each is a component of its own."""


@dataclass(frozen=True)
class Lesion:
    """One ellipsoidal lesion: what it is, where it is, and its uptake before blur and noise.

    Attributes:
        number: 1 for the first of the patient.
        organ: Tissue that it grows in, in words.
        body: The ellipsoid in RAS+ millimetres.
        suv: Uniform uptake in SUVbw; small lesions show less in the blurred PET.
    """

    number: int
    organ: str
    body: Ellipsoid
    suv: float


@dataclass(frozen=True)
class LesionTruth:
    """What is known of one lesion.

    Attributes:
        lesion: Its number within the patient, from 1.
        organ: Tissue that it grows in.
        centre_mm: Centre in mm, RAS+.
        radii_mm: Half axes along x, y, z in mm.
        volume_ml: Volume of the ellipsoid, 4/3 pi a b c.
        mask_ml: Volume of the PET voxels whose centre lies in the ellipsoid.
        suv: Uptake before blur and noise, SUVbw.
        suv_max: Highest value of the finished PET inside the mask, SUVbw.
    """

    lesion: int
    organ: str
    centre_mm: Point
    radii_mm: Point
    volume_ml: float
    mask_ml: float
    suv: float
    suv_max: float

    def row(self) -> dict[str, Any]:
        """The truth as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Site:
    """A place where lesions grow: words for it, its tissue, and how likely, how large and how active they are."""

    organ: str
    tissue: Tissue
    weight: float
    radius_mm: tuple[float, float]
    heights_mm: tuple[float, float] = (0.0, 1000.0)


SITES = (
    Site("liver", Tissue.LIVER, 0.22, (6.0, 16.0)),
    Site("lung", Tissue.LUNG, 0.2, (5.0, 14.0)),
    Site("bone", Tissue.MARROW, 0.22, (5.0, 11.0), (50.0, 620.0)),
    Site("mediastinal lymph node", Tissue.VISCERAL_FAT, 0.14, (5.0, 11.0), (440.0, 580.0)),
    Site("abdominal lymph node", Tissue.VISCERAL_FAT, 0.12, (5.0, 12.0), (140.0, 300.0)),
    Site("soft tissue", Tissue.MUSCLE, 0.1, (6.0, 18.0), (40.0, 600.0)),
)
"""The places of lesions; heights are those of the standard body."""

FAINT_SHARE = 0.3
"""Share of lesions with an SUV below 4."""

LESION_HU = 45.0
"""Attenuation of a lesion outside bone; in bone it keeps the HU of marrow."""


def place_lesions(tissues: NDArray[np.uint8], axes: Axes, total: int, rng: np.random.Generator) -> tuple[Lesion, ...]:
    """As many lesions as asked for, inside the body and apart from each other.

    Args:
        tissues: Tissue integers (k, j, i).
        axes: Where the voxels lie, in mm.
        total: How many lesions.
        rng: The patient's own stream of random numbers.
    """
    lesions: tuple[Lesion, ...] = ()
    pools = [_pool(tissues, axes, site) for site in SITES]
    weights = np.array([site.weight for site in SITES])
    for number in range(1, total + 1):
        for attempt in count():
            choice = int(rng.choice(len(SITES), p=weights / weights.sum()))
            body = _candidate(SITES[choice], _point(pools[choice], tissues.shape, axes, rng), attempt, rng)
            if _is_free(body, lesions) and _is_inside(body, tissues, axes):
                break
        lesions = (*lesions, Lesion(number, SITES[choice].organ, body, _uptake(rng)))
    return lesions


def _pool(tissues: NDArray[np.uint8], axes: Axes, site: Site) -> NDArray[np.int64]:
    low, high = np.searchsorted(axes.z, site.heights_mm)
    plane = tissues.shape[1] * tissues.shape[2]
    return np.asarray(np.flatnonzero(tissues[low:high] == site.tissue) + int(low) * plane)


def _point(pool: NDArray[np.int64], shape: tuple[int, ...], axes: Axes, rng: np.random.Generator) -> Point:
    k, j, i = np.unravel_index(pool[rng.integers(len(pool))], shape)
    return float(axes.x[i]), float(axes.y[j]), float(axes.z[k])


def _candidate(site: Site, centre: Point, attempt: int, rng: np.random.Generator) -> Ellipsoid:
    low, high = site.radius_mm
    radius = low + (high - low) * float(rng.beta(1.2, 2.5)) * 0.98**attempt
    stretch = rng.uniform(0.85, 1.18, size=3)
    a, b, c = (round(radius * float(factor), 1) for factor in stretch)
    x, y, z = (round(value, 1) for value in centre)
    return Ellipsoid((x, y, z), (a, b, c))


def _is_free(body: Ellipsoid, others: tuple[Lesion, ...]) -> bool:
    return all(
        np.linalg.norm(np.subtract(body.centre, other.body.centre)) > max(body.radii) + max(other.body.radii) + GAP_MM
        for other in others
    )


_BARRED = (
    Tissue.AIR,
    Tissue.FAT,
    Tissue.GAS,
    Tissue.BLADDER,
    Tissue.BRAIN,
    Tissue.HEART,
    Tissue.KIDNEY,
    Tissue.URINE,
    Tissue.FLUID,
)


def _is_inside(body: Ellipsoid, tissues: NDArray[np.uint8], axes: Axes) -> bool:
    box = axes.box(body)
    return not np.isin(tissues[box][axes.inside(body, box)], _BARRED).any()


def _uptake(rng: np.random.Generator) -> float:
    faint = rng.random() < FAINT_SHARE
    return round(float(rng.uniform(2.6, 3.9) if faint else np.exp(rng.uniform(np.log(5.0), np.log(22.0)))), 2)
