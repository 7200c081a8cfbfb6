"""Intensities under labels, against sorting them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import count_values

WHOLE = ("?", "u1", "i1", "<u2", ">i2", "<i4", ">u4", "<i8")


def make(random, dtype, shape):
    if dtype == "?":
        return random.random(shape) < 0.5
    if np.dtype(dtype).kind == "f":
        return (random.standard_normal(shape) * 10.0 ** random.integers(-3, 4)).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
    few = random.choice([low, high, 0, 1, low + 1, 77], shape)
    return few.astype(dtype)


@settings(max_examples=80, deadline=None)
@given(
    dtype=st.sampled_from([*WHOLE, "<f2", "<f4", ">f4", "<f8"]),
    orders=st.tuples(*2 * [st.sampled_from("CF")]),
    shape=st.tuples(*3 * [st.integers(0, 11)]),
    label=st.sampled_from(["?", "u1", "i2", "f4"]),
    seed=st.integers(0, 10**6),
)
def test_equals_sorting_for_any_numbers_and_orders(dtype, orders, shape, label, seed):
    random = np.random.default_rng(seed)
    image = np.asarray(make(random, dtype, (*shape[:2], shape[2] + 2)), order=orders[0])[:, :, 1:-1]
    labels = np.asarray((random.integers(0, 9, shape) // 6).astype(label), order=orders[1])
    found = count_values(image, labels)
    inside = image[labels > 0].astype(np.float64)
    values, counts = np.unique(inside, return_counts=True)
    if dtype in WHOLE:
        assert found.values.tolist() == values.tolist()
        assert found.counts.tolist() == counts.tolist()
    else:
        np.testing.assert_allclose(np.repeat(found.values, found.counts), np.sort(inside), rtol=5e-4, atol=1e-37)
    assert found.counts.dtype == np.int64
    assert found.total == pytest.approx(inside.sum(), rel=1e-9, abs=1e-9 * np.abs(inside).sum())
    assert found.squares == pytest.approx((inside * inside).sum(), rel=1e-9)
    np.testing.assert_equal((found.low, found.high), (inside.min(), inside.max()) if inside.size else (np.nan, np.nan))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_values_that_are_not_finite_count_only_under_a_label(wrong, dtype):
    image = np.ones((3, 4, 5), dtype)
    labels = np.ones((3, 4, 5), np.uint8)
    image[1, 2, 3] = wrong
    with pytest.raises(ValueError, match="not finite"):
        count_values(image, labels)
    labels[1, 2, 3] = 0
    assert count_values(image, labels).counts.tolist() == [59]


def test_a_value_beyond_float32_is_not_finite():
    with pytest.raises(ValueError, match="not finite"):
        count_values(np.full((1, 1, 1), 1e39), np.ones((1, 1, 1), np.uint8))


def test_shapes_differ():
    with pytest.raises(ValueError, match="one shape"):
        count_values(np.zeros((2, 2, 2)), np.zeros((2, 2, 1), np.uint8))
