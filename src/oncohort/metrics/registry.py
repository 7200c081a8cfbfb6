"""Every metric with its unit, direction, symmetry and undefined rule."""

from __future__ import annotations

from oncohort.metrics.lesion_metrics import LESION_METRICS
from oncohort.metrics.metric import Direction, Metric, Symmetry
from oncohort.metrics.numbered import NUMBERED_METRICS
from oncohort.metrics.overlap import OVERLAP_METRICS
from oncohort.metrics.ratios import RATIO_METRICS
from oncohort.metrics.surface_metrics import SURFACE_METRICS
from oncohort.metrics.uptake import UPTAKE_METRICS

__all__ = ["METRICS", "Direction", "Metric", "Symmetry"]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *OVERLAP_METRICS,
        *SURFACE_METRICS,
        *LESION_METRICS,
        *NUMBERED_METRICS,
        *UPTAKE_METRICS,
        *RATIO_METRICS,
    )
}
"""Every metric by its name, in the order of the tables."""
