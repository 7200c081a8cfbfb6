from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import count_pairs, pairs


def naive(first, second):
    found = Counter(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    found.pop((0, 0), None)
    return [[*pair, voxels] for pair, voxels in sorted(found.items())]


@settings(max_examples=60, deadline=None)
@given(
    dtypes=st.tuples(*2 * [st.sampled_from(["?", "u1", "<u2", ">i2", ">i4", "<i8", "<u4"])]),
    orders=st.tuples(*2 * [st.sampled_from("CF")]),
    seed=st.integers(0, 10**6),
    most=st.sampled_from([1, 3, 120]),
)
def test_equals_the_naive_count_for_any_numbers_and_orders(dtypes, orders, seed, most):
    random = np.random.default_rng(seed)
    maps = [
        np.asarray(np.repeat(random.integers(0, most + 1, (4, 5, 3)), 3, axis=2).astype(dtype), order=order)
        for dtype, order in zip(dtypes, orders, strict=True)
    ]
    found = count_pairs(*maps)
    assert found.tolist() == naive(*maps)
    assert found.dtype == np.int64


def test_thousands_of_ids_and_great_ones():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 5000, (2, 20, 21, 22)) * 10**12
    assert count_pairs(first, second).tolist() == naive(first, second)


def test_empty_maps_have_no_pairs():
    nothing = np.zeros((3, 3, 3), np.int32)
    assert count_pairs(nothing, nothing).shape == (0, 3)
    assert count_pairs(nothing[:0], nothing[:0]).shape == (0, 3)


def test_refuses_negative_ids_other_shapes_and_numbers():
    maps = np.zeros((2, 2, 2, 2), np.int16)
    maps[0, 1, 1, 1] = -3
    with pytest.raises(ValueError, match="-3"):
        count_pairs(*maps)
    with pytest.raises(ValueError, match="one shape"):
        count_pairs(maps[0], maps[1][:1])
    with pytest.raises(TypeError, match="float"):
        count_pairs(maps[1], maps[1].astype(float))


def test_without_the_compiler(monkeypatch):
    for name in ("_count_runs", "_list_runs"):
        monkeypatch.setattr(pairs, name, getattr(pairs, name).py_func)
    first, second = np.random.default_rng(2).integers(0, 3, (2, 3, 4, 5))
    assert count_pairs(first, second).tolist() == naive(first, second)
