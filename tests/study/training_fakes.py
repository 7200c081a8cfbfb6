"""A training that takes no time, and a segmenter that predicts with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from oncohort.cohort import Case
from oncohort.errors import SettingsError
from oncohort.formats.training_run import (
    CurvePoint,
    LockedCase,
    TrainedFold,
    TrainingRun,
    read_training_run,
    write_curves,
    write_training_run,
)
from oncohort.segmenters import LESION_SCHEME, PlainSegmenter
from oncohort.storage import claim_folder, sha256_bytes, write_bytes
from oncohort.volume import LabelMap

UNET = {"name": "unet", "train": {"epochs": 3, "folds": [0], "device": "cpu", "patch_size": [16, 16, 16]}}
UNTRAINED = {"name": "untrained", "train": {"epochs": 0, "folds": [0], "device": "cpu"}}


class FakeTraining:
    """Stands for `oncohort.training.train`; remembers what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.finished: list[str] = []
        self.left_out: dict[str, str] = {}
        self.machines: list[tuple[str, str, str, int]] = []
        self.checked: list[str] = []

    def check_machine(self, settings, *, device, gpus) -> None:
        """Stands for `oncohort.training.check_machine` of a machine without cards."""
        self.machines.append((settings.planner, settings.trainer, device, gpus))
        if device == "cuda":
            raise SettingsError(expected="a device of cpu", found="cuda", where="device", remedy="choose it")

    def check_cohort(self, cohort, settings, *, split) -> None:
        """Stands for `oncohort.training.check_cohort`."""
        self.checked.append(settings.label_role)
        if settings.label_role == "organs":
            raise SettingsError(expected="lesions", found="organs", where=cohort.name, remedy="name it")

    def __call__(self, cohort, settings, *, split, folds, out, work, overwrite, **rest: Any) -> TrainingRun:
        self.calls.append({"cases": cohort.case_ids, "split": split, "folds": folds, "out": Path(out).name, **rest})
        folder = claim_folder(out, work, overwrite=overwrite)
        names = folds or tuple(str(number) for number in range(len(split.folds))) or ("all",)
        lock = {case: LockedCase(split.patients[case], {"pet": "1" * 64}) for case in cohort.case_ids}
        run = TrainingRun(
            model=settings.model,
            settings=settings.model_dump(mode="json"),
            cohort=cohort.name,
            lock=lock,
            split=split.content_hash,
            test=split.test,
            channels=("pet",),
            units={"pet": "SUVbw"},
            label_scheme=cohort.scheme.to_dict(),
            labels={},
            folder="model",
            files={"model/plans.json": "2" * 64},
            folds=tuple(self._fold(folder, name, split, settings.epochs) for name in names),
            versions={"oncohort": "0", "torch": "2.9", "device": "cpu"},
            created_at="2026-01-01T00:00:00+00:00",
            left_out=self.left_out,
        )
        write_training_run(folder, run)
        points = [
            CurvePoint(n, -0.1 * n, -0.05 * n, (min(1.0, 0.2 * n),), 0.01, 1.0) for n in range(1, settings.epochs + 1)
        ]
        write_curves(folder, dict.fromkeys(names, points))
        return run

    def _fold(self, folder, name, split, epochs) -> TrainedFold:
        checkpoint = f"model/fold_{name}/checkpoint_final.pth"
        if not (folder / checkpoint).is_file():
            self.finished.append(f"{folder.name} {name}")
            write_bytes(folder / checkpoint, f"{folder.name} {name}".encode())
        aside = set(split.test)
        trained = split.training(int(name)) if name != "all" else tuple(sorted(set(split.patients) - aside))
        held_out = split.validation(int(name)) if name != "all" else ()
        digest = sha256_bytes((folder / checkpoint).read_bytes())
        return TrainedFold(name, trained, held_out, epochs, checkpoint, digest, 3.5, 512.0)


@dataclass(frozen=True)
class FakeNetwork(PlainSegmenter):
    """Predicts what is brighter than SUV 2.5 and, once trained, in no case that every fold was trained on."""

    model: str
    device: str
    mirroring: bool = True
    step: float = 0.5
    probabilities: str = ""

    name: ClassVar[str] = "nnunet"
    description: ClassVar[str] = "a stand-in"
    needs: ClassVar[tuple[str, ...]] = ("pet",)
    main: ClassVar[str | None] = "model"

    def segment(self, case: Case) -> LabelMap:
        folds = read_training_run(self.model).folds
        assert any(case.id not in fold.trained for fold in folds), f"{case.id} was trained on"
        pet = case.image("pet")
        found = pet.array > (2.5 if folds[0].epochs else 1e9)
        return LabelMap.from_masks({"lesion": found}, pet.geometry, LESION_SCHEME)
