"""Whether predictions and cohort mean the same by their labels, asked before days of training."""

from __future__ import annotations

from oncohort.cohort import Cohort
from oncohort.evaluation.prediction_records import read_records
from oncohort.study.planning import StudyPlan


def require_agreement(plan: StudyPlan, cohort: Cohort) -> None:
    """Raise if masks of a model that is not trained here would be scored as other structures than they mean.

    Args:
        plan: Of the study, whose models without training have their predictions.
        cohort: That is scored.

    Raises:
        FormatError: The record of a segmentation is damaged.
        LabelError: Labels are not those of the cohort.
        SettingsError: The profile names structures that the cohort does not.
    """
    profile = plan.profile
    if profile.kind == "boxes":
        return
    folders = {
        model.name: plan.prediction_folder(model) for model in plan.study.model if model.name not in plan.trainings
    }
    if profile.steps is None:
        read_records(folders, cohort, profile)
        return
    for step in range(profile.steps.states):
        read_records({model: folder / f"step-{step}" for model, folder in folders.items()}, cohort, profile)
