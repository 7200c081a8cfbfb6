"""Lesions counted by runs equal those counted in volumes of component numbers, wherever they lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import ComponentCounts
from oncohort.metrics import Matching, PairSettings, compare_labels, compare_masks
from oncohort.metrics.lesions import LesionOverlap

SPACING = (2.0, 2.0, 3.0)
FIELDS = ("reference_ids", "reference_sizes", "prediction_ids", "prediction_sizes", "pairs")


def blobs(shape, seed, *, labels):
    """Labels in one corner of an empty volume, so that the box round them begins anywhere."""
    random = np.random.default_rng(seed)
    start = [int(random.integers(0, edge)) for edge in shape]
    arrays = np.zeros((2, *shape), np.uint8)
    part = arrays[(slice(None), *(slice(a, None) for a in start))]
    part[...] = random.integers(1, labels + 1, part.shape) * (random.random(part.shape) < 0.35)
    return arrays


def require_equal(found, expected):
    for name in FIELDS:
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name
    assert found.iou.tolist() == expected.iou.tolist()
    assert (found.missed_ml, found.invented_ml) == (expected.missed_ml, expected.invented_ml)


@given(
    shape=st.tuples(*[st.integers(1, 24)] * 3),
    seed=st.integers(0, 10**6),
    orders=st.tuples(st.sampled_from("CF"), st.sampled_from("CF")),
    connectivity=st.sampled_from([6, 18, 26]),
    labels=st.sampled_from([1, 2]),
)
@settings(max_examples=80, deadline=None)
def test_equals_the_overlap_of_the_lesion_maps(shape, seed, orders, connectivity, labels):
    reference, prediction = (
        np.asarray(array, order=order) for array, order in zip(blobs(shape, seed, labels=labels), orders, strict=True)
    )
    how = PairSettings(connectivity=connectivity, matching=Matching("any-overlap"))
    pairs = compare_labels(reference, prediction, {"one": [1], "all": [1, 2]}, spacing_mm=SPACING, settings=how) | {
        "mask": compare_masks(reference, prediction, spacing_mm=SPACING, settings=how)
    }
    for pair in pairs.values():
        expected = LesionOverlap.of_maps(*pair.lesion_maps(), voxel_ml=pair.overlap.voxel_ml)
        require_equal(pair.lesion_overlap, expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_alone_in_their_arrays_are_not_copied(order):
    mask = np.zeros((30, 20, 40), np.uint8, order=order)
    mask[11:13, 4:6, 11:30] = 1
    pair = compare_masks(
        mask, mask, spacing_mm=SPACING, settings=PairSettings(connectivity=18, matching=Matching("any-overlap"))
    )
    for found in pair.arrays.roomy_masks(0):
        assert np.shares_memory(found, mask)
        assert found.shape == ((5, 20, 40) if order == "C" else (30, 20, 22))
        assert found.sum() == mask.sum()


def test_components_are_numbered_from_one_and_pairs_point_from_zero():
    counts = ComponentCounts(np.array([4, 2]), np.array([3]), np.array([[2, 1, 1]]))
    overlap = LesionOverlap.of_components(counts, voxel_ml=0.5)
    assert overlap.reference_ids.tolist() == [1, 2]
    assert overlap.pairs.tolist() == [[1, 0, 1]]
    assert overlap.missed_ml == 2.0
    assert overlap.invented_ml == 0.0
