import math

import pytest

from oncohort.metrics import (
    OverlapCounts,
    Presence,
    dice,
    jaccard,
    precision,
    sensitivity,
    volume_difference_ml,
    volume_difference_percent,
)

NOTHING = OverlapCounts(0, 0, 0, 1.0)


def test_known_counts():
    counts = OverlapCounts(reference=3, prediction=5, both=2, voxel_ml=0.5)
    assert dice(counts, if_both_empty=9.0) == 0.5
    assert jaccard(counts, if_both_empty=9.0) == 2 / 6
    assert sensitivity(counts, if_reference_empty=9.0) == 2 / 3
    assert precision(counts, if_prediction_empty=9.0) == 0.4
    assert volume_difference_ml(counts) == 1.0
    assert volume_difference_percent(counts, if_reference_empty=9.0) == pytest.approx(200 / 3)


def test_identical_and_disjoint_masks():
    same, apart = OverlapCounts(3, 3, 3, 1.0), OverlapCounts(3, 2, 0, 1.0)
    for metric, empty in [
        (dice, "if_both_empty"),
        (jaccard, "if_both_empty"),
        (sensitivity, "if_reference_empty"),
        (precision, "if_prediction_empty"),
    ]:
        assert (metric(same, **{empty: 9.0}), metric(apart, **{empty: 9.0})) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("metric", "empty", "counts"),
    [
        (dice, "if_both_empty", NOTHING),
        (jaccard, "if_both_empty", NOTHING),
        (sensitivity, "if_reference_empty", OverlapCounts(0, 4, 0, 1.0)),
        (precision, "if_prediction_empty", OverlapCounts(4, 0, 0, 1.0)),
        (volume_difference_percent, "if_reference_empty", OverlapCounts(0, 4, 0, 1.0)),
    ],
)
def test_nothing_to_divide_by_is_worth_what_is_said(metric, empty, counts):
    assert metric(counts, **{empty: 1.0}) == 1.0
    assert math.isnan(metric(counts, **{empty: float("nan")}))
    with pytest.raises(TypeError):
        metric(counts)


def test_volume_difference_is_prediction_less_reference():
    assert volume_difference_ml(OverlapCounts(10, 4, 0, 0.5)) == -3.0
    assert volume_difference_percent(OverlapCounts(10, 4, 0, 0.5), if_reference_empty=0.0) == -60.0


def test_dice_follows_from_jaccard():
    counts = OverlapCounts(17, 29, 11, 1.0)
    share = jaccard(counts, if_both_empty=0.0)
    assert dice(counts, if_both_empty=0.0) == pytest.approx(2 * share / (1 + share))


def test_presence():
    found = [OverlapCounts(r, p, 0, 1.0).presence for r in (0, 1) for p in (0, 1)]
    assert found == [
        Presence.BOTH_EMPTY,
        Presence.REFERENCE_EMPTY,
        Presence.PREDICTION_EMPTY,
        Presence.BOTH_PRESENT,
    ]
