"""Lesions of two masks, and the voxels that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.kernels import ComponentCounts, count_pairs

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ComponentOverlap:
    """Every lesion of one mask with the voxels that the other mask shares.

    Args:
        sizes: Voxels per lesion.
        shared: Voxels per lesion that lie in the other mask too.
        voxel_ml: Volume of one voxel in ml.
    """

    sizes: tuple[int, ...]
    shared: tuple[int, ...]
    voxel_ml: float


@dataclass(frozen=True, eq=False)
class LesionOverlap:
    """Voxels of every lesion of two masks and of every pair of them that overlaps.

    All that lesion metrics need: sizes, hits, IoU and Dice of any two lesions
    follow from one count of pairs.

    Args:
        reference_ids: (n,) numbers of the lesions in their map, ascending.
        reference_sizes: (n,) voxels.
        prediction_ids: (m,) the same for the prediction.
        prediction_sizes: (m,) voxels.
        pairs: (p, 3) position of the reference lesion, of the prediction lesion (both from 0), shared voxels.
        voxel_ml: Volume of one voxel in ml.
    """

    reference_ids: Integers
    reference_sizes: Integers
    prediction_ids: Integers
    prediction_sizes: Integers
    pairs: Integers
    voxel_ml: float

    @staticmethod
    def of_maps(reference: NDArray[Any], prediction: NDArray[Any], *, voxel_ml: float) -> LesionOverlap:
        """The overlap of two arrays (i, j, k) of lesion numbers; 0 is background, gaps are allowed.

        Args:
            reference: Integers that are not negative.
            prediction: The same shape.
            voxel_ml: Volume of one voxel in ml.

        Examples:
            >>> reference = np.array([[[5, 5, 0, 9]]], np.uint8)
            >>> overlap = LesionOverlap.of_maps(reference, np.array([[[0, 3, 3, 0]]], np.uint8), voxel_ml=1.0)
            >>> overlap.reference_ids.tolist(), overlap.pairs.tolist(), overlap.iou.round(3).tolist()
            ([5, 9], [[0, 0, 1]], [0.333])
        """
        return LesionOverlap.of_pairs(count_pairs(reference, prediction), voxel_ml=voxel_ml)

    @staticmethod
    def of_pairs(table: Integers, *, voxel_ml: float) -> LesionOverlap:
        """The overlap of lesions of which the voxels are counted.

        Args:
            table: (n, 3), every pair of lesion numbers (0 is background) that occurs, with its voxels, ascending.
            voxel_ml: Volume of one voxel in ml.

        Examples:
            >>> LesionOverlap.of_pairs(np.array([[0, 3, 4], [5, 3, 2]]), voxel_ml=1.0).prediction_sizes.tolist()
            [6]
        """
        reference_ids, reference_sizes = _total(table[:, 0], table[:, 2])
        prediction_ids, prediction_sizes = _total(table[:, 1], table[:, 2])
        met = table[(table[:, 0] > 0) & (table[:, 1] > 0)]
        positions = np.searchsorted(reference_ids, met[:, 0]), np.searchsorted(prediction_ids, met[:, 1])
        pairs = np.column_stack([*positions, met[:, 2]]).astype(np.int64, copy=False)
        return LesionOverlap(reference_ids, reference_sizes, prediction_ids, prediction_sizes, pairs, voxel_ml)

    @staticmethod
    def of_components(counts: ComponentCounts, *, voxel_ml: float) -> LesionOverlap:
        """The overlap of lesions that are the connected components of two masks.

        Args:
            counts: From `overlap_components`.
            voxel_ml: Volume of one voxel in ml.

        Examples:
            >>> counts = ComponentCounts(np.array([4, 2]), np.array([3]), np.array([[2, 1, 1]]))
            >>> LesionOverlap.of_components(counts, voxel_ml=1.0).missed_ml
            4.0
        """
        sizes = counts.reference_sizes, counts.prediction_sizes
        ids = tuple(np.arange(1, found.size + 1) for found in sizes)
        return LesionOverlap(ids[0], sizes[0], ids[1], sizes[1], counts.pairs - np.array([1, 1, 0]), voxel_ml)

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each pair; (p,)."""
        shared = self.pairs[:, 2]
        union = self.reference_sizes[self.pairs[:, 0]] + self.prediction_sizes[self.pairs[:, 1]] - shared
        return np.asarray(shared / union, np.float64)

    @cached_property
    def dice(self) -> NDArray[np.float64]:
        """Dice of each pair; (p,)."""
        total = self.reference_sizes[self.pairs[:, 0]] + self.prediction_sizes[self.pairs[:, 1]]
        return np.asarray(2.0 * self.pairs[:, 2] / total, np.float64)

    @cached_property
    def reference_shared(self) -> Integers:
        """Voxels of each reference lesion that any predicted lesion covers; (n,)."""
        return _shared(self.pairs[:, 0], self.pairs[:, 2], self.reference_ids.size)

    @cached_property
    def prediction_shared(self) -> Integers:
        """Voxels of each predicted lesion that any reference lesion covers; (m,)."""
        return _shared(self.pairs[:, 1], self.pairs[:, 2], self.prediction_ids.size)

    @property
    def missed_ml(self) -> float:
        """Volume in ml of the reference lesions that share no voxel with the prediction.

        One shared voxel clears a whole lesion.

        Examples:
            >>> maps = np.array([[[1, 1, 0, 2]]]), np.array([[[0, 3, 3, 0]]])
            >>> LesionOverlap.of_maps(*maps, voxel_ml=0.5).missed_ml
            0.5
        """
        return int(self.reference_sizes[self.reference_shared == 0].sum()) * self.voxel_ml

    @property
    def invented_ml(self) -> float:
        """Volume in ml of the predicted lesions that share no voxel with the reference."""
        return int(self.prediction_sizes[self.prediction_shared == 0].sum()) * self.voxel_ml

    @property
    def reference_components(self) -> ComponentOverlap:
        """The reference lesions with what the prediction shares of each."""
        return ComponentOverlap(
            tuple(self.reference_sizes.tolist()), tuple(self.reference_shared.tolist()), self.voxel_ml
        )

    @property
    def prediction_components(self) -> ComponentOverlap:
        """The predicted lesions with what the reference shares of each."""
        return ComponentOverlap(
            tuple(self.prediction_sizes.tolist()), tuple(self.prediction_shared.tolist()), self.voxel_ml
        )


def _total(ids: Integers, voxels: Integers) -> tuple[Integers, Integers]:
    """Voxels of each number but 0, summed over its pairs."""
    known, positions = np.unique(ids, return_inverse=True)
    sizes = np.bincount(positions, weights=voxels, minlength=known.size).astype(np.int64)
    inside = known > 0
    return known[inside].astype(np.int64), sizes[inside]


def _shared(positions: Integers, voxels: Integers, count: int) -> Integers:
    return np.bincount(positions, weights=voxels, minlength=count).astype(np.int64)
