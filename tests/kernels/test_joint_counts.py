import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import count_joint, joint_counts, warm_kernels


def naive(reference, prediction):
    counts = np.zeros((256, 256), np.int64)
    np.add.at(counts, (reference.astype(int).ravel(), prediction.astype(int).ravel()), 1)
    return counts


def naive_box(array, label):
    found = np.argwhere(array == label)
    return np.stack([found.min(0), found.max(0) + 1], axis=1).tolist() if len(found) else [[0, 0]] * 3


def require_equal(joint, reference, prediction):
    assert np.array_equal(joint.counts, naive(reference, prediction))
    for label in range(1, 256):
        assert joint.reference_boxes[label].tolist() == naive_box(reference, label)
        assert joint.prediction_boxes[label].tolist() == naive_box(prediction, label)
    assert not joint.reference_boxes[0].any()


def blocks(shape, seed, labels=4):
    """Sparse blocks of labels, so that words are uniform, mixed and empty."""
    random = np.random.default_rng(seed)
    array = np.zeros(shape, np.uint8)
    for label in random.integers(1, labels + 1, 6):
        start = [int(random.integers(0, edge)) for edge in shape]
        stop = [int(random.integers(a, edge)) + 1 for a, edge in zip(start, shape, strict=True)]
        array[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = label
    return array


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 35)),
    seed=st.integers(0, 10**6),
    orders=st.tuples(st.sampled_from("CF"), st.sampled_from("CF")),
)
def test_equals_the_naive_count_in_any_memory_order(shape, seed, orders):
    reference, prediction = blocks(shape, seed), blocks(shape, seed + 1)
    joint = count_joint(np.asarray(reference, order=orders[0]), np.asarray(prediction, order=orders[1]))
    require_equal(joint, reference, prediction)


def test_speckle_and_high_labels():
    random = np.random.default_rng(7)
    reference, prediction = random.integers(0, 256, (2, 5, 7, 19)).astype(np.uint8)
    require_equal(count_joint(reference, prediction), reference, prediction)


def test_long_rows_of_one_label_take_the_fast_path():
    reference = np.zeros((3, 4, 64), np.uint8)
    prediction = np.zeros_like(reference)
    reference[1, 1:3, 8:40] = 200
    prediction[1, 2, 16:48] = 3
    require_equal(count_joint(reference, prediction), reference, prediction)


def test_a_word_that_crosses_into_the_next_row_belongs_to_both():
    full = np.ones((2, 3, 7), np.uint8)
    require_equal(count_joint(full, full), full, full)


@pytest.mark.parametrize("width", [8, 16, 24, 64])
def test_speckle_in_rows_of_whole_words(width):
    random = np.random.default_rng(width)
    reference = (random.integers(0, 5, (4, 6, width)) * random.integers(0, 2, (4, 6, width))).astype(np.uint8)
    prediction = np.roll(reference, 3, axis=2)
    require_equal(count_joint(reference, prediction), reference, prediction)
    require_equal(count_joint(reference.T, prediction.T), reference.T, prediction.T)


def test_strided_and_offset_views():
    base, other = blocks((9, 8, 41), 1), blocks((9, 8, 41), 2)
    for view in ((slice(1, 8, 2), slice(None), slice(3, 38)), (slice(None, None, -1), slice(2, 5), slice(1, None))):
        require_equal(count_joint(base[view], other[view]), base[view], other[view])
    buffer = np.zeros(3 + base.size, np.uint8)
    buffer[3:] = base.ravel()
    unaligned = buffer[3:].reshape(base.shape)
    require_equal(count_joint(unaligned, other), base, other)


def test_bool_masks_and_empty_arrays():
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2, 4] = True
    joint = count_joint(mask, ~mask)
    assert joint.counts[:2, :2].tolist() == [[0, 118], [2, 0]]
    assert joint.reference_boxes[1].tolist() == [[1, 3], [2, 3], [4, 5]]
    assert count_joint(mask[:0], mask[:0]).counts.sum() == 0


def test_without_the_compiler(monkeypatch):
    for name in ("_scan", "_count_voxels", "_flags_of", "_fold", "_widen", "first_word"):
        monkeypatch.setattr(joint_counts, name, getattr(joint_counts, name).py_func)
    for seed in range(5):
        reference, prediction = blocks((3, 4, 27), seed), blocks((3, 4, 27), seed + 50)
        require_equal(count_joint(reference, prediction), reference, prediction)


def test_refuses_other_shapes_and_numbers():
    mask = np.zeros((2, 2, 2), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        count_joint(mask, np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="one shape"):
        count_joint(mask[0], mask[0])
    with pytest.raises(TypeError, match="float32"):
        count_joint(mask, mask.astype(np.float32))


def test_warming_compiles_what_is_used():
    warm_kernels()
    assert joint_counts._scan.signatures
