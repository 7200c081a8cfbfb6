"""Mask makers: each declares what a case must have."""

from oncohort.segmenters.percent_of_max import PercentOfMax
from oncohort.segmenters.protocol import LESION_SCHEME, PlainSegmenter, Prediction, Segmenter
from oncohort.segmenters.registry import SEGMENTERS, make_segmenter, segmenter_from_words
from oncohort.segmenters.threshold import Threshold

__all__ = [
    "LESION_SCHEME",
    "SEGMENTERS",
    "PercentOfMax",
    "PlainSegmenter",
    "Prediction",
    "Segmenter",
    "Threshold",
    "make_segmenter",
    "segmenter_from_words",
]
