"""What is trained, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from oncohort.errors import SettingsError
from oncohort.exports import Channel, parse_channels
from oncohort.storage import as_tuple, wrong_setting


def _channels(text: str) -> str:
    try:
        parsed = parse_channels(text)
    except SettingsError as error:
        raise ValueError(f"{error.expected}, not {error.found}") from error
    if not parsed or any(channel.polarity is not None for channel in parsed):
        raise ValueError("roles of images with commas between; prompts are drawn by the export alone")
    return text


_Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
_Edges = Annotated[tuple[Annotated[int, Field(ge=4, le=1024)], ...], BeforeValidator(as_tuple)]
_Spacing = Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], BeforeValidator(as_tuple)]


class TrainingSettings(BaseModel):
    """The settings of a training, which identify it beside the cohort and the split.

    Args:
        model: What is trained; `nnunet`.
        configuration: Of nnU-Net: `3d_fullres`, `2d` or `3d_lowres`.
        epochs: How many; 0 writes the network as it is before any training, a yardstick.
        channels: Roles of the images, as `oncohort export nnunet --channels` takes them.
        label_role: Role of the masks.
        labels: Labels that are learnt, with commas between; all if empty.
        union: Name of the one label that all labels together become.
        planner: Class of nnU-Net's planner, such as `nnUNetPlannerResEncM`.
        gpu_memory_gb: What the planner may fill; None for its own target.
        trainer: Class of nnU-Net's trainer.
        iterations: Batches of an epoch.
        validation_iterations: Batches that validate an epoch.
        patch_size: In voxels along k, j, i (along j, i in 2D); None for the planner's. It is rounded up to what the
            network can halve.
        batch_size: Patches of a batch; None for the planner's.
        features: Of the first stage of the network; None for the planner's (32).
        spacing_mm: To which 3d_fullres resamples, along k, j, i; None for the planner's.
        seed: Of the first weights and of what each epoch draws.
        save_every: Epochs between checkpoints from which a killed training continues.

    Examples:
        >>> TrainingSettings(epochs=5, patch_size=(32, 32, 32)).configuration
        '3d_fullres'
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, protected_namespaces=())

    model: Literal["nnunet"] = "nnunet"
    configuration: Literal["3d_fullres", "2d", "3d_lowres"] = "3d_fullres"
    epochs: int = Field(default=1000, ge=0, le=100_000)
    channels: Annotated[str, AfterValidator(_channels)] = "ct,pet"
    label_role: str = Field(default="lesions", min_length=1)
    labels: str = ""
    union: str | None = None
    planner: _Word = "ExperimentPlanner"
    gpu_memory_gb: float | None = Field(default=None, gt=0, le=1000)
    trainer: _Word = "nnUNetTrainer"
    iterations: int = Field(default=250, ge=1, le=1_000_000)
    validation_iterations: int = Field(default=50, ge=1, le=1_000_000)
    patch_size: _Edges | None = Field(default=None, min_length=2, max_length=3)
    batch_size: int | None = Field(default=None, ge=1, le=4096)
    features: int | None = Field(default=None, ge=1, le=1024)
    spacing_mm: _Spacing | None = Field(default=None, min_length=3, max_length=3)
    seed: int = Field(default=2026, ge=0, lt=2**31)
    save_every: int = Field(default=1, ge=1)

    @field_validator("patch_size")
    @classmethod
    def _edges(cls, patch: tuple[int, ...] | None, others: ValidationInfo) -> tuple[int, ...] | None:
        configuration = others.data.get("configuration")
        axes = "j, i" if configuration == "2d" else "k, j, i"
        if configuration is not None and patch is not None and len(patch) != len(axes.split()):
            raise ValueError(f"{len(axes.split())} numbers of voxels (along {axes}) for {configuration}")
        return patch

    @staticmethod
    def from_dict(values: Mapping[str, Any], *, where: str) -> TrainingSettings:
        """The settings that a study file or a command line gives.

        Raises:
            SettingsError: One is unknown or wrong.

        Examples:
            >>> TrainingSettings.from_dict({"epochs": 5}, where="here").epochs
            5
        """
        try:
            return TrainingSettings.model_validate(dict(values))
        except ValidationError as error:
            raise wrong_setting(error, where=where, remedy="docs/train.md lists the settings") from error

    @property
    def images(self) -> tuple[Channel, ...]:
        """The input channels, in order."""
        return parse_channels(self.channels)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Labels that are learnt; none for all."""
        return tuple(name.strip() for name in self.labels.split(",") if name.strip())
