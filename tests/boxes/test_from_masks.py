import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oncohort.boxes import boxes_from_mask, boxes_of_labels, slice_boxes_of_labels


def naive(labels, value):
    where = np.argwhere(labels == value)
    return np.stack([where.min(axis=0), where.max(axis=0) + 1], axis=1).tolist()


@pytest.mark.parametrize("factor", [1, 70000])
@settings(deadline=None)
@given(
    labels=st.one_of(
        arrays(np.uint8, (4, 5, 3), elements=st.integers(0, 3)), arrays(np.int64, (4, 5), elements=st.integers(0, 3))
    )
)
def test_every_label_has_the_box_of_its_voxels(factor, labels):
    labels = labels.astype(np.int64) * factor
    found = boxes_of_labels(labels)
    assert found.labels.tolist() == sorted(set(labels.reshape(-1).tolist()) - {0})
    assert found.boxes.shape == (len(found.labels), labels.ndim, 2)
    for value, box in zip(found.labels, found.boxes.tolist(), strict=True):
        assert box == naive(labels, value)


@settings(deadline=None)
@given(labels=arrays(np.uint8, (4, 5, 3), elements=st.integers(0, 2)))
def test_every_label_has_a_box_on_each_slice_it_is_on(labels):
    found = slice_boxes_of_labels(labels)
    expected = [(k, value) for k in range(3) for value in (1, 2) if (labels[:, :, k] == value).any()]
    assert list(zip(found.slices.tolist(), found.labels.tolist(), strict=True)) == expected
    for (k, value), box in zip(expected, found.boxes.tolist(), strict=True):
        assert box == naive(labels[:, :, k], value)


@pytest.mark.parametrize(("connectivity", "number"), [(6, 3), (18, 2), (26, 1)])
def test_a_mask_has_one_box_per_component(connectivity, number):
    mask = np.zeros((6, 6, 6), bool)
    mask[1, 1, 1] = mask[2, 2, 1] = mask[3, 3, 2] = True
    assert len(boxes_from_mask(mask, connectivity=connectivity)) == number


def test_bool_and_empty_arrays():
    assert boxes_of_labels(np.ones((2, 3), bool)).boxes.tolist() == [[[0, 2], [0, 3]]]
    assert boxes_of_labels(np.zeros((2, 3, 4), np.uint8)).boxes.shape == (0, 3, 2)
    assert slice_boxes_of_labels(np.zeros((2, 3, 4), np.uint8)).boxes.shape == (0, 2, 2)
    assert boxes_from_mask(np.zeros((2, 3, 4), bool), connectivity=6).shape == (0, 3, 2)


def test_other_dimensions_are_refused():
    with pytest.raises(ValueError, match="2 or 3 axes"):
        boxes_of_labels(np.zeros(3, int))
    with pytest.raises(ValueError, match="3 axes"):
        slice_boxes_of_labels(np.zeros((3, 3), int))
