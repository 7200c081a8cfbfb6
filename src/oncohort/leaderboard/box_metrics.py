"""Numbers of a whole cohort that come from candidates by falling score: average precision, FROC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import InputError
from oncohort.leaderboard.candidates import CandidateTable, Reading, read_froc, read_precision
from oncohort.leaderboard.grid import MACRO, ScoreGrid
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array, Sample, mean_of_known
from oncohort.metrics import Direction, RankedHits
from oncohort.metrics.froc import CPM_RATES
from oncohort.profiles import BoxMetric, BoxProtocol, CohortMetric
from oncohort.reporting import Column
from oncohort.storage import sha256_bytes

POOLED_LESIONS: Final = "all structures"

DESCRIPTIONS: Final = {
    "box_ap": "Average precision of boxes by falling score.",
    "box_map": "Mean of the average precisions over a range of IoU.",
    "froc_cpm": "Mean sensitivity at several rates of false boxes per image.",
    "froc_sensitivity": "Sensitivity at a rate of false boxes per image.",
}
"""One sentence per metric of boxes by falling score."""


@dataclass(frozen=True, eq=False)
class CandidateCurve:
    """A number that is read from candidates by falling score, averaged over matchings.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        words: How the estimate comes about.
        table: The candidates.
        rankings: Of every model, one per matching.
        read: What is read from a ranking.
        failed: (cases, models): without usable prediction.
    """

    structure: str
    metric: str
    words: str
    table: CandidateTable
    rankings: tuple[tuple[RankedHits, ...], ...]
    read: Reading
    failed: NDArray[np.bool_]

    direction = Direction.HIGHER
    case_values = None
    presence = None

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The number for each row of weights; NaN where there is nothing to find."""
        key = (self.structure, self.metric, sha256_bytes(sample.members.tobytes() + weights.tobytes()))
        return self.table.remember(key, lambda: self._estimate(sample, weights))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of cases without usable prediction, whose false candidates nobody could count."""
        return np.nan_to_num(sample.means(self.failed.astype(np.float64), weights))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many units hold something to find."""
        there = self.rankings[0][0].references > 0
        return sample.count(np.broadcast_to(there[:, None], self.failed.shape))

    def _estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        cases = (weights[:, sample.patients] * sample.members).astype(np.float64)
        columns = [np.mean([self.read(ranked, cases) for ranked in model], axis=0) for model in self.rankings]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class ClassMean:
    """The mean over classes of a number of boxes; classes without anything to find are left out.

    Args:
        structure: Name of the mean.
        parts: One per class, of the same metric.
    """

    structure: str
    parts: tuple[CandidateCurve, ...]

    direction = Direction.HIGHER
    case_values = None
    presence = None

    @property
    def metric(self) -> str:
        """The metric of the parts."""
        return self.parts[0].metric

    @property
    def words(self) -> str:
        """How the estimate comes about."""
        return f"mean over classes of: {self.parts[0].words}"

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean over the classes that have a value."""
        return mean_of_known(np.stack([part.estimate(sample, weights) for part in self.parts]))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """As of every class: a prediction is of all of them."""
        return self.parts[0].failures(sample, weights)

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many units hold something to find."""
        there = np.any([part.rankings[0][0].references > 0 for part in self.parts], axis=0)
        return sample.count(np.broadcast_to(there[:, None], self.parts[0].failed.shape))


def box_quantities(grid: ScoreGrid, rule: BoxMetric, boxes: BoxProtocol) -> list[Quantity]:
    """A `[[box_metric]]` of every class, then of their mean where there are several.

    Args:
        grid: The scores.
        rule: The entry of the profile.
        boxes: Of the profile.

    Raises:
        InputError: The scores hold no candidates.
    """
    table = _table(grid)
    interpolation = rule.interpolation or boxes.interpolation
    read = read_froc(table.images, rule.rates) if rule.is_sweep else read_precision(interpolation)
    views = rule.views(boxes)
    parts = tuple(
        CandidateCurve(
            structure,
            rule.column,
            box_words(rule, boxes),
            table,
            tuple(tuple(table.ranked(model, structure, view) for view in views) for model in grid.models),
            read,
            grid.is_missing,
        )
        for structure in grid.structures
    )
    return [*parts, ClassMean(MACRO, parts)] if len(parts) > 1 else [*parts]


def lesion_cpm(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    """`froc_cpm` of a profile of masks: of its table of lesions, per case.

    Raises:
        InputError: The scores hold no candidates.
    """
    table = _table(grid)
    return CandidateCurve(
        rule.structure or POOLED_LESIONS,
        rule.column,
        "mean sensitivity to lesions at 1/8 to 8 false ones per case",
        table,
        tuple((table.ranked(model, rule.structure),) for model in grid.models),
        read_froc(table.images, CPM_RATES),
        grid.is_missing,
    )


def box_words(rule: BoxMetric, boxes: BoxProtocol) -> str:
    """How a number comes about, in words.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> profile = load_profile("lung-dx-3d")
        >>> box_words(profile.box_metric[0], profile.boxes)
        'average precision (101-point) at IoU 0.1, coco matching'
    """
    what = f"mean sensitivity at {_rates(rule)} false boxes per {boxes.image}"
    if not rule.is_sweep:
        what = f"average precision ({rule.interpolation or boxes.interpolation})"
    return f"{what} at {hit_words(rule, boxes)}, {rule.matching or boxes.matching} matching"


def hit_words(rule: BoxMetric, boxes: BoxProtocol) -> str:
    """What is close enough, in words."""
    if rule.iou_range is not None:
        return f"IoU {rule.iou_range.first:g} to {rule.iou_range.last:g} by {rule.iou_range.step:g}"
    view = rule.views(boxes)[0]
    return f"IoU {view.threshold:g}" if view.hit == "iou" else f"centres within {view.threshold:g} edge"


def box_column(rule: BoxMetric, boxes: BoxProtocol) -> Column:
    """The heading of a metric of boxes."""
    labels = {
        "box_ap": f"AP ({rule.interpolation or boxes.interpolation})",
        "box_map": "mAP",
        "froc_cpm": "CPM",
        "froc_sensitivity": f"Sensitivity at {_rates(rule)} FP",
    }
    return Column(rule.column, f"{labels[rule.name]}, {hit_words(rule, boxes)}", "1", "higher", DESCRIPTIONS[rule.name])


def _rates(rule: BoxMetric) -> str:
    rates: Sequence[float] = rule.rates
    return f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"


def _table(grid: ScoreGrid) -> CandidateTable:
    if grid.candidates is None:
        raise InputError(
            expected="scores with candidates", found="none", where="rank", remedy="evaluate with this profile again"
        )
    return grid.candidates
