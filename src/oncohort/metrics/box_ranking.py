"""Hits and false predictions in one ranking by score: what curves and their bootstrap are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.box_matching import BoxMatching, Outcome


@dataclass(frozen=True, eq=False)
class RankedHits:
    """Found references and false predictions by falling score.

    Equal scores keep the order of the predictions. References that nothing
    found are in `references` alone.

    Args:
        scores: (n,) falling.
        hits: (n,) True for a found reference, False for a false prediction.
        images: (n,) index of the image.
        references: (images,) number of references that count.
        counted: (images,) whether the image takes part.
    """

    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    images: NDArray[np.intp]
    references: NDArray[np.int64]
    counted: NDArray[np.bool_]


def rank_hits(matching: BoxMatching, *, of_class: int | None) -> RankedHits:
    """The ranking of one class, or of all classes in one list.

    Args:
        matching: From `match_boxes`.
        of_class: Index of the class, of the reference for hits and of the
            prediction for false ones; None for all.

    Examples:
        >>> from oncohort.metrics.box_comparison import ComparisonSettings, compare_boxes
        >>> from oncohort.metrics.box_matching import MatchSettings, match_boxes
        >>> from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
        >>> comparison = compare_boxes(
        ...     reference_boxes([[[0, 4], [0, 4]]], images=[0]),
        ...     predicted_boxes([[[0, 4], [0, 2]], [[0, 4], [0, 4]]], images=[0, 0], scores=[0.8, 0.9]),
        ...     images=1, settings=ComparisonSettings(2, "half-open", "iou", "class", "count"),
        ... )
        >>> rules = MatchSettings("coco", ignored_takes="any", maximum=100, cap="first")
        >>> rank_hits(match_boxes(comparison, threshold=0.5, settings=rules), of_class=None).hits.tolist()
        [True, False]
    """
    reference, prediction = matching.comparison.reference, matching.comparison.prediction
    wanted = np.ones(len(reference.boxes), np.bool_) if of_class is None else reference.classes == of_class
    false = matching.outcome == Outcome.FALSE
    if of_class is not None:
        false &= prediction.classes == of_class
    found = np.flatnonzero((matching.found_by >= 0) & wanted)
    places = np.concatenate([matching.found_by[found], np.flatnonzero(false)])
    hits = np.arange(len(places)) < len(found)
    order = np.lexsort((places, -prediction.scores[places]))
    counting = reference.images[wanted & ~reference.ignored]
    return RankedHits(
        scores=prediction.scores[places][order],
        hits=hits[order],
        images=prediction.images[places][order],
        references=np.bincount(counting, minlength=len(matching.comparison.counted)),
        counted=matching.comparison.counted,
    )


def image_draws(draws: ArrayLike, patients: ArrayLike) -> NDArray[np.float64]:
    """How often each image comes up in each draw of patients: (draws, images).

    A patient brings all images along; one drawn twice counts as two patients
    with separate images.

    Args:
        draws: (draws, patients) how often each patient was drawn.
        patients: (images,) index of the patient of each image.

    Raises:
        ValueError: Not a table, or a patient beyond its columns.

    Examples:
        >>> image_draws([[1, 1], [2, 0]], [0, 0, 1]).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 0.0]]
    """
    table, index = np.asarray(draws), np.asarray(patients, dtype=np.intp)
    if table.ndim != 2 or index.ndim != 1 or (index.size and not 0 <= index.min() <= index.max() < table.shape[1]):
        raise ValueError(f"expected draws (draws, patients) and an index below {table.shape[-1]} for every image")
    return table[:, index].astype(np.float64)
