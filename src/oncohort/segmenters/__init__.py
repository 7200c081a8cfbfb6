"""Mask makers: each declares what a case must have."""

from oncohort.segmenters.percent_of_max import PercentOfMax
from oncohort.segmenters.protocol import LESION_SCHEME, Segmenter
from oncohort.segmenters.registry import SEGMENTERS, make_segmenter
from oncohort.segmenters.threshold import Threshold

__all__ = ["LESION_SCHEME", "SEGMENTERS", "PercentOfMax", "Segmenter", "Threshold", "make_segmenter"]
