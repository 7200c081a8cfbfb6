"""Train a model on a cohort; continue after an interruption."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oncohort import __version__
from oncohort.cohort import Cohort
from oncohort.compute import Progress, ProgressCallback, ResultStore
from oncohort.errors import OutputError, shown
from oncohort.exporting import Exported, export_cohort
from oncohort.exports import NnunetExport
from oncohort.formats.nnunet_record import RECORD_FILE
from oncohort.formats.training_run import (
    CURVES_FILE,
    RUN_FILE,
    CurvePoint,
    LockedCase,
    TrainedFold,
    TrainingRun,
    lock_hash,
    read_curves,
    read_training_run,
    write_curves,
    write_training_run,
)
from oncohort.splits import Split
from oncohort.storage import claim_folder, exclusive, read_json, require_apart, sha256_file, write_json
from oncohort.training.checking import is_trained
from oncohort.training.folds import fold_names, fold_parts, require_cases
from oncohort.training.locking import channel_units, lock_cohort, require_roles
from oncohort.training.nnunet import NnunetFolders, NnunetTraining
from oncohort.training.settings import TrainingSettings

_NUMBER = 1
_DATASET = f"Dataset{_NUMBER:03d}_"


def train(  # noqa: PLR0913 - the keywords are the verb's flags
    cohort: Cohort,
    settings: TrainingSettings,
    *,
    split: Split | None,
    out: str | Path,
    folds: Sequence[str] | None = None,
    device: str = "auto",
    gpus: int = 1,
    jobs: int = 1,
    work: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> TrainingRun:
    """Networks trained on a cohort, one for each fold, in the folder `out`.

    The cohort is exported by reference, planned, preprocessed and trained by nnU-Net in processes of its own. A killed
    call continues when it is made again, from the last checkpoint; more folds can be added by a later call.
    `run.json` is written after every fold and says what was trained on which cases, with hashes.

    Args:
        cohort: Cases with images and masks on one grid.
        settings: What is trained, and how.
        split: Folds and test set, by patient; its test cases are not trained on. None trains on every case.
        out: A new folder, or one with the same work.
        folds: Numbers of folds of the split, or `all`; None means all folds of the split, or `all` without one.
        device: `auto`, `cpu`, `cuda` or `mps`.
        gpus: Graphics cards that train together.
        jobs: Processes that preprocess and augment.
        work: What marks the folder as this work; None means cohort, settings and split.
        overwrite: Replace other work of Oncohort in `out`.
        progress: Called after every file, case and epoch.

    Raises:
        SettingsError: A setting does not fit the cohort or this machine; nnU-Net is not installed.
        LeakageError: The split stands for other cases.
        InputError: No case can be trained on.
        WorkerError: nnU-Net fails.
        OutputError: `out` holds something else, or the cohort has changed since.

    Examples:
        >>> # train(cohort, TrainingSettings(epochs=100), split=read_split("split.json"), out="run", folds=["0"])
    """
    require_apart(out, cohort.inputs)
    names = fold_names(split, folds)
    export = _checked_export(cohort, settings, split)
    folder = Path(out).absolute()
    steps = NnunetTraining(
        NnunetFolders(folder, export.dataset_folder),
        settings,
        device,
        gpus=gpus,
        jobs=jobs,
        told=_Telling(folder, progress),
    )
    if overwrite or not is_trained(folder, names):
        steps.check()
    work = _work(cohort, settings, split) if work is None else work
    with exclusive(folder):  # what is there is not emptied while somebody works in it
        claim_folder(folder, work, overwrite=overwrite)
    with exclusive(folder):
        store = ResultStore(folder / ".oncohort" / "hashes")
        lock = lock_cohort(cohort, export.roles, store=store, jobs=jobs, progress=progress)
        _claim_lock(folder, lock, work, overwrite=overwrite)
        export = replace(export, title=_title_there(folder) or export.title)
        steps = replace(steps, folders=NnunetFolders(folder, export.dataset_folder), lock=lock_hash(lock))
        exported = export_cohort(cohort, export, out=folder / "raw", overwrite=True, jobs=jobs, progress=progress)
        former = _former(steps, overwrite=overwrite)
        run = former or _begun(cohort, settings, split, exported=exported, export=export, lock=lock)
        _require_same_cases(folder, run, exported)
        return _trained(run, steps, names, split=split, exported=exported)


def check_cohort(cohort: Cohort, settings: TrainingSettings, *, split: Split | None) -> None:
    """Raise unless a cohort has the images, masks and labels of a training, as far as its tables tell.

    Args:
        cohort: What would be trained on.
        settings: How.
        split: Its test cases do not count.

    Raises:
        SettingsError: No case has a role, or there is no such label.
        LeakageError: The split stands for other cases.
    """
    _checked_export(cohort, settings, split)


def _checked_export(cohort: Cohort, settings: TrainingSettings, split: Split | None) -> NnunetExport:
    export = _export(cohort, settings, split)
    export.check(cohort)
    require_roles(cohort, export.roles, test=() if split is None else split.test)
    return export


def _trained(
    run: TrainingRun, steps: NnunetTraining, names: Sequence[str], *, split: Split | None, exported: Exported
) -> TrainingRun:
    """The record with the folds of these names; those that stand are kept."""
    folder = steps.folders.root
    wanted = [fold_parts(name, split, exported.cases) for name in names if not _stands(folder, run, name)]
    for parts in wanted:
        require_cases(parts, split, exported.failed)
    if wanted:
        if run.folds and not steps.is_planned:
            raise _changed(folder, "a data set that nnU-Net would plan otherwise (labels, channels or fingerprint)")
        plans = steps.prepare()
        for parts in wanted:
            run = _with_fold(folder, run, steps.train(parts.fold, plans), parts)
            write_training_run(folder, run)
    return run


def _former(steps: NnunetTraining, *, overwrite: bool) -> TrainingRun | None:
    """The record that stands; none if its networks are of other plans and may be replaced."""
    folder = steps.folders.root
    run = read_training_run(folder) if (folder / RUN_FILE).is_file() else None
    if run is None or not overwrite or steps.is_planned:
        return run
    for name in (RUN_FILE, CURVES_FILE):
        (folder / name).unlink(missing_ok=True)
    return None


def _title_there(folder: Path) -> str | None:
    """The title of the data set of nnU-Net that an earlier call began; cohorts may be called otherwise by now."""
    there = [path for kind in ("results", "raw") for path in sorted((folder / kind).glob(f"{_DATASET}*"))]
    return there[0].name.removeprefix(_DATASET) if there else None


def _work(cohort: Cohort, settings: TrainingSettings, split: Split | None) -> dict[str, Any]:
    return {
        "verb": "train",
        "cohort": cohort.identity,
        "settings": settings.model_dump(mode="json"),
        "split": None if split is None else split.content_hash,
    }


def _export(cohort: Cohort, settings: TrainingSettings, split: Split | None) -> NnunetExport:
    return NnunetExport(
        number=_NUMBER,
        title=re.sub(r"[^A-Za-z0-9_-]+", "_", cohort.name)[:60].strip("_-") or "cohort",
        channels=settings.images,
        label_role=settings.label_role,
        labels=settings.label_names,
        union=settings.union,
        split=split,
        fingerprint=True,
    )


def _require_same_cases(folder: Path, run: TrainingRun, exported: Exported) -> None:
    """Raise if other cases could be exported than when the training began."""
    if set(run.lock) != set(exported.cases):
        raise _changed(folder, shown(sorted(set(run.lock) ^ set(exported.cases))))


def _changed(folder: Path, found: str) -> OutputError:
    return OutputError(
        expected="the cohort as it was when this training began",
        found=found,
        where=str(folder),
        remedy="train in a new folder, or from the beginning with --overwrite",
    )


def _claim_lock(folder: Path, lock: Mapping[str, LockedCase], work: Mapping[str, Any], *, overwrite: bool) -> None:
    """Raise, or begin anew, if a file has changed since: preprocessed cases and checkpoints are of the old ones."""
    mark = folder / ".oncohort" / "lock.json"
    if mark.is_file() and read_json(mark)["lock_hash"] != lock_hash(lock):
        if not overwrite:
            raise _changed(folder, "other cases, or files with other bytes")
        claim_folder(folder, {"verb": "train", "lock": "changed"}, overwrite=True)  # other work: the folder is emptied
        claim_folder(folder, work, overwrite=True)
    write_json(mark, {"lock_hash": lock_hash(lock)})


def _stands(folder: Path, run: TrainingRun, name: str) -> bool:
    return any(fold.fold == name and (folder / fold.checkpoint).is_file() for fold in run.folds)


def _begun(
    cohort: Cohort,
    settings: TrainingSettings,
    split: Split | None,
    *,
    exported: Exported,
    export: NnunetExport,
    lock: Mapping[str, LockedCase],
) -> TrainingRun:
    """The record before the first fold."""
    return TrainingRun(
        model=settings.model,
        settings=settings.model_dump(mode="json"),
        cohort=cohort.name,
        lock={case: lock[case] for case in exported.cases},
        split=None if split is None else split.content_hash,
        test=() if split is None else tuple(case for case in split.test if case in exported.cases),
        channels=tuple(channel.role for channel in export.channels),
        units=channel_units(cohort, [channel.role for channel in export.channels], exported.cases),
        label_scheme=cohort.scheme.to_dict(),
        labels=read_json(exported.folder / export.dataset_folder / RECORD_FILE)["labels"],
        folder="results",
        files={},
        folds=(),
        versions={"oncohort": __version__},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        left_out=exported.failed,
    )


def _with_fold(folder: Path, run: TrainingRun, done: Mapping[str, Any], parts: TrainedFold) -> TrainingRun:
    checkpoint = Path(done["checkpoint"])
    model = checkpoint.parents[1]
    kept = {file.name: sha256_file(file) for file in sorted(checkpoint.parent.glob("checkpoint_*.pth"))}
    fold = replace(
        parts,
        epochs=run.settings["epochs"],
        checkpoint=checkpoint.relative_to(folder).as_posix(),
        sha256=kept[checkpoint.name],
        seconds=done["seconds"],
        peak_memory_mib=done["peak_memory_mib"],
        checkpoints=kept,
    )
    described = [model / name for name in ("dataset.json", "plans.json")]
    return replace(
        run,
        folder=model.relative_to(folder).as_posix(),
        files={path.relative_to(folder).as_posix(): sha256_file(path) for path in described},
        folds=(*(one for one in run.folds if one.fold != fold.fold), fold),
        versions={**run.versions, **done["versions"], "device": done["device"]},
    )


@dataclass
class _Telling:
    """Turns what nnU-Net tells into progress, and writes the learning curves as they grow."""

    folder: Path
    progress: ProgressCallback | None
    curves: dict[str, list[CurvePoint]] = field(default_factory=dict)
    begun: tuple[float, int] | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "epoch":
            self._epoch(event)
        elif event["event"] == "preprocessed" and self.progress is not None:
            self.progress(Progress(event["done"], event["of"], "preprocess", self._preprocessing_s(event["done"])))

    def _preprocessing_s(self, done: int) -> float:
        """Seconds for all finished cases at the pace of this call: those of an earlier one were found at once."""
        self.begun = self.begun or (time.monotonic(), done)
        started, former = self.begun
        return (time.monotonic() - started) * done / (done - former) if done > former else 0.0

    def _epoch(self, event: Mapping[str, Any]) -> None:
        self.curves = self.curves or dict(read_curves(self.folder))
        points = [CurvePoint(**{**point, "pseudo_dice": tuple(point["pseudo_dice"])}) for point in event["points"]]
        self.curves[event["fold"]] = points
        write_curves(self.folder, self.curves)
        if self.progress is not None:
            seconds = sum(point.seconds for point in points)
            self.progress(Progress(len(points), event["epochs"], f"train fold {event['fold']}", seconds))
