"""What two masks share, voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OverlapCounts:
    """Voxels of two masks and of both at once; every overlap metric follows from these.

    Args:
        reference: Voxels of the reference.
        prediction: Voxels of the prediction.
        both: Voxels that the two share.
        voxel_ml: Volume of one voxel in ml.
    """

    reference: int
    prediction: int
    both: int
    voxel_ml: float

    @property
    def reference_ml(self) -> float:
        """Volume of the reference in ml."""
        return self.reference * self.voxel_ml

    @property
    def prediction_ml(self) -> float:
        """Volume of the prediction in ml."""
        return self.prediction * self.voxel_ml


def dice(counts: OverlapCounts, *, if_both_empty: float) -> float:
    """Share of the two masks that they have in common: 2 |R & P| / (|R| + |P|).

    1.0 means identical and 0.0 means disjoint. Two empty masks have nothing
    to share: `if_both_empty` says what that is worth. It has no default,
    because published tools answer 1.0, 0.0 and NaN.

    Source: Dice, Ecology 26 (1945) 297.

    Examples:
        >>> dice(OverlapCounts(reference=64, prediction=64, both=32, voxel_ml=1.0), if_both_empty=1.0)
        0.5
    """
    total = counts.reference + counts.prediction
    return 2.0 * counts.both / total if total else if_both_empty


def volume_difference_ml(counts: OverlapCounts) -> float:
    """Volume of the prediction less that of the reference, in ml; positive when too much was predicted.

    Examples:
        >>> volume_difference_ml(OverlapCounts(reference=10, prediction=16, both=9, voxel_ml=0.5))
        3.0
    """
    return (counts.prediction - counts.reference) * counts.voxel_ml
