import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oncohort.kernels import list_surfaces

CORNERS = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]


def naive_voxels(mask):
    return mask & ~ndimage.binary_erosion(mask, border_value=0)


def naive_codes(mask):
    """For each corner, which of the eight voxels round it are in the mask."""
    wide = np.pad(mask, 1).astype(int)
    shape = [edge + 1 for edge in mask.shape]
    window = [tuple(slice(at, at + edge) for at, edge in zip(corner, shape, strict=True)) for corner in CORNERS]
    return sum(wide[place] << bit for bit, place in enumerate(window))


def require_equal(array, labels=range(1, 256)):
    voxels, elements = (list_surfaces(array, kind, labels) for kind in ("voxels", "elements"))
    for label in range(1, 256):
        mask = (array == label) & (label in labels)
        border, codes = naive_voxels(mask), naive_codes(mask)
        mixed = (codes > 0) & (codes < 255)
        for points, expected in ((voxels, border), (elements, mixed)):
            i, j, k = points.positions(label)
            assert (
                points.count(label) == expected.sum() == len(set(zip(i.tolist(), j.tolist(), k.tolist(), strict=True)))
            )
            assert expected[i, j, k].all()
            if points is elements:
                assert np.array_equal(points.codes(label), codes[i, j, k])


def patches(shape, seed, share=0.9):
    """Runs of labels with holes."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 4, [-(-edge // 3) for edge in shape])
    for axis in range(3):
        coarse = np.repeat(coarse, 3, axis=axis)
    return (coarse[tuple(map(slice, shape))] * (random.random(shape) < share)).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 27)),
    turn=st.permutations(range(3)),
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.1, 0.9, 1.0]),
)
def test_equals_erosion_and_corner_codes_in_any_memory_order(shape, turn, seed, share):
    require_equal(patches(shape, seed, share).transpose(turn))


def test_speckle_full_masks_high_labels_and_chosen_labels():
    array = np.random.default_rng(3).integers(0, 256, (5, 4, 19)).astype(np.uint8)
    require_equal(array)
    require_equal(array, labels=(3, 200, 255))
    require_equal(np.full((3, 4, 16), 9, np.uint8))


def test_bool_strided_and_empty_arrays():
    array = patches((9, 8, 21), 5)[::2, ::-1, 1:]
    require_equal(array)
    require_equal(np.zeros((2, 3, 4), np.uint8))
    assert np.array_equal(
        list_surfaces(array > 0, "voxels", [1]).records, list_surfaces((array > 0) * np.uint8(1), "voxels", [1]).records
    )
    assert list_surfaces(array[:0], "elements", [1]).count(1) == 0


def test_records_do_not_depend_on_the_memory_order():
    array = patches((9, 8, 21), 6)
    for kind in ("voxels", "elements"):
        assert np.array_equal(
            list_surfaces(array, kind, [1, 2]).records, list_surfaces(np.asfortranarray(array), kind, [1, 2]).records
        )


def test_buffers_grow():
    array = np.random.default_rng(4).integers(0, 200, (40, 64, 64)).astype(np.uint8)
    found = list_surfaces(array, "elements", range(1, 256))
    for label in (1, 77, 199):
        codes = naive_codes(array == label)
        assert found.count(label) == ((codes > 0) & (codes < 255)).sum()


def test_refuses_other_arrays():
    with pytest.raises(ValueError, match="three axes"):
        list_surfaces(np.zeros((2, 2), np.uint8), "voxels", [1])
    with pytest.raises(TypeError, match="int64"):
        list_surfaces(np.zeros((2, 2, 2), np.int64), "voxels", [1])
