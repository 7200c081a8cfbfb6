"""The sections of a study file that part a cohort and train models on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from oncohort.errors import SettingsError
from oncohort.splitting import SplitSettings
from oncohort.storage import as_tuple
from oncohort.study.parts import Part

Fold = Annotated[int, Field(ge=0)] | Literal["all"]
Device = Literal["auto", "cpu", "cuda", "mps"]

_LISTED = ("channels", "labels")
"""Settings of a training that are names: a text with commas between, or a list."""


class SplitSection(Part):
    """How the cohort is parted, as `oncohort split` takes it."""

    folds: int = Field(default=5, ge=1)
    test: float = Field(default=0.0, ge=0, lt=1)
    strata: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    volume_edges: Annotated[tuple[float, ...], BeforeValidator(as_tuple)] = (10.0, 100.0)
    seed: int = Field(default=2026, ge=0)
    official: bool = False
    fold_column: str | None = None
    role: str = "lesions"

    @model_validator(mode="after")
    def _nothing_useless(self) -> SplitSection:
        """Settings that go together; one that would change nothing is a mistake, or meant otherwise."""
        if self.official and "folds" in self.model_fields_set:
            raise ValueError("no folds with official, whose folds are the data set's")
        try:
            _ = self.settings
        except SettingsError as error:
            raise ValueError(f"{error.expected}; {error.remedy}") from error
        return self

    @property
    def settings(self) -> SplitSettings:
        """As the library takes them."""
        return SplitSettings(
            folds=self.folds,
            test_share=self.test,
            strata=self.strata,
            volume_edges_ml=self.volume_edges,
            seed=self.seed,
            official=self.official,
            fold_column=self.fold_column,
            role=self.role,
        )


class PredictSection(Part):
    """How a trained model predicts: parameters of its segmenter."""

    mirroring: bool = True
    step: float = Field(default=0.5, gt=0, le=1)
    probabilities: str = ""


class TrainSection(BaseModel):
    """What a model is trained with: settings of `oncohort train`, folds, where it computes, how it predicts."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    folds: Annotated[tuple[Fold, ...], BeforeValidator(as_tuple)] | None = Field(default=None, min_length=1)
    device: Device = "auto"
    gpus: int = Field(default=1, ge=1)
    predict: PredictSection = PredictSection()

    @model_validator(mode="before")
    @classmethod
    def _join_names(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: _joined(name, value) if name in _LISTED else value for name, value in values.items()}

    @model_validator(mode="after")
    def _each_fold_once(self) -> TrainSection:
        if self.folds is not None and len(set(self.folds)) != len(self.folds):
            raise ValueError("a fold is named twice")
        return self

    @property
    def fold_names(self) -> tuple[str, ...] | None:
        """The folds as words; None for all of the split."""
        return None if self.folds is None else tuple(str(fold) for fold in self.folds)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the training itself."""
        return dict(self.model_extra or {})


def _joined(setting: str, value: Any) -> Any:
    """The names of a list as the text that a training takes; what is no list stays."""
    if not isinstance(value, list | tuple):
        return value
    if not value or not all(isinstance(name, str) and name.strip() and "," not in name for name in value):
        raise ValueError(f"{setting} as a text, or a list of names without commas")
    return ",".join(value)
