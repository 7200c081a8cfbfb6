from itertools import pairwise

import numpy as np
import pytest

from oncohort.kernels import morton


def records(positions, shape):
    keys = morton.axis_keys(shape)
    return np.bitwise_or.reduce([key[along] for key, along in zip(keys, positions, strict=True)])


def naive_key(position):
    return sum((number >> bit & 1) << (3 * bit + 2 - axis) for axis, number in enumerate(position) for bit in range(18))


@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 70, 3), (2, 1, 1 << 18)])
def test_positions_come_back_and_order_is_that_of_interleaved_bits(shape):
    random = np.random.default_rng(0)
    positions = np.array([random.integers(0, edge, 3000) for edge in shape], np.int32)
    packed = records(positions, shape) | np.uint64(77)
    assert (packed & np.uint64(255) == 77).all()
    assert np.array_equal(morton.unpack_positions(packed), positions)
    assert [int(key) >> 8 for key in packed[:50]] == [naive_key(column) for column in positions.T[:50].tolist()]


def test_parts_are_sorted_each_for_itself():
    shape = (40, 600, 5)
    random = np.random.default_rng(1)
    packed = records([random.integers(0, edge, 500) for edge in shape], shape)
    starts = np.array([0, 0, 1, 200, 500])
    expected = np.concatenate([np.sort(packed[a:b]) for a, b in pairwise(starts)])
    morton.sort_records(packed, starts, shape)
    assert np.array_equal(packed, expected)


def test_refuses_longer_axes():
    with pytest.raises(ValueError, match="262144"):
        morton.spread_bits((1 << 18) + 1)
