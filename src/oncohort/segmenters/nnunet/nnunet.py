"""A trained nnU-Net as a segmenter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from oncohort.cohort import Cohort
from oncohort.segmenters.calling import require_roles
from oncohort.segmenters.nnunet import held_worker
from oncohort.segmenters.nnunet.input_channels import (
    input_roles,
    input_units,
    parse_roles,
    require_units_somewhere,
)
from oncohort.segmenters.nnunet.model_folder import ModelFolder
from oncohort.segmenters.nnunet.model_labels import model_labels
from oncohort.segmenters.nnunet.prepared import PreparedNnunet
from oncohort.segmenters.nnunet.seen_cases import SeenCases
from oncohort.segmenters.parameters import require_positive, wrong_parameter
from oncohort.segmenters.protocol import UnpreparedSegmenter
from oncohort.storage import content_key

DEVICES = ("auto", "cpu", "cuda", "mps")

_OTHER_ROLES = "name other roles with channels=..., or use a model that was trained with the images at hand"
_SEEN_RULES = 2  # version of what counts as a case that a network has seen


@dataclass(frozen=True)
class Nnunet(UnpreparedSegmenter):
    """A model that `oncohort train` or nnU-Net itself has trained.

    Of a model that `oncohort train` has trained, a case is given to the networks alone that have not seen its patient.
    A checkpoint is loaded without running code from it, and classes that its plans name come from PyTorch and nnU-Net
    alone, unless it is trusted.

    Args:
        model: Folder that `oncohort train` wrote, or a model folder of nnU-Net.
        folds: Folds with commas between; empty for all that are finished.
        checkpoint: Name of the file with the weights of a fold.
        channels: Roles of the images in the order of the model's channels, with commas between; empty for what the
            record of the training or the names of the channels say. A unit may follow, as in `pet=Bq/ml`.
        labels: `cohort` for the integers that the cohort gives to labels of the same name, `own` for those of the
            model, or pairs NAME=LABEL with commas between.
        probabilities: Label whose probability is kept, `any` for all labels together; empty for none.
        device: `auto`, `cpu`, `cuda` or `mps`.
        mirroring: Whether the mean over mirrored images is taken.
        step: Step of the sliding window as a share of the patch.
        training_cases: Whether networks also see cases that they were trained on.
        trust: Whether code in the checkpoints may be run.

    Raises:
        SettingsError: A parameter is wrong.

    Examples:
        >>> Nnunet("run", folds="0,1").checkpoint
        'checkpoint_final.pth'
    """

    model: str
    folds: str = ""
    checkpoint: str = "checkpoint_final.pth"
    channels: str = ""
    labels: str = "cohort"
    probabilities: str = ""
    device: str = "auto"
    mirroring: bool = True
    step: float = 0.5
    training_cases: bool = False
    trust: bool = False

    name: ClassVar[str] = "nnunet"
    description: ClassVar[str] = "a trained nnU-Net: a run of `oncohort train`, or any model folder of nnU-Net"
    main: ClassVar[str | None] = "model"
    usage: ClassVar[str] = "nnunet:FOLDER, the folder of a trained model"

    def __post_init__(self) -> None:
        for field in ("folds", "channels", "labels"):
            object.__setattr__(self, field, _joined(getattr(self, field)))
        for field in ("model", "folds", "checkpoint", "channels", "labels", "probabilities", "device"):
            _require(isinstance(getattr(self, field), str), f"{field} as text", repr(getattr(self, field)))
        for field in ("mirroring", "training_cases", "trust"):
            _require(isinstance(getattr(self, field), bool), f"{field} as true or false", repr(getattr(self, field)))
        require_positive("step", self.step, segmenter=self.name, limit=1)
        _require(self.model != "", "model as a folder", "nothing")
        _require(self.labels != "", "labels as cohort, own or pairs NAME=LABEL", "nothing")
        _require(self.device in DEVICES, f"device as one of {', '.join(DEVICES)}", repr(self.device))
        is_name = self.checkpoint not in ("", ".", "..") and not set(self.checkpoint) & set("/\\\0")
        _require(is_name, "checkpoint as the name of a file", repr(self.checkpoint))

    @property
    def needs(self) -> tuple[str, ...]:
        """The roles that `channels` names; the model says the rest once it is prepared."""
        return parse_roles(self.channels)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folder of the model."""
        return (Path(self.model),)

    def prepared(self, cohort: Cohort) -> PreparedNnunet:
        """The model, read, checked and loaded, for the cases of a cohort.

        Raises:
            FormatError: The folder lacks files, or one was changed since the training.
            SettingsError: Channels, labels or folds do not fit; a package is missing; the model is unsafe to load.
            MissingNeedError: No case has the images that the model needs.
            PredictionError: nnU-Net cannot load the model.
            WorkerError: nnU-Net died of it.
        """
        model = ModelFolder.open(self.model)
        folds = model.folds(self.folds, self.checkpoint)
        roles = input_roles(model.dataset, self.channels, model.run)
        units = input_units(roles, self.channels, model.run)
        require_roles(cohort, roles, segmenter=self.name, remedy=_OTHER_ROLES)
        require_units_somewhere(cohort, units, recorded=model.run is not None)
        labels = model_labels(model.dataset, cohort.scheme, self.labels, model.run)
        found = PreparedNnunet(
            settings=self,
            model=content_key(model.hashes(folds, self.checkpoint), _told(model, folds)),
            cohort=cohort.name,
            roles=roles,
            folds=folds,
            unfinished=() if self.folds else model.unfinished(self.checkpoint),
            labels=labels,
            heads=labels.heads(self.probabilities) if self.probabilities else (),
            units=units,
            device=self.device,
            mirroring=self.mirroring,
            step=self.step,
            training_cases=self.training_cases,
            load=self._load(model, folds),
            ending=model.dataset.file_ending,
            seen=None if model.run is None else SeenCases.of(model.run, cohort, roles),
            module=held_worker.MODULE,
        )
        return replace(found, packages=dict(held_worker.load_model(found.module, found.load)["versions"]))

    def _load(self, model: ModelFolder, folds: tuple[str, ...]) -> Mapping[str, Any]:
        return {
            "do": "load",
            "model": str(model.path),
            "folds": list(folds),
            "checkpoint": self.checkpoint,
            "device": self.device,
            "mirroring": self.mirroring,
            "step": self.step,
            "trust": self.trust,
        }


def _told(model: ModelFolder, folds: tuple[str, ...]) -> list[Any]:
    """What the record of the training adds to the model: a case's networks depend on it."""
    if model.run is None:
        return []
    trained = {fold.fold: list(fold.trained) for fold in model.run.folds if fold.fold in folds}
    return [_SEEN_RULES, model.run.lock_hash, model.run.cohort, trained]


def _joined(value: Any) -> Any:
    """Words with commas between, of a list; a whole number as a word: what a study file or a command line may give."""
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _require(is_right: bool, expected: str, found: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not is_right:
        raise wrong_parameter(Nnunet.name, expected, found)
