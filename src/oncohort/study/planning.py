"""A study whose every setting has been understood before the first file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.errors import InputError, SettingsError
from oncohort.profiles import Profile, load_profile
from oncohort.recipes import Recipe, make_recipe
from oncohort.segmenters import Segmenter, make_segmenter
from oncohort.storage import encode_stem
from oncohort.study.model_parameters import located_parameters, model_folder
from oncohort.study.settings import ModelSection, Study
from oncohort.study.training import PlannedTraining, plan_training


@dataclass(frozen=True)
class StudyPlan:
    """A study, understood.

    Args:
        study: The file.
        out: Folder of the results.
        recipe: The steps.
        profile: The protocol.
        segmenters: By model that makes masks here, also those that are trained first.
        trainings: By model that is trained.
    """

    study: Study
    out: Path
    recipe: Recipe
    profile: Profile
    segmenters: Mapping[str, Segmenter]
    trainings: Mapping[str, PlannedTraining] = field(default_factory=dict)

    @property
    def trained_folds(self) -> dict[str, tuple[str, ...] | None]:
        """By trained model, the folds that it is trained on; None for all."""
        return {name: training.section.fold_names for name, training in self.trainings.items()}

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files and folders that are read and were not made by the study."""
        study = self.study
        given = (study.resolve(model.predictions) for model in study.model if model.predictions is not None)
        models = (path for name, one in self.segmenters.items() if name not in self.trainings for path in one.inputs)
        return (study.file, study.resolve(study.cohort.path), *given, *models)

    @property
    def replaced(self) -> tuple[Path, ...]:
        """Folders in the results whose files a run replaces, those of trainings aside."""
        own = (model for model in self.study.model if model.predictions is None)
        stages = (self.out / name for name in ("cohort", "harmonised", "scores"))
        return (*stages, *map(self.prediction_folder, own))

    def prediction_folder(self, model: ModelSection) -> Path:
        """Where the masks of a model lie."""
        if model.predictions is not None:
            return self.study.resolve(model.predictions)
        return self.out / "predictions" / encode_stem(model.name)


def plan_study(study: Study, *, segments: bool = True) -> StudyPlan:
    """The plan of a study file.

    Args:
        study: The file.
        segments: Whether masks will be made, so that the networks of others have to be there.

    Raises:
        SettingsError: Its steps, models or profile are wrong.
        InputError: A folder that it reads is not there.
    """
    _require_folders(study, segments=segments)
    named = study.evaluation.profile
    file = study.resolve(named)
    out = study.resolve(study.study.out)
    trainings = {
        model.name: plan_training(study, model, model.train, out) for model in study.model if model.train is not None
    }
    return StudyPlan(
        study=study,
        out=out,
        recipe=make_recipe(study.step, str(study.file)),
        profile=load_profile(file if named.endswith(".toml") else named),
        segmenters={
            model.name: _segmenter(study, model, trainings.get(model.name))
            for model in study.model
            if model.predictions is None
        },
        trainings=trainings,
    )


def _require_folders(study: Study, *, segments: bool) -> None:
    """Check what the study reads before anything is made."""
    needed = {"cohort.path": study.resolve(study.cohort.path)}
    for model in study.model:
        if model.predictions is not None:
            needed[f"predictions of {model.name!r}"] = study.resolve(model.predictions)
        folder = model_folder(study, model) if segments else None
        if folder is not None:
            needed[f"model of {model.name!r}"] = folder
    for setting, path in needed.items():
        if not path.is_dir():
            raise InputError(
                expected=f"a folder ({setting})",
                found="a file" if path.is_file() else "nothing there",
                where=str(path),
                remedy="correct the path, which is relative to the study file; unpack archives first",
            )


def _segmenter(study: Study, model: ModelSection, training: PlannedTraining | None) -> Segmenter:
    chosen = training.segmenter_settings if training is not None else located_parameters(study, model)
    try:
        return make_segmenter({"segmenter": model.segmenter, **chosen})
    except SettingsError as error:
        where = f"{study.file}, model {model.name!r}"
        raise SettingsError(
            expected=error.expected, found=error.found, where=where, remedy="docs/segment.md lists the settings"
        ) from error
