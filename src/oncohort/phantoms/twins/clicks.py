"""Clicks on lesions and on hot background, in the dialects of the autoPET challenges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

BUDGET = 10
_HOT_PERCENTILE = 99.75

Index = tuple[int, int, int]


@dataclass(frozen=True)
class Clicks:
    """Voxel indices i, j, k of the NIfTI array, in order."""

    tumor: tuple[Index, ...]
    background: tuple[Index, ...]


def choose_clicks(lesions: NDArray[np.bool_], pet: NDArray[np.float32], *, seed: int) -> Clicks:
    """Ten clicks on lesions, where there are any, and ten on hot voxels outside of them."""
    rng = np.random.default_rng(seed)
    limit = np.percentile(pet[~lesions], _HOT_PERCENTILE)
    return Clicks(_pick(lesions, rng), _pick((pet > limit) & ~lesions, rng))


def _pick(mask: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Index, ...]:
    """The centre of each of ten components, or further voxels where there are fewer."""
    components, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if not count:
        return ()
    chosen = rng.permutation(count)[:BUDGET] + 1
    points = [_centre(components == value) for value in chosen]
    voxels = np.argwhere(mask)
    while len(points) < BUDGET:
        i, j, k = voxels[rng.integers(len(voxels))]
        points.append((int(i), int(j), int(k)))
    return tuple(points)


def _centre(component: NDArray[np.bool_]) -> Index:
    voxels = np.argwhere(component)
    i, j, k = voxels[((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return int(i), int(j), int(k)


def simple_json(clicks: Clicks) -> dict[str, Any]:
    """The dialect without a header."""
    return {
        "tumor": [list(point) for point in clicks.tumor],
        "background": [list(point) for point in clicks.background],
    }


def gc_json(clicks: Clicks) -> dict[str, Any]:
    """The dialect of Grand Challenge."""
    named = [("tumor", point) for point in clicks.tumor] + [("background", point) for point in clicks.background]
    return {
        "version": {"major": 1, "minor": 0},
        "type": "Multiple points",
        "points": [{"point": list(point), "name": name} for name, point in named],
    }
