"""The autopet-iii metrics of one whole-body PET/CT, beside the plain way to compute them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.contest import Contestant, Values, Work
from benchmarks.volumes import KINDS, PET, LabelPair, make_lesions
from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks
from oncohort.profiles import load_profile

_SIDES = ("reference", "prediction")
_EDGES = ndimage.generate_binary_structure(3, 2)
_PROFILE = load_profile("autopet-iii")
_SETTINGS = PairSettings(connectivity=18, matching=Matching("any-overlap"))


def ours(pair: LabelPair, _: Sequence[Any]) -> Values:
    masks = compare_masks(pair.reference, pair.prediction, spacing_mm=pair.spacing_mm, settings=_SETTINGS)
    return {"case": {name: METRICS[name].formula(masks) for name in _PROFILE.metrics}}


def naive(pair: LabelPair, _: Sequence[Any]) -> Values:
    """The definition: whole arrays, scipy's labelling, and a comparison of the whole array per component."""
    reference, prediction = (array.astype(bool) for array in pair.slices[:2])
    overlap = np.logical_and(reference, prediction).sum()
    values = {
        "dice": float(2 * overlap / (reference.sum() + prediction.sum())),
        "fpv_ml": _volume_without_overlap(prediction, reference) * pair.voxel_ml,
        "fnv_ml": _volume_without_overlap(reference, prediction) * pair.voxel_ml,
        "volume_difference_ml": float(int(prediction.sum()) - int(reference.sum())) * pair.voxel_ml,
    }
    return {"case": {name: values[name] for name in _PROFILE.metrics}}


def _volume_without_overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> int:
    labels, count = ndimage.label(mask, _EDGES)
    voxels = 0
    for label in range(1, count + 1):
        component = labels == label
        if not np.logical_and(component, other).any():
            voxels += int(component.sum())
    return voxels


def bincount(pair: LabelPair, _: Sequence[Any]) -> Values:
    """The same without a loop over components: what a careful numpy user writes."""
    reference, prediction = (array.astype(bool) for array in pair.slices[:2])
    sizes = int(reference.sum()), int(prediction.sum()), int((reference & prediction).sum())
    values = {
        "dice": 2 * sizes[2] / (sizes[0] + sizes[1]),
        "fpv_ml": _counted_without_overlap(prediction, reference) * pair.voxel_ml,
        "fnv_ml": _counted_without_overlap(reference, prediction) * pair.voxel_ml,
        "volume_difference_ml": (sizes[1] - sizes[0]) * pair.voxel_ml,
    }
    return {"case": {name: values[name] for name in _PROFILE.metrics}}


def _counted_without_overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> int:
    labels, count = ndimage.label(mask, _EDGES)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)[1:]
    touched = np.bincount(labels[other], minlength=count + 1)[1:]
    return int(sizes[touched == 0].sum())


_SAME = frozenset(_PROFILE.metrics)
_MANY = "hundreds of thousands of components, a pass over the volume for each: days"
LESIONS = Work(
    name="lesion-metrics",
    title="all autopet-iii metrics, PET/CT 400x400x326, 30 lesions",
    kinds=KINDS,
    make=lambda kind, tiny: make_lesions(PET.shrunk(8) if tiny else PET, kind),
    items=lambda _: ("case",),
    items_name="cases",
    ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
    peers=(
        Contestant("naive loop per component", naive, "scipy", "scipy", compares=_SAME, skips=((KINDS[2], _MANY),)),
        Contestant("scipy.ndimage.label and numpy.bincount", bincount, "scipy", "scipy", compares=_SAME),
    ),
    target_s=dict.fromkeys(KINDS[:2], 0.3),
)
