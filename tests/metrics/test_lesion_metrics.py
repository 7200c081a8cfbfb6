"""Overlap and lesion metrics against loops over sets of voxels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_oracles import flood, lesion_metrics, numbered, overlap_metrics

from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks, f1_score

RULES = [("any-overlap", None), ("iou", 0.5), ("iou", 0.1), ("many-to-many", 0.1), ("many-to-many", 0.34)]


def measure(names, reference, prediction, **choices):
    """The named metrics; voxels of 0.5 ml."""
    pair = compare_masks(reference, prediction, spacing_mm=(10.0, 5.0, 10.0), settings=PairSettings(**choices))
    return {name: METRICS[name].formula(pair) for name in names}


def blobs(seed, lesions=4, shape=(7, 8, 9)):
    """Two masks of small boxes, some shared, shifted, joined or split; either may be empty."""
    random = np.random.default_rng(seed)
    masks = np.zeros((2, *shape), bool)
    for _ in range(random.integers(0, lesions + 1)):
        start, edges = random.integers(0, np.array(shape) - 1), random.integers(1, 4, 3)
        for mask in masks:
            if random.random() < 0.8:
                at = np.maximum(start + random.integers(-1, 2, 3), 0)
                mask[tuple(slice(a, a + e) for a, e in zip(at, edges, strict=True))] = True
    masks[1] &= random.random(shape) < random.choice([0.6, 1.0])
    return masks


@given(seed=st.integers(0, 10**9), rule=st.sampled_from(RULES), connectivity=st.sampled_from([6, 18, 26]))
@settings(max_examples=150, deadline=None)
def test_metrics_equal_the_loops_over_sets(seed, rule, connectivity):
    reference, prediction = blobs(seed)
    components = [flood(mask, connectivity) for mask in (reference, prediction)]
    few = min(map(len, components)) <= 4 and max(map(len, components)) <= 5
    name, threshold = rule if few else ("many-to-many", 0.1)
    expected = overlap_metrics(reference, prediction, 0.5) | lesion_metrics(*components, name, threshold, 0.5)
    found = measure(expected, reference, prediction, connectivity=connectivity, matching=Matching(name, threshold))
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-12)


@given(seed=st.integers(0, 10**9), rule=st.sampled_from(RULES))
@settings(max_examples=60, deadline=None)
def test_numbers_of_lesions_are_taken_as_they_are(seed, rule):
    """Touching lesions, lesions in two parts, numbers with gaps, the same number for different lesions."""
    random = np.random.default_rng(seed)
    reference, prediction = random.choice([0, 0, 3, 7, 250], (2, 3, 4, 5))
    expected = lesion_metrics(numbered(reference), numbered(prediction), *rule, 0.5)
    found = measure(
        expected,
        reference,
        prediction,
        connectivity=18,
        matching=Matching(*rule),
        reference_instances=True,
        prediction_instances=True,
    )
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_numbers_on_one_side_only():
    reference = np.zeros((6, 6, 6), np.int32)
    reference[0, 0, :2], reference[0, 0, 2:4] = 70_000, 5
    found = measure(
        ["reference_lesions", "prediction_lesions", "lesion_recall", "lesion_precision"],
        reference,
        reference > 0,
        connectivity=6,
        matching=Matching("many-to-many", 0.5),
        reference_instances=True,
    )
    assert found == {
        "reference_lesions": 2,
        "prediction_lesions": 1,
        "lesion_recall": 1.0,
        "lesion_precision": 1.0,
    }


def test_a_bridge_finds_both_lesions_unless_each_counts_once():
    reference = np.zeros((3, 3, 20), bool)
    reference[1, 1, 2:8] = reference[1, 1, 10:16] = True
    bridge = np.zeros_like(reference)
    bridge[1, 1, 2:16] = True
    counts = ["lesion_tp", "lesion_fp", "lesion_fn"]
    for rule, expected in [
        (Matching("any-overlap"), [2, 0, 0]),
        (Matching("many-to-many", 0.4), [2, 0, 0]),
        (Matching("iou", 0.4), [1, 0, 1]),
        (Matching("iou", 0.5), [0, 1, 2]),
    ]:
        assert list(measure(counts, reference, bridge, connectivity=18, matching=rule).values()) == expected


def test_a_split_lesion_is_found_once_and_its_parts_are_not_false_unless_each_counts_once():
    reference = np.zeros((3, 3, 20), bool)
    reference[1, 1, 2:14] = True
    parts = reference.copy()
    parts[1, 1, 8] = False
    counts = ["lesion_tp", "lesion_fp", "lesion_fn", "lesion_precision"]
    for rule, expected in [
        (Matching("any-overlap"), [1, 0, 0, 1.0]),
        (Matching("many-to-many", 0.3), [1, 0, 0, 1.0]),
        (Matching("iou", 0.3), [1, 1, 0, 0.5]),
    ]:
        assert list(measure(counts, reference, parts, connectivity=18, matching=rule).values()) == expected


def test_connectivity_decides_what_one_lesion_is():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 0] = mask[2, 2, 1] = True
    for connectivity, lesions in [(6, 3), (18, 2), (26, 1)]:
        found = measure(["reference_lesions"], mask, mask, connectivity=connectivity, matching=Matching("any-overlap"))
        assert found == {"reference_lesions": lesions}


@pytest.mark.parametrize("name", ["panoptic_quality", "segmentation_quality", "recognition_quality"])
def test_panoptic_quality_needs_lesions_that_are_matched_once(name):
    assert "one_to_one" in METRICS[name].needs
    with pytest.raises(ValueError, match="one-to-one"):
        measure([name], *blobs(1), connectivity=18, matching=Matching("any-overlap"))


def test_quality_of_no_match_has_a_reason():
    reference, prediction = np.zeros((2, 3, 3, 3), bool)
    reference[0, 0, 0] = prediction[2, 2, 2] = True
    found = measure(["segmentation_quality"], reference, prediction, connectivity=18, matching=Matching("iou", 0.5))
    assert np.isnan(found["segmentation_quality"])
    assert METRICS["segmentation_quality"].nan_reason == "no_matched_lesion"


def test_pooled_f1_is_that_of_the_summed_counts():
    assert f1_score(6, 4, 6) == pytest.approx(12 / 22)
    assert np.isnan(f1_score(0, 0, 0))


@pytest.mark.parametrize("connectivity", [0, 4, 8])
def test_other_connectivities_are_refused(connectivity):
    with pytest.raises(ValueError, match="6, 18 or 26"):
        PairSettings(connectivity=connectivity, matching=Matching("any-overlap"))


@pytest.mark.real_data
@pytest.mark.parametrize("patient", ["STS_001", "STS_005"])
def test_real_lesions_equal_the_loops_over_sets(real_data, patient):
    nibabel = pytest.importorskip("nibabel")
    folder = real_data("sts_petct") / "nifti" / patient
    reference = np.asarray(nibabel.load(folder / "PET_mask.nii.gz").dataobj) > 0
    prediction = np.asarray(nibabel.load(folder / "PET_image.nii.gz").dataobj) >= 4.0
    components = [flood(mask, 26) for mask in (reference, prediction)]
    assert all(components)
    expected = lesion_metrics(*components, "many-to-many", 0.1, 0.5) | overlap_metrics(reference, prediction, 0.5)
    found = measure(expected, reference, prediction, connectivity=26, matching=Matching("many-to-many", 0.1))
    assert found == pytest.approx(expected, nan_ok=True, rel=1e-12)


@pytest.mark.real_data
def test_real_instances_equal_the_loops_over_sets(real_data):
    nibabel = pytest.importorskip("nibabel")
    folder = real_data("instances") / "spine_seg" / "unmatched_instance"
    full = (np.asarray(nibabel.load(folder / f"{name}.nii.gz").dataobj) for name in ("ref", "pred"))
    reference, prediction = (array[::4, ::4] for array in full)
    lesions = numbered(reference), numbered(prediction)
    assert (len(lesions[0]), len(lesions[1])) == (22, 22)
    for rule in [("any-overlap", None), ("many-to-many", 0.3)]:
        expected = lesion_metrics(*lesions, *rule, 0.5)
        found = measure(
            expected,
            reference,
            prediction,
            connectivity=6,
            matching=Matching(*rule),
            reference_instances=True,
            prediction_instances=True,
        )
        assert found == pytest.approx(expected, nan_ok=True, rel=1e-12)
