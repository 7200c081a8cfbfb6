"""The study file: what is ingested, changed, segmented, scored, ranked and reported."""

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
from oncohort.storage import parse_toml, read_settings_text

PathText = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]+$")]
"""A path as a study file gives it: absolute, or relative to the file."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _known_source(name: str) -> str:
    if name not in (AUTO, *SOURCES):
        raise ValueError(f"{AUTO} or one of {', '.join(SOURCES)}")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StudySection(_Part):
    """Name of the study and the folder of its results, relative to the file."""

    name: str = Field(min_length=1)
    out: PathText


class CohortSection(_Part):
    """Which source reads which folder; `roi` keeps only these regions of interest."""

    source: Annotated[str, AfterValidator(_known_source)]
    path: PathText
    roi: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] | None = None


class ModelSection(BaseModel):
    """A model: a segmenter with its parameters, or a folder of predictions made elsewhere."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+%-]{0,63}$")
    segmenter: str | None = None
    predictions: PathText | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ModelSection:
        if (self.segmenter is None) == (self.predictions is None):
            raise ValueError("a model has either a segmenter or a folder of predictions")
        if self.predictions is not None and self.parameters:
            raise ValueError(f"predictions take no parameters: {', '.join(self.parameters)}")
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings of the segmenter."""
        return dict(self.model_extra or {})


class EvaluationSection(_Part):
    """The profile by name or file, and whether predictions may lie on another grid."""

    profile: str
    resample_predictions: bool = False


class RankingSection(_Part):
    """How models are ordered, the draws of the patient bootstrap, and the seed of its random numbers."""

    method: RankMethod = "profile"
    interval: IntervalKind = "percentile"
    bootstrap: int = Field(default=1000, ge=0, le=1_000_000)
    seed: int = Field(default=2026, ge=0)


class ReportSection(_Part):
    """Title of the page; None takes the study's name."""

    title: str | None = None


class Study(_Part):
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
    step: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_as_tuple)] = ()
    model: Annotated[tuple[ModelSection, ...], BeforeValidator(_as_tuple)] = Field(min_length=1)
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
        return self

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
        raise _wrong_setting(file, error) from error
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


def _wrong_setting(file: Path, error: ValidationError) -> SettingsError:
    problem = error.errors()[0]
    setting = ".".join(str(part) for part in problem["loc"]) or "file"
    others = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return SettingsError(
        expected=f"{setting}: {problem['msg']}{others}",
        found=repr(problem["input"])[:200] if problem["type"] != "missing" else "nothing",
        where=str(file),
        remedy="docs/run.md lists every setting",
    )
