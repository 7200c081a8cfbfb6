"""scipy where it has the function: nearest neighbours, components, rank statistics."""

import numpy as np
import pytest
from peer_masks import SPACINGS, of_masks, random_masks
from scipy import ndimage, stats
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff

from oncohort.metrics.roc import roc_auc


def points(mask, spacing_mm):
    return np.argwhere(mask & ~ndimage.binary_erosion(mask)) * np.array(spacing_mm)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", range(3))
def test_surface_distances(seed, spacing_mm):
    masks = random_masks(seed)
    found = of_masks(*masks, spacing_mm)
    reference, prediction = (points(mask, spacing_mm) for mask in masks)
    there, back = cKDTree(prediction).query(reference)[0], cKDTree(reference).query(prediction)[0]
    pooled = np.concatenate([there, back])
    expected = {
        "assd_mm": pooled.mean(),
        "assd_directed_mm": (there.mean() + back.mean()) / 2,
        "hd95_mm": np.percentile(pooled, 95),
        "hd95_directed_mm": max(np.percentile(there, 95), np.percentile(back, 95)),
        "hausdorff_mm": max(directed_hausdorff(reference, prediction)[0], directed_hausdorff(prediction, reference)[0]),
    }
    assert {name: found(name) for name in expected} == pytest.approx(expected, abs=1e-9)


def test_area_under_the_roc_curve_is_the_mann_whitney_statistic():
    random = np.random.default_rng(1)
    truth = random.random(400) < 0.3
    scores = np.round(random.normal(truth, 1.0), 1)
    statistic = stats.mannwhitneyu(scores[truth], scores[~truth]).statistic
    assert roc_auc(truth, scores) == pytest.approx(statistic / (truth.sum() * (~truth).sum()), abs=1e-12)
