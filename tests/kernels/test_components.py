import numpy as np
import pytest
from scipy import ndimage

from oncohort.kernels import components as module
from oncohort.kernels import count_overlaps, find_maxima, label_components

REACH = {6: 1, 18: 2, 26: 3}


def speckle(shape=(9, 8, 7), share=0.25, seed=0):
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_scipy(connectivity, order):
    for seed in range(5):
        mask = np.asarray(speckle(seed=seed), order=order)
        found, count = label_components(mask, connectivity)
        expected, number = ndimage.label(mask, ndimage.generate_binary_structure(3, REACH[connectivity]))
        assert count == number
        assert len(set(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))) == number + 1
        assert found.flags.f_contiguous == (order == "F")


@pytest.mark.parametrize(("step", "counts"), [((1, 0, 0), [1, 1, 1]), ((1, 1, 0), [2, 1, 1]), ((1, 1, 1), [2, 2, 1])])
def test_what_each_connectivity_joins(step, counts):
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1, 1, 1] = 1
    mask[tuple(1 + s for s in step)] = 7
    assert [label_components(mask, c)[1] for c in (6, 18, 26)] == counts


def test_overlaps_and_maxima_equal_their_definitions():
    mask, other = speckle(seed=1), speckle(seed=2)
    values = np.random.default_rng(3).normal(size=mask.shape).astype(np.float32)
    for order in "CF":
        found, count = label_components(np.asarray(mask, order=order), 18)
        sizes, shared = count_overlaps(found, count, other)
        maxima = find_maxima(found, count, values)
        for n in range(1, count + 1):
            component = found == n
            assert sizes[n - 1] == component.sum()
            assert shared[n - 1] == (component & other).sum()
            assert maxima[n - 1] == values[component].max()


def test_without_the_compiler(monkeypatch):
    found, count = label_components(speckle((4, 4, 4)), 6)
    other = speckle((4, 4, 4), seed=5)
    compiled = count_overlaps(found, count, other), find_maxima(found, count, other.astype(float))
    for name in ("_count_overlaps", "_find_maxima"):
        monkeypatch.setattr(module, name, getattr(module, name).py_func)
    plain = count_overlaps(found, count, other), find_maxima(found, count, other.astype(float))
    assert np.array_equal(compiled[0], plain[0])
    assert np.array_equal(compiled[1], plain[1])


def test_maxima_pass_over_nan():
    found = np.array([[[1, 1]]], np.uint32)
    assert find_maxima(found, 1, np.array([[[np.nan, -2.0]]])).tolist() == [-2.0]


@pytest.mark.parametrize("shape", [(1, 1, 15), (1, 15, 1), (15, 1, 1), (9, 1, 7), (1, 9, 7), (9, 7, 1)])
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_masks_of_one_line_or_plane_equal_scipy(shape, connectivity):
    """cc3d 4.1 itself raises "maximum length exception" for some of them with 26."""
    for seed in range(60):
        mask = speckle(shape, share=0.4, seed=seed)
        found, count = label_components(mask, connectivity)
        expected, number = ndimage.label(mask, ndimage.generate_binary_structure(3, REACH[connectivity]))
        assert count == number
        assert len(set(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))) == len(np.unique(expected))


def test_nothing_is_no_component():
    assert label_components(np.zeros((3, 3, 3), bool), 18)[1] == 0


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="connectivity"):
        label_components(np.zeros((3, 3, 3), bool), 8)
    with pytest.raises(ValueError, match="three axes"):
        label_components(np.zeros((3, 3), bool), 18)
    with pytest.raises(TypeError, match="int64"):
        label_components(np.zeros((3, 3, 3), np.int64), 18)
