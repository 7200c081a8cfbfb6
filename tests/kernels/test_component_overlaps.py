import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oncohort.kernels import (
    component_overlaps,
    count_overlaps,
    count_pairs,
    label_components,
    overlap_components,
    runs,
)

REACH = {6: 1, 18: 2, 26: 3}
SHARES = (0.0, 0.02, 0.2, 0.5, 0.9, 1.0)


def old_way(reference, prediction, connectivity):
    """Sizes and pairs from two volumes of component numbers."""
    masks = reference, prediction
    maps = [label_components(mask, connectivity) for mask in masks]
    sizes = [count_overlaps(numbers, count, numbers != 0)[0].tolist() for numbers, count in maps]
    table = count_pairs(maps[0][0], maps[1][0])
    return sizes, table[(table[:, 0] > 0) & (table[:, 1] > 0)].tolist()


def by_scipy(reference, prediction, connectivity):
    """The same straight from the definition, numbered by the first voxel in C order."""
    footprint = ndimage.generate_binary_structure(3, REACH[connectivity])
    maps = [renumbered(ndimage.label(mask, footprint)[0]) for mask in (reference, prediction)]
    sizes = [np.bincount(numbers.ravel())[1:].tolist() for numbers in maps]
    pairs = {}
    for pair in zip(*(numbers.ravel().tolist() for numbers in maps), strict=True):
        if all(pair):
            pairs[pair] = pairs.get(pair, 0) + 1
    return sizes, [[*pair, count] for pair, count in sorted(pairs.items())]


def renumbered(numbers):
    known = {0: 0}
    return np.array([known.setdefault(n, len(known)) for n in numbers.ravel().tolist()]).reshape(numbers.shape)


def as_lists(found):
    return [found.reference_sizes.tolist(), found.prediction_sizes.tolist()], found.pairs.tolist()


def speckles(shape, shares, seed, kind=bool):
    random = np.random.default_rng(seed)
    return [(random.random(shape) < share) * random.integers(1, 256, shape).astype(kind) for share in shares]


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 21)),
    shares=st.tuples(st.sampled_from(SHARES), st.sampled_from(SHARES)),
    seed=st.integers(0, 10**6),
    kind=st.sampled_from([bool, np.uint8]),
    connectivity=st.sampled_from([6, 18, 26]),
)
@settings(max_examples=150, deadline=None)
def test_equals_scipy(shape, shares, seed, kind, connectivity):
    masks = speckles(shape, shares, seed, kind)
    assert as_lists(overlap_components(*masks, connectivity)) == by_scipy(*masks, connectivity)


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    shares=st.tuples(st.sampled_from(SHARES), st.sampled_from(SHARES)),
    seed=st.integers(0, 10**6),
    order=st.sampled_from("CF"),
    connectivity=st.sampled_from([6, 18, 26]),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_volumes_of_numbers(shape, shares, seed, order, connectivity):
    masks = [np.asarray(mask, order=order) for mask in speckles(shape, shares, seed)]
    assert as_lists(overlap_components(*masks, connectivity)) == old_way(*masks, connectivity)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_blocks_in_an_empty_volume(connectivity):
    masks = [np.zeros((30, 41, 203), np.uint8) for _ in range(2)]
    random = np.random.default_rng(connectivity)
    for mask in masks:
        for _ in range(60):
            start = random.integers(0, mask.shape)
            mask[tuple(slice(a, a + int(b)) for a, b in zip(start, random.integers(1, 20, 3), strict=True))] = 9
    for order in "CF":
        turned = [np.asarray(mask, order=order) for mask in masks]
        assert as_lists(overlap_components(*turned, connectivity)) == old_way(*turned, connectivity)


def test_parts_of_arrays_and_mixed_orders():
    spread, other = speckles((12, 15, 50), (0.3, 0.3), 4)
    for view in ((slice(1, 9, 2), slice(None), slice(3, 38)), (slice(None, None, -1), slice(2, 5), slice(1, None))):
        masks = np.asarray(spread[view]), np.asfortranarray(other[view])
        plain = spread[view].copy(), other[view].copy()
        assert as_lists(overlap_components(*masks, 18)) == as_lists(overlap_components(*plain, 18))


@pytest.mark.parametrize(("step", "counts"), [((1, 0, 0), [1, 1, 1]), ((1, 1, 0), [2, 1, 1]), ((1, 1, 1), [2, 2, 1])])
@pytest.mark.parametrize("turn", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_what_each_connectivity_joins(step, counts, turn):
    for signs in ((1, 1, 1), (1, -1, 1), (1, 1, -1), (1, -1, -1)):
        mask = np.zeros((4, 4, 4), np.uint8)
        mask[2, 2, 2] = 1
        mask[tuple(2 + a * b for a, b in zip(step, signs, strict=True))] = 7
        turned = np.ascontiguousarray(mask.transpose(turn))
        assert [overlap_components(turned, turned, c).reference_sizes.size for c in (6, 18, 26)] == counts


def test_a_run_that_ends_with_a_row_does_not_go_on_in_the_next():
    mask = np.zeros((2, 2, 9), bool)
    mask[0, 0, 5:] = mask[1, 1, :3] = True
    assert overlap_components(mask, mask, 26).reference_sizes.tolist() == [4, 3]


def test_nothing_and_empty_arrays():
    for shape in ((3, 4, 5), (0, 4, 5), (3, 4, 0)):
        found = overlap_components(np.zeros(shape, bool), np.ones(shape, bool), 18)
        assert found.reference_sizes.size == 0
        assert found.pairs.shape == (0, 3)
        assert found.prediction_sizes.sum() == np.prod(shape)


def test_without_the_compiler(monkeypatch):
    cases = [(speckles((3, 4, 19), (share, 0.4), seed), c) for seed, share in enumerate(SHARES) for c in (6, 18, 26)]
    many = np.arange(2 * 50 * 50).reshape(2, 50, 50) % 2 == 0  # more spans than there is room for at first
    cases.append(([many, many], 6))
    compiled = [as_lists(overlap_components(*masks, connectivity)) for masks, connectivity in cases]
    for module, names in (
        (runs, ("_list_spans", "_doubled", "_cut_at_rows", "first_word")),
        (component_overlaps, ("_root", "_join", "_join_rows", "_settle", "_list_shared")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name).py_func)
    assert [as_lists(overlap_components(*masks, connectivity)) for masks, connectivity in cases] == compiled


def test_refuses_wrong_arguments():
    mask = np.zeros((2, 2, 2), bool)
    with pytest.raises(ValueError, match="connectivity"):
        overlap_components(mask, mask, 8)
    with pytest.raises(ValueError, match="one shape"):
        overlap_components(mask, mask[:1], 18)
    with pytest.raises(ValueError, match="one shape"):
        overlap_components(mask[0], mask[0], 18)
    with pytest.raises(TypeError, match="float32"):
        overlap_components(mask, mask.astype(np.float32), 18)
