import dataclasses
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lung_dx_boxes import a0001, slice_box, stack
from oncohort.boxes import BoxReading, LinkSettings, MergeSettings, link_boxes, merge_readings

LINK = LinkSettings(minimum_iou=0.2, maximum_steps=3)
MERGE = MergeSettings(minimum_iou=0.3)


def reading(series, x=0.0, *, reader="r", class_name="A", **facts):
    place = stack(series, pixel_mm=1.0, **facts)
    box = slice_box(series, 0, (x, 0, x + 10, 10), reader=reader, class_name=class_name)
    return BoxReading(place, class_name, reader, (box,))


def merged(readings):
    return [
        [(one.stack.series, one.boxes[0].box[0][0]) for one in lesion.readings]
        for lesion in merge_readings(readings, settings=MERGE)
    ]


# golden numbers: lung_pet_ct_dx.md section 4 (A0001)
@pytest.mark.parametrize(
    ("pixel_rule", "iou_2d", "iou_3d"), [("half-open", 0.778714, 0.673825), ("inclusive", 0.781791, 0.675280)]
)
def test_the_two_readings_of_a0001(pixel_rule, iou_2d, iou_3d):
    drawn, stacks = a0001(pixel_rule)
    (lesion,) = merge_readings(link_boxes(drawn, stacks=stacks, settings=LINK), settings=MERGE)
    (pair,) = lesion.agreement
    assert pair.shared_slices == 9
    assert pair.iou_2d == pytest.approx(iou_2d, abs=5e-7)
    assert pair.iou_3d == pytest.approx(iou_3d, abs=5e-7)


def test_plain_corners_of_a0001_have_the_published_edges_and_stack():
    drawn, stacks = a0001("half-open")
    (lesion,) = merge_readings(link_boxes(drawn, stacks=stacks, settings=LINK), settings=MERGE)
    edges = {one.stack.series: np.diff(one.extent_mm, axis=1).reshape(-1) for one in lesion.readings}
    assert edges["sharp"].round(1).tolist() == [69.0, 80.8, 55.0]
    assert edges["soft"].round(1).tolist() == [62.3, 85.0, 45.0]
    assert lesion.agreement[0].iou_stacked == pytest.approx(0.710761, abs=5e-7)


def test_the_lesion_reaches_round_all_readings():
    (lesion,) = merge_readings([reading("s"), reading("t", 3.0)], settings=MERGE)
    assert lesion.extent_mm.tolist() == [[-200.5, -187.5], [-200.5, -190.5], [-2.5, 2.5]]


@pytest.mark.parametrize(("shift", "lesions"), [(5.0, 1), (5.5, 2)])
def test_readings_merge_from_the_least_iou(shift, lesions):
    assert len(merged([reading("s"), reading("t", shift)])) == lesions  # IoU 1/3 and 0.29


def test_readings_of_one_series_and_reader_never_merge():
    assert merged([reading("s"), reading("s", 1.0)]) == [[("s", 0.0)], [("s", 1.0)]]
    again = merge_readings([reading("s"), reading("s", 1.0, reader="other")], settings=MERGE)
    assert [len(lesion.readings) for lesion in again] == [2]


def test_the_best_pair_is_joined_first_and_no_lesion_gets_two_of_a_series():
    assert merged([reading("s", 0.0), reading("t", 3.0), reading("s", 4.0)]) == [
        [("s", 0.0)],
        [("t", 3.0), ("s", 4.0)],
    ]


@pytest.mark.parametrize(
    "other",
    [
        reading("t", frame="elsewhere"),
        reading("t", directions=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0)),
        reading("t", class_name="B"),
    ],
)
def test_other_frames_directions_and_classes_stay_apart(other):
    assert len(merge_readings([reading("s"), other], settings=MERGE)) == 2


def test_three_reconstructions_have_three_pairs():
    (lesion,) = merge_readings([reading("s"), reading("t", 1.0), reading("u", 2.0)], settings=MERGE)
    assert [(pair.first, pair.second) for pair in lesion.agreement] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.iou_3d for pair in lesion.agreement] == pytest.approx([9 / 11, 8 / 12, 9 / 11])


def test_slices_of_different_steps_share_what_lies_at_one_position():
    fine = BoxReading(
        stack("fine", pixel_mm=1.0, step_mm=2.0),
        "A",
        "r",
        tuple(slice_box("fine", z, (0, 0, 10, 10)) for z in (-2, 0, 2, 4)),
    )
    coarse = BoxReading(
        stack("coarse", pixel_mm=1.0, step_mm=4.0),
        "A",
        "r",
        tuple(slice_box("coarse", z, (0, 0, 10, 5)) for z in (0, 4)),
    )
    (lesion,) = merge_readings([fine, coarse], settings=MERGE)
    (pair,) = lesion.agreement
    assert (pair.shared_slices, pair.iou_2d) == (2, 0.5)
    assert pair.iou_stacked == pytest.approx(50 * 7 / (100 * 8 + 50 * 8 - 50 * 7))  # fine -3..5, coarse -2..6


def test_nothing_shared_is_nan():
    upper = BoxReading(stack("t", pixel_mm=1.0, step_mm=5.0), "A", "r", (slice_box("t", 2.6, (0, 0, 10, 10)),))
    (lesion,) = merge_readings([reading("s"), upper], settings=MERGE)
    assert math.isnan(lesion.agreement[0].iou_2d)
    assert lesion.agreement[0].shared_slices == 0


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_readings_does_not_matter_and_none_is_lost(seed):
    draw = random.Random(seed)
    readings = [
        dataclasses.replace(reading(f"s{number % 3}", draw.uniform(0, 40))) for number in range(draw.randint(0, 7))
    ]
    found = merged(readings)
    draw.shuffle(readings)
    assert {frozenset(lesion) for lesion in merged(readings)} == {frozenset(lesion) for lesion in found}
    assert sum(len(lesion) for lesion in found) == len(readings)
    assert all(len({series for series, _ in lesion}) == len(lesion) for lesion in found)


def test_impossible_settings_and_stacks_are_refused():
    with pytest.raises(ValueError, match="minimum_iou"):
        MergeSettings(minimum_iou=0.0)
    with pytest.raises(ValueError, match="above 0 mm"):
        stack("s", step_mm=0.0)
