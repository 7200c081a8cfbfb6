"""What a metric is: a formula with unit, direction, symmetry and undefined rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

NEVER: frozenset[Presence] = frozenset()
"""The undefined rule of a metric that has a value for any two masks."""


class Presence(StrEnum):
    """Which of the two masks hold any voxel; the empty rules of a profile go by these words."""

    BOTH_PRESENT = "both_present"
    REFERENCE_EMPTY = "reference_empty"
    PREDICTION_EMPTY = "prediction_empty"
    BOTH_EMPTY = "both_empty"


NO_REFERENCE = frozenset({Presence.REFERENCE_EMPTY, Presence.BOTH_EMPTY})
"""The undefined rule of what is divided by the reference."""

NO_PREDICTION = frozenset({Presence.PREDICTION_EMPTY, Presence.BOTH_EMPTY})
"""The undefined rule of what is divided by the prediction."""

EITHER_EMPTY = NO_REFERENCE | NO_PREDICTION
"""The undefined rule of what needs both masks, as a distance does."""


class Direction(StrEnum):
    """Which way is better; `NONE` for a fact such as a volume, which is neither good nor bad."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"
    NONE = "none"


class Symmetry(StrEnum):
    """What happens to the value when reference and prediction change places.

    `SAME` keeps it, `NEGATED` turns its sign, `TWIN` gives the value of another
    metric, `NONE` promises nothing.
    """

    SAME = "same"
    NEGATED = "negated"
    TWIN = "twin"
    NONE = "none"


@dataclass(frozen=True)
class Metric:
    """One number that can be measured on a pair of masks.

    Args:
        name: As it stands in the tables; carries the unit.
        description: One line.
        unit: "1", "%", "ml", "mm", "SUV" or "SUV*ml".
        direction: Which way is better.
        symmetry: What swapping reference and prediction does.
        twin: With `Symmetry.TWIN`, the metric that takes this value after the swap.
        undefined: Where the formula has no answer; a profile must not ask for it there.
        formula: The value of a pair outside `undefined`, as `formula(pair, **parameters)`;
            NaN means undefined, for `nan_reason`.
        parameters: Keyword parameters that the formula requires, such as `tolerance_mm`.
        missing_value: What a missing prediction scores where the reference is present; None: it is
            undefined as `prediction_missing`, or measured as an empty prediction where that is worst.
        nan_reason: Why a value is NaN although both masks are present; empty if that cannot be.
        needs: What the formula looks at: `overlap`, `components`, `one_to_one` (a matching that pairs
            each lesion once), `voxel_surface`, `element_surface`, `uptake` (an image).

    Examples:
        >>> from oncohort.metrics.registry import METRICS
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
    formula: Callable[..., float]
    parameters: frozenset[str] = frozenset()
    missing_value: float | None = None
    nan_reason: str = ""
    needs: frozenset[str] = frozenset({"overlap"})
