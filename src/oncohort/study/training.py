"""The models that a study trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError, LeakageError, OutputError, SettingsError
from oncohort.formats.split_file import read_split
from oncohort.formats.training_run import TrainingRun
from oncohort.splits import Split
from oncohort.storage import encode_stem, read_work, told_differences
from oncohort.study.settings import ModelSection, Study
from oncohort.study.training_sections import TrainSection
from oncohort.training import TrainingSettings, check_cohort, check_machine, is_trained, train
from oncohort.training.folds import fold_names

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


def require_able(trainings: Iterable[PlannedTraining], *, split_file: Path, overwrite: bool) -> None:
    """Raise if a model cannot be trained here, before a scan is read; of a finished one, packages alone are looked for.

    Args:
        trainings: Of a study.
        split_file: Where the split of the last run lies, if there was one.
        overwrite: Whether a finished one may be trained anew.

    Raises:
        SettingsError: A package, planner, trainer, device or graphics card is not there.
    """
    planned = tuple(trainings)
    for training in planned:
        _require_packages(training)
    asked: set[tuple[object, ...]] = set()
    split = _former_split(split_file)
    for training in planned:
        section, settings = training.section, training.settings
        need = (settings.model, settings.planner, settings.trainer, section.device, section.gpus)
        if need not in asked and (overwrite or not _is_finished(training, split)):
            _check_machine(training)
            asked.add(need)


def _require_packages(training: PlannedTraining) -> None:
    missing = [name for name in _PACKAGES[training.settings.model] if find_spec(name) is None]
    if missing:
        raise SettingsError(
            expected=f"packages that train {training.settings.model}",
            found=f"no {' and no '.join(missing)}",
            where=f"model {training.model!r}",
            remedy="pip install 'oncohort[train]', or leave the model out",
        )


def _is_finished(training: PlannedTraining, split: Split | None) -> bool:
    """Whether its networks are there; `split` is that of the last run, which says how many all folds are."""
    folds = training.section.fold_names
    if folds is None and split is None:
        return False
    return is_trained(training.folder, fold_names(split, None) if folds is None else folds)


def _former_split(file: Path) -> Split | None:
    """The split of the last run, if it can be read; a damaged one is drawn anew."""
    try:
        return read_split(file) if file.is_file() else None
    except (FormatError, LeakageError):
        return None


def _check_machine(training: PlannedTraining) -> None:
    try:
        check_machine(training.settings, device=training.section.device, gpus=training.section.gpus)
    except SettingsError as error:
        raise SettingsError(
            expected=error.expected,
            found=error.found,
            where=f"model {training.model!r}, {error.where}",
            remedy=error.remedy,
        ) from error


def require_trainable(trainings: Iterable[PlannedTraining], cohort: Cohort, split: Split) -> None:
    """Raise if a model of the study cannot be trained on the cohort, before the first one is trained.

    Raises:
        SettingsError: No case has an image or mask that it needs, or there is no such label.
        LeakageError: The split stands for other cases.
    """
    for training in trainings:
        check_cohort(cohort, training.settings, split=split)


def require_same_work(trainings: Iterable[PlannedTraining], split: Split) -> None:
    """Raise if a folder holds another training than the study file asks for now: it took days, perhaps.

    Args:
        trainings: Of a study.
        split: That they would be trained by.

    Raises:
        OutputError: Naming what differs.
    """
    for training in trainings:
        there, asked = read_work(training.folder), _work(training, split)
        if there and there != asked:
            raise OutputError(
                expected=f"the training of model {training.model!r} as the study file has it now",
                found=f"another one: {_differences(there, asked)}",
                where=str(training.folder),
                remedy="give the model another name, or run with --overwrite to train it anew",
            )


def _differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    told = told_differences({**there, "split": None}, {**asked, "split": None})
    if there.get("verb") != asked["verb"] or there.get("split") == asked["split"]:
        return told
    parted = "cases parted otherwise (other cases, or [split] was edited)"
    return f"{told}; {parted}" if told else parted


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
        OutputError: The folder holds a training with other settings or on other cases, and `overwrite` is not set.
    """
    return train(
        cohort,
        training.settings,
        split=split,
        folds=training.section.fold_names,
        out=training.folder,
        work=_work(training, split),
        device=training.section.device,
        gpus=training.section.gpus,
        overwrite=overwrite,
        jobs=jobs,
        progress=progress,
    )


def _work(training: PlannedTraining, split: Split) -> dict[str, Any]:
    """What marks the folder of a training."""
    return {
        "verb": "run",
        "study": training.study,
        "model": training.model,
        "settings": training.settings.model_dump(mode="json"),
        "split": split.content_hash,
    }
