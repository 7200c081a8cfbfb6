"""The study file: what is ingested, changed, parted, trained, segmented, scored, ranked and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from oncohort.errors import SettingsError
from oncohort.leaderboard import IntervalKind, RankMethod
from oncohort.sources import AUTO, SOURCES
from oncohort.storage import as_tuple, parse_toml, read_settings_text, wrong_setting
from oncohort.study.parts import Part, PathText
from oncohort.study.training_sections import SplitSection, TrainSection


def _known_source(name: str) -> str:
    if name not in (AUTO, *SOURCES):
        raise ValueError(f"{AUTO} or one of {', '.join(SOURCES)}")
    return name


class StudySection(Part):
    """Name of the study and the folder of its results, relative to the file."""

    name: str = Field(min_length=1)
    out: PathText


class CohortSection(Part):
    """Which source reads which folder; `roi` keeps only these regions of interest."""

    source: Annotated[str, AfterValidator(_known_source)]
    path: PathText
    roi: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] | None = None


class ModelSection(BaseModel):
    """A model: a segmenter with its parameters, a network to be trained, or a folder of predictions made elsewhere."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+%-]{0,63}$")
    segmenter: str | None = None
    predictions: PathText | None = None
    train: TrainSection | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> ModelSection:
        origins = {"segmenter": self.segmenter, "predictions": self.predictions, "train": self.train}
        given = [word for word, value in origins.items() if value is not None]
        if len(given) != 1:
            raise ValueError("a model has either a segmenter or a folder of predictions or a training")
        if self.segmenter is None and self.parameters:
            raise ValueError(f"{given[0]} takes no parameters beside it: {', '.join(self.parameters)}")
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings of the segmenter."""
        return dict(self.model_extra or {})


class EvaluationSection(Part):
    """The profile by name or file, and whether predictions may lie on another grid."""

    profile: str
    resample_predictions: bool = False


class RankingSection(Part):
    """How models are ordered, the draws of the patient bootstrap, and the seed of its random numbers."""

    method: RankMethod = "profile"
    interval: IntervalKind = "percentile"
    bootstrap: int = Field(default=1000, ge=0, le=1_000_000)
    seed: int = Field(default=2026, ge=0)


class ReportSection(Part):
    """Title of the page; None takes the study's name."""

    title: str | None = None


class Study(Part):
    """A study file.

    Examples:
        >>> study = Study.model_validate({
        ...     "study": {"name": "s", "out": "results"}, "cohort": {"source": "dicom", "path": "scans"},
        ...     "model": [{"name": "suv-4", "segmenter": "threshold", "suv": 4.0}],
        ...     "evaluation": {"profile": "autopet-iii"}})
        >>> study.model[0].parameters
        {'suv': 4.0}
    """

    study: StudySection
    cohort: CohortSection
    step: Annotated[tuple[dict[str, Any], ...], BeforeValidator(as_tuple)] = ()
    split: SplitSection | None = None
    model: Annotated[tuple[ModelSection, ...], BeforeValidator(as_tuple)] = Field(min_length=1)
    evaluation: EvaluationSection
    ranking: RankingSection = RankingSection()
    report: ReportSection = ReportSection()

    _text: str = PrivateAttr(default="")
    _file: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _check(self) -> Study:
        names = [model.name.casefold() for model in self.model]
        if len(set(names)) != len(names):
            raise ValueError("two models have the same name")
        trained = [model for model in self.model if model.train is not None]
        if self.split is None and trained:
            raise ValueError("a model is trained, and no section [split] says on which cases")
        for model in trained:
            self._check_folds(model)
        return self

    def _check_folds(self, model: ModelSection) -> None:
        """Folds of a drawn split are known from its settings; those of an official one when it is read."""
        if self.split is None or self.split.official or model.train is None:
            return
        known = {str(number) for number in range(self.split.folds if self.split.folds > 1 else 0)} | {"all"}
        strange = [name for name in model.train.fold_names or () if name not in known]
        if strange:
            raise ValueError(f"model {model.name!r}: [split] draws no fold {', '.join(strange)}")

    @property
    def text(self) -> str:
        """The study file, word for word."""
        return self._text

    @property
    def file(self) -> Path:
        """Where the study file lies."""
        return self._file

    def resolve(self, path: str) -> Path:
        """A path of the study file, which is relative to it."""
        return self._file.parent / path


def load_study(path: str | Path) -> Study:
    """The study in a TOML file, checked before anything runs.

    Raises:
        SettingsError: The file is missing, no TOML, or a setting is unknown, missing or wrong.
    """
    file = Path(path)
    try:
        text = read_settings_text(file)
        study = Study.model_validate(parse_toml(text))
    except ValidationError as error:
        raise wrong_setting(error, where=str(file), remedy="docs/run.md lists every setting") from error
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(
            expected="a study file in TOML",
            found=found,
            where=str(file),
            remedy="`oncohort demo` writes one that can be edited",
        ) from error
    study._text = text  # the file is part of the result's provenance
    study._file = file.absolute()
    return study
