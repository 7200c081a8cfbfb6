import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.kernels import NearestSearch


def naive(sources, targets, spacing_mm):
    steps = (sources[:, :, None] - targets[:, None, :]) * np.array(spacing_mm)[:, None, None]
    return np.sqrt((steps**2).sum(axis=0)).min(axis=1)


def points(shape, count, random):
    return np.array([random.integers(0, edge, count) for edge in shape], np.int32)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300)),
    counts=st.tuples(st.integers(1, 300), st.integers(1, 700)),
    spacing_mm=st.tuples(*3 * [st.floats(0.1, 9.0)]),
    seed=st.integers(0, 10**6),
)
def test_equals_the_distance_to_every_target(shape, counts, spacing_mm, seed):
    random = np.random.default_rng(seed)
    sources, targets = (points(shape, count, random) for count in counts)
    found = NearestSearch(shape, spacing_mm).distances(sources, targets)
    np.testing.assert_allclose(found, naive(sources, targets, spacing_mm), rtol=1e-12, atol=0)


@pytest.mark.parametrize("gap", [0, 1, 31, 32, 33, 63, 64, 65, 200])
@pytest.mark.parametrize("start", [0, 1, 63, 64, 100])
def test_along_a_row_across_words(gap, start):
    search = NearestSearch((1, 1, 301), (1.0, 1.0, 0.5))
    ends = np.array([[0], [0], [start]], np.int32), np.array([[0], [0], [start + gap]], np.int32)
    assert search.distances(*ends)[0] == search.distances(*ends[::-1])[0] == gap * 0.5


def test_a_search_leaves_no_trace():
    random = np.random.default_rng(0)
    shape = (30, 30, 100)
    search, sources = NearestSearch(shape, (1.0, 2.0, 3.0)), points(shape, 50, random)
    for count in (1, 2000, 3):
        targets = points(shape, count, random)
        assert np.array_equal(
            search.distances(sources, targets), NearestSearch(shape, (1.0, 2.0, 3.0)).distances(sources, targets)
        )


def test_two_far_surfaces_in_order():
    """The tree starts from the last answer; walls that bend towards and away from each other test that."""
    shape = (60, 200, 200)
    j, k = np.mgrid[0:200:2, 0:200:2].reshape(2, -1)
    walls = [np.array([height, j, k], np.int32) for height in (2 + (j // 7) % 5, 50 - (k // 9) % 30)]
    found = NearestSearch(shape, (1.0, 0.7, 0.9)).distances(*walls)
    np.testing.assert_allclose(found[::97], naive(walls[0][:, ::97], walls[1], (1.0, 0.7, 0.9)), rtol=1e-12)
