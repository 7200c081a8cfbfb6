"""Two masks of one structure, counted once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box
from oncohort.kernels import count_joint, like
from oncohort.metrics.lesions import ComponentOverlap, overlap_components
from oncohort.metrics.overlap import OverlapCounts


class Presence(StrEnum):
    """Which of the two masks hold any voxel; the empty rules of a profile go by these words."""

    BOTH_PRESENT = "both_present"
    REFERENCE_EMPTY = "reference_empty"
    PREDICTION_EMPTY = "prediction_empty"
    BOTH_EMPTY = "both_empty"


@dataclass(frozen=True)
class MaskPair:
    """All that the metrics need to know of a reference and a prediction.

    Args:
        overlap: Voxels of each and of both.
        reference_components: Components of the reference and what the prediction shares with them.
        prediction_components: Components of the prediction and what the reference shares with them.
    """

    overlap: OverlapCounts
    reference_components: ComponentOverlap
    prediction_components: ComponentOverlap

    @property
    def presence(self) -> Presence:
        """Which of the two masks hold any voxel."""
        if self.overlap.reference:
            return Presence.BOTH_PRESENT if self.overlap.prediction else Presence.PREDICTION_EMPTY
        return Presence.REFERENCE_EMPTY if self.overlap.prediction else Presence.BOTH_EMPTY


def compare_masks(reference: NDArray[Any], prediction: NDArray[Any], *, voxel_ml: float, connectivity: int) -> MaskPair:
    """Everything that two masks have in common, from one pass and their components.

    Args:
        reference: bool, or uint8 of 0 and 1 (i, j, k), any memory order.
        prediction: The same shape.
        voxel_ml: Volume of one voxel in ml.
        connectivity: 6, 18 or 26, for the components.

    Raises:
        ValueError: The shapes differ.
        TypeError: Another kind of number.

    Examples:
        >>> reference = np.zeros((8, 8, 8), bool)
        >>> reference[1:5, 1:5, 1:5] = True
        >>> pair = compare_masks(reference, np.roll(reference, 2, axis=0), voxel_ml=1.0, connectivity=18)
        >>> pair.overlap.both, pair.reference_components.sizes
        (32, (64,))
    """
    prediction = like(prediction, reference)
    joint = count_joint(reference, prediction)
    counts = joint.counts
    overlap = OverlapCounts(
        reference=int(counts[1:].sum()),
        prediction=int(counts[:, 1:].sum()),
        both=int(counts[1:, 1:].sum()),
        voxel_ml=voxel_ml,
    )
    return MaskPair(
        overlap=overlap,
        reference_components=overlap_components(
            reference, prediction, box=_hull(joint.reference_boxes), connectivity=connectivity, voxel_ml=voxel_ml
        ),
        prediction_components=overlap_components(
            prediction, reference, box=_hull(joint.prediction_boxes), connectivity=connectivity, voxel_ml=voxel_ml
        ),
    )


def _hull(boxes: NDArray[np.int64]) -> Box:
    """The box round all labels; empty if there are none."""
    present = boxes[boxes[:, 0, 1] > 0]
    if present.size == 0:
        return Box((0, 0, 0), (0, 0, 0))
    i, j, k = zip(present[..., 0].min(axis=0).tolist(), present[..., 1].max(axis=0).tolist(), strict=True)
    return Box((i[0], j[0], k[0]), (i[1], j[1], k[1]))
