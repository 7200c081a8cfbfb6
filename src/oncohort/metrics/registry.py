"""Every metric with its unit, direction, symmetry and undefined rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from oncohort.metrics.overlap import dice, volume_difference_ml
from oncohort.metrics.pairs import MaskPair, Presence

_NEVER: frozenset[Presence] = frozenset()


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"


class Symmetry(StrEnum):
    """What happens to the value when reference and prediction change places."""

    SAME = "same"
    NEGATED = "negated"
    TWIN = "twin"


@dataclass(frozen=True)
class Metric:
    """One number that can be measured on a pair of masks.

    Args:
        name: As it stands in the tables; carries the unit.
        description: One line.
        unit: "1" or "ml".
        direction: Which way is better.
        symmetry: What swapping reference and prediction does.
        twin: With `Symmetry.TWIN`, the metric that takes this value after the swap.
        undefined: Where the formula has no answer; a profile must not ask for it there.
        formula: The value of a pair outside `undefined`.

    Examples:
        >>> METRICS["fpv_ml"].direction, METRICS["fpv_ml"].twin
        (<Direction.LOWER: 'lower'>, 'fnv_ml')
    """

    name: str
    description: str
    unit: str
    direction: Direction
    symmetry: Symmetry
    twin: str | None
    undefined: frozenset[Presence]
    formula: Callable[[MaskPair], float]


def _dice(pair: MaskPair) -> float:
    return dice(pair.overlap, if_both_empty=float("nan"))


def _volume_difference_ml(pair: MaskPair) -> float:
    return volume_difference_ml(pair.overlap)


def _fpv_ml(pair: MaskPair) -> float:
    return pair.prediction_components.unmatched_ml


def _fnv_ml(pair: MaskPair) -> float:
    return pair.reference_components.unmatched_ml


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="dice",
            description="Share of the two masks that they have in common.",
            unit="1",
            direction=Direction.HIGHER,
            symmetry=Symmetry.SAME,
            twin=None,
            undefined=frozenset({Presence.BOTH_EMPTY}),
            formula=_dice,
        ),
        Metric(
            name="volume_difference_ml",
            description="Volume of the prediction less that of the reference.",
            unit="ml",
            direction=Direction.ZERO,
            symmetry=Symmetry.NEGATED,
            twin=None,
            undefined=_NEVER,
            formula=_volume_difference_ml,
        ),
        Metric(
            name="fpv_ml",
            description="Volume of the predicted components that touch no voxel of the reference.",
            unit="ml",
            direction=Direction.LOWER,
            symmetry=Symmetry.TWIN,
            twin="fnv_ml",
            undefined=_NEVER,
            formula=_fpv_ml,
        ),
        Metric(
            name="fnv_ml",
            description="Volume of the reference components that touch no voxel of the prediction.",
            unit="ml",
            direction=Direction.LOWER,
            symmetry=Symmetry.TWIN,
            twin="fpv_ml",
            undefined=_NEVER,
            formula=_fnv_ml,
        ),
    )
}
"""Every metric by its name, in the order of the tables."""
