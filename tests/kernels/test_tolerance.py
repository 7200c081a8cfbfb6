import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oncohort.kernels import count_within, is_within_reach


def codes_of(mask):
    """Which of the eight voxels round each corner are in the mask, straight from the definition."""
    wide = np.pad(mask, 1).astype(int)
    codes = np.zeros([edge + 1 for edge in mask.shape], int)
    for bit in range(8):
        start = (bit >> 2, bit >> 1 & 1, bit & 1)
        codes += wide[tuple(slice(at, at + edge) for at, edge in zip(start, codes.shape, strict=True))] << bit
    return codes


def naive(reference, prediction, labels, spacing_mm, tolerance_mm):
    """A distance transform for each label and array."""
    counts = np.zeros((len(labels), 2, 2, 256), np.int64)
    for n, label in enumerate(labels):
        codes = [codes_of(array == label) for array in (reference, prediction)]
        surfaces = [(code > 0) & (code < 255) for code in codes]
        for side in (0, 1):
            other = surfaces[1 - side]
            far = np.full(other.shape, np.inf)
            if other.any():
                far = ndimage.distance_transform_edt(~other, sampling=spacing_mm)
            for near in (0, 1):
                chosen = surfaces[side] & ((far <= tolerance_mm) == bool(near))
                counts[n, side, near] = np.bincount(codes[side][chosen], minlength=256)
    return counts


def noise(shape, share, random):
    """Blocks of labels 0 to 3 with single voxels of any label, up to 255."""
    blocks = random.integers(0, 4, [-(-edge // 4) for edge in shape]).astype(np.uint8)
    for axis in range(3):
        blocks = np.repeat(blocks, 4, axis=axis)
    array = np.ascontiguousarray(blocks[tuple(slice(edge) for edge in shape)])
    changed = random.random(shape) < share
    array[changed] = random.choice(np.array([0, 1, 2, 3, 200, 255], np.uint8), int(changed.sum()))
    return array


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 90)),
    spacing_mm=st.tuples(*3 * [st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])]),
    tolerance_mm=st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5, 4.0]),
    share=st.sampled_from([0.0, 0.02, 0.3]),
    order=st.sampled_from(["C", "F"]),
    seed=st.integers(0, 10**6),
)
def test_equals_distance_transforms(shape, spacing_mm, tolerance_mm, share, order, seed):
    """Spacings and tolerances that meet exactly are in; the grid has every length, also beyond a word of bits."""
    random = np.random.default_rng(seed)
    for turned in (shape, shape[::-1]):
        first, second = (np.asarray(noise(turned, share, random), order=order) for _ in range(2))
        labels = [1, 3, 200, 255]
        found = count_within(first, second, labels, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm)
        assert np.array_equal(found, naive(first, second, labels, spacing_mm, tolerance_mm))


def test_memory_order_does_not_matter():
    random = np.random.default_rng(5)
    first, second = (noise((20, 21, 70), 0.1, random) for _ in range(2))
    common = {"labels": [1, 2], "spacing_mm": (0.7, 1.1, 2.3), "tolerance_mm": 3.0}
    expected = count_within(first, second, **common)
    for turn in (np.asfortranarray, lambda array: np.pad(array, 3)[3:-3, 3:-3, 3:-3]):
        assert np.array_equal(count_within(turn(first), second, **common), expected)
        assert np.array_equal(count_within(first, turn(second), **common), expected)


@pytest.mark.parametrize("gap", [1, 7, 29, 30, 40])
@pytest.mark.parametrize("start", [0, 25, 31, 63, 100])
def test_along_a_row_across_words(start, gap):
    first, second = np.zeros((2, 1, 1, 200), bool)
    first[0, 0, start], second[0, 0, start + gap] = True, True
    for tolerance_mm, near in ((gap - 1.01, 0), (gap - 0.5, 4), (gap, 8)):
        if 0 <= tolerance_mm < 31:
            found = count_within(first, second, [1], spacing_mm=(50.0, 50.0, 1.0), tolerance_mm=tolerance_mm)
            assert found.sum(axis=-1).tolist() == [[[8 - near, near]] * 2], tolerance_mm


def test_a_tolerance_below_zero_is_never_met():
    mask = np.ones((3, 3, 3), bool)
    found = count_within(mask, mask, [1], spacing_mm=(1.0, 1.0, 1.0), tolerance_mm=-1.0)
    assert found.sum(axis=-1).tolist() == [[[56, 0], [56, 0]]]


def test_refuses_what_it_cannot_count():
    mask = np.ones((3, 3, 3), bool)
    common = {"labels": [1], "spacing_mm": (1.0, 1.0, 1.0)}
    assert not is_within_reach((1.0, 1.0, 0.1), 3.2)
    with pytest.raises(ValueError, match="few voxels"):
        count_within(mask, mask, **common, tolerance_mm=40.0)
    with pytest.raises(ValueError, match="one shape"):
        count_within(mask, mask[1:], **common, tolerance_mm=1.0)
    with pytest.raises(ValueError, match="one shape"):
        count_within(mask[0], mask[0], **common, tolerance_mm=1.0)
    with pytest.raises(TypeError):
        count_within(mask.astype(int), mask.astype(int), **common, tolerance_mm=1.0)
