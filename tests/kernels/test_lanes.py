import numpy as np
import pytest
from numba import njit

from oncohort.kernels.lanes import LANES, boxes_within, points_within


@njit
def compiled_boxes(boxes, point, spacing, square):
    return boxes_within(boxes, point, spacing, square)


@njit
def compiled_points(points, point, spacing, square):
    return points_within(points, point, spacing, square)


@pytest.mark.parametrize("seed", range(20))
def test_compiled_and_plain_agree_with_the_definition(seed):
    random = np.random.default_rng(seed)
    low = random.integers(0, 40, (3, LANES)).astype(np.float32)
    boxes = np.concatenate([low, low + random.integers(0, 9, (3, LANES)).astype(np.float32)])
    boxes[:, 13:] = np.inf
    point = tuple(np.float32(value) for value in random.integers(0, 40, 3))
    spacing = tuple(np.float32(value) for value in (0.5, 1.0, 2.0))
    square = np.float32(random.integers(1, 900))
    inside = np.clip(np.array(point)[:, None], boxes[:3], boxes[3:])
    for plain, compiled, rows, nearest in (
        (boxes_within, compiled_boxes, boxes, inside),
        (points_within, compiled_points, low, low),
    ):
        steps = (nearest - np.array(point)[:, None]) * np.array(spacing)[:, None]
        expected = sum(1 << lane for lane in np.flatnonzero((steps**2).sum(axis=0) < square).tolist())
        assert plain(rows, point, spacing, square) == compiled(rows, point, spacing, square) == expected


def test_a_square_as_far_as_the_limit_is_not_within():
    points = np.zeros((3, LANES), np.float32)
    points[0] = np.arange(LANES)
    one = np.float32(1)
    assert compiled_points(points, (0 * one, 0 * one, 0 * one), (one, one, one), np.float32(4)) == 0b11
