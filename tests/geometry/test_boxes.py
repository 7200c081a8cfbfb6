import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncohort.geometry import Box

CORNER = st.tuples(*[st.integers(-3, 8)] * 3)


def filled(box, shape=(8, 8, 8)):
    mask = np.zeros(shape, bool)
    mask[box.intersect(Box((0, 0, 0), shape)).slices] = True
    return mask


def test_a_box_is_half_open():
    box = Box((1, 2, 3), (2, 4, 8))
    assert (box.shape, box.is_empty) == ((1, 2, 5), False)
    assert box.slices == (slice(1, 2), slice(2, 4), slice(3, 8))
    assert filled(box).sum() == 10


@pytest.mark.parametrize("stop", [(1, 4, 8), (0, 4, 8), (2, 2, 8), (2, 4, 1)])
def test_an_empty_box_has_no_voxels(stop):
    box = Box((1, 2, 3), stop)
    assert box.is_empty
    assert np.zeros((9, 9, 9))[box.slices].size == 0


@given(CORNER, CORNER, CORNER, CORNER)
def test_intersection_is_what_both_hold(a, b, c, d):
    first, second = Box(a, b), Box(c, d)
    assert np.array_equal(filled(first.intersect(second)), filled(first) & filled(second))


def test_grow_stops_at_the_grid():
    assert Box((2, 2, 2), (3, 3, 3)).grow((1, 2, 9), (8, 4, 5)) == Box((1, 0, 0), (4, 4, 5))


@given(CORNER, CORNER)
def test_the_box_of_a_mask_is_the_smallest(a, b):
    mask = filled(Box(a, b))
    found = Box.of_mask(mask)
    if not mask.any():
        assert found is None
    else:
        assert np.array_equal(filled(found), mask)
        assert mask.sum() == np.prod(found.shape)


def test_the_box_of_two_far_voxels():
    mask = np.zeros((5, 6, 7), np.uint8)
    mask[1, 5, 0] = mask[3, 0, 2] = 4
    assert Box.of_mask(mask) == Box((1, 0, 0), (4, 6, 3))
