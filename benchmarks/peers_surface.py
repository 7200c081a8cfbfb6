"""ASSD, HD95 and NSD of many structures, as other packages compute them, and straight from the definition."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from benchmarks.contest import Contestant, Values
from benchmarks.peers_overlap import evaluate_instances
from benchmarks.volumes import LabelPair

TOLERANCE_MM = 2.0
Mask = NDArray[np.bool_]
Distances = tuple[NDArray[np.float64], NDArray[np.float64]]


def surface_distance(pair: LabelPair, labels: Sequence[int]) -> Values:
    """As its documentation shows: whole masks, which it crops."""
    return _whole(pair, labels, _by_surface_distance)


def boxed_surface_distance(pair: LabelPair, labels: Sequence[int]) -> Values:
    """The same in boxes found beforehand, for all labels at once."""
    return _each(pair, labels, _by_surface_distance)


def _by_surface_distance(reference: Mask, prediction: Mask, spacing: tuple[float, ...]) -> dict[str, float]:
    import surface_distance as package

    found = package.compute_surface_distances(reference, prediction, spacing)
    return {
        "assd_elements_directed_mm": float(np.mean(package.compute_average_surface_distance(found))),
        "hd95_elements_directed_mm": float(package.compute_robust_hausdorff(found, 95)),
        "nsd": float(package.compute_surface_dice_at_tolerance(found, TOLERANCE_MM)),
    }


def monai(pair: LabelPair, labels: Sequence[int]) -> Values:
    """Whole masks, which it crops."""
    import torch
    from monai import metrics

    torch.set_num_threads(1)

    def measure(reference: Mask, prediction: Mask, spacing: tuple[float, ...]) -> dict[str, float]:
        tensors = {"y_pred": torch.from_numpy(prediction)[None, None], "y": torch.from_numpy(reference)[None, None]}
        common = {**tensors, "include_background": True, "spacing": list(spacing)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {
                "assd_mm": float(metrics.compute_average_surface_distance(symmetric=True, **common)),
                "hd95_directed_mm": float(metrics.compute_hausdorff_distance(percentile=95, **common)),
                "nsd": float(
                    metrics.compute_surface_dice(class_thresholds=[TOLERANCE_MM], use_subvoxels=True, **common)
                ),
            }

    return _whole(pair, labels, measure)


def panoptica(pair: LabelPair, labels: Sequence[int]) -> Values:
    from panoptica import Metric

    rows = evaluate_instances(pair, labels, [Metric.ASSD, Metric.HD95, Metric.NSD])
    return {label: {metric.name: value for metric, value in row.items()} for label, row in rows.items()}


def distance_transform(pair: LabelPair, labels: Sequence[int]) -> Values:
    """The definition: border voxels by erosion, then a Euclidean distance transform, in the box of both masks."""
    return _each(
        pair, labels, lambda reference, prediction, spacing: _pooled(_by_transform(reference, prediction, spacing))
    )


def search_tree(pair: LabelPair, labels: Sequence[int]) -> Values:
    """The same definition; nearest border voxels by scipy's cKDTree."""
    return _each(pair, labels, lambda reference, prediction, spacing: _pooled(_by_tree(reference, prediction, spacing)))


def _whole(pair: LabelPair, labels: Sequence[int], measure: Callable[..., dict[str, float]]) -> Values:
    """Measure every label that both masks hold, mask by mask."""
    reference, prediction, spacing = pair.slices
    result = {}
    for label in labels:
        masks = reference == label, prediction == label
        if masks[0].any() and masks[1].any():
            result[label] = measure(*masks, spacing)
    return result


def _each(pair: LabelPair, labels: Sequence[int], measure: Callable[..., dict[str, float]]) -> Values:
    """Measure every label that both masks hold within the box of both."""
    reference, prediction, spacing = pair.slices
    boxes = [ndimage.find_objects(array, max_label=max(labels)) for array in (reference, prediction)]
    result = {}
    for label in labels:
        one, other = boxes[0][label - 1], boxes[1][label - 1]
        if one is not None and other is not None:
            box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
            masks = (np.ascontiguousarray(array[box] == label) for array in (reference, prediction))
            result[label] = measure(*masks, spacing)
    return result


def _border(mask: Mask) -> Mask:
    border: Mask = mask & ~ndimage.binary_erosion(mask)
    return border


def _by_transform(reference: Mask, prediction: Mask, spacing: tuple[float, ...]) -> Distances:
    borders = _border(reference), _border(prediction)
    to_reference, to_prediction = (ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders)
    return to_prediction[borders[0]], to_reference[borders[1]]


def _by_tree(reference: Mask, prediction: Mask, spacing: tuple[float, ...]) -> Distances:
    one, other = (np.argwhere(_border(mask)) * np.array(spacing) for mask in (reference, prediction))
    return cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]


def _pooled(distances: Distances) -> dict[str, float]:
    pooled: Any = np.concatenate(distances)
    return {
        "assd_mm": float(pooled.mean()),
        "hd95_mm": float(np.percentile(pooled, 95)),
        "hausdorff_mm": float(pooled.max()),
    }


_VOXELS = frozenset({"assd_mm", "hd95_mm"})
SURFACE_DISTANCE = Contestant(
    "surface-distance", surface_distance, "surface_distance", "surface-distance", compares=frozenset({"nsd"})
)
BOXED_SURFACE_DISTANCE = Contestant(
    "surface-distance in boxes found beforehand",
    boxed_surface_distance,
    "surface_distance",
    "surface-distance",
    compares=frozenset({"nsd"}),
)
MONAI = Contestant("MONAI metrics", monai, "monai", "monai", compares=frozenset({"assd_mm", "nsd"}), tolerance=1e-3)
PANOPTICA = Contestant("panoptica", panoptica, "panoptica", "panoptica")
TRANSFORM = Contestant("naive: scipy EDT in boxes (no NSD)", distance_transform, "scipy", "scipy", compares=_VOXELS)
TREE = Contestant("scipy cKDTree on borders (no NSD)", search_tree, "scipy", "scipy", compares=_VOXELS)
