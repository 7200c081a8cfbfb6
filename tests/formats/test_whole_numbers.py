import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.errors import FormatError
from oncohort.formats import whole_numbers
from oncohort.formats.whole_numbers import as_labels


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 9999),
    st.sampled_from(["u1", "u2", "i1", "i2", ">i2", "i4", ">i4", "u4", "i8", "u8", "f4", ">f4", "f8"]),
    st.sampled_from([1, 127, 255, 256, 65535]),
    st.sampled_from(["C", "F", "cut"]),
)
def test_labels_of_any_type_and_order_keep_their_value(seed, dtype, highest, order):
    highest = min(highest, 127 if dtype == "i1" else 255 if dtype == "u1" else 32767 if "i2" in dtype else 65535)
    labels = np.random.default_rng(seed).integers(0, highest + 1, (5, 6, 7))
    array = labels[::2].astype(dtype) if order == "cut" else np.asarray(labels, dtype=dtype, order=order)
    found = as_labels(array, "a.nii")
    assert found.dtype.kind == "u" and found.dtype.itemsize <= 2
    assert np.array_equal(found, labels[::2] if order == "cut" else labels)
    assert order == "cut" or found.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize(("value", "label"), [(16.99995, 17), (0.0009, 0), (65535.04, 65535), (16.9991, 17)])
def test_slope_noise_is_rounded(value, label):
    assert as_labels(np.array([value]), "a.nii").tolist() == [label]


@pytest.mark.parametrize("value", [16.7, 16.998, np.nan, np.inf, -np.inf, -1.0, 65536.0, 1e30])
@pytest.mark.parametrize("place", [0, 250_000])
def test_what_is_no_label_is_refused_wherever_it_stands(value, place):
    array = np.zeros(300_000)
    array[place] = value
    with pytest.raises(FormatError) as caught:
        as_labels(array, "a.nii")
    assert caught.value.where == "a.nii"


def test_pieces_join_without_a_seam(monkeypatch):
    monkeypatch.setattr(whole_numbers, "_PIECE", 7)
    array = np.arange(60, dtype=np.int32).reshape(3, 4, 5)
    assert np.array_equal(as_labels(array.transpose(1, 0, 2), "a.nii"), array.transpose(1, 0, 2))


def test_small_unsigned_integers_are_given_back_as_they_are():
    for dtype in (np.uint8, np.uint16, np.bool_):
        array = np.zeros((2, 2, 2), dtype)
        assert as_labels(array, "a.nii") is array


@pytest.mark.parametrize(
    ("value", "dtype", "found", "remedy"),
    [
        (16.7, np.float32, "16.7", "write integer labels"),
        (np.nan, np.float64, "nan", "write 0 where there is no label"),
        (np.inf, np.float64, "inf", "number the labels from 0 to 65535"),
        (-1, np.int16, "-1", "number the labels from 0 to 65535"),
        (70000, np.int32, "70000", "number the labels from 0 to 65535"),
        (-0.7, np.float64, "-0.7", "number the labels from 0 to 65535"),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_first_voxel_that_is_no_label_is_named_with_a_remedy_that_fits(value, dtype, found, remedy, order):
    array = np.zeros((4, 5, 6), dtype, order=order)
    array[1, 2, 3] = value
    with pytest.raises(FormatError) as caught:
        as_labels(array, "a.nii")
    assert caught.value.found == f"{found} at voxel (1, 2, 3)"
    assert caught.value.remedy.startswith(remedy)
    array[3, 0, 0] = value
    with pytest.raises(FormatError, match=r"\(1, 2, 3\) and 1 other voxel\b"):
        as_labels(array.transpose(0, 1, 2)[:, ::-1][:, ::-1], "a.nii")
