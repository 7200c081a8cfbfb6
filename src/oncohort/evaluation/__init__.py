"""Cohort x predictions, by a profile, gives scores."""

from oncohort.evaluation.comparing import compare
from oncohort.evaluation.evaluating import evaluate
from oncohort.evaluation.findings import FINDING_RULES, Finding, has_errors
from oncohort.evaluation.measuring import MISSING, NO_IMAGE, SKIPPED, UNREADABLE, Measured, measure
from oncohort.evaluation.score_folder import read_scores, write_scores
from oncohort.evaluation.scoring import score_files
from oncohort.evaluation.structures import find_structures

__all__ = [
    "FINDING_RULES",
    "MISSING",
    "NO_IMAGE",
    "SKIPPED",
    "UNREADABLE",
    "Finding",
    "Measured",
    "compare",
    "evaluate",
    "find_structures",
    "has_errors",
    "measure",
    "read_scores",
    "score_files",
    "write_scores",
]
