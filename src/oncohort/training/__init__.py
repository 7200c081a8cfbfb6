"""Models trained on a cohort: export, plan, preprocess, train, collect."""

from oncohort.training.settings import TrainingSettings
from oncohort.training.training import train

__all__ = ["TrainingSettings", "train"]
