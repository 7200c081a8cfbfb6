"""What two masks share, voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from oncohort.metrics.metric import NEVER, NO_PREDICTION, NO_REFERENCE, Direction, Metric, Presence, Symmetry

_UNDEFINED = float("nan")


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

    @property
    def presence(self) -> Presence:
        """Which of the two masks hold any voxel.

        Examples:
            >>> OverlapCounts(reference=0, prediction=4, both=0, voxel_ml=1.0).presence
            <Presence.REFERENCE_EMPTY: 'reference_empty'>
        """
        if self.reference:
            return Presence.BOTH_PRESENT if self.prediction else Presence.PREDICTION_EMPTY
        return Presence.REFERENCE_EMPTY if self.prediction else Presence.BOTH_EMPTY


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


def jaccard(counts: OverlapCounts, *, if_both_empty: float) -> float:
    """Share of the union that both masks cover: |R & P| / |R | P|; intersection over union.

    Source: Jaccard, Bull. Soc. Vaudoise Sci. Nat. 37 (1901) 547.

    Examples:
        >>> jaccard(OverlapCounts(reference=64, prediction=64, both=32, voxel_ml=1.0), if_both_empty=1.0)
        0.3333333333333333
    """
    union = counts.reference + counts.prediction - counts.both
    return counts.both / union if union else if_both_empty


def sensitivity(counts: OverlapCounts, *, if_reference_empty: float) -> float:
    """Share of the reference that was predicted: |R & P| / |R|; voxel-wise recall.

    Examples:
        >>> sensitivity(OverlapCounts(reference=64, prediction=8, both=8, voxel_ml=1.0), if_reference_empty=1.0)
        0.125
    """
    return counts.both / counts.reference if counts.reference else if_reference_empty


def precision(counts: OverlapCounts, *, if_prediction_empty: float) -> float:
    """Share of the prediction that lies in the reference: |R & P| / |P|.

    Examples:
        >>> precision(OverlapCounts(reference=64, prediction=8, both=6, voxel_ml=1.0), if_prediction_empty=1.0)
        0.75
    """
    return counts.both / counts.prediction if counts.prediction else if_prediction_empty


def volume_difference_ml(counts: OverlapCounts) -> float:
    """Volume of the prediction less that of the reference, in ml; positive when too much was predicted.

    Examples:
        >>> volume_difference_ml(OverlapCounts(reference=10, prediction=16, both=9, voxel_ml=0.5))
        3.0
    """
    return (counts.prediction - counts.reference) * counts.voxel_ml


def volume_difference_percent(counts: OverlapCounts, *, if_reference_empty: float) -> float:
    """Volume difference in percent of the reference: 100 (|P| - |R|) / |R|.

    Half the volume is -50, twice the volume +100: mean it with care.

    Examples:
        >>> volume_difference_percent(OverlapCounts(10, 16, 9, 0.5), if_reference_empty=float("nan"))
        60.0
    """
    if not counts.reference:
        return if_reference_empty
    return 100.0 * (counts.prediction - counts.reference) / counts.reference


class HasOverlap(Protocol):
    """A pair of masks of which the voxels are counted."""

    @property
    def overlap(self) -> OverlapCounts:
        """Voxels of each and of both."""
        ...


def _dice(pair: HasOverlap) -> float:
    return dice(pair.overlap, if_both_empty=_UNDEFINED)


def _jaccard(pair: HasOverlap) -> float:
    return jaccard(pair.overlap, if_both_empty=_UNDEFINED)


def _sensitivity(pair: HasOverlap) -> float:
    return sensitivity(pair.overlap, if_reference_empty=_UNDEFINED)


def _precision(pair: HasOverlap) -> float:
    return precision(pair.overlap, if_prediction_empty=_UNDEFINED)


def _volume_difference_ml(pair: HasOverlap) -> float:
    return volume_difference_ml(pair.overlap)


def _volume_difference_percent(pair: HasOverlap) -> float:
    return volume_difference_percent(pair.overlap, if_reference_empty=_UNDEFINED)


def _reference_volume_ml(pair: HasOverlap) -> float:
    return pair.overlap.reference_ml


def _prediction_volume_ml(pair: HasOverlap) -> float:
    return pair.overlap.prediction_ml


OVERLAP_METRICS = (
    Metric(
        name="dice",
        description="Share of the two masks that they have in common.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=frozenset({Presence.BOTH_EMPTY}),
        formula=_dice,
        missing_value=0.0,
    ),
    Metric(
        name="jaccard",
        description="Share of the union that both masks cover (intersection over union).",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=frozenset({Presence.BOTH_EMPTY}),
        formula=_jaccard,
        missing_value=0.0,
    ),
    Metric(
        name="sensitivity",
        description="Share of the reference that was predicted.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.TWIN,
        twin="precision",
        undefined=NO_REFERENCE,
        formula=_sensitivity,
        missing_value=0.0,
    ),
    Metric(
        name="precision",
        description="Share of the prediction that lies in the reference.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.TWIN,
        twin="sensitivity",
        undefined=NO_PREDICTION,
        formula=_precision,
        missing_value=0.0,
    ),
    Metric(
        name="volume_difference_ml",
        description="Volume of the prediction less that of the reference.",
        unit="ml",
        direction=Direction.ZERO,
        symmetry=Symmetry.NEGATED,
        twin=None,
        undefined=NEVER,
        formula=_volume_difference_ml,
    ),
    Metric(
        name="volume_difference_percent",
        description="Volume of the prediction less that of the reference, in percent of the reference.",
        unit="%",
        direction=Direction.ZERO,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NO_REFERENCE,
        formula=_volume_difference_percent,
    ),
    Metric(
        name="reference_volume_ml",
        description="Volume of the reference.",
        unit="ml",
        direction=Direction.NONE,
        symmetry=Symmetry.TWIN,
        twin="prediction_volume_ml",
        undefined=NEVER,
        formula=_reference_volume_ml,
    ),
    Metric(
        name="prediction_volume_ml",
        description="Volume of the prediction.",
        unit="ml",
        direction=Direction.NONE,
        symmetry=Symmetry.TWIN,
        twin="reference_volume_ml",
        undefined=NEVER,
        formula=_prediction_volume_ml,
    ),
)
"""Metrics that follow from counted voxels alone."""
