"""Intervals and ranks from arrays of numbers."""

from oncohort.statistics.bootstrap import bootstrap_means, draw_patients, percentile_interval
from oncohort.statistics.ranking import rank_values

__all__ = ["bootstrap_means", "draw_patients", "percentile_interval", "rank_values"]
