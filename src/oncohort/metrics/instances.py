"""Overlap lesion by lesion, without a threshold: the scores of the longitudinal CT task of autoPET IV."""

from __future__ import annotations

from dataclasses import dataclass

from oncohort.metrics.lesions import LesionOverlap


@dataclass(frozen=True)
class InstanceScores:
    """Means over every pair of overlapping lesions and every lesion that overlaps none.

    Splitting a lesion adds a pair, so it lowers the Dice and repeats missed
    volume; a false lesion adds a row without missed volume, so it *lowers* the
    mean missed volume.

    Args:
        dice: Mean Dice; 0 for a lesion that overlaps none. NaN without a reference lesion.
        false_positive_ml: Mean volume of the predicted lesion outside the reference lesion. NaN without any lesion.
        false_negative_ml: Mean volume of the reference lesion outside the predicted lesion. NaN without a
            reference lesion.
    """

    dice: float
    false_positive_ml: float
    false_negative_ml: float


def score_instances(overlap: LesionOverlap) -> InstanceScores:
    """Mean Dice, false positive and false negative volume over the rows that overlapping lesions make.

    Source: autoPET IV, task 2 (lab-midas/autoPETCTIV at 7aecbda); lesion numbers need not agree.

    Examples:
        >>> import numpy as np
        >>> maps = np.array([[[1, 1, 1, 1, 0, 2]]]), np.array([[[3, 3, 3, 0, 4, 0]]])
        >>> score_instances(LesionOverlap.of_maps(*maps, voxel_ml=3.0))
        InstanceScores(dice=0.2857142857142857, false_positive_ml=1.0, false_negative_ml=2.0)
    """
    if overlap.reference_ids.size + overlap.prediction_ids.size == 0:
        return InstanceScores(float("nan"), float("nan"), float("nan"))
    shared = overlap.pairs[:, 2]
    extra = overlap.prediction_sizes[overlap.pairs[:, 1]] - shared
    lacking = overlap.reference_sizes[overlap.pairs[:, 0]] - shared
    missed = overlap.reference_sizes[overlap.reference_shared == 0]
    invented = overlap.prediction_sizes[overlap.prediction_shared == 0]
    rows = shared.size + missed.size + invented.size
    has_reference = overlap.reference_ids.size > 0
    return InstanceScores(
        dice=float(overlap.dice.sum()) / rows if has_reference else float("nan"),
        false_positive_ml=float(extra.sum() + invented.sum()) * overlap.voxel_ml / rows,
        false_negative_ml=float(lacking.sum() + missed.sum()) * overlap.voxel_ml / rows
        if has_reference
        else float("nan"),
    )
