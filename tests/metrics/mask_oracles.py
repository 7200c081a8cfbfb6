"""Overlap and lesion metrics straight from their formulas, by sets of voxels and loops over everything."""

import math
from itertools import permutations, product

import numpy as np

REACH = {6: 1, 18: 2, 26: 3}
"""In how many axes a neighbour may differ."""


def voxels(mask):
    return set(map(tuple, np.argwhere(mask).tolist()))


def flood(mask, connectivity):
    """Components as sets of voxels, by flooding."""
    steps = [step for step in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) <= REACH[connectivity]]
    left, found = voxels(mask), []
    while left:
        front = [min(left)]
        left.remove(front[0])
        component = set(front)
        while front:
            at = front.pop()
            for step in steps:
                near = tuple(a + b for a, b in zip(at, step, strict=True))
                if near in left:
                    left.remove(near)
                    component.add(near)
                    front.append(near)
        found.append(component)
    return found


def numbered(array):
    """Lesions as sets of voxels, by the number that each voxel holds."""
    return [voxels(array == number) for number in sorted(set(array.ravel().tolist()) - {0})]


def iou(a, b):
    return len(a & b) / len(a | b)


def matches(reference, prediction, rule, threshold):
    """Positions of the lesions that match."""
    pairs = [(r, p) for r in range(len(reference)) for p in range(len(prediction)) if reference[r] & prediction[p]]
    if rule == "any-overlap":
        return pairs
    close = [(r, p) for r, p in pairs if iou(reference[r], prediction[p]) >= threshold]
    return close if rule == "many-to-many" else best_assignment(reference, prediction, close)


def best_assignment(reference, prediction, close):
    """The one-to-one choice with the greatest sum of 1 + IoU, of all that there are."""
    nobody = [None] * len(reference)
    best, worth = [], -1.0
    for chosen in set(permutations([*range(len(prediction)), *nobody], len(reference))):
        pairs = [(r, p) for r, p in enumerate(chosen) if (r, p) in close]
        total = sum(1.0 + iou(reference[r], prediction[p]) for r, p in pairs)
        if total > worth:
            best, worth = pairs, total
    return best


def overlap_metrics(reference, prediction, voxel_ml):
    r, p = voxels(reference), voxels(prediction)
    nan = math.nan
    return {
        "dice": 2 * len(r & p) / (len(r) + len(p)) if r or p else nan,
        "jaccard": len(r & p) / len(r | p) if r or p else nan,
        "sensitivity": len(r & p) / len(r) if r else nan,
        "precision": len(r & p) / len(p) if p else nan,
        "volume_difference_ml": (len(p) - len(r)) * voxel_ml,
        "volume_difference_percent": 100 * (len(p) - len(r)) / len(r) if r else nan,
        "reference_volume_ml": len(r) * voxel_ml,
        "prediction_volume_ml": len(p) * voxel_ml,
    }


def lesion_metrics(reference, prediction, rule, threshold, voxel_ml):
    """From lesions as sets of voxels."""
    nan, pairs = math.nan, matches(reference, prediction, rule, threshold)
    met_r, met_p = {r for r, _ in pairs}, {p for _, p in pairs}
    all_r, all_p = set().union(*reference), set().union(*prediction)
    tp, fn, fp = len(met_r), len(reference) - len(met_r), len(prediction) - len(met_p)
    found = {
        "fpv_ml": sum(len(p) for p in prediction if not p & all_r) * voxel_ml,
        "fnv_ml": sum(len(r) for r in reference if not r & all_p) * voxel_ml,
        "lesion_tp": tp,
        "lesion_fp": fp,
        "lesion_fn": fn,
        "lesion_f1": 2 * tp / (2 * tp + fp + fn) if reference or prediction else nan,
        "lesion_recall": tp / len(reference) if reference else nan,
        "lesion_precision": len(met_p) / len(prediction) if prediction else nan,
        "reference_lesions": len(reference),
        "prediction_lesions": len(prediction),
        **instance_metrics(reference, prediction, voxel_ml),
    }
    if rule == "iou":
        total = sum(iou(reference[r], prediction[p]) for r, p in pairs)
        found["panoptic_quality"] = total / (tp + fp / 2 + fn / 2) if reference or prediction else nan
        found["segmentation_quality"] = total / tp if tp else nan
        found["recognition_quality"] = tp / (tp + fp / 2 + fn / 2) if reference or prediction else nan
    return found


def instance_metrics(reference, prediction, voxel_ml):
    """autoPET IV, task 2: the loop as the reference page writes it."""
    rows, used = [], set()
    for r in reference:
        near = [n for n, p in enumerate(prediction) if r & p]
        if not near:
            rows.append((0.0, 0.0, len(r) * voxel_ml))
        for n in near:
            p = prediction[n]
            rows.append((2 * len(r & p) / (len(r) + len(p)), len(p - r) * voxel_ml, len(r - p) * voxel_ml))
            used.add(n)
    for n, p in enumerate(prediction):
        if n not in used:
            rows.append((0.0, len(p) * voxel_ml, 0.0) if reference else (math.nan, len(p) * voxel_ml, math.nan))
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    means = []
    for column in columns:
        known = [value for value in column if not math.isnan(value)]
        means.append(sum(known) / len(known) if known else math.nan)
    return dict(zip(("instance_dice", "instance_fp_ml", "instance_fn_ml"), means, strict=True))
