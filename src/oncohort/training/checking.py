"""What a training needs of the machine, looked for before anything is read or written."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from oncohort.errors import FormatError
from oncohort.formats.training_run import RUN_FILE, read_training_run
from oncohort.training.nnunet import NnunetFolders, NnunetTraining
from oncohort.training.settings import TrainingSettings


def check_machine(settings: TrainingSettings, *, device: str = "auto", gpus: int = 1) -> None:
    """Raise unless a training can be done here.

    Args:
        settings: What is trained, and how.
        device: `auto`, `cpu`, `cuda` or `mps`.
        gpus: Graphics cards that train together.

    Raises:
        SettingsError: nnU-Net, the planner, the trainer, the device or a card is not there.
        WorkerError: nnU-Net cannot be started.

    Examples:
        >>> # check_machine(TrainingSettings(planner="nnUNetPlannerResEncM"), device="cuda")
    """
    NnunetTraining(NnunetFolders(Path(), ""), settings, device, gpus=gpus).check()


def is_trained(folder: str | Path, folds: Collection[str]) -> bool:
    """Whether a folder holds the finished networks of these folds, of whatever training.

    Args:
        folder: Of a run.
        folds: Their names.

    Examples:
        >>> is_trained("no-such-folder", ["0"])
        False
    """
    root = Path(folder)
    if not (root / RUN_FILE).is_file():
        return False
    try:
        finished = {fold.fold for fold in read_training_run(root).folds if (root / fold.checkpoint).is_file()}
    except FormatError:
        return False
    return set(folds) <= finished
