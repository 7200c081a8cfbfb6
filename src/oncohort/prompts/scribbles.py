"""Scribbles that a computer draws on a mask, as autoPET V does."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from oncohort.kernels import label_components
from oncohort.prompts.thinning import thin

Strategy = Literal["centerline", "random", "boundary"]
"""Along the middle of the region, straight across it, or along its edge."""

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

RoundRule = Literal["whole", "skeleton"]
"""What is drawn on a region whose skeleton is a single pixel: all of it, or that pixel."""

Mask = NDArray[Any]
Pixels = NDArray[np.intp]

_LONG = 10  # pixels; longer centrelines lose a tenth at either end
_NEIGHBOURS = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))


@dataclass(frozen=True, eq=False)
class Scribble:
    """A line on one axial slice.

    Args:
        points: (n, 3) voxel indices i, j, k, by i, then by j; all of one k.
        strategy: How it was drawn.
        is_whole: Whether the whole region was taken for want of a line.
    """

    points: Pixels
    strategy: Strategy
    is_whole: bool


def draw_scribble(mask: Mask, strategy: Strategy, *, seed: int, round_region: RoundRule) -> Scribble | None:
    """A scribble on the largest region that any axial slice of a mask holds; None for an empty mask.

    Regions are components of a slice (axis 2) with 8 neighbours; of equal ones
    that of the lowest slice counts, in a slice the one that comes first.
    On a round region the published program draws all of it with `centerline`,
    several hundred voxels where `random` draws a dozen: `round_region` says
    what is wanted.

    Args:
        mask: (i, j, k), not 0 inside.
        strategy: `centerline`: the skeleton's longest line, without a tenth at either end if it has more than 10
            pixels. `random`: the straight line between two pixels, as far as it lies in the region. `boundary`: a
            fifth of the edge, from a random pixel on.
        seed: Of `random` and `boundary`.
        round_region: `whole` as published; `skeleton` draws the pixel that is left of the region.

    Raises:
        ValueError: Another strategy or rule, or a mask without three axes.

    Source: autoPET V (lab-midas/autoPETV at 4a20268), scribble simulation; Python's `random` after its seed.

    Examples:
        >>> mask = np.zeros((20, 9, 2), bool)
        >>> mask[2:18, 2:7, 1] = True
        >>> drawn = draw_scribble(mask, "random", seed=42, round_region="whole")
        >>> drawn.points.tolist()[:2], len(drawn.points)
        ([[2, 5, 1], [3, 5, 1]], 3)
    """
    if strategy not in STRATEGIES or round_region not in get_args(RoundRule) or mask.ndim != 3:
        raise ValueError(
            f"expected one of {', '.join(STRATEGIES)}, one of {', '.join(get_args(RoundRule))} and a mask (i, j, k), "
            f"got {strategy!r}, {round_region!r} and shape {mask.shape}"
        )
    found = _largest_region(mask)
    if found is None:
        return None
    region, k = found
    line, is_whole = _line(region, strategy, seed, round_region)
    pixels = np.argwhere(line)
    return Scribble(np.column_stack([pixels, np.full(len(pixels), k)]), strategy, is_whole)


def _line(region: NDArray[np.bool_], strategy: Strategy, seed: int, round_region: RoundRule) -> tuple[Mask, bool]:
    """The drawn pixels (i, j), and whether they are the whole region."""
    if np.count_nonzero(region) < 2:
        return region, True
    if strategy == "centerline":
        path = _centreline(region)
        is_whole = len(path) < 2 and round_region == "whole"
    else:
        path = _chord(region, seed) if strategy == "random" else _walk(region, seed)
        is_whole = not path
    return (region, True) if is_whole else (_drawn(path or [_middle(region)], region.shape), False)


def _largest_region(mask: Mask) -> tuple[NDArray[np.bool_], int] | None:
    """The largest component of any slice (i, j), and the slice."""
    best, where = None, 0
    most = 0
    for k in np.flatnonzero(mask.any(axis=(0, 1))).tolist():
        plane = np.ascontiguousarray(mask[:, :, k : k + 1] != 0)
        numbers = label_components(plane, 26)[0][:, :, 0]
        sizes = np.bincount(numbers.ravel())[1:]
        if sizes.max() > most:
            most, best, where = int(sizes.max()), numbers == sizes.argmax() + 1, k
    return None if best is None else (np.asarray(best), where)


def _centreline(region: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The shortest way between the two pixels of the skeleton that are farthest apart."""
    found = _largest_region(thin(region)[:, :, None])
    if found is None:
        return []
    skeleton = found[0]
    pixels = np.argwhere(skeleton)
    if len(pixels) < 2:
        return [(int(i), int(j)) for i, j in pixels]
    apart = ((pixels[:, None, :] - pixels[None, :, :]) ** 2).sum(axis=2)
    first, last = divmod(int(apart.argmax()), len(pixels))
    path = _way(skeleton, *((int(pixels[end][0]), int(pixels[end][1])) for end in (first, last)))
    return path[int(0.1 * len(path)) : int(0.9 * len(path))] if len(path) > _LONG else path


def _way(skeleton: NDArray[np.bool_], start: tuple[int, int], stop: tuple[int, int]) -> list[tuple[int, int]]:
    """A shortest path of neighbouring pixels, both ends included."""
    before: dict[tuple[int, int], tuple[int, int] | None] = {start: None}
    waiting = deque([start])
    while waiting and stop not in before:
        pixel = waiting.popleft()
        for other in _around(pixel, skeleton):
            if other not in before:
                before[other] = pixel
                waiting.append(other)
    path: list[tuple[int, int]] = []
    pixel_or_none: tuple[int, int] | None = stop
    while pixel_or_none is not None:
        path.append(pixel_or_none)
        pixel_or_none = before[pixel_or_none]
    return path[::-1]


def _middle(region: NDArray[np.bool_]) -> tuple[int, int]:
    """The pixel that is nearest to the mean of all; thinning can leave none of a small region."""
    pixels = np.argwhere(region)
    i, j = pixels[int(((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin())]
    return int(i), int(j)


def _chord(region: NDArray[np.bool_], seed: int) -> list[tuple[int, int]]:
    """Those pixels of the straight line between two random ones that lie in the region."""
    pixels = np.argwhere(region).tolist()
    draw = random.Random(seed)  # noqa: S311 - the published program draws so
    first, last = (pixels[draw.randint(0, len(pixels) - 1)] for _ in range(2))
    return [(i, j) for i, j in _straight(first, last) if region[i, j]]


def _straight(first: list[int], last: list[int]) -> Iterator[tuple[int, int]]:
    """Bresenham's line, both ends included.

    Source: J. E. Bresenham, IBM Systems Journal 4 (1965) 25.
    """
    i, j = first
    steps = abs(last[0] - i), abs(last[1] - j)
    signs = (1 if last[0] > i else -1), (1 if last[1] > j else -1)
    long, short = max(steps), min(steps)
    is_along_i = steps[0] >= steps[1]
    error = 2 * short - long
    for _ in range(long + 1):
        yield i, j
        if error >= 0:
            i, j = (i, j + signs[1]) if is_along_i else (i + signs[0], j)
            error -= 2 * long
        i, j = (i + signs[0], j) if is_along_i else (i, j + signs[1])
        error += 2 * short


def _walk(region: NDArray[np.bool_], seed: int) -> list[tuple[int, int]]:
    """A walk along the inner boundary, a fifth of its length; shorter where it comes to an end."""
    edge = _inner_boundary(region)
    pixels = np.argwhere(edge).tolist()
    if len(pixels) < 2:
        return []
    draw = random.Random(seed)  # noqa: S311 - the published program draws so
    i, j = pixels[draw.randint(0, len(pixels) - 1)]
    path = [(i, j)]
    for _ in range(max(2, int(0.2 * len(pixels)))):
        following = next((pixel for pixel in _around(path[-1], edge) if pixel not in path), None)
        if following is None:
            break
        path.append(following)
    return path


def _inner_boundary(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels with a neighbour by an edge that is outside; what lies beyond the slice is none."""
    framed = np.pad(region, 1, mode="edge")
    kept = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    return region & ~kept


def _around(pixel: tuple[int, int], inside: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    for by_i, by_j in _NEIGHBOURS:
        i, j = pixel[0] + by_i, pixel[1] + by_j
        if 0 <= i < inside.shape[0] and 0 <= j < inside.shape[1] and inside[i, j]:
            yield i, j


def _drawn(path: list[tuple[int, int]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    line = np.zeros(shape, bool)
    line[tuple(np.array(path, dtype=np.intp).reshape(-1, 2).T)] = True
    return line
