import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lung_dx_boxes import a0001, slice_box, stack
from oncohort.boxes import LinkSettings, link_boxes
from oncohort.errors import GeometryError

SETTINGS = LinkSettings(minimum_iou=0.2, maximum_steps=3)
STACKS = {"s": stack("s", pixel_mm=1.0, step_mm=5.0)}


def at(step, x=0, **facts):
    return slice_box("s", 5 * step, (x, 0, x + 10, 10), **facts)


def chains(boxes, settings=SETTINGS, stacks=STACKS):
    return [
        [round(box.position_mm / 5) for box in lesion.boxes]
        for lesion in link_boxes(boxes, stacks=stacks, settings=settings)
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [((0, 1, 2), [[0, 1, 2]]), ((0, 3), [[0, 3]]), ((0, 4), [[0], [4]]), ((0, 3, 7, 8), [[0, 3], [7, 8]])],
)
def test_up_to_two_slices_may_be_missing(steps, expected):
    assert chains([at(step) for step in steps]) == expected


@pytest.mark.parametrize(("shift", "lesions"), [(6, 1), (7, 2)])
def test_boxes_link_from_the_least_iou(shift, lesions):
    assert len(chains([at(0), at(1, x=shift)])) == lesions  # IoU 4/16 and 3/17


def test_the_least_iou_itself_links():
    same = [slice_box("s", 0, (0, 0, 12, 1)), slice_box("s", 5, (8, 0, 20, 1))]
    assert chains(same) == [[0, 1]]  # 4 / 20


def test_the_assignment_is_the_best_one_over_all_boxes_of_two_slices():
    # greedy would link 0 with 3 (IoU 0.54) and leave -4 unlinked; together 0-(-2) and 6-3 are better
    lower = [slice_box("s", 0, (0, 0, 10, 10)), slice_box("s", 0, (6, 0, 16, 10))]
    upper = [slice_box("s", 5, (-4, 0, 6, 10)), slice_box("s", 5, (2.9, 0, 12.9, 10))]
    lesions = link_boxes([*lower, *upper], stacks=STACKS, settings=SETTINGS)
    assert [[box.box[0][0] for box in lesion.boxes] for lesion in lesions] == [[0.0, -4.0], [6.0, 2.9]]


def test_a_pair_below_the_least_iou_takes_nothing_from_the_assignment():
    # 0.4 of one pair counts, 0.39 + 0.1 would be more in sum but links only one box
    lower = [slice_box("s", 0, (0, 0, 10, 10)), slice_box("s", 0, (7, 0, 17, 10))]
    upper = [slice_box("s", 5, (4, 0, 14, 10)), slice_box("s", 5, (-8.2, 0, 1.8, 10))]
    lesions = link_boxes([*lower, *upper], stacks=STACKS, settings=SETTINGS)
    assert [[box.box[0][0] for box in lesion.boxes] for lesion in lesions] == [[0.0], [7.0, 4.0], [-8.2]]


def test_the_nearer_slice_comes_first():
    boxes = [at(0, x=0), at(1, x=5), at(2, x=2)]  # the first lesion ends at 0, the second at 1
    apart = LinkSettings(minimum_iou=0.4, maximum_steps=3)
    assert chains(boxes, apart) == [[0], [1, 2]]


def test_classes_readers_and_series_stay_apart():
    boxes = [at(0), at(1, class_name="B"), at(2, reader="other"), slice_box("t", 5, (0, 0, 10, 10))]
    found = link_boxes(boxes, stacks=STACKS | {"t": stack("t")}, settings=SETTINGS)
    assert [(lesion.stack.series, lesion.class_name, lesion.reader) for lesion in found] == [
        ("s", "A", "other"),
        ("s", "A", "r"),
        ("s", "B", "r"),
        ("t", "A", "r"),
    ]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_boxes_does_not_matter_and_none_is_lost(seed):
    draw = random.Random(seed)
    boxes = [
        slice_box("s", 5 * step, (x, y, x + draw.randint(3, 20), y + draw.randint(3, 20)))
        for step in range(6)
        for x, y in {(draw.randint(0, 30), draw.randint(0, 30)) for _ in range(draw.randint(0, 3))}
    ]
    found = link_boxes(boxes, stacks=STACKS, settings=SETTINGS)
    draw.shuffle(boxes)
    assert link_boxes(boxes, stacks=STACKS, settings=SETTINGS) == found
    assert sorted(box.box for lesion in found for box in lesion.boxes) == sorted(box.box for box in boxes)
    for lesion in found:
        assert len({box.slice_uid for box in lesion.boxes}) == len(lesion.boxes)


def test_the_two_readings_of_a0001_are_one_lesion_each():
    drawn, stacks = a0001("inclusive")
    sharp, soft = sorted(link_boxes(drawn, stacks=stacks, settings=SETTINGS), key=lambda lesion: lesion.stack.series)
    assert (len(sharp.boxes), len(soft.boxes)) == (11, 9)
    assert sharp.missing_slices == soft.missing_slices == 0
    assert sharp.boxes[0].slice_uid == "sharp-234"


def test_missing_slices_are_counted():
    (lesion,) = link_boxes([at(0), at(1), at(4)], stacks=STACKS, settings=SETTINGS)
    assert lesion.missing_slices == 2


def test_a_slice_has_one_position_and_a_position_one_slice():
    moved = dataclasses.replace(at(0), position_mm=3.0)
    with pytest.raises(GeometryError, match="one position of every slice"):
        link_boxes([at(0), moved], stacks=STACKS, settings=SETTINGS)
    twin = dataclasses.replace(at(0), slice_uid="twin")
    with pytest.raises(GeometryError, match="one slice at every position"):
        link_boxes([at(0), twin], stacks=STACKS, settings=SETTINGS)
    with pytest.raises(GeometryError, match="a stack for every series"):
        link_boxes([at(0)], stacks={}, settings=SETTINGS)


@pytest.mark.parametrize(("iou", "steps"), [(0.0, 3), (1.1, 3), (0.2, 0)])
def test_impossible_settings_are_refused(iou, steps):
    with pytest.raises(ValueError, match="minimum_iou"):
        LinkSettings(minimum_iou=iou, maximum_steps=steps)
