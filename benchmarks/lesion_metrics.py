"""The autopet-iii metrics of one whole-body case, beside the plain way to compute them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.timing import peak_memory_mib, show, timed
from oncohort.metrics import METRICS, compare_masks
from oncohort.profiles import load_profile

SHAPE = (400, 400, 326)
VOXEL_ML = 2.04 * 2.04 * 3.0 / 1000
LESIONS = 40
Mask = NDArray[np.bool_]


def measure_lesion_metrics() -> None:
    profile = load_profile("autopet-iii")
    reference, prediction = synthetic_masks()
    size = " x ".join(map(str, SHAPE))
    print(f"lesion metrics: synthetic case of {size}, {LESIONS} lesions on either side, 1 process")

    def ours() -> dict[str, float]:
        connectivity = profile.components.connectivity
        pair = compare_masks(reference, prediction, voxel_ml=VOXEL_ML, connectivity=connectivity)
        return {name: METRICS[name].formula(pair) for name in profile.metrics}

    _, cold = timed(ours)
    found, warm = timed(ours)
    memory = peak_memory_mib()
    expected, plain = timed(lambda: plain_scipy_loop(reference, prediction))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert abs(found[name] - value) <= 1e-9 * max(1.0, abs(value)), (name, found[name], value)
    show("oncohort, first call (compiled, or from cache)", cold)
    show("oncohort, warm", warm, f"peak memory so far {memory:.0f} MiB")
    show("plain scipy loop", plain, f"peak memory so far {peak_memory_mib():.0f} MiB")
    ratio = plain.cpu_s / warm.cpu_s
    print(f"  plain scipy loop / oncohort warm = {plain.cpu_s:.2f} / {warm.cpu_s:.3f} = {ratio:.0f} (CPU, same values)")


def synthetic_masks(seed: int = 2026) -> tuple[Mask, Mask]:
    """Balls of 4 to 12 voxels radius; half of the predicted ones are shifted lesions, half lie elsewhere."""
    random = np.random.default_rng(seed)
    centres = random.uniform(20, np.array(SHAPE) - 20, size=(LESIONS, 3))
    radii = random.uniform(4, 12, size=LESIONS)
    elsewhere = random.uniform(20, np.array(SHAPE) - 20, size=(LESIONS, 3))
    predicted = np.where(np.arange(LESIONS)[:, None] % 2, centres + 2.0, elsewhere)
    return _balls(centres, radii), _balls(predicted, radii)


def _balls(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> Mask:
    mask = np.zeros(SHAPE, np.bool_)
    for centre, radius in zip(centres, radii, strict=True):
        start = np.floor(centre - radius).astype(int)
        stop = np.ceil(centre + radius).astype(int) + 1
        axes = np.ogrid[tuple(slice(low, high) for low, high in zip(start, stop, strict=True))]
        inside = sum((axis - middle) ** 2 for axis, middle in zip(axes, centre, strict=True)) <= radius**2
        mask[tuple(slice(low, high) for low, high in zip(start, stop, strict=True))] |= inside
    return mask


def plain_scipy_loop(reference: Mask, prediction: Mask) -> dict[str, float]:
    """The plain way: whole arrays, scipy's labelling, one comparison of the whole array per component."""
    overlap = np.logical_and(reference, prediction).sum()
    return {
        "dice": float(2 * overlap / (reference.sum() + prediction.sum())),
        "fpv_ml": _volume_without_overlap(prediction, reference),
        "fnv_ml": _volume_without_overlap(reference, prediction),
        "volume_difference_ml": float((int(prediction.sum()) - int(reference.sum())) * VOXEL_ML),
    }


def _volume_without_overlap(mask: Mask, other: Mask) -> float:
    labels, count = ndimage.label(mask, ndimage.generate_binary_structure(3, 2))
    voxels = 0
    for label in range(1, count + 1):
        component = labels == label
        if not np.logical_and(component, other).any():
            voxels += int(component.sum())
    return voxels * VOXEL_ML
