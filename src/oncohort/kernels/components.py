"""Connected components of a mask, and what each of them covers."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, as_bytes, is_reversed

CONNECTIVITIES = (6, 18, 26)
"""Neighbours that count as connected: by faces, by edges too, by corners too."""


def label_components(mask: NDArray[Any], connectivity: int) -> tuple[NDArray[np.uint32], int]:
    """Connected components of a mask (i, j, k), numbered from 1, and how many there are.

    Cut the mask to its foreground box first: the cost is in the voxels.

    Args:
        mask: bool or uint8; everything above zero is foreground.
        connectivity: 6, 18 or 26.

    Returns:
        Component numbers (0 is background) in the memory order of the mask, and their count.

    Raises:
        ValueError: Another connectivity, or not three axes.
        TypeError: Another kind of number.

    Examples:
        >>> mask = np.zeros((3, 3, 3), bool)
        >>> mask[0, 0, 0] = mask[1, 1, 0] = mask[2, 2, 1] = True
        >>> [label_components(mask, connectivity)[1] for connectivity in CONNECTIVITIES]
        [3, 2, 1]
    """
    if connectivity not in CONNECTIVITIES or mask.ndim != 3:
        raise ValueError(f"expected connectivity 6, 18 or 26 and three axes, got {connectivity} and {mask.ndim}")
    reverse = is_reversed(mask)
    turned = aligned(as_bytes(mask), reverse=reverse)
    if 1 in mask.shape:
        connectivity = min(connectivity, 18)  # no corners there; cc3d 4.1 may fail on a mask of one line with 26
    turned = turned if turned.flags.writeable else turned.copy()  # cc3d takes no other, though it writes nothing
    components, count = cc3d.connected_components(
        turned, connectivity=connectivity, return_N=True, binary_image=True, out_dtype=np.uint32
    )
    return (components.T if reverse else components), int(count)


def count_overlaps(
    components: NDArray[np.uint32], count: int, other: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Voxels of each component, and how many of them the other mask shares.

    Args:
        components: From `label_components`.
        count: Their number n.
        other: bool or uint8 of the same shape.

    Returns:
        Two arrays (n,): sizes and shared voxels of components 1 to n.

    Examples:
        >>> components = np.array([[[1, 1, 0, 2]]], np.uint32)
        >>> sizes, shared = count_overlaps(components, 2, np.array([[[0, 1, 1, 0]]], np.uint8))
        >>> sizes.tolist(), shared.tolist()
        ([2, 1], [1, 0])
    """
    sizes = np.zeros(count + 1, np.int64)
    shared = np.zeros(count + 1, np.int64)
    reverse = is_reversed(components)
    _count_overlaps(
        aligned(components, reverse=reverse).reshape(-1),
        aligned(as_bytes(other), reverse=reverse).reshape(-1),
        sizes,
        shared,
    )
    return sizes[1:], shared[1:]


def find_maxima(components: NDArray[np.uint32], count: int, values: NDArray[Any]) -> NDArray[np.float32]:
    """The greatest value within each component; array (n,) of float32.

    Args:
        components: From `label_components`.
        count: Their number n.
        values: The same shape; NaN is passed over.

    Examples:
        >>> components = np.array([[[1, 1, 0, 2]]], np.uint32)
        >>> find_maxima(components, 2, np.array([[[3.0, 5.0, 9.0, 4.0]]])).tolist()
        [5.0, 4.0]
    """
    maxima = np.full(count + 1, -np.inf, np.float32)
    reverse = is_reversed(components)
    flat = aligned(values.astype(np.float32, copy=False), reverse=reverse).reshape(-1)
    _find_maxima(aligned(components, reverse=reverse).reshape(-1), flat, maxima)
    return maxima[1:]


@njit(nogil=True, cache=True)
def _count_overlaps(components: Any, other: Any, sizes: Any, shared: Any) -> None:
    for voxel in range(components.size):
        component = components[voxel]
        if component != 0:
            sizes[component] += 1
            if other[voxel] != 0:
                shared[component] += 1


@njit(nogil=True, cache=True)
def _find_maxima(components: Any, values: Any, maxima: Any) -> None:
    for voxel in range(components.size):
        component = components[voxel]
        if component != 0 and values[voxel] > maxima[component]:
            maxima[component] = values[voxel]
