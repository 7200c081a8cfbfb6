from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics import (
    METRICS,
    Matching,
    PairSettings,
    Symmetry,
    compare_masks,
    majority_consensus,
    measure_agreement,
    symmetric_metrics,
)

SETTINGS = PairSettings(connectivity=18, matching=Matching("iou", 0.1))
SPACING_MM = (2.0, 3.0, 4.0)
EVERY = {name: {parameter: 3.0 for parameter in METRICS[name].parameters} for name in symmetric_metrics()}


def masks(seed, readers):
    random = np.random.default_rng(seed)
    return random.random((readers, 5, 6, 7)) < 0.2


def agreement(readers, metrics=EVERY):
    return measure_agreement(readers, metrics, spacing_mm=SPACING_MM, settings=SETTINGS)


def test_every_pair_of_readers_and_every_metric():
    readers = dict(zip("ABC", masks(0, 3), strict=True))
    found = agreement(readers)
    assert [(row.first, row.second, row.metric) for row in found] == [
        (a, b, name) for a, b in combinations("ABC", 2) for name in EVERY
    ]
    for row in found:
        pair = compare_masks(readers[row.first], readers[row.second], spacing_mm=SPACING_MM, settings=SETTINGS)
        value = METRICS[row.metric].formula(pair, **EVERY[row.metric])
        if row.undefined == "no_matched_lesion":
            assert np.isnan(value)
        else:  # nsd differs in its last bit: here from counts of elements, there from distances that are known already
            assert row.value == pytest.approx(value, rel=1e-14)


def test_the_order_of_the_readers_does_not_matter():
    first, second = masks(1, 2)
    there, back = agreement({"A": first, "B": second}), agreement({"B": second, "A": first})
    assert [row.value for row in there] == pytest.approx([row.value for row in back])


def test_symmetric_metrics_are_those_that_say_so():
    assert symmetric_metrics() == [name for name, metric in METRICS.items() if metric.symmetry is Symmetry.SAME]
    assert {"dice", "nsd", "hd95_mm", "panoptic_quality"} <= set(symmetric_metrics())


UPTAKE = {
    name: {} for name, metric in METRICS.items() if "uptake" in metric.needs and metric.symmetry is Symmetry.NEGATED
}


def test_differences_of_uptake_are_those_of_the_second_less_those_of_the_first():
    drawn, image = dict(zip("ABC", masks(4, 3), strict=True)), np.random.default_rng(4).random((5, 6, 7))
    found = measure_agreement(drawn, UPTAKE, spacing_mm=SPACING_MM, settings=SETTINGS, image=image)
    assert [(row.first, row.second, row.metric) for row in found] == [
        (a, b, name) for a, b in combinations("ABC", 2) for name in UPTAKE
    ]
    values = {(row.first, row.second): row.value for row in found if row.metric == "suvmean_error"}
    for (first, second), value in values.items():
        assert value == pytest.approx(image[drawn[second]].mean() - image[drawn[first]].mean())
    assert all(row.value for row in found if row.metric != "suvmax_error")


def test_differences_turn_their_sign_with_the_readers():
    first, second = masks(5, 2)
    image = np.random.default_rng(5).random((5, 6, 7))
    metrics = {**UPTAKE, "volume_difference_ml": {}}
    choices = {"spacing_mm": SPACING_MM, "settings": SETTINGS, "image": image}
    there = measure_agreement({"A": first, "B": second}, metrics, **choices)
    back = measure_agreement({"B": second, "A": first}, metrics, **choices)
    assert [row.value for row in there] == [-row.value for row in back]


def test_uptake_has_its_reasons():
    drawn, nothing = masks(6, 1)[0], np.zeros((5, 6, 7), bool)
    metrics = {"suvpeak_error": {}, "tlg_difference": {}, "mtv_difference_ml": {}}
    choices = {"spacing_mm": SPACING_MM, "settings": SETTINGS}
    dark = measure_agreement({"A": drawn, "B": nothing}, metrics, image=np.ones((5, 6, 7)), **choices)
    assert [row.undefined for row in dark] == ["one_empty", None, None]
    blind = measure_agreement({"A": drawn, "B": drawn}, metrics, image=np.full((5, 6, 7), np.nan), **choices)
    assert [row.undefined for row in blind] == ["image_not_finite", "image_not_finite", None]
    for image in (None, np.ones((5, 6, 8))):
        with pytest.raises(ValueError, match="image of shape"):
            measure_agreement({"A": drawn, "B": drawn}, metrics, image=image, **choices)


def test_readers_who_drew_nothing():
    drawn, nothing = masks(2, 1)[0], np.zeros((5, 6, 7), bool)
    metrics = {"dice": {}, "hd95_mm": {}, "segmentation_quality": {}}
    found = agreement({"A": drawn, "B": nothing, "C": nothing}, metrics)
    assert [(row.value, row.undefined) for row in found] == [
        (0.0, None),
        (None, "one_empty"),
        (None, "one_empty"),
        (0.0, None),
        (None, "one_empty"),
        (None, "one_empty"),
        (None, "both_empty"),
        (None, "both_empty"),
        (None, "both_empty"),
    ]


def test_a_value_that_is_missing_has_the_reason_of_its_metric():
    first, second = np.zeros((2, 3, 3, 3), bool)
    first[0, 0, 0] = second[2, 2, 2] = True
    row = agreement({"A": first, "B": second}, {"segmentation_quality": {}})[0]
    assert (row.value, row.undefined) == (None, "no_matched_lesion")


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"sensitivity": {}}, "symmetric"),
        ({"nonsense": {}}, "symmetric"),
        ({"nsd": {}}, "tolerance_mm"),
        ({"dice": {"tolerance_mm": 1.0}}, "no parameters"),
    ],
)
def test_metrics_that_make_no_sense_are_refused(metrics, message):
    with pytest.raises(ValueError, match=message):
        agreement(dict(zip("AB", masks(0, 2), strict=True)), metrics)


def test_one_reader_agrees_with_nobody():
    with pytest.raises(ValueError, match="two or more"):
        agreement({"A": masks(0, 1)[0]})


@given(seed=st.integers(0, 10**6), readers=st.integers(1, 6), rule=st.sampled_from(["foreground", "background"]))
@settings(max_examples=30, deadline=None)
def test_consensus_is_the_majority_voxel_by_voxel(seed, readers, rule):
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 3, (readers, 3, 4, 5)) * (random.random((readers, 3, 4, 5)) < 0.7)
    found = majority_consensus(list(drawn), if_tied=rule)
    assert found.dtype == bool
    for index in np.ndindex(3, 4, 5):
        votes = sum(bool(mask[index]) for mask in drawn)
        assert found[index] == (2 * votes > readers or (2 * votes == readers and rule == "foreground"))


def test_consensus_has_no_default_for_ties_and_needs_one_shape():
    with pytest.raises(TypeError):
        majority_consensus([np.ones((2, 2, 2), bool)])
    with pytest.raises(ValueError, match="one shape"):
        majority_consensus([np.ones((2, 2, 2), bool), np.ones((2, 2, 3), bool)], if_tied="background")
    with pytest.raises(ValueError, match="one shape"):
        majority_consensus([], if_tied="background")
    with pytest.raises(ValueError, match="foreground"):
        majority_consensus([np.ones((2, 2, 2), bool)], if_tied="coin")
