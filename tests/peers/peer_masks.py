"""Masks that Oncohort and its peers are both asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from oncohort.metrics import METRICS, Matching, PairSettings, compare_labels, compare_masks

SPACINGS = [(1.0, 1.0, 1.0), (0.8, 0.8, 3.0), (4.07, 2.04, 1.5)]
ANY_OVERLAP = PairSettings(connectivity=18, matching=Matching("any-overlap"))


def random_labels(seed: int, shape=(34, 31, 27), labels: int = 3):
    """Two label maps (uint8) of wavy regions that mostly agree; background is in both."""
    random = np.random.default_rng(seed)
    fields = ndimage.gaussian_filter(random.normal(size=(labels, *shape)), (0, 3, 3, 3))
    errors = ndimage.gaussian_filter(random.normal(size=(labels, *shape)), (0, 2, 2, 2))
    return tuple(_thresholded(field) for field in (fields, fields + 0.15 * errors))


def _thresholded(fields):
    fields = fields / fields.std()
    return np.where(fields.max(axis=0) > 0.8, fields.argmax(axis=0) + 1, 0).astype(np.uint8)


def random_masks(seed: int):
    """Two masks with several components; some are in one of them only."""
    reference, prediction = random_labels(seed)
    return reference > 0, (prediction > 0) & (reference != 2)


def real_organs(folder: Path):
    """Sixty-one organs at 3 mm; the prediction has lost a voxel at one side and gained one at another."""
    reference = _read(folder / "example_seg_fast_force_split.nii.gz")
    prediction = np.zeros_like(reference)
    prediction[1:, :, :-1] = ndimage.median_filter(reference, size=3)[:-1, :, 1:]
    return reference, prediction, (3.0, 3.0, 3.0)


def real_tumour(folder: Path, patient: str):
    """A sarcoma on the PET, the voxels above SUV 2.5, and the SUV."""
    files = [folder / "nifti" / patient / f"PET_{name}.nii.gz" for name in ("mask", "image")]
    mask, suv = (_read(file) for file in files)
    return mask > 0, suv >= 2.5, suv, _spacing(files[0])


def real_vertebrae(folder: Path):
    """Instances of a spine, reference and prediction, before they are matched."""
    files = [folder / "spine_seg" / "unmatched_instance" / f"{name}.nii.gz" for name in ("ref", "pred")]
    return _read(files[0]), _read(files[1]), _spacing(files[0])


def _read(path: Path):
    import nibabel

    return np.asarray(nibabel.load(path).dataobj)


def _spacing(path: Path):
    import nibabel

    return tuple(map(float, nibabel.load(path).header.get_zooms()))


def of_masks(reference, prediction, spacing_mm, settings=ANY_OVERLAP, image=None):
    """A function that measures a metric of two masks."""
    pair = compare_masks(reference, prediction, spacing_mm=spacing_mm, settings=settings, image=image)
    return lambda name, **parameters: METRICS[name].formula(pair, **parameters)


def of_labels(reference, prediction, spacing_mm):
    """For every label that both maps hold, a function that measures a metric of it."""
    both = sorted((set(np.unique(reference).tolist()) & set(np.unique(prediction).tolist())) - {0})
    pairs = compare_labels(
        reference, prediction, {str(label): [label] for label in both}, spacing_mm=spacing_mm, settings=ANY_OVERLAP
    )
    return {int(name): _measure(pair) for name, pair in pairs.items()}


def _measure(pair):
    return lambda name, **parameters: METRICS[name].formula(pair, **parameters)
