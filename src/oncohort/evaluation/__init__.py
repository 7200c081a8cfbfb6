"""Cohort x predictions, by a profile, gives scores."""

from oncohort.evaluation.evaluating import evaluate
from oncohort.evaluation.measuring import MISSING, Measured, measure
from oncohort.evaluation.score_folder import read_scores, write_scores
from oncohort.evaluation.scoring import score_files

__all__ = ["MISSING", "Measured", "evaluate", "measure", "read_scores", "score_files", "write_scores"]
