"""Ratios of the prediction to the reference: volume and mean uptake, as DEEP-PSMA reports them."""

from __future__ import annotations

from typing import Protocol

from oncohort.metrics.metric import EITHER_EMPTY, NO_REFERENCE, Direction, Metric, Symmetry
from oncohort.metrics.overlap import OverlapCounts
from oncohort.metrics.uptake import UptakePair

_UPTAKE = frozenset({"uptake"})


class HasOverlap(Protocol):
    """A pair of masks of which the voxels are counted."""

    @property
    def overlap(self) -> OverlapCounts:
        """Voxels of each mask and of both."""
        ...


class HasUptake(Protocol):
    """A pair of masks with an image."""

    @property
    def uptake(self) -> UptakePair:
        """What the image holds within each mask."""
        ...


def volume_ratio(pair: HasOverlap) -> float:
    """Volume of the prediction over that of the reference: |P| / |R|; 1 is perfect, NaN if the reference is empty.

    Source: DEEP-PSMA baseline (Peter-MacCallum-Cancer-Centre/DEEP-PSMA at dd75853), ttb_volume_ratio.
    """
    return _ratio(pair.overlap.prediction, pair.overlap.reference)


def suvmean_ratio(pair: HasUptake) -> float:
    """Mean uptake within the prediction over that within the reference; 1 is perfect; NaN if the latter is 0.

    Source: DEEP-PSMA baseline (Peter-MacCallum-Cancer-Centre/DEEP-PSMA at dd75853), suv_mean_ratio.
    """
    found = pair.uptake
    return _ratio(found.prediction.suv_mean, found.reference.suv_mean)


def volume_ratio_error(pair: HasOverlap) -> float:
    """How far `volume_ratio` is from 1."""
    return abs(volume_ratio(pair) - 1.0)


def suvmean_ratio_error(pair: HasUptake) -> float:
    """How far `suvmean_ratio` is from 1."""
    return abs(suvmean_ratio(pair) - 1.0)


def _ratio(prediction: float, reference: float) -> float:
    return prediction / reference if reference else float("nan")


RATIO_METRICS = (
    Metric(
        name="volume_ratio",
        description="Volume of the prediction over that of the reference.",
        unit="1",
        direction=Direction.NONE,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NO_REFERENCE,
        formula=volume_ratio,
    ),
    Metric(
        name="volume_ratio_error",
        description="Distance from 1 of the volume of the prediction over that of the reference.",
        unit="1",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NO_REFERENCE,
        formula=volume_ratio_error,
    ),
    Metric(
        name="suvmean_ratio",
        description="Mean SUV within the prediction over that within the reference.",
        unit="1",
        direction=Direction.NONE,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=EITHER_EMPTY,
        formula=suvmean_ratio,
        nan_reason="image_not_finite",
        needs=_UPTAKE,
    ),
    Metric(
        name="suvmean_ratio_error",
        description="Distance from 1 of the mean SUV within the prediction over that within the reference.",
        unit="1",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=EITHER_EMPTY,
        formula=suvmean_ratio_error,
        nan_reason="image_not_finite",
        needs=_UPTAKE,
    ),
)
"""Metrics that say by which factor the prediction is off."""
