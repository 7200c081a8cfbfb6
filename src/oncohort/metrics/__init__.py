"""Numbers that two masks give: pure functions of arrays and spacing."""

from oncohort.metrics.agreement import Agreement, majority_consensus, measure_agreement, symmetric_metrics
from oncohort.metrics.agreement_values import Limits, LimitsOfAgreement, intraclass_correlation, limits_of_agreement
from oncohort.metrics.box_comparison import BoxComparison, ComparisonSettings, compare_boxes
from oncohort.metrics.box_confusion import BoxConfusion, confuse_boxes
from oncohort.metrics.box_detection import ClassDetection, Detection, DetectionSettings, detect_boxes, iou_range
from oncohort.metrics.box_froc import box_froc_curve, draw_box_sensitivities
from oncohort.metrics.box_matching import BoxMatching, MatchSettings, Outcome, match_boxes
from oncohort.metrics.box_precision import box_average_precision, draw_box_average_precision
from oncohort.metrics.box_ranking import RankedHits, image_draws, rank_hits
from oncohort.metrics.box_sets import (
    PredictedBoxes,
    ReferenceBoxes,
    boxes_of_points,
    predicted_boxes,
    reference_boxes,
)
from oncohort.metrics.detection import Proportion, patient_sensitivity, specificity, tumour_sensitivity
from oncohort.metrics.froc import FrocCurve, froc_cpm, froc_curve, froc_sensitivities, lesion_average_precision
from oncohort.metrics.instances import InstanceScores, score_instances
from oncohort.metrics.interaction import area_over_steps, mean_over_steps
from oncohort.metrics.lesion_metrics import f1_score, panoptic_quality, recognition_quality, segmentation_quality
from oncohort.metrics.lesion_table import LesionRow, lesion_rows, size_class, size_classes
from oncohort.metrics.lesions import ComponentOverlap, LesionOverlap
from oncohort.metrics.matching import LesionMatching, Matching, match_lesions
from oncohort.metrics.metric import Direction, Metric, Presence, Symmetry
from oncohort.metrics.operating_points import OperatingPoint, operating_point
from oncohort.metrics.overlap import (
    OverlapCounts,
    dice,
    jaccard,
    precision,
    sensitivity,
    volume_difference_ml,
    volume_difference_percent,
)
from oncohort.metrics.pairs import MaskPair, PairSettings, compare_all_labels, compare_labels, compare_masks
from oncohort.metrics.registry import METRICS
from oncohort.metrics.roc import RocCurve, average_precision, roc_auc, roc_curve
from oncohort.metrics.surface import (
    SurfaceDistances,
    assd_directed_mm,
    assd_mm,
    compare_surfaces,
    contour_dice,
    hausdorff_mm,
    hd95_directed_mm,
    hd95_mm,
    surface_dice,
)
from oncohort.metrics.uptake import Uptake, UptakePair, measure_lesion_uptakes, measure_uptake

__all__ = [
    "METRICS",
    "Agreement",
    "BoxComparison",
    "BoxConfusion",
    "BoxMatching",
    "ClassDetection",
    "ComparisonSettings",
    "ComponentOverlap",
    "Detection",
    "DetectionSettings",
    "Direction",
    "FrocCurve",
    "InstanceScores",
    "LesionMatching",
    "LesionOverlap",
    "LesionRow",
    "Limits",
    "LimitsOfAgreement",
    "MaskPair",
    "MatchSettings",
    "Matching",
    "Metric",
    "OperatingPoint",
    "Outcome",
    "OverlapCounts",
    "PairSettings",
    "PredictedBoxes",
    "Presence",
    "Proportion",
    "RankedHits",
    "ReferenceBoxes",
    "RocCurve",
    "SurfaceDistances",
    "Symmetry",
    "Uptake",
    "UptakePair",
    "area_over_steps",
    "assd_directed_mm",
    "assd_mm",
    "average_precision",
    "box_average_precision",
    "box_froc_curve",
    "boxes_of_points",
    "compare_all_labels",
    "compare_boxes",
    "compare_labels",
    "compare_masks",
    "compare_surfaces",
    "confuse_boxes",
    "contour_dice",
    "detect_boxes",
    "dice",
    "draw_box_average_precision",
    "draw_box_sensitivities",
    "f1_score",
    "froc_cpm",
    "froc_curve",
    "froc_sensitivities",
    "hausdorff_mm",
    "hd95_directed_mm",
    "hd95_mm",
    "image_draws",
    "intraclass_correlation",
    "iou_range",
    "jaccard",
    "lesion_average_precision",
    "lesion_rows",
    "limits_of_agreement",
    "majority_consensus",
    "match_boxes",
    "match_lesions",
    "mean_over_steps",
    "measure_agreement",
    "measure_lesion_uptakes",
    "measure_uptake",
    "operating_point",
    "panoptic_quality",
    "patient_sensitivity",
    "precision",
    "predicted_boxes",
    "rank_hits",
    "recognition_quality",
    "reference_boxes",
    "roc_auc",
    "roc_curve",
    "score_instances",
    "segmentation_quality",
    "sensitivity",
    "size_class",
    "size_classes",
    "specificity",
    "surface_dice",
    "symmetric_metrics",
    "tumour_sensitivity",
    "volume_difference_ml",
    "volume_difference_percent",
]
