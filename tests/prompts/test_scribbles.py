"""Scribbles against the published ones, and thinning against a loop over pixels.

Golden numbers: reference/autopet.md 6.5, from the scribble simulation of lab-midas/autoPETV at 4a20268.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.prompts import STRATEGIES, draw_scribble
from oncohort.prompts.thinning import thin

BLOCKS = np.zeros((64, 64, 5), np.uint8)
BLOCKS[10:50, 20:31, 2] = 1
BLOCKS[5:9, 5:9, 3] = 1


def drawn(mask, strategy, seed=42, round_region="whole"):
    return draw_scribble(mask, strategy, seed=seed, round_region=round_region)


@pytest.mark.parametrize(
    ("strategy", "count", "first", "last"),
    [
        ("centerline", 24, [17, 25, 2], [40, 25, 2]),
        ("random", 25, [15, 22, 2], [39, 28, 2]),
        ("boundary", 20, [27, 20, 2], [46, 20, 2]),
    ],
)
def test_the_published_vectors(strategy, count, first, last):
    points = drawn(BLOCKS, strategy).points.tolist()
    assert (len(points), points[0], points[-1]) == (count, first, last)
    if strategy != "random":
        assert points == [[i, first[1], 2] for i in range(first[0], last[0] + 1)]


def test_an_empty_mask_has_no_scribble():
    assert all(drawn(np.zeros((4, 4, 4), bool), strategy) is None for strategy in STRATEGIES)


def test_of_equal_regions_the_lowest_slice_counts():
    mask = np.zeros((9, 9, 4), bool)
    mask[2:6, 2:6, 3] = mask[3:7, 3:7, 1] = True
    assert {point[2] for point in drawn(mask, "boundary").points.tolist()} == {1}


def test_regions_of_a_slice_hang_together_by_corners():
    mask = np.zeros((8, 8, 2), bool)
    mask[range(6), range(6), 0] = True  # six pixels by corners
    mask[6:8, 0:2, 1] = True  # four in a block
    assert drawn(mask, "centerline").points.tolist() == [[i, i, 0] for i in range(6)]


def test_a_round_region_is_drawn_whole_or_as_its_skeleton():
    """autoPET V draws all 441 pixels of a disc of radius 12, and 13 with `random`."""
    i, j = np.mgrid[:40, :40]
    disc = ((i - 20) ** 2 + (j - 20) ** 2 <= 144)[:, :, None]
    assert disc.sum() == 441
    assert len(drawn(disc, "random").points) == 13
    assert (len(drawn(disc, "centerline").points), drawn(disc, "centerline").is_whole) == (441, True)
    point = np.zeros((3, 3, 1), bool)
    point[1, 1] = True
    for strategy in STRATEGIES:
        found = drawn(point, strategy, round_region="skeleton")
        assert (found.points.tolist(), found.is_whole) == ([[1, 1, 0]], True)
    square = np.zeros((9, 9, 1), bool)
    square[2:7, 2:7] = True
    whole, pixel = (drawn(square, "centerline", round_region=rule) for rule in ("whole", "skeleton"))
    assert (len(whole.points), whole.is_whole) == (25, True)
    assert (pixel.points.tolist(), pixel.is_whole) == ([[4, 4, 0]], False)


@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.2, 0.5, 0.8]), strategy=st.sampled_from(STRATEGIES))
@settings(max_examples=60, deadline=None)
def test_scribbles_lie_in_the_mask_on_one_slice_in_order(seed, share, strategy):
    mask = np.random.default_rng(seed).random((12, 10, 3)) < share
    for rule in ("whole", "skeleton"):
        found = drawn(mask, strategy, seed=seed, round_region=rule)
        points = found.points.tolist()
        assert points == sorted(points)
        assert len({tuple(point) for point in points}) == len(points) > 0
        assert all(mask[tuple(point)] for point in points)
        assert len({point[2] for point in points}) == 1
        assert drawn(mask, strategy, seed=seed, round_region=rule).points.tolist() == points


def test_what_is_unknown_is_refused():
    for wrong in ({"strategy": "spiral"}, {"round_region": "half"}, {"mask": BLOCKS[0]}):
        given_all = {"mask": BLOCKS, "strategy": "random", "round_region": "whole", **wrong}
        with pytest.raises(ValueError, match="expected one of"):
            drawn(given_all["mask"], given_all["strategy"], round_region=given_all["round_region"])


def naive_thin(region):
    """Zhang and Suen's two turns, pixel by pixel, as the paper states them."""
    image = np.pad(region, 1).astype(int)
    while True:
        removed = 0
        for turn in (0, 1):
            goes = []
            for i, j in np.argwhere(image):
                p = [image[i - 1, j], image[i - 1, j + 1], image[i, j + 1], image[i + 1, j + 1],
                     image[i + 1, j], image[i + 1, j - 1], image[i, j - 1], image[i - 1, j - 1]]  # fmt: skip
                rises = sum(a == 0 and b == 1 for a, b in zip(p, p[1:] + p[:1], strict=True))
                p2, _, p4, _, p6, _, p8, _ = p
                sides = (p2 * p4 * p6, p4 * p6 * p8) if turn == 0 else (p2 * p4 * p8, p2 * p6 * p8)
                if 2 <= sum(p) <= 6 and rises == 1 and sides == (0, 0):
                    goes.append((i, j))
            for pixel in goes:
                image[pixel] = 0
            removed += len(goes)
        if not removed:
            return image[1:-1, 1:-1].astype(bool)


@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.3, 0.6, 0.9]))
@settings(max_examples=40, deadline=None)
def test_thinning_equals_a_loop_over_pixels(seed, share):
    region = np.random.default_rng(seed).random((9, 11)) < share
    assert np.array_equal(thin(region), naive_thin(region))
