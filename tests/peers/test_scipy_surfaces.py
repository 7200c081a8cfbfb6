"""Surface metrics on real masks, straight from their definitions by scipy's erosion and distance transform."""

import numpy as np
import pytest
from peer_masks import of_labels, real_organs, real_vertebrae
from scipy import ndimage

NAMES = ("assd_mm", "assd_directed_mm", "hausdorff_mm", "hd95_mm", "hd95_directed_mm", "contour_dice")
pytestmark = pytest.mark.real_data


def cropped(reference, prediction):
    """Both masks on their common box, with a voxel of background around: beyond the volume there is none either."""
    (box,) = ndimage.find_objects((reference | prediction).astype(np.uint8))
    return [np.pad(mask[box], 1) for mask in (reference, prediction)]


def naive(reference, prediction, spacing_mm):
    first, second = (mask & ~ndimage.binary_erosion(mask) for mask in cropped(reference, prediction))
    there = ndimage.distance_transform_edt(~second, sampling=spacing_mm)[first]
    back = ndimage.distance_transform_edt(~first, sampling=spacing_mm)[second]
    pooled = np.concatenate([there, back])
    return {
        "assd_mm": pooled.mean(),
        "assd_directed_mm": (there.mean() + back.mean()) / 2,
        "hausdorff_mm": pooled.max(),
        "hd95_mm": np.percentile(pooled, 95),
        "hd95_directed_mm": max(np.percentile(there, 95), np.percentile(back, 95)),
        "contour_dice": 2 * (first & second).sum() / (first.sum() + second.sum()),
    }


def assert_equal(reference, prediction, spacing_mm, labels):
    found = of_labels(reference, prediction, spacing_mm)
    assert set(labels) <= set(found)
    for label in labels:
        expected = naive(reference == label, prediction == label, spacing_mm)
        assert {name: found[label](name) for name in NAMES} == pytest.approx(expected, rel=1e-9), label


def test_vertebrae(real_data):
    reference, prediction, spacing_mm = real_vertebrae(real_data("instances"))
    prediction = np.where(prediction > 1, prediction - 1, 0)  # the prediction counts from 2
    both = set(np.unique(reference).tolist()) & set(np.unique(prediction).tolist()) - {0}
    assert len(both) >= 18
    assert_equal(reference.astype(np.uint8), prediction.astype(np.uint8), spacing_mm, sorted(both))


def test_organs(real_data):
    reference, prediction, spacing_mm = real_organs(real_data("ct_organs"))
    labels, sizes = np.unique(reference[reference > 0], return_counts=True)
    largest_and_smallest = labels[np.argsort(sizes)][[-1, -2, -3, 0, 1, 2]].tolist()
    present = [label for label in largest_and_smallest if (prediction == label).any()]
    assert len(present) >= 4
    assert_equal(reference.astype(np.uint8), prediction.astype(np.uint8), spacing_mm, present)
