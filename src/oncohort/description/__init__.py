"""What a cohort holds, counted from its tables alone."""

from oncohort.description.label_counts import LabelCount, count_labels
from oncohort.description.summarising import summarise
from oncohort.description.summary import NOT_STATED, Numbers, Summary

__all__ = ["NOT_STATED", "LabelCount", "Numbers", "Summary", "count_labels", "summarise"]
