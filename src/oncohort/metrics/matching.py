"""Which predicted lesion stands for which lesion of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from oncohort.metrics.lesions import Integers, LesionOverlap

Rule = Literal["any-overlap", "iou", "many-to-many"]
"""`any-overlap`: one shared voxel is a match. `iou`: each lesion is matched at most once, at an IoU of at least
the threshold. `many-to-many`: every pair at an IoU of at least the threshold is a match."""

_BATCH = 2000


@dataclass(frozen=True)
class Matching:
    """When a predicted lesion counts as one of the reference.

    Args:
        rule: `any-overlap` (autoPET FPV and FNV), `iou` (PI-CAI, panoptic quality) or `many-to-many` (autoPET V).
        threshold: Least IoU, above 0 up to 1; none with `any-overlap`.

    Raises:
        ValueError: An unknown rule, or a threshold that does not go with it.

    Examples:
        >>> Matching("iou", 0.5)
        Matching(rule='iou', threshold=0.5)
    """

    rule: Rule
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise ValueError(f"expected a matching of {', '.join(get_args(Rule))}, got {self.rule!r}")
        if self.rule == "any-overlap":
            if self.threshold is not None:
                raise ValueError(f"any-overlap takes no threshold, got {self.threshold}")
        elif self.threshold is None or not 0.0 < self.threshold <= 1.0:
            raise ValueError(f"{self.rule} takes a threshold above 0 up to 1, got {self.threshold}")

    @property
    def is_one_to_one(self) -> bool:
        """Whether a lesion is matched at most once."""
        return self.rule == "iou"


@dataclass(frozen=True, eq=False)
class LesionMatching:
    """The matched pairs of lesions, and what they leave over.

    Args:
        overlap: Lesions of both masks.
        matching: The rule that matched them.
        chosen: (c,) positions in `overlap.pairs` of the pairs that match, ascending.
    """

    overlap: LesionOverlap
    matching: Matching
    chosen: Integers

    @property
    def pairs(self) -> tuple[tuple[int, int, float], ...]:
        """Numbers of the reference and of the predicted lesion, and their IoU, of each match."""
        rows = self.overlap.pairs[self.chosen]
        reference = self.overlap.reference_ids[rows[:, 0]].tolist()
        prediction = self.overlap.prediction_ids[rows[:, 1]].tolist()
        return tuple(zip(reference, prediction, self.iou.tolist(), strict=True))

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU of each match; (c,)."""
        return self.overlap.iou[self.chosen]

    @property
    def reference_matched(self) -> NDArray[np.bool_]:
        """Whether each reference lesion has a match; (n,)."""
        return _marked(self.overlap.pairs[self.chosen, 0], self.overlap.reference_ids.size)

    @property
    def prediction_matched(self) -> NDArray[np.bool_]:
        """Whether each predicted lesion has a match; (m,)."""
        return _marked(self.overlap.pairs[self.chosen, 1], self.overlap.prediction_ids.size)

    @property
    def tp(self) -> int:
        """Reference lesions with a match."""
        return int(self.reference_matched.sum())

    @property
    def fn(self) -> int:
        """Reference lesions without a match."""
        return self.overlap.reference_ids.size - self.tp

    @property
    def tp_prediction(self) -> int:
        """Predicted lesions with a match; more than `tp` where lesions are split, fewer where they are bridged."""
        return int(self.prediction_matched.sum())

    @property
    def fp(self) -> int:
        """Predicted lesions without a match."""
        return self.overlap.prediction_ids.size - self.tp_prediction


def match_lesions(overlap: LesionOverlap, matching: Matching) -> LesionMatching:
    """The matches between the lesions of two masks.

    With `iou`, of all one-to-one assignments of pairs at or above the threshold
    the one with the greatest sum of 1 + IoU is taken (the objective of
    PI-CAI's scorer), so that a match counts more than a better overlap.

    Args:
        overlap: Lesions of both masks.
        matching: The rule.

    Examples:
        >>> reference = np.array([[[1, 1, 1, 1, 0, 2]]])
        >>> prediction = np.array([[[1, 0, 2, 2, 0, 0]]])
        >>> overlap = LesionOverlap.of_maps(reference, prediction, voxel_ml=1.0)
        >>> for rule in (Matching("any-overlap"), Matching("iou", 0.2), Matching("many-to-many", 0.2)):
        ...     found = match_lesions(overlap, rule)
        ...     print(rule.rule, found.tp, found.fp, found.fn, found.pairs)
        any-overlap 1 0 1 ((1, 1, 0.25), (1, 2, 0.5))
        iou 1 1 1 ((1, 2, 0.5),)
        many-to-many 1 0 1 ((1, 1, 0.25), (1, 2, 0.5))
    """
    if matching.threshold is None:
        return LesionMatching(overlap, matching, np.arange(overlap.pairs.shape[0]))
    close = np.flatnonzero(overlap.iou >= matching.threshold)
    if matching.is_one_to_one:
        close = close[_assigned(overlap.pairs[close, :2], overlap.iou[close])]
    return LesionMatching(overlap, matching, close)


def _assigned(pairs: Integers, iou: NDArray[np.float64]) -> Integers:
    """Positions of the pairs of the best one-to-one assignment, ascending; only rivals have to be assigned."""
    rival = _is_repeated(pairs[:, 0]) | _is_repeated(pairs[:, 1])
    rivals = np.flatnonzero(rival)
    if rivals.size == 0:
        return np.arange(pairs.shape[0])
    kept = [
        part[_best_assignment(pairs[part, 0], pairs[part, 1], 1.0 + iou[part])]
        for part in (rivals[members] for members in _batches(pairs[rivals, 0], pairs[rivals, 1]))
    ]
    return np.sort(np.concatenate([np.flatnonzero(~rival), *kept]))


def _batches(rows: Integers, columns: Integers) -> list[Integers]:
    """Positions of the pairs in parts that share no row and no column, of about `_BATCH` pairs or one cluster each.

    The solver's time grows with the square of what it is given at once.
    """
    row_ids, row = np.unique(rows, return_inverse=True)
    column_ids, column = np.unique(columns, return_inverse=True)
    size = row_ids.size + column_ids.size
    graph = coo_array((np.ones(row.size), (row, row_ids.size + column)), shape=(size, size))
    _, cluster = connected_components(graph, directed=False)
    order = np.argsort(cluster[row], kind="stable")
    first = np.flatnonzero(np.diff(cluster[row][order], prepend=-1))
    cuts = first[1:][np.diff(first // _BATCH) > 0]
    return np.split(order, cuts)


def _best_assignment(rows: Integers, columns: Integers, worth: NDArray[np.float64]) -> Integers:
    """Positions of the pairs that each use a row and a column at most once and are worth most together.

    The solver wants a partner for every row, so every row gets a column of its
    own that is worth nothing. It takes no zeros, so everything is worth 1 more.
    """
    row_ids, row = np.unique(rows, return_inverse=True)
    column_ids, column = np.unique(columns, return_inverse=True)
    alone = np.arange(row_ids.size)
    partners = coo_array(
        (
            np.concatenate([worth, np.zeros(alone.size)]) + 1.0,
            (np.concatenate([row, alone]), np.concatenate([column, column_ids.size + alone])),
        ),
        shape=(alone.size, column_ids.size + alone.size),
    )
    _, chosen = min_weight_full_bipartite_matching(partners.tocsr(), maximize=True)
    return np.flatnonzero(chosen[row] == column)


def _is_repeated(numbers: Integers) -> NDArray[np.bool_]:
    _, positions, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return np.asarray(counts[positions] > 1)


def _marked(positions: Integers, count: int) -> NDArray[np.bool_]:
    marked = np.zeros(count, bool)
    marked[positions] = True
    return marked
