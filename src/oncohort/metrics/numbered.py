"""Metrics of a reference whose integers may be lesion numbers: autoPET V as published, and as its scorer runs."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from oncohort.kernels import overlap_components
from oncohort.metrics.lesion_metrics import HasLesions, f1_score
from oncohort.metrics.lesions import LesionOverlap
from oncohort.metrics.metric import NEVER, Direction, Metric, Presence, Symmetry
from oncohort.metrics.overlap import OverlapCounts, dice


class HasNumbers(HasLesions, Protocol):
    """A pair of masks that knows how its lesions are told apart."""

    @property
    def overlap(self) -> OverlapCounts:
        """Voxels of each mask and of both."""
        ...

    @property
    def is_reference_numbered(self) -> bool:
        """Whether the integers of the reference are lesion numbers."""
        ...

    @property
    def connectivity(self) -> int:
        """Neighbours that make one component."""
        ...

    def masks(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Reference and prediction, not 0 inside."""
        ...


def dice_of_numbers(pair: HasNumbers) -> float:
    """Dice of which every reference voxel counts as often as its lesion number says: 2 sum(G P) / (sum G + sum P).

    It exceeds 1 where high numbers are covered. The Dice of the masks where
    the reference holds no numbers.

    Source: autoPET V, scorer (lab-midas/autoPETV at 4a20268), which multiplies label maps without binarising them.
    """
    counts = pair.overlap
    if not pair.is_reference_numbered:
        return dice(counts, if_both_empty=float("nan"))
    lesions = pair.lesion_overlap
    both = int((lesions.reference_ids * lesions.reference_shared).sum())
    total = int((lesions.reference_ids * lesions.reference_sizes).sum()) + counts.prediction
    return 2.0 * both / total if total else float("nan")


def missed_numbers(pair: HasNumbers) -> float:
    """Reference lesions that were not found, if there were as many as the highest number says.

    The numbers 1 and 3 stand for three lesions, one of which nobody can find.

    Source: autoPET V, scorer (lab-midas/autoPETV at 4a20268).
    """
    ids = pair.lesion_overlap.reference_ids
    count = int(ids.max(initial=0)) if pair.is_reference_numbered else ids.size
    return float(count - pair.lesions.tp)


def f1_of_numbers(pair: HasNumbers) -> float:
    """Detection F1 with the misses of `missed_numbers`."""
    return f1_score(pair.lesions.tp, pair.lesions.fp, int(missed_numbers(pair)))


def missed_components_ml(pair: HasNumbers) -> float:
    """Volume in ml of the connected components of the reference, whatever their numbers, that the prediction misses.

    Two lesions that touch are one component, which one shared voxel clears.
    """
    if not pair.is_reference_numbered:
        return pair.lesion_overlap.missed_ml
    counts = overlap_components(*pair.masks(), pair.connectivity)
    return LesionOverlap.of_components(counts, voxel_ml=pair.overlap.voxel_ml).missed_ml


_COMPONENTS = frozenset({"components"})
_BOTH_EMPTY = frozenset({Presence.BOTH_EMPTY})

NUMBERED_METRICS = (
    Metric(
        name="fnv_components_ml",
        description="Volume of the connected components of the reference, whatever their numbers, that are missed.",
        unit="ml",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NEVER,
        formula=missed_components_ml,
        needs=_COMPONENTS,
    ),
    Metric(
        name="dice_of_numbers",
        description="Dice of a reference of which each voxel counts as often as its lesion number says (a defect).",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=dice_of_numbers,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_fn_of_numbers",
        description="Highest lesion number of the reference less the lesions that were found (a defect).",
        unit="1",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NEVER,
        formula=missed_numbers,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_f1_of_numbers",
        description="Detection F1 with lesion_fn_of_numbers as the misses (a defect).",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=f1_of_numbers,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
)
"""Metrics of lesions that the integers of the reference number."""
