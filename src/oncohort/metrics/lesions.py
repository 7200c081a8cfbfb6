"""Lesions as connected components, and which of them were met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from oncohort.geometry import Box
from oncohort.kernels import count_overlaps, label_components


@dataclass(frozen=True)
class ComponentOverlap:
    """Every connected component of one mask with the voxels that the other mask shares.

    Args:
        sizes: Voxels per component.
        shared: Voxels per component that lie in the other mask too.
        voxel_ml: Volume of one voxel in ml.
    """

    sizes: tuple[int, ...]
    shared: tuple[int, ...]
    voxel_ml: float

    @property
    def unmatched_ml(self) -> float:
        """Volume in ml of the components that share no voxel with the other mask.

        One shared voxel clears a whole component.

        Examples:
            >>> ComponentOverlap(sizes=(8, 20), shared=(0, 1), voxel_ml=0.5).unmatched_ml
            4.0
        """
        voxels = sum(size for size, shared in zip(self.sizes, self.shared, strict=True) if shared == 0)
        return voxels * self.voxel_ml


def overlap_components(
    mask: NDArray[Any], other: NDArray[Any], *, box: Box, connectivity: int, voxel_ml: float
) -> ComponentOverlap:
    """The connected components of `mask` and what `other` shares with each.

    Args:
        mask: bool or uint8 (i, j, k).
        other: The same shape.
        box: Half-open; holds the whole foreground of `mask`.
        connectivity: 6, 18 or 26.
        voxel_ml: Volume of one voxel in ml.

    Examples:
        >>> import numpy as np
        >>> mask = np.zeros((5, 5, 5), bool)
        >>> mask[0, 0, :2] = mask[4, 4, 4] = True
        >>> whole = Box((0, 0, 0), mask.shape)
        >>> overlap_components(mask, np.zeros_like(mask), box=whole, connectivity=18, voxel_ml=1.0).sizes
        (2, 1)
    """
    if box.is_empty:
        return ComponentOverlap((), (), voxel_ml)
    components, count = label_components(mask[box.slices], connectivity)
    sizes, shared = count_overlaps(components, count, other[box.slices])
    return ComponentOverlap(tuple(sizes.tolist()), tuple(shared.tolist()), voxel_ml)
