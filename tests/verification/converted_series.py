"""Conversions right and wrong: DICOM series of noise, and NIfTI files with one defect each."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from dicom_files import write_pet, write_series

SHAPE = (12, 10, 9)
CT_AFFINE = np.array([[-2.0, 0, 0, 10], [0, -3.0, 0, 20], [0, 0, 4.0, 30], [0, 0, 0, 1]])
"""By hand from tests/dicom_files: position (-10, -20, 30 + 4 k) in LPS, pixels 2 x 3 mm."""


def noise(seed=0, low=0, high=3000, shape=SHAPE):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.int16)


def slopes(k):
    return 0.5 if k < 4 else 0.25


def ct(folder, stored=None, **more):
    """A CT with slope 1, intercept -1000; its values (i, j, k) in HU."""
    stored = noise() if stored is None else stored
    write_series(folder, shape=stored.shape, stored=stored, **more)
    return stored.astype(np.float64) - 1000


def pet(folder, stored=None, *, slope=slopes, tags=None):
    """A PET with a slope for each slice; its values in Bq/ml."""
    stored = noise(1) if stored is None else stored

    def change(data, k):
        data.RescaleSlope = str(slope(k))

    write_pet(folder, shape=stored.shape, stored=stored, change=change, tags=tags)
    return stored * np.array([slope(k) for k in range(stored.shape[2])])


def nifti(path: Path, voxels, affine=CT_AFFINE, dtype=np.float32):
    image = nibabel.Nifti1Image(np.asarray(voxels).astype(dtype), affine)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path
