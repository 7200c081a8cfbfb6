"""Dice, IoU and volumes of many labels, as other packages compute them, and straight from the formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Contestant, Values
from benchmarks.volumes import LabelPair

_CHUNK = 256 * 1024
_SAME = frozenset({"dice", "jaccard"})


def naive(pair: LabelPair, labels: Sequence[int]) -> Values:
    """A loop over the labels, straight from the formulas."""
    reference, prediction, _ = pair.slices
    result = {}
    for label in labels:
        in_reference, in_prediction = reference == label, prediction == label
        both = int(np.count_nonzero(in_reference & in_prediction))
        sizes = int(np.count_nonzero(in_reference)), int(np.count_nonzero(in_prediction))
        result[label] = from_counts(both, *sizes)
    return result


def from_counts(both: int, in_reference: int, in_prediction: int) -> dict[str, float]:
    total = in_reference + in_prediction
    if total == 0:
        return {"dice": float("nan"), "jaccard": float("nan")}
    return {"dice": 2 * both / total, "jaccard": both / (total - both)}


def bincount(pair: LabelPair, labels: Sequence[int]) -> Values:
    """One pass with numpy: the joint histogram in chunks that stay in the cache."""
    reference, prediction, _ = pair.slices
    width = max(pair.labels) + 1
    flat = reference.reshape(-1), prediction.reshape(-1)
    counts = np.zeros(width * width, np.int64)
    for start in range(0, flat[0].size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        counts += np.bincount(flat[0][chunk].astype(np.intp) * width + flat[1][chunk], minlength=width * width)
    table: NDArray[np.int64] = counts.reshape(width, width)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    return {label: from_counts(int(table[label, label]), int(rows[label]), int(columns[label])) for label in labels}


class _InMemory:
    """A reader in nnU-Net's sense that hands out arrays."""

    def __init__(self, pair: LabelPair):
        self._arrays = dict(zip(("reference", "prediction"), pair.slices[:2], strict=True))

    def read_seg(self, name: str) -> tuple[NDArray[Any], dict[str, Any]]:
        return self._arrays[name][None], {}


def nnunet(pair: LabelPair, labels: Sequence[int]) -> Values:
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics

    metrics = compute_metrics("reference", "prediction", _InMemory(pair), list(labels))["metrics"]
    return {label: {"dice": float(row["Dice"]), "jaccard": float(row["IoU"])} for label, row in metrics.items()}


def monai(pair: LabelPair, labels: Sequence[int]) -> Values:
    """MONAI's loop over class indices (no one-hot copies: its fastest way)."""
    import torch
    from monai.metrics import DiceHelper

    torch.set_num_threads(1)
    reference, prediction = (torch.from_numpy(array) for array in pair.slices[:2])
    helper = DiceHelper(include_background=False, num_classes=max(labels) + 1, ignore_empty=True)
    return {label: {"dice": float(helper.compute_channel(prediction == label, reference == label))} for label in labels}


def medpy(pair: LabelPair, labels: Sequence[int]) -> Values:
    from medpy.metric import binary

    reference, prediction, _ = pair.slices
    result = {}
    for label in labels:
        masks = prediction == label, reference == label
        if masks[0].any() or masks[1].any():
            result[label] = {"dice": float(binary.dc(*masks)), "jaccard": float(binary.jc(*masks))}
    return result


def panoptica(pair: LabelPair, labels: Sequence[int]) -> Values:
    from panoptica import Metric

    rows = evaluate_instances(pair, labels, [Metric.DSC, Metric.IOU])
    return {label: {"dice": row[Metric.DSC], "jaccard": row[Metric.IOU]} for label, row in rows.items()}


def evaluate_instances(pair: LabelPair, labels: Sequence[int], metrics: list[Any]) -> dict[int, dict[Any, float]]:
    """Each label as one instance that is already matched; panoptica lists those that both masks hold, by label."""
    from panoptica import InputType, Panoptica_Evaluator
    from panoptica.metrics import MetricMode
    from panoptica.utils import LabelGroup, SegmentationClassGroups

    reference, prediction, spacing = pair.slices
    others = sorted(set(pair.labels) - set(labels))
    groups = {"structures": LabelGroup(list(labels))} | ({"others": LabelGroup(others)} if others else {})
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.MATCHED_INSTANCE,
        segmentation_class_groups=SegmentationClassGroups(groups),
        instance_metrics=metrics,
        global_metrics=[],
    )
    result = evaluator.evaluate(
        prediction,
        reference,
        voxelspacing=spacing,
        verbose=False,
        skip_groups=[name for name in groups if name == "others"],
    )["structures"]
    both = sorted(set(labels) & set(np.unique(reference).tolist()) & set(np.unique(prediction).tolist()))
    columns = {metric: result.get_list_metric(metric, mode=MetricMode.ALL) for metric in metrics}
    return {label: {metric: float(columns[metric][n]) for metric in metrics} for n, label in enumerate(both)}


def simpleitk(pair: LabelPair, labels: Sequence[int]) -> Values:
    import SimpleITK

    reference, prediction, _ = pair.slices
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    measure = SimpleITK.LabelOverlapMeasuresImageFilter()
    measure.Execute(SimpleITK.GetImageFromArray(prediction), SimpleITK.GetImageFromArray(reference))
    return {
        label: {"dice": measure.GetDiceCoefficient(label), "jaccard": measure.GetJaccardCoefficient(label)}
        for label in labels
    }


NNUNET = Contestant("nnU-Net compute_metrics", nnunet, "nnunetv2", "nnunetv2", compares=_SAME)
MONAI = Contestant("MONAI DiceHelper", monai, "monai", "monai", compares=frozenset({"dice"}))
MEDPY = Contestant("MedPy dc and jc", medpy, "medpy", "medpy", compares=_SAME)
PANOPTICA = Contestant("panoptica", panoptica, "panoptica", "panoptica", linear=False, compares=_SAME)
SIMPLEITK = Contestant(
    "SimpleITK LabelOverlapMeasures", simpleitk, "SimpleITK", "simpleitk", linear=False, compares=_SAME
)
BINCOUNT = Contestant("numpy.bincount in chunks", bincount, linear=False, compares=_SAME)
NAIVE = Contestant("naive numpy loop per label", naive, compares=_SAME)
