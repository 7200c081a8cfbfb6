"""The formula of every metric, as the pages of profiles print it."""

from __future__ import annotations

from typing import Final

FORMULAS: Final = {
    "dice": "2 |R & P| / (|R| + |P|)",
    "jaccard": "|R & P| / |R or P|",
    "sensitivity": "|R & P| / |R|",
    "precision": "|R & P| / |P|",
    "volume_difference_ml": "v * (|P| - |R|)",
    "volume_difference_percent": "100 * (|P| - |R|) / |R|",
    "reference_volume_ml": "v * |R|",
    "prediction_volume_ml": "v * |P|",
    "assd_mm": "mean of dS(R, P) and dS(P, R) pooled; border voxels",
    "assd_directed_mm": "mean of the mean of dS(R, P) and the mean of dS(P, R); border voxels",
    "assd_elements_mm": "as `assd_mm`, of elements, weighted by area",
    "assd_elements_directed_mm": "as `assd_directed_mm`, of elements, weighted by area",
    "hausdorff_mm": "maximum of dS(R, P) and dS(P, R); border voxels",
    "hd95_mm": "95th percentile of dS(R, P) and dS(P, R) pooled; border voxels, linear interpolation",
    "hd95_directed_mm": "maximum of the two 95th percentiles; border voxels",
    "nsd": "area of both surfaces with a distance of at most `tolerance_mm`, over their whole area; elements",
    "contour_dice": "2 * border voxels that coincide / border voxels of R and of P",
    "fpv_ml": "v * sum of |c| over predicted lesions c with c & R empty",
    "fnv_ml": "v * sum of |c| over reference lesions c with c & P empty",
    "lesion_tp": "reference lesions with a match",
    "lesion_fp": "predicted lesions without one",
    "lesion_fn": "reference lesions without one",
    "lesion_f1": "2 tp / (2 tp + fp + fn)",
    "lesion_recall": "tp / (tp + fn)",
    "lesion_precision": "predicted lesions with a match / predicted lesions",
    "panoptic_quality": "sum of the IoU of the matches / (tp + fp/2 + fn/2); matching `iou`",
    "recognition_quality": "tp / (tp + fp/2 + fn/2); matching `iou`",
    "segmentation_quality": "mean IoU of the matches; matching `iou`",
    "instance_dice": "mean Dice over all pairs of lesions that overlap, and 0 for every lesion that overlaps none",
    "instance_fp_ml": "over the same pairs, mean volume of the predicted lesion outside the reference lesion",
    "instance_fn_ml": "over the same pairs, mean volume of the reference lesion outside the predicted one",
    "reference_lesions": "number of lesions of R",
    "prediction_lesions": "number of lesions of P",
    "suvmax_error": "SUVmax within P less within R",
    "suvmean_error": "SUVmean within P less within R",
    "suvpeak_error": "SUVpeak (largest mean of a 1 ml sphere round a voxel of the mask) within P less within R",
    "mtv_difference_ml": "metabolic tumour volume of P less that of R",
    "tlg_difference": "SUVmean * volume of P less that of R",
    "fnv_components_ml": "v * sum of |c| over connected components c of R, whatever their numbers, with c & P empty",
    "dice_of_numbers": "2 * sum of R over P / (sum of R + |P|), of the lesion numbers of R; `dice` where R holds none",
    "lesion_fn_of_numbers": "highest lesion number of R - tp",
    "lesion_f1_of_numbers": "2 tp / (2 tp + fp + `lesion_fn_of_numbers`)",
    "volume_ratio": "|P| / |R|",
    "volume_ratio_error": "distance of |P| / |R| from 1",
    "suvmean_ratio": "SUVmean within P / within R",
    "suvmean_ratio_error": "distance of SUVmean within P / within R from 1",
}
"""Text per metric. R is the reference, P the prediction, v the volume of a voxel in ml, dS(M, N) the distances in mm
from every point of the surface of M to the surface of N."""

COHORT_FORMULAS: Final = {
    "auc": "area under the ROC curve of the cases; ties count half",
    "ap": "average precision of the cases",
    "patient_sensitivity": "cases with R not empty and v * |P| above `positive_ml` / cases with R not empty",
    "specificity": "cases with R empty and v * |P| not above `positive_ml` / cases with R empty",
    "tumour_sensitivity": "sum of tp / sum of (tp + fn)",
    "lesion_recall": "sum of tp / sum of (tp + fn)",
    "lesion_precision": "sum of predicted lesions with a match / sum of predicted lesions",
    "lesion_f1": "2 * sum of tp / sum of (2 tp + fp + fn)",
    "froc_cpm": (
        "mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4, 8 false lesions per case; predicted lesions by falling score "
        "(their volume), the first on a lesion finds it, others on it do not count"
    ),
}
"""Text per metric of a whole cohort; sums are over cases."""

BOX_FORMULAS: Final = {
    "box_ap": "average over recall of the best precision at that or any higher recall, by falling score",
    "box_map": "mean of `box_ap` over the thresholds",
    "froc_cpm": "mean sensitivity at the rates of false boxes per image; straight lines between points, flat beyond",
    "froc_sensitivity": "sensitivity at the rate of false boxes per image, by the same curve",
}
"""Text per metric of boxes by falling score."""
