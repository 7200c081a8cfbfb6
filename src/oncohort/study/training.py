"""The models that a study trains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.errors import SettingsError
from oncohort.formats.training_run import TrainingRun
from oncohort.splits import Split
from oncohort.storage import encode_stem
from oncohort.study.settings import ModelSection, Study
from oncohort.study.training_sections import TrainSection
from oncohort.training import TrainingSettings, train

_PACKAGES = {"nnunet": ("torch", "nnunetv2")}
"""What a kind of model needs beside Oncohort itself: looked for, not loaded."""


@dataclass(frozen=True)
class PlannedTraining:
    """A training whose settings have been understood.

    Args:
        study: Name of the study.
        model: Name of the model.
        section: Of the study file.
        settings: Of the training.
        folder: Where its run is kept.
    """

    study: str
    model: str
    section: TrainSection
    settings: TrainingSettings
    folder: Path

    @property
    def segmenter_settings(self) -> dict[str, Any]:
        """Settings of the segmenter that predicts with the run."""
        chosen = self.section.predict.model_dump()
        return {"segmenter": self.settings.model, "model": str(self.folder), "device": self.section.device, **chosen}


def plan_training(study: Study, model: ModelSection, section: TrainSection, out: Path) -> PlannedTraining:
    """The training of a model of a study, kept below the folder `out`.

    Raises:
        SettingsError: A setting is unknown or wrong.
    """
    where = f"{study.file}, model {model.name!r}"
    try:
        settings = TrainingSettings.from_dict(section.settings, where=where)
    except SettingsError as error:
        raise SettingsError(
            expected=error.expected, found=error.found, where=where, remedy="docs/run.md lists the settings"
        ) from error
    folder = out / "training" / encode_stem(model.name)
    return PlannedTraining(study.study.name, model.name, section, settings, folder)


def require_packages(trainings: Iterable[PlannedTraining]) -> None:
    """Raise if a model cannot be trained here, before a scan is read.

    Raises:
        SettingsError: A package is not installed.
    """
    for training in trainings:
        missing = [name for name in _PACKAGES[training.settings.model] if find_spec(name) is None]
        if missing:
            raise SettingsError(
                expected=f"packages that train {training.settings.model}",
                found=f"no {' and no '.join(missing)}",
                where=f"model {training.model!r}",
                remedy="pip install 'oncohort[train]', or leave the model out",
            )


def train_planned(
    cohort: Cohort,
    split: Split,
    training: PlannedTraining,
    *,
    overwrite: bool,
    jobs: int,
    progress: ProgressCallback | None,
) -> TrainingRun:
    """The record of a model that was trained on its folds; what is finished is not done again.

    Raises:
        OutputError: The folder holds a training with other settings or on other cases, and `overwrite` is not set:
            days of computing are not thrown away for an edit.
    """
    return train(
        cohort,
        training.settings,
        split=split,
        folds=training.section.fold_names,
        out=training.folder,
        work={
            "verb": "run",
            "study": training.study,
            "model": training.model,
            "settings": training.settings.model_dump(mode="json"),
            "split": split.content_hash,
        },
        device=training.section.device,
        gpus=training.section.gpus,
        overwrite=overwrite,
        jobs=jobs,
        progress=progress,
    )
