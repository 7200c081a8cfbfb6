"""A trained nnU-Net that is ready for the cases of one cohort."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.cohort import Case
from oncohort.compute import Measured
from oncohort.errors import LeakageError, shown
from oncohort.exports.case_files import require_one_grid
from oncohort.formats import read_volume, write_volume
from oncohort.formats.predictions import read_prediction
from oncohort.formats.segmentation_record import KNOWN_PATIENT, TRAINED_ON_PATIENT
from oncohort.geometry import Geometry
from oncohort.segmenters.nnunet.held_worker import ask_model, load_model, release_model
from oncohort.segmenters.nnunet.input_channels import require_units
from oncohort.segmenters.nnunet.model_labels import ModelLabels
from oncohort.segmenters.nnunet.seen_cases import Seen, SeenCases
from oncohort.segmenters.protocol import Prediction, PreparedSegmenter, UnpreparedSegmenter
from oncohort.segmenters.tool_labels import dropped_note
from oncohort.storage import temporary_folder
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, integers_in

_CERTAIN = 65535  # what the process writes for probability 1


@dataclass(frozen=True)
class PreparedNnunet(PreparedSegmenter):
    """A model whose files, channels and labels fit a cohort.

    Attributes:
        settings: What it was made from.
        model: Key of its weights, its plans and the cases that it was trained on.
        cohort: Name of the cohort.
        roles: Of every channel.
        folds: Networks that are loaded.
        unfinished: Folds of the model that would be, were they finished.
        labels: Of the masks.
        heads: Outputs of the network whose probabilities are added up and kept; none for no probability.
        units: That the image of a role must have, where the model says it.
        device: That it runs on.
        mirroring: Whether the mean over mirrored images is taken.
        step: Step of the sliding window as a share of the patch.
        training_cases: Whether networks also see cases that they were trained on.
        load: Request that loads the model.
        ending: Of files that the model reads and writes.
        seen: What is known of the cases that it was trained on; None if nothing is.
        module: Of the process that holds it.
        packages: Versions of what that process has loaded, by name.
    """

    settings: UnpreparedSegmenter = field(repr=False)
    model: str
    cohort: str
    roles: tuple[str, ...]
    folds: tuple[str, ...]
    unfinished: tuple[str, ...]
    labels: ModelLabels
    heads: tuple[int, ...]
    units: Mapping[str, str]
    device: str
    mirroring: bool
    step: float
    training_cases: bool
    load: Mapping[str, Any] = field(repr=False)
    ending: str = field(repr=False)
    seen: SeenCases | None = field(repr=False)
    module: str = field(repr=False)
    packages: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """The role of every channel."""
        return self.roles

    @property
    def versions(self) -> Mapping[str, str]:
        """Of nnU-Net, PyTorch and what they run on."""
        return self.packages

    def predict(self, case: Case) -> Prediction:
        """The mask of a case, on the grid of the first channel.

        Raises:
            MissingNeedError: The case lacks an image, or one is in another unit than the model was trained with.
            GeometryError: Its images, or the mask, lie on another grid.
            LeakageError: Every network was trained on it.
            PredictionError: nnU-Net fails on it.
            WorkerError: nnU-Net died of it.
        """
        images = self._images(case)
        folds, notes = self._folds(case)
        with temporary_folder() as there:
            folder = Path(there)
            answer = ask_model(self.module, self.load, self._request(folder, images, folds))
            mask, dropped = self._mask(Path(answer["mask"]), images[self.roles[0]].geometry, case)
            return Prediction(
                mask=mask,
                probability=self._probability(answer.get("probability"), mask.geometry, case),
                notes=(*notes, *self._unfinished_note(), *dropped_note(dropped)),
                measured=Measured(answer["seconds"], answer.get("peak_memory_mib"), answer.get("device_memory_mib")),
                facts={"folds": list(folds), "device": load_model(self.module, self.load).get("device")},
            )

    def close(self) -> None:
        """End the process that holds the model; it is started again when a case comes."""
        release_model(self.module, self.load)

    def _images(self, case: Case) -> dict[str, Volume]:
        images = {role: case.image(role) for role in self.roles}
        require_units(images, self.units, recorded=self.seen is not None, case=case.id)
        require_one_grid(images, images[self.roles[0]].geometry, of=self.roles[0], case=case.id)
        return images

    def _folds(self, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The networks that a case is given to, and what must be noted."""
        known = Seen() if self.seen is None else self.seen.look(case)
        seen = known.folds.intersection(self.folds)
        folds = self.folds if self.training_cases else tuple(fold for fold in self.folds if fold not in seen)
        if not folds:
            raise _all_have_seen(case, seen, known.same_bytes)
        told = {
            TRAINED_ON_PATIENT: seen if self.training_cases else (),
            KNOWN_PATIENT: known.patient.intersection(folds),
        }
        return folds, tuple(f"{words}: {_called(which)}" for words, which in told.items() if which)

    def _unfinished_note(self) -> tuple[str, ...]:
        return (f"not finished, so not used: {_called(self.unfinished)} of the model",) if self.unfinished else ()

    def _request(self, folder: Path, images: Mapping[str, Volume], folds: tuple[str, ...]) -> dict[str, Any]:
        suffix = ".mha" if self.ending == ".mha" else ".nii"
        files = [folder / f"image_{number:04d}{suffix}" for number in range(len(self.roles))]
        for file, role in zip(files, self.roles, strict=True):
            write_volume(file, images[role])
        probability = {"heads": list(self.heads), "out": str(folder / "probability")} if self.heads else None
        return {
            "do": "predict",
            "images": [str(file) for file in files],
            "out": str(folder / "mask"),
            "folds": list(folds),
            "probability": probability,
        }

    def _mask(self, path: Path, geometry: Geometry, case: Case) -> tuple[LabelMap, tuple[str, ...]]:
        """The mask in a file, and the labels of the model in it that became background."""
        found = read_prediction(path)
        geometry.require_same_grid(found.geometry, what="the mask of nnU-Net", where=f"case {case.id}")
        array = found.layers[0].array
        mask = self.labels.label_map(array, geometry, where=f"case {case.id}, mask of nnU-Net")
        return mask, self.labels.dropped_among(integers_in(array)) if self.labels.dropped else ()

    def _probability(self, path: str | None, geometry: Geometry, case: Case) -> Volume | None:
        if path is None:
            return None
        found = read_volume(path)
        geometry.require_same_grid(found.geometry, what="the probability of nnU-Net", where=f"case {case.id}")
        return Volume.from_array(found.array.astype(np.float32) / _CERTAIN, geometry, Unit.PROBABILITY)


def _all_have_seen(case: Case, seen: Collection[str], same_bytes: Sequence[str]) -> LeakageError:
    why = f"; an image of it has the bytes of case {shown(same_bytes)}" if same_bytes else ""
    return LeakageError(
        expected="a network that was not trained on this patient",
        found=f"{_called(seen)}{', which were' if len(seen) > 1 else ' alone, which was'}{why}",
        where=f"case {case.id}",
        remedy="train folds that hold it out, or say training_cases=true and do not compare the score with others",
    )


def _called(folds: Collection[str]) -> str:
    return f"fold{'s' if len(folds) > 1 else ''} {', '.join(sorted(folds))}"
