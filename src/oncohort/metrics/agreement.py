"""Agreement of two or more readers: no reader is the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics.label_arrays import Spacing
from oncohort.metrics.metric import Metric, Presence, Symmetry
from oncohort.metrics.pairs import MaskPair, PairSettings, compare_masks
from oncohort.metrics.registry import METRICS

TieRule = Literal["foreground", "background"]
"""What a voxel becomes that just half of the readers drew."""


@dataclass(frozen=True)
class Agreement:
    """One metric between two readers; the same whichever of them is named first, but for the sign of a difference.

    Args:
        first: A reader.
        second: Another one.
        metric: What was measured.
        value: None if it is undefined; a difference is that of `second` less that of `first`.
        undefined: Why it is: `both_empty`, `one_empty`, or the metric's own reason.
    """

    first: str
    second: str
    metric: str
    value: float | None
    undefined: str | None


def measure_agreement(
    readers: Mapping[str, NDArray[Any]],
    metrics: Mapping[str, Mapping[str, float]],
    *,
    spacing_mm: Spacing,
    settings: PairSettings,
    image: NDArray[Any] | None = None,
) -> list[Agreement]:
    """Symmetric metrics and differences over all pairs of readers, in the order given.

    Args:
        readers: Name and mask (i, j, k) of each reader; whatever is not 0 was drawn.
        metrics: Names of metrics that stay the same when the masks change places (`symmetric_metrics`) or turn
            their sign (volume and uptake differences), with the parameters that each one takes.
        spacing_mm: Edges of a voxel along i, j, k.
        settings: How lesions are told apart and matched.
        image: (i, j, k) in SUV, the one that all readers drew on; None if no metric is about uptake.

    Raises:
        ValueError: Fewer than two readers, a metric that is not symmetric or lacks a parameter, shapes that differ,
            or uptake without an image.

    Examples:
        >>> from oncohort.metrics.matching import Matching
        >>> drawn = np.zeros((4, 4, 4), bool)
        >>> drawn[1:3, 1:3] = True
        >>> settings = PairSettings(connectivity=18, matching=Matching("iou", 0.5))
        >>> readers = {"A": drawn, "B": np.roll(drawn, 1, 0)}
        >>> for found in measure_agreement(readers, {"dice": {}}, spacing_mm=(1, 1, 1), settings=settings):
        ...     print(found.first, found.second, found.metric, found.value)
        A B dice 0.5
        >>> image = np.arange(64.0).reshape(4, 4, 4)
        >>> measure_agreement(
        ...     readers, {"suvmax_error": {}}, spacing_mm=(7, 7, 7), settings=settings, image=image
        ... )[0].value
        16.0
    """
    if len(readers) < 2:
        raise ValueError(f"expected two or more readers, got {len(readers)}")
    chosen = [_symmetric(name, parameters) for name, parameters in metrics.items()]
    found = []
    for first, second in combinations(readers, 2):
        pair = compare_masks(readers[first], readers[second], spacing_mm=spacing_mm, settings=settings, image=image)
        for metric in chosen:
            value, reason = _measured(metric, pair, metrics[metric.name])
            found.append(Agreement(first, second, metric.name, value, reason))
    return found


def symmetric_metrics() -> list[str]:
    """Names of the metrics that have the same value whichever of two readers is named first.

    Examples:
        >>> [name for name in symmetric_metrics() if not METRICS[name].unit == "mm"]
        ['dice', 'jaccard', 'nsd', 'contour_dice', 'panoptic_quality', 'recognition_quality', 'segmentation_quality']
    """
    return [name for name, metric in METRICS.items() if metric.symmetry is Symmetry.SAME]


def majority_consensus(masks: Sequence[NDArray[Any]], *, if_tied: TieRule) -> NDArray[np.bool_]:
    """The voxels that more than half of the readers drew.

    Args:
        masks: Of at least one reader, all of one shape; whatever is not 0 was drawn.
        if_tied: What a voxel becomes that just half of the readers drew; only an even number of readers can tie.

    Raises:
        ValueError: No mask, shapes that differ, or another rule.

    Examples:
        >>> masks = [np.array([[[1, 1, 0]]]), np.array([[[1, 0, 0]]])]
        >>> [majority_consensus(masks, if_tied=rule).tolist() for rule in ("background", "foreground")]
        [[[[True, False, False]]], [[[True, True, False]]]]
    """
    shapes = {mask.shape for mask in masks}
    if len(shapes) != 1:
        raise ValueError(f"expected masks of one shape, got {sorted(shapes)}")
    if if_tied not in get_args(TieRule):
        raise ValueError(f"expected a tie to become one of {', '.join(get_args(TieRule))}, got {if_tied!r}")
    votes = np.zeros(masks[0].shape, np.uint16)
    for mask in masks:
        votes += mask != 0
    needed = len(masks) // 2 + 1
    if if_tied == "foreground" and len(masks) % 2 == 0:
        needed -= 1
    return np.asarray(votes >= needed)


def _symmetric(name: str, parameters: Mapping[str, float]) -> Metric:
    usable = [known for known, metric in METRICS.items() if metric.symmetry in (Symmetry.SAME, Symmetry.NEGATED)]
    if name not in usable:
        raise ValueError(f"expected symmetric metrics or differences ({', '.join(usable)}), got {name!r}")
    metric = METRICS[name]
    if set(parameters) != metric.parameters:
        raise ValueError(f"{name} takes {sorted(metric.parameters) or 'no parameters'}, got {sorted(parameters)}")
    return metric


def _measured(metric: Metric, pair: MaskPair, parameters: Mapping[str, float]) -> tuple[float | None, str | None]:
    if pair.presence in metric.undefined:
        return None, "both_empty" if pair.presence is Presence.BOTH_EMPTY else "one_empty"
    value = metric.formula(pair, **parameters)
    return (None, metric.nan_reason) if isnan(value) else (value, None)
