import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import count_component_pairs, count_pairs, label_components


def naive(reference, prediction):
    counts = {}
    for pair in zip(reference.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if pair != (0, 0):
            counts[pair] = counts.get(pair, 0) + 1
    return [[*pair, count] for pair, count in sorted(counts.items())]


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(*[st.integers(1, 19)] * 3),
    share=st.sampled_from([0.0, 0.02, 0.3, 0.9]),
    order=st.sampled_from("CF"),
)
@settings(max_examples=60, deadline=None)
def test_counts_equal_a_loop_over_voxels(seed, shape, share, order):
    random = np.random.default_rng(seed)
    masks = [np.asarray(random.random(shape) < share, order=order) for _ in range(2)]
    maps = [label_components(mask, 6)[0] for mask in masks]
    found = count_component_pairs(*maps, *masks)
    assert found.tolist() == naive(*maps)
    assert found.tolist() == count_pairs(*maps).tolist()


def test_arrays_with_gaps_and_other_orders():
    random = np.random.default_rng(0)
    spread = random.random((10, 12, 30)) < 0.3
    masks = spread[::2, ::3, ::2], np.asfortranarray(random.random((5, 4, 15)) < 0.3)
    maps = [label_components(mask, 26)[0] for mask in masks]
    assert count_component_pairs(*maps, *masks).tolist() == naive(*maps)


def test_shapes_must_agree():
    numbers, mask = np.zeros((2, 2, 2), np.uint32), np.zeros((2, 2, 3), bool)
    with pytest.raises(ValueError, match="one shape"):
        count_component_pairs(numbers, numbers, mask, mask)
