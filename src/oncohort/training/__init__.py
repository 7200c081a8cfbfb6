"""Models trained on a cohort: export, plan, preprocess, train, collect."""

from oncohort.training.checking import check_machine, is_trained
from oncohort.training.settings import TrainingSettings
from oncohort.training.training import check_cohort, train

__all__ = ["TrainingSettings", "check_cohort", "check_machine", "is_trained", "train"]
