"""Boxes in 2D and 3D: IoU, lesions from slice boxes, readings, boxes from masks and back."""

from oncohort.boxes.algebra import (
    Boxes,
    PixelRule,
    as_boxes,
    beyond,
    box_sizes,
    edges_mm,
    from_corners,
    hull,
    intersection_matrix,
    iou_matrix,
    to_corners,
)
from oncohort.boxes.from_masks import (
    FoundBoxes,
    FoundSliceBoxes,
    boxes_from_mask,
    boxes_of_labels,
    slice_boxes_of_labels,
)
from oncohort.boxes.linking import LinkSettings, link_boxes
from oncohort.boxes.merging import BoxLesion, MergeSettings, ReadingAgreement, merge_readings
from oncohort.boxes.slices import BoxReading, SliceBox, SliceStack, slice_positions_mm
from oncohort.boxes.weak_masks import LUNG_TISSUE, WeakMask, WeakMaskSettings, weak_mask

__all__ = [
    "LUNG_TISSUE",
    "BoxLesion",
    "BoxReading",
    "Boxes",
    "FoundBoxes",
    "FoundSliceBoxes",
    "LinkSettings",
    "MergeSettings",
    "PixelRule",
    "ReadingAgreement",
    "SliceBox",
    "SliceStack",
    "WeakMask",
    "WeakMaskSettings",
    "as_boxes",
    "beyond",
    "box_sizes",
    "boxes_from_mask",
    "boxes_of_labels",
    "edges_mm",
    "from_corners",
    "hull",
    "intersection_matrix",
    "iou_matrix",
    "link_boxes",
    "merge_readings",
    "slice_boxes_of_labels",
    "slice_positions_mm",
    "to_corners",
    "weak_mask",
]
