"""What a cohort holds, counted from its tables alone."""

from oncohort.description.label_counts import LabelCount, count_labels
from oncohort.description.summarising import summarise
from oncohort.description.summary import NOT_STATED, Numbers, Summary
from oncohort.description.synthetic import is_synthetic

__all__ = ["NOT_STATED", "LabelCount", "Numbers", "Summary", "count_labels", "is_synthetic", "summarise"]
