"""One digital PET/CT patient with lesions that are known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from oncohort.errors import InputError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.phantoms.body import HEIGHT_MM, outline_parts
from oncohort.phantoms.canvas import Axes, paint
from oncohort.phantoms.lesions import LESION_HU, Lesion, LesionTruth, place_lesions
from oncohort.phantoms.organs import organ_parts
from oncohort.phantoms.shapes import Point
from oncohort.phantoms.skeleton import skeleton_parts
from oncohort.phantoms.tissues import Tissue, Tracer, hounsfield_table, uptake_table
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

MOST_LESIONS = 20
PSF_FWHM_MM = 6.0
"""Full width at half maximum of the blur of the PET."""

_CT_EDGE_MM = 2.0
_PER_PET = 2  # CT voxels per PET voxel along each axis
_VIEW_MM = (336.0, 216.0, HEIGHT_MM)
_CT_NOISE_HU = 9.0

LESION_SCHEME = LabelScheme("lesion", {"lesion": 1})
ORGAN_SCHEME = LabelScheme("phantom tissues", {tissue.name.lower(): int(tissue) for tissue in Tissue if tissue})

Grid = NDArray[np.float32]
"""Values along k, j, i."""


@dataclass(frozen=True)
class PhantomPatient:
    """A synthetic patient: images, masks and the truth about each lesion.

    Attributes:
        seed: The number that made it.
        ct: Attenuation in HU, whole numbers, 2 mm voxels, LPS.
        pet: SUVbw, 4 mm voxels, LPS.
        ct_on_pet: Mean attenuation of the eight CT voxels in each PET voxel, HU.
        organs: Tissue of every CT voxel, lesions included.
        lesions: PET voxels whose centre lies in a lesion.
        truth: One entry per lesion.
        weight_kg: Body weight that the SUV refers to.
        tracer: "FDG" or "PSMA".
        scale: Size of the body along x, y, z, in sizes of the standard body.
    """

    seed: int
    ct: Volume
    pet: Volume
    ct_on_pet: Volume
    organs: LabelMap
    lesions: LabelMap
    truth: tuple[LesionTruth, ...]
    weight_kg: float
    tracer: Tracer
    scale: Point

    def __repr__(self) -> str:
        return f"phantom_patient({self.seed}, lesions={len(self.truth)})"


def phantom_patient(
    seed: int, *, lesions: int | None = None, tracer: Tracer = "FDG", voxel_mm: float = _CT_EDGE_MM
) -> PhantomPatient:
    """A PET/CT patient without a person: the same arguments give the same patient.

    The trunk and head of a small adult, injected with FDG an hour before: hot
    brain, bladder and lesions, warm liver and heart, dark lungs. Uptake is set
    on the CT grid, averaged onto the PET grid, blurred (6 mm) and made noisy.
    With PSMA the same body has hot kidneys and a dark brain.

    Args:
        seed: Chooses the patient.
        lesions: How many lesions, 0 to 20; by default the seed decides.
        tracer: What the PET shows; CT and lesions are the same with both.
        voxel_mm: Edge of the CT voxels, 2 or 4; PET voxels have twice that. Another edge is another patient.

    Returns:
        Images (i, j, k) and masks with the exact truth of every lesion.

    Raises:
        InputError: The number of lesions is not from 0 to 20.

    Examples:
        >>> patient = phantom_patient(7, lesions=2)
        >>> patient.pet.geometry.spacing_mm, patient.ct.geometry.spacing_mm, len(patient.truth)
        ((4.0, 4.0, 4.0), (2.0, 2.0, 2.0), 2)
    """
    of_body, of_lesions, of_noise = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3))
    total = int(of_lesions.integers(0, MOST_LESIONS + 1)) if lesions is None else lesions
    if not 0 <= total <= MOST_LESIONS:
        raise InputError(
            expected=f"0 to {MOST_LESIONS} lesions",
            found=str(total),
            where="phantom_patient",
            remedy="ask for fewer lesions",
        )
    ct_grid, pet_grid = _geometries(voxel_mm)
    axes = Axes.of(ct_grid)
    tissues, weight_kg, scale = _tissues(axes, of_body)
    uptake = uptake_table(of_body, tracer)[tissues]
    placed = place_lesions(tissues, axes, total, of_lesions)
    attenuation = hounsfield_table()[tissues]
    _grow(placed, axes, tissues, attenuation, uptake)
    pet, ct = _pet(uptake, of_noise, voxel_mm * _PER_PET), _ct(attenuation, of_noise)
    masks = [_mask(lesion, pet_grid) for lesion in placed]
    return PhantomPatient(
        seed=seed,
        ct=_volume(ct, ct_grid, Unit.HU),
        pet=_volume(pet, pet_grid, Unit.SUVBW),
        ct_on_pet=_volume(np.rint(_block_mean(ct.astype(np.float32))).astype(np.int16), pet_grid, Unit.HU),
        organs=LabelMap(ct_grid, (_volume(tissues, ct_grid, Unit.LABEL),), ORGAN_SCHEME),
        lesions=_label_map(masks, pet_grid),
        truth=tuple(_truth(lesion, mask, pet, pet_grid) for lesion, mask in zip(placed, masks, strict=True)),
        weight_kg=weight_kg,
        tracer=tracer,
        scale=scale,
    )


def _geometries(voxel_mm: float) -> tuple[Geometry, Geometry]:
    """CT and PET grid over one field of view; each PET voxel covers eight CT voxels."""
    grids = []
    for times in (1, _PER_PET):
        edge = voxel_mm * times
        width, depth, height = (round(length / edge) for length in _VIEW_MM)
        affine = np.diag([-edge, -edge, edge, 1.0])
        affine[:3, 3] = (width * edge / 2 - edge / 2, depth * edge / 2 - edge / 2, edge / 2)
        grids.append(Geometry((width, depth, height), affine))
    return grids[0], grids[1]


def _tissues(axes: Axes, rng: np.random.Generator) -> tuple[NDArray[np.uint8], float, Point]:
    width, depth, height = (float(value) for value in rng.uniform((0.93, 0.93, 0.96), (1.03, 1.06, 1.0)))
    body = axes.scaled((width, depth, height))
    tissues = np.zeros((len(axes.z), len(axes.y), len(axes.x)), dtype=np.uint8)
    for parts in (outline_parts(), organ_parts(rng), skeleton_parts()):
        paint(tissues, body, parts)
    weight_kg = round(58.0 * width * depth * height * float(rng.uniform(0.9, 1.1)), 1)
    return tissues, weight_kg, (width, depth, height)


def _grow(lesions: Sequence[Lesion], axes: Axes, tissues: NDArray[np.uint8], attenuation: Grid, uptake: Grid) -> None:
    for lesion in lesions:
        box = axes.box(lesion.body)
        inside = axes.inside(lesion.body, box)
        uptake[box][inside] = lesion.suv
        bone = attenuation[box] > 2 * LESION_HU
        attenuation[box][inside & ~bone] = LESION_HU
        tissues[box][inside] = Tissue.LESION


def _pet(uptake: Grid, rng: np.random.Generator, edge: float) -> Grid:
    activity = _block_mean(uptake)
    texture = gaussian_filter(rng.standard_normal(activity.shape, dtype=np.float32), 1.6, truncate=3.0)
    activity *= 1.0 + 0.05 * texture / texture.std()
    blurred = gaussian_filter(activity, PSF_FWHM_MM / 2.3548 / edge, truncate=3.0)
    grain = gaussian_filter(rng.standard_normal(activity.shape, dtype=np.float32), 0.6, truncate=3.0)
    noisy = blurred + (0.015 + 0.07 * np.sqrt(blurred)) * grain / grain.std()
    result: Grid = np.maximum(noisy, 0.0).astype(np.float32)
    return result


def _ct(attenuation: Grid, rng: np.random.Generator) -> NDArray[np.int16]:
    smooth = gaussian_filter(attenuation, 0.5, truncate=2.0)
    smooth += np.float32(_CT_NOISE_HU) * rng.standard_normal(smooth.shape, dtype=np.float32)
    result: NDArray[np.int16] = np.clip(np.rint(smooth), -1024, 3071).astype(np.int16)
    return result


def _block_mean(values: Grid) -> Grid:
    k, j, i = (edge // _PER_PET for edge in values.shape)
    blocks = values.reshape(k, _PER_PET, j, _PER_PET, i, _PER_PET)
    result: Grid = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return result


def _mask(lesion: Lesion, grid: Geometry) -> NDArray[np.bool_]:
    axes = Axes.of(grid)
    box = axes.box(lesion.body)
    mask = np.zeros(grid.shape[::-1], dtype=np.bool_)
    mask[box] = axes.inside(lesion.body, box)
    return mask


def _label_map(masks: Sequence[NDArray[np.bool_]], grid: Geometry) -> LabelMap:
    joined = np.zeros(grid.shape[::-1], dtype=np.uint8)
    for mask in masks:
        joined[mask] = 1
    return LabelMap(grid, (_volume(joined, grid, Unit.LABEL),), LESION_SCHEME)


def _truth(lesion: Lesion, mask: NDArray[np.bool_], pet: Grid, grid: Geometry) -> LesionTruth:
    return LesionTruth(
        lesion=lesion.number,
        organ=lesion.organ,
        centre_mm=lesion.body.centre,
        radii_mm=lesion.body.radii,
        volume_ml=round(lesion.body.volume_ml, 6),
        mask_ml=round(int(mask.sum()) * grid.voxel_ml, 6),
        suv=lesion.suv,
        suv_max=round(float(pet[mask].max()), 4),
    )


def _volume(values: NDArray[np.generic], geometry: Geometry, unit: Unit) -> Volume:
    return Volume.from_array(values.T, geometry, unit, record={"rule": "synthetic phantom"})
