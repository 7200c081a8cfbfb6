import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import recode, recode_labels

DTYPES = ["?", "i1", "u1", "<i2", ">i2", "<u2", "<i4", ">i4", ">u4", "<i8", ">i8", "<u8"]


def naive(array, values):
    result = np.zeros(array.shape, np.uint8)
    for n, value in enumerate(values):
        result[array == value] = n + 1
    return result


@settings(max_examples=60, deadline=None)
@given(dtype=st.sampled_from(DTYPES), order=st.sampled_from("CF"), seed=st.integers(0, 10**6), wide=st.booleans())
def test_equals_the_naive_loop_for_any_number(dtype, order, seed, wide):
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    limits = np.iinfo(dtype) if dtype.kind != "b" else None
    pool = [0, 1] if limits is None else [0, 1, 2, 7, 100, limits.max - 1, limits.max, limits.min]
    pool = sorted({int(value) for value in pool})
    array = np.asarray(random.choice(np.array(pool, dtype), (4, 5, 9)), order=order)
    values = random.permutation(np.array(pool if wide else pool[:4], object))[: random.integers(1, 6)].tolist()
    found = recode_labels(array, values)
    assert np.array_equal(found, naive(array, values))
    assert found.dtype == np.uint8
    assert found.flags.f_contiguous == (order == "F")


def test_parts_of_arrays_and_values_that_do_not_fit():
    array = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7)[::2, 1:, ::-1]
    assert np.array_equal(recode_labels(array, [300, 7, -4, 60]), naive(array, [300, 7, -4, 60]))
    assert not recode_labels(array, [300]).any()
    assert recode_labels(array[:0], [1]).shape == (0, 5, 7)


def test_zero_may_have_a_number():
    array = np.zeros((2, 3, 13), np.int16)
    array[1, 1, 5:] = 4
    assert np.array_equal(recode_labels(array, [4, 0]), naive(array, [4, 0]))


def test_255_values_are_the_most():
    array = np.arange(300, dtype=np.int16).reshape(1, 1, 300)
    assert recode_labels(array, range(10, 265))[0, 0].max() == 255
    with pytest.raises(ValueError, match="at most 255"):
        recode_labels(array, range(256))


def test_refuses_other_arrays_and_doubled_values():
    with pytest.raises(TypeError, match="float64"):
        recode_labels(np.zeros((2, 2, 2)), [1])
    with pytest.raises(ValueError, match="different"):
        recode_labels(np.zeros((2, 2, 2), int), [1, 1])
    with pytest.raises(ValueError, match="three axes"):
        recode_labels(np.zeros((2, 2), int), [1])


def test_without_the_compiler(monkeypatch):
    for name in ("_look_up", "_look_up_part"):
        monkeypatch.setattr(recode, name, getattr(recode, name).py_func)
    array = np.array([[[-100, 100, 3, 0]]], np.int8)
    assert recode_labels(array, [100, -100]).tolist() == [[[2, 1, 0, 0]]]
