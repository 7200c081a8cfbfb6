from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_oracles import matches, numbered

import oncohort.metrics.matching as matching_module
from oncohort.metrics import LesionOverlap, Matching, match_lesions


def overlap_of(reference, prediction):
    return LesionOverlap.of_maps(np.asarray(reference), np.asarray(prediction), voxel_ml=1.0)


@given(
    seed=st.integers(0, 10**9), threshold=st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0]), batch=st.sampled_from([1, 2000])
)
@settings(max_examples=80, deadline=None)
def test_assignment_is_the_best_of_all_permutations(seed, threshold, batch):
    random = np.random.default_rng(seed)
    reference, prediction = random.integers(0, 5, (2, 2, 3, 6))
    lesions = numbered(reference), numbered(prediction)
    with patch.object(matching_module, "_BATCH", batch):
        found = match_lesions(overlap_of(reference, prediction), Matching("iou", threshold))
    best = matches(*lesions, "iou", threshold)
    ious = [len(lesions[0][r] & lesions[1][p]) / len(lesions[0][r] | lesions[1][p]) for r, p in best]
    assert sum(1 + iou for iou in found.iou) == pytest.approx(sum(1 + iou for iou in ious))
    assert (found.iou >= threshold).all()
    assert found.tp == found.tp_prediction == len(found.pairs)
    assert found.tp == found.reference_matched.sum() == len({pair[0] for pair in found.pairs})


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_other_names_match_in_the_same_way(seed):
    """Permuted lesion numbers; IoU are made unique so that the best assignment is."""
    random = np.random.default_rng(seed)
    reference, prediction = random.integers(0, 5, (2, 3, 5, 7))
    renamed = np.concatenate([[0], random.permutation(np.arange(1, 5))])
    for matching in (Matching("any-overlap"), Matching("many-to-many", 0.1), Matching("iou", 0.05)):
        found = match_lesions(overlap_of(reference, prediction), matching)
        other = match_lesions(overlap_of(renamed[reference] * 1000, prediction), matching)
        assert (found.tp, found.fp, found.fn) == (other.tp, other.fp, other.fn)
        if matching.rule != "iou":
            assert {(int(renamed[r]) * 1000, p, iou) for r, p, iou in found.pairs} == set(other.pairs)


def test_either_side_counts_its_own_lesions():
    found = match_lesions(overlap_of([[[1, 1, 2, 2, 3]]], [[[1, 1, 1, 1, 0]]]), Matching("any-overlap"))
    assert (found.tp, found.fn, found.tp_prediction, found.fp) == (2, 1, 1, 0)
    assert found.reference_matched.tolist() == [True, True, False]
    assert found.prediction_matched.tolist() == [True]


def test_swapped_masks_swap_the_pairs():
    random = np.random.default_rng(5)
    reference, prediction = random.integers(0, 6, (2, 4, 5, 6))
    for matching in (Matching("any-overlap"), Matching("many-to-many", 0.05), Matching("iou", 0.02)):
        there = match_lesions(overlap_of(reference, prediction), matching)
        back = match_lesions(overlap_of(prediction, reference), matching)
        assert (there.tp, there.tp_prediction, there.fp, there.fn) == (back.tp_prediction, back.tp, back.fn, back.fp)


def test_a_match_counts_more_than_a_better_overlap():
    """r1 fits p1 best, but r2 has nobody else."""
    reference = np.array([[[1] * 10 + [2] * 4 + [0] * 3]])
    prediction = np.array([[[2] * 3 + [1] * 11 + [0] * 3]])
    found = match_lesions(overlap_of(reference, prediction), Matching("iou", 0.2))
    assert [pair[:2] for pair in found.pairs] == [(1, 2), (2, 1)]


def test_a_threshold_is_met_exactly():
    overlap = overlap_of([[[1, 1, 1, 1]]], [[[1, 1, 0, 0]]])
    assert match_lesions(overlap, Matching("iou", 0.5)).tp == 1
    assert match_lesions(overlap, Matching("many-to-many", 0.5)).tp == 1
    assert match_lesions(overlap, Matching("iou", np.nextafter(0.5, 1))).tp == 0


def test_nothing_matches_nothing():
    for matching in (Matching("any-overlap"), Matching("many-to-many", 0.1), Matching("iou", 0.5)):
        found = match_lesions(overlap_of(np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int)), matching)
        assert (found.tp, found.fp, found.fn, found.pairs) == (0, 0, 0, ())


@pytest.mark.parametrize(("lesions", "together"), [(3_000, 3_000), (60_000, 3)])
def test_many_rivals_need_little_time_and_memory(lesions, together):
    """Combs of lesions that each touch two; a table of all against all would be 29 GB."""
    line = np.repeat(np.arange(1, lesions + 1), 4).reshape(-1, together * 4)
    reference = np.pad(line, ((0, 0), (0, 2)))[None]
    prediction = np.pad(line, ((0, 0), (1, 1)))[None]
    found = match_lesions(overlap_of(reference, prediction), Matching("iou", 0.1))
    assert found.tp == lesions
    assert found.iou == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [("any-overlap", 0.5), ("iou", None), ("iou", 0.0), ("iou", 1.1), ("many-to-many", None), ("centroid", 0.5)],
)
def test_rules_that_make_no_sense_are_refused(rule, threshold):
    with pytest.raises(ValueError, match=r"expected a matching|threshold"):
        Matching(rule, threshold)
