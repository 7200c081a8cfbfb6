"""Prompts and boxes of a volume that got another grid: the same places, in its new indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry

Grids = Mapping[tuple[str, str], tuple[Geometry, Geometry]]
"""Grid before and after, by case and role."""

_EDGES = ("i0", "j0", "k0", "i1", "j1", "k1")
_ROUNDING = 1e-6


def changed_grids(
    before: Iterable[Mapping[str, Any]], after: Mapping[tuple[str, str], Mapping[str, Any]]
) -> dict[tuple[str, str], tuple[Geometry, Geometry]]:
    """Grids before and after of the volumes that got another one.

    Args:
        before: Rows of `volumes.parquet`.
        after: Rows that take their places, by case and role.
    """
    found = {}
    for row in before:
        key = (row["case"], row["role"])
        if key in after:
            pair = (_grid(row), _grid(after[key]))
            if not pair[1].is_same_grid(pair[0]):
                found[key] = pair
    return found


def moved_prompts(rows: Iterable[Mapping[str, Any]], grids: Grids) -> list[dict[str, Any]]:
    """Rows of `prompts.parquet`, their points as decimal indices of the new grid.

    Examples:
        >>> grids = {("a", "pet"): (Geometry((8, 8, 8), np.eye(4)), Geometry((4, 4, 4), np.diag([2.0, 2, 2, 1])))}
        >>> row = {"case": "a", "volume": "pet", "kind": "click", "points": [[4.0, 2.0, 1.0]]}
        >>> moved_prompts([row], grids)[0]["points"]
        [[2.0, 1.0, 0.5]]
    """
    moved = []
    for row in rows:
        pair = grids.get((row["case"], row["volume"]))
        points = np.asarray(row["points"], np.float64).reshape(-1, 3)
        if pair is not None:
            new = _hull(points.ravel(), *pair).reshape(2, 3) if row["kind"] == "box" else _moved(points, *pair)
            moved.append({**row, "points": new.tolist()})
        else:
            moved.append(dict(row))
    return moved


def moved_boxes(rows: Iterable[Mapping[str, Any]], grids: Grids) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Rows of `boxes.parquet`, rounded outwards to whole voxels of the new grid and cut at its edges.

    A box on a slice is no longer one of the slice that its UID names. A box outside of the new grid is left out.

    Returns:
        The rows; and by case how many boxes were moved and how many left out.
    """
    moved, counts = [], dict[str, list[int]]()
    for row in rows:
        pair = grids.get((row["case"], row["volume"]))
        if pair is None or any(row[edge] is None for edge in _EDGES):
            moved.append(dict(row))
            continue
        hull = _hull(np.array([row[edge] for edge in _EDGES], np.float64), *pair)
        low = np.clip(np.floor(hull[:3] + _ROUNDING), 0, pair[1].shape).astype(int).tolist()
        high = np.clip(np.ceil(hull[3:] - _ROUNDING), 0, pair[1].shape).astype(int).tolist()
        is_inside = all(start < stop for start, stop in zip(low, high, strict=True))
        counts.setdefault(row["case"], [0, 0])[0 if is_inside else 1] += 1
        if is_inside:
            moved.append({**row, **dict(zip(_EDGES, (*low, *high), strict=True)), "slice_uid": None})
    return moved, counts


def _moved(points: NDArray[np.float64], before: Geometry, after: Geometry) -> NDArray[np.float64]:
    return np.round(after.to_index(before.to_mm(points)), 9) + 0.0


def _hull(edges: NDArray[np.float64], before: Geometry, after: Geometry) -> NDArray[np.float64]:
    """Half-open edges (first three, last three) around all corners of a half-open box; a voxel i reaches i to i + 1."""
    corners = np.array(list(product(*zip(edges[:3], edges[3:], strict=True)))) - 0.5
    new = _moved(corners, before, after) + 0.5
    return np.concatenate([new.min(axis=0), new.max(axis=0)])


def _grid(row: Mapping[str, Any]) -> Geometry:
    return Geometry(tuple(row["shape"]), np.array(row["affine"], np.float64).reshape(4, 4))
