"""Label volumes from seeds: the same ones on every machine, in a few seconds.

Every volume comes in three kinds: a perturbed copy (borders a voxel or so apart), a hard prediction (structures
missed, invented, shifted by centimetres, with stray islands), and dense, speckled labels (no background, and one
voxel in twenty at random), which no shortcut for empty or uniform regions helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = ("perturbed copy", "hard prediction", "dense speckle")
PERTURBED, HARD, SPECKLE = KINDS
_SPECKLED_SHARE = 13  # of 256 voxels
_BLOCK = (8, 16, 16)
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Size:
    """A kind of scan: shape (i, j, k), spacing, how many structures, and how large (mm, largest and smallest)."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    organs: int
    tumours: int
    radii_mm: tuple[float, float]

    def shrunk(self, factor: int) -> Size:
        """The same scene on a coarser grid."""
        shape = tuple(edge // factor for edge in self.shape)
        spacing = tuple(step * factor for step in self.spacing_mm)
        return Size(shape, spacing, self.organs, self.tumours, self.radii_mm)  # type: ignore[arg-type]


CT = Size((512, 512, 300), (0.8, 0.8, 1.5), organs=28, tumours=3, radii_mm=(75.0, 9.0))
WHOLE_BODY_CT = Size((512, 512, 900), (0.98, 0.98, 1.0), organs=130, tumours=0, radii_mm=(60.0, 7.0))
PET = Size((400, 400, 326), (2.04, 2.04, 3.0), organs=0, tumours=30, radii_mm=(0.0, 0.0))


@dataclass(frozen=True)
class LabelPair:
    """Reference and prediction, uint8 (i, j, k) with i fastest, as a NIfTI file gives them."""

    reference: Labels
    prediction: Labels
    spacing_mm: tuple[float, float, float]
    labels: tuple[int, ...]

    @property
    def voxel_ml(self) -> float:
        return float(np.prod(self.spacing_mm)) / 1000

    @property
    def slices(self) -> tuple[Labels, Labels, tuple[float, ...]]:
        """The same memory as (k, j, i), which C code and SimpleITK like best, with its spacing."""
        return self.reference.T, self.prediction.T, self.spacing_mm[::-1]


@dataclass(frozen=True)
class Blob:
    """An ellipsoid with a wavy border, in voxels."""

    label: int
    centre: NDArray[np.float64]
    radii: NDArray[np.float64]
    phases: NDArray[np.float64]
    roughness: float = 0.0

    def moved(self, by: Any, growth: Any, roughness: float) -> Blob:
        return Blob(self.label, self.centre + by, self.radii * growth, self.phases, roughness)


def make_organs(size: Size, kind: str, seed: int = 2026) -> LabelPair:
    """Organs and tumours of one CT and a prediction of that kind."""
    random = np.random.default_rng(seed)
    labels = tuple(range(1, size.organs + size.tumours + 1))
    if kind == SPECKLE:
        reference, prediction = _speckled(size, len(labels), random)
    else:
        blobs = list(_organs(size, random))
        change = _perturbed if kind == PERTURBED else _hard
        found, expected = list(change(blobs, size, random)), blobs
        if kind == HARD:  # the last organs are there in the prediction only
            expected = [blob for blob in blobs if not size.organs - 3 < blob.label <= size.organs]
        reference, prediction = _painted(expected, size), _painted(found, size)
    return LabelPair(reference, prediction, size.spacing_mm, labels)


def make_lesions(size: Size, kind: str, seed: int = 2026) -> LabelPair:
    """Lesions (label 1) of one PET and a prediction of that kind."""
    random = np.random.default_rng(seed)
    if kind == SPECKLE:
        reference, prediction = (_noise(size.shape, random) < 6 for _ in range(2))
        masks = reference.astype(np.uint8), (prediction | (reference & (_noise(size.shape, random) < 128)))
        return LabelPair(masks[0].T, masks[1].astype(np.uint8).T, size.spacing_mm, (1,))
    shape = np.array(size.shape)
    blobs = [_blob(1, shape, random.uniform(4, 12) * shape[0] / 400, random) for _ in range(size.tumours)]
    if kind == PERTURBED:
        found = list(_perturbed(blobs, size, random))
    else:
        near = list(_perturbed(blobs[::2], size, random))
        far = [_blob(1, shape, random.uniform(3, 9) * shape[0] / 400, random) for _ in blobs[1::2]]
        found = near + far + [_blob(1, shape, random.uniform(0.8, 2.0), random) for _ in range(200)]
    return LabelPair(_painted(blobs, size), _painted(found, size), size.spacing_mm, (1,))


def _organs(size: Size, random: np.random.Generator) -> Iterator[Blob]:
    shape = np.array(size.shape)
    for n, radius_mm in enumerate(np.geomspace(*size.radii_mm, size.organs)):
        yield _blob(n + 1, shape, radius_mm / np.array(size.spacing_mm), random)
    for n in range(size.tumours):
        yield _blob(size.organs + n + 1, shape, random.uniform(5, 14) / np.array(size.spacing_mm), random)


def _blob(label: int, shape: NDArray[np.int_], radius: Any, random: np.random.Generator) -> Blob:
    radii = radius * random.uniform(0.75, 1.3, 3)
    margin = np.minimum(radii * 0.7 + 2, shape * 0.45)
    return Blob(label, random.uniform(margin, shape - margin), radii, random.uniform(0, 2 * np.pi, 6))


def _perturbed(blobs: list[Blob], size: Size, random: np.random.Generator) -> Iterator[Blob]:
    for blob in blobs:
        yield blob.moved(random.normal(0, 0.6, 3), random.normal(1, 0.015, 3), roughness=0.04)


def _hard(blobs: list[Blob], size: Size, random: np.random.Generator) -> Iterator[Blob]:
    shape, spacing = np.array(size.shape), np.array(size.spacing_mm)
    for n, blob in enumerate(blobs):
        if n % 5 == 1:
            continue
        shift_mm = random.uniform(15, 50) if n % 5 == 2 else 2.0
        direction = random.normal(0, 1, 3)
        shift = shift_mm * direction / np.linalg.norm(direction) / spacing
        yield blob.moved(shift, random.normal(1, 0.12, 3), roughness=0.08)
        for _ in range(3):
            yield _blob(blob.label, shape, 3.0 / spacing, random)


def _painted(blobs: list[Blob], size: Size) -> Labels:
    slices = np.zeros(size.shape[::-1], np.uint8)
    for blob in blobs:
        _paint(slices, blob)
    return slices.T


def _paint(slices: Labels, blob: Blob) -> None:
    shape = np.array(slices.shape)
    centre, radii = blob.centre[::-1], blob.radii[::-1]
    start = np.clip(np.floor(centre - radii * 1.3), 0, shape).astype(int)
    stop = np.clip(np.ceil(centre + radii * 1.3) + 1, 0, shape).astype(int)
    box = tuple(slice(low, high) for low, high in zip(start, stop, strict=True))
    axes = np.ogrid[box]
    unit = [
        ((axis - middle) / radius).astype(np.float32) for axis, middle, radius in zip(axes, centre, radii, strict=True)
    ]
    waves = [np.sin(3 * axis + phase) for axis, phase in zip(unit, blob.phases[:3], strict=True)]
    ripples = [np.sin(9 * axis + phase) for axis, phase in zip(unit, blob.phases[3:], strict=True)]
    border = sum(
        0.1 * wave + blob.roughness * ripple - axis**2 for axis, wave, ripple in zip(unit, waves, ripples, strict=True)
    )
    slices[box][border > -1] = blob.label


def _speckled(size: Size, labels: int, random: np.random.Generator) -> tuple[Labels, Labels]:
    shape = size.shape[::-1]
    blocks = [-(-edge // step) + 1 for edge, step in zip(shape, _BLOCK, strict=True)]
    coarse = random.integers(1, labels + 1, blocks, dtype=np.uint8)
    for axis, step in enumerate(_BLOCK):
        coarse = np.repeat(coarse, step, axis=axis)
    result = []
    for shift in (0, 2):
        slices = np.ascontiguousarray(coarse[tuple(slice(shift, shift + edge) for edge in shape)])
        speckled = _noise(size.shape, random) < _SPECKLED_SHARE
        slices[speckled] = random.integers(0, labels + 1, int(speckled.sum()), dtype=np.uint8)
        result.append(slices.T)
    return result[0], result[1]


def _noise(shape: tuple[int, int, int], random: np.random.Generator) -> Labels:
    return random.integers(0, 256, shape[::-1], dtype=np.uint8)
