"""Regions thinned to lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def thin(region: NDArray[Any]) -> NDArray[np.bool_]:
    """The skeleton of a region (i, j): lines one pixel wide that keep its 8-connected pieces together.

    Pixels of the edge are removed in turns from two sides, until none can go.

    Args:
        region: (i, j), not 0 inside.

    Source: T. Y. Zhang and C. Y. Suen, Communications of the ACM 27 (1984) 236.

    Examples:
        >>> bar = np.zeros((9, 5), bool)
        >>> bar[1:8, 1:4] = True
        >>> np.argwhere(thin(bar)).tolist()
        [[2, 2], [3, 2], [4, 2], [5, 2]]
    """
    framed = np.pad(np.asarray(region) != 0, 1)
    is_moving = True
    while is_moving:
        is_moving = False
        for turn in (0, 1):
            goes = _removable(framed, turn)
            is_moving |= bool(goes.any())
            framed[1:-1, 1:-1] &= ~goes
    return framed[1:-1, 1:-1].copy()


def _removable(framed: NDArray[np.bool_], turn: int) -> NDArray[np.bool_]:
    """Pixels of the edge that one of the two turns takes away; (i, j) without the frame."""
    ring = _ring(framed)
    inside = framed[1:-1, 1:-1]
    count = np.sum(ring, axis=0)
    rises = np.sum([~ring[n] & ring[(n + 1) % 8] for n in range(8)], axis=0)
    up, right, down, left = ring[0], ring[2], ring[4], ring[6]
    open_sides = ~(up & right & down) & ~(right & down & left)
    if turn:
        open_sides = ~(up & right & left) & ~(up & down & left)
    return np.asarray(inside & (count >= 2) & (count <= 6) & (rises == 1) & open_sides)


def _ring(framed: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The eight neighbours of every pixel, clockwise from above."""
    height, width = framed.shape
    shifts = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    return [framed[1 + i : height - 1 + i, 1 + j : width - 1 + j] for i, j in shifts]
