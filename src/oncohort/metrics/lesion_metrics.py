"""Metrics of lesions: which were found, which are false, and how well the found ones fit."""

from __future__ import annotations

from typing import Protocol

from oncohort.metrics.instances import score_instances
from oncohort.metrics.lesions import LesionOverlap
from oncohort.metrics.matching import LesionMatching
from oncohort.metrics.metric import (
    EITHER_EMPTY,
    NEVER,
    NO_PREDICTION,
    NO_REFERENCE,
    Direction,
    Metric,
    Presence,
    Symmetry,
)

_COMPONENTS = frozenset({"components"})
_ONE_TO_ONE = frozenset({"components", "one_to_one"})
_BOTH_EMPTY = frozenset({Presence.BOTH_EMPTY})
_UNDEFINED = float("nan")


class HasLesions(Protocol):
    """A pair of masks of which the lesions are known."""

    @property
    def lesion_overlap(self) -> LesionOverlap:
        """Voxels of every lesion and of every pair of lesions."""
        ...

    @property
    def lesions(self) -> LesionMatching:
        """Which lesions match."""
        ...


def f1_score(tp: int, fp: int, fn: int) -> float:
    """Detection F1 of counted lesions: 2 tp / (2 tp + fp + fn); NaN where there is no lesion at all.

    Sum the counts of several cases first to pool them.

    Examples:
        >>> f1_score(2, 1, 1), f1_score(0, 3, 0)
        (0.6666666666666666, 0.0)
    """
    total = 2 * tp + fp + fn
    return 2 * tp / total if total else _UNDEFINED


def panoptic_quality(lesions: LesionMatching) -> float:
    """Sum of the IoU of all matches over tp + fp/2 + fn/2: segmentation quality times recognition quality.

    NaN where there is no lesion at all.

    Raises:
        ValueError: The matching is not one-to-one.

    Source: Kirillov et al., CVPR 2019.

    Examples:
        >>> import numpy as np
        >>> from oncohort.metrics.matching import Matching, match_lesions
        >>> maps = np.array([[[1, 1, 1, 1, 0, 2]]]), np.array([[[1, 1, 1, 0, 0, 0]]])
        >>> panoptic_quality(match_lesions(LesionOverlap.of_maps(*maps, voxel_ml=1.0), Matching("iou", 0.5)))
        0.5
    """
    _require_one_to_one(lesions)
    total = lesions.tp + 0.5 * (lesions.fp + lesions.fn)
    return float(lesions.iou.sum()) / total if total else _UNDEFINED


def segmentation_quality(lesions: LesionMatching) -> float:
    """Mean IoU of the matches; NaN without a match.

    Raises:
        ValueError: The matching is not one-to-one.
    """
    _require_one_to_one(lesions)
    return float(lesions.iou.mean()) if lesions.iou.size else _UNDEFINED


def recognition_quality(lesions: LesionMatching) -> float:
    """Detection F1 of a one-to-one matching; NaN where there is no lesion at all.

    Raises:
        ValueError: The matching is not one-to-one.
    """
    _require_one_to_one(lesions)
    return f1_score(lesions.tp, lesions.fp, lesions.fn)


def _require_one_to_one(lesions: LesionMatching) -> None:
    if not lesions.matching.is_one_to_one:
        raise ValueError(f"expected a one-to-one matching (iou), got {lesions.matching.rule}")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else _UNDEFINED


def _fpv_ml(pair: HasLesions) -> float:
    return pair.lesion_overlap.invented_ml


def _fnv_ml(pair: HasLesions) -> float:
    return pair.lesion_overlap.missed_ml


def _lesion_tp(pair: HasLesions) -> float:
    return float(pair.lesions.tp)


def _lesion_fp(pair: HasLesions) -> float:
    return float(pair.lesions.fp)


def _lesion_fn(pair: HasLesions) -> float:
    return float(pair.lesions.fn)


def _reference_lesions(pair: HasLesions) -> float:
    return float(pair.lesion_overlap.reference_ids.size)


def _prediction_lesions(pair: HasLesions) -> float:
    return float(pair.lesion_overlap.prediction_ids.size)


def _lesion_recall(pair: HasLesions) -> float:
    return _share(pair.lesions.tp, pair.lesions.tp + pair.lesions.fn)


def _lesion_precision(pair: HasLesions) -> float:
    return _share(pair.lesions.tp_prediction, pair.lesions.tp_prediction + pair.lesions.fp)


def _lesion_f1(pair: HasLesions) -> float:
    return f1_score(pair.lesions.tp, pair.lesions.fp, pair.lesions.fn)


def _panoptic_quality(pair: HasLesions) -> float:
    return panoptic_quality(pair.lesions)


def _segmentation_quality(pair: HasLesions) -> float:
    return segmentation_quality(pair.lesions)


def _recognition_quality(pair: HasLesions) -> float:
    return recognition_quality(pair.lesions)


def _instance_dice(pair: HasLesions) -> float:
    return score_instances(pair.lesion_overlap).dice


def _instance_fp_ml(pair: HasLesions) -> float:
    return score_instances(pair.lesion_overlap).false_positive_ml


def _instance_fn_ml(pair: HasLesions) -> float:
    return score_instances(pair.lesion_overlap).false_negative_ml


LESION_METRICS = (
    Metric(
        name="fpv_ml",
        description="Volume of the predicted lesions that touch no voxel of the reference.",
        unit="ml",
        direction=Direction.LOWER,
        symmetry=Symmetry.TWIN,
        twin="fnv_ml",
        undefined=NEVER,
        formula=_fpv_ml,
        needs=_COMPONENTS,
    ),
    Metric(
        name="fnv_ml",
        description="Volume of the reference lesions that touch no voxel of the prediction.",
        unit="ml",
        direction=Direction.LOWER,
        symmetry=Symmetry.TWIN,
        twin="fpv_ml",
        undefined=NEVER,
        formula=_fnv_ml,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_tp",
        description="Reference lesions that were found.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NEVER,
        formula=_lesion_tp,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_fp",
        description="Predicted lesions that match no reference lesion.",
        unit="1",
        direction=Direction.LOWER,
        symmetry=Symmetry.TWIN,
        twin="lesion_fn",
        undefined=NEVER,
        formula=_lesion_fp,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_fn",
        description="Reference lesions that were not found.",
        unit="1",
        direction=Direction.LOWER,
        symmetry=Symmetry.TWIN,
        twin="lesion_fp",
        undefined=NEVER,
        formula=_lesion_fn,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_f1",
        description="Detection F1 of the lesions: 2 tp / (2 tp + fp + fn).",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=_lesion_f1,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_recall",
        description="Share of the reference lesions that were found.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.TWIN,
        twin="lesion_precision",
        undefined=NO_REFERENCE,
        formula=_lesion_recall,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="lesion_precision",
        description="Share of the predicted lesions that match a reference lesion.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.TWIN,
        twin="lesion_recall",
        undefined=NO_PREDICTION,
        formula=_lesion_precision,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="panoptic_quality",
        description="Sum of the IoU of all matches over tp + fp/2 + fn/2.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=_panoptic_quality,
        missing_value=0.0,
        needs=_ONE_TO_ONE,
    ),
    Metric(
        name="recognition_quality",
        description="Detection F1 of lesions that are matched one to one.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=_recognition_quality,
        missing_value=0.0,
        needs=_ONE_TO_ONE,
    ),
    Metric(
        name="segmentation_quality",
        description="Mean IoU of the matched lesions.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=EITHER_EMPTY,
        formula=_segmentation_quality,
        missing_value=0.0,
        nan_reason="no_matched_lesion",
        needs=_ONE_TO_ONE,
    ),
    Metric(
        name="instance_dice",
        description="Mean Dice over all pairs of overlapping lesions and all lesions that overlap none (0).",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NO_REFERENCE,
        formula=_instance_dice,
        missing_value=0.0,
        needs=_COMPONENTS,
    ),
    Metric(
        name="instance_fp_ml",
        description="Mean volume of predicted lesions outside their reference lesion, over the rows of instance_dice.",
        unit="ml",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=_BOTH_EMPTY,
        formula=_instance_fp_ml,
        needs=_COMPONENTS,
    ),
    Metric(
        name="instance_fn_ml",
        description="Mean volume of reference lesions outside their predicted lesion, over the rows of instance_dice.",
        unit="ml",
        direction=Direction.LOWER,
        symmetry=Symmetry.NONE,
        twin=None,
        undefined=NO_REFERENCE,
        formula=_instance_fn_ml,
        needs=_COMPONENTS,
    ),
    Metric(
        name="reference_lesions",
        description="Number of reference lesions.",
        unit="1",
        direction=Direction.NONE,
        symmetry=Symmetry.TWIN,
        twin="prediction_lesions",
        undefined=NEVER,
        formula=_reference_lesions,
        needs=_COMPONENTS,
    ),
    Metric(
        name="prediction_lesions",
        description="Number of predicted lesions.",
        unit="1",
        direction=Direction.NONE,
        symmetry=Symmetry.TWIN,
        twin="reference_lesions",
        undefined=NEVER,
        formula=_prediction_lesions,
        needs=_COMPONENTS,
    ),
)
"""Metrics that follow from the lesions of both masks."""
