"""The folder that a training leaves: what was trained on which cases, and how it went.

::

    run.json       what this file reads and writes
    curves.json    losses and Dice by epoch, for every fold
    <folder>/      the trained model, as its own program wrote it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.json_values import (
    as_count,
    as_finite,
    as_list,
    as_number,
    as_object,
    as_sha256,
    as_text,
    as_texts,
)
from oncohort.storage import content_key, read_json, write_json

RUN_FILE = "run.json"
CURVES_FILE = "curves.json"
TYPE = "oncohort.training_run"
CURVES_TYPE = "oncohort.training_curves"
FORMAT_VERSION = "1.0"

_MOST_BYTES = 256 << 20
_HASHED = (
    "model",
    "settings",
    "cohort",
    "split",
    "test",
    "channels",
    "units",
    "label_scheme",
    "labels",
    "folder",
    "files",
    "folds",
    "left_out",
    "lock_hash",
)
"""Keys of `run.json` that `record_hash` covers."""


@dataclass(frozen=True)
class TrainedFold:
    """One network of a training.

    Attributes:
        fold: `0`, `1`, ... or `all`.
        trained: Cases that it was trained on.
        held_out: Cases that validated it; none for `all`.
        epochs: How many it was trained for.
        checkpoint: File with its weights, relative to the folder of the run.
        sha256: Of that file.
        seconds: Duration of the training.
        peak_memory_mib: Largest resident memory in MiB; None where it is not known.
        checkpoints: SHA-256 of every file with weights that lies beside `checkpoint`, that one included, by file name;
            none in records that were written before they were kept.
    """

    fold: str
    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    epochs: int
    checkpoint: str
    sha256: str
    seconds: float
    peak_memory_mib: float | None
    checkpoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LockedCase:
    """A case as it was exported.

    Attributes:
        patient: Whose it is.
        files: SHA-256 of the file by role.
    """

    patient: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class TrainingRun:
    """What was trained, with what, on which cases.

    Attributes:
        model: Word of the kind of model, such as `nnunet`.
        settings: Of the training, as JSON values.
        cohort: Name of the cohort.
        lock: Every case of the cohort that was exported, to train or to test.
        split: Content hash of the split; None without one.
        test: Cases kept for the end.
        channels: Roles of the input images, in order.
        units: What the numbers of an input image mean, by role, as `volumes.parquet` writes it.
        label_scheme: Of the cohort, as `LabelScheme.to_dict` gives it.
        labels: Integers of the cohort and of the model, as `LabelMapping.to_dict` gives them.
        folder: Of the trained model, relative to the folder of the run.
        files: SHA-256 of files that the model needs beside its checkpoints, by path relative to the folder of the run.
        folds: The networks that are finished.
        versions: Of programs, by name.
        created_at: ISO 8601.
        left_out: Cases of the cohort that could not be exported, with the reason.
    """

    model: str
    settings: Mapping[str, Any]
    cohort: str
    lock: Mapping[str, LockedCase]
    split: str | None
    test: tuple[str, ...]
    channels: tuple[str, ...]
    units: Mapping[str, str]
    label_scheme: Mapping[str, Any]
    labels: Mapping[str, Any]
    folder: str
    files: Mapping[str, str]
    folds: tuple[TrainedFold, ...]
    versions: Mapping[str, str]
    created_at: str
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def lock_hash(self) -> str:
        """SHA-256 over cases, patients and files of the lock; their order does not matter."""
        return lock_hash(self.lock)

    @property
    def record_hash(self) -> str:
        """SHA-256 over all that the run says but versions and time; the lock enters with its own hash.

        It tells a file that was edited by accident, not one whose editor computed the hash anew.
        """
        values = _run_values(self)
        return content_key({name: values[name] for name in _HASHED})


def lock_hash(lock: Mapping[str, LockedCase]) -> str:
    """SHA-256 over cases, patients and files; their order does not matter.

    Examples:
        >>> cases = {"a": LockedCase("p", {}), "b": LockedCase("q", {})}
        >>> lock_hash(cases) == lock_hash(dict(reversed(cases.items())))
        True
    """
    return content_key(_lock_values(lock))


@dataclass(frozen=True)
class CurvePoint:
    """One epoch of a training.

    Attributes:
        epoch: From 1.
        train_loss: Mean over the training batches; None where it was no finite number.
        validation_loss: Mean over the validation batches, likewise.
        pseudo_dice: Dice of each label over the validation batches, in the order of the labels; None if undefined.
        learning_rate: Of the epoch.
        seconds: Duration of the epoch.
    """

    epoch: int
    train_loss: float | None
    validation_loss: float | None
    pseudo_dice: tuple[float | None, ...]
    learning_rate: float
    seconds: float


def write_training_run(folder: str | Path, run: TrainingRun) -> None:
    """Write `run.json` of a training.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> fold = TrainedFold("all", ("a",), (), 1, "model/fold_all/last.pth", "0" * 64, 9.5, None)
        >>> run = TrainingRun("nnunet", {}, "demo", {"a": LockedCase("a", {"pet": "1" * 64})}, None, (), ("pet",),
        ...                   {"pet": "SUVbw"}, {}, {}, "model", {}, (fold,), {"oncohort": "0"},
        ...                   "2026-01-01T00:00:00+00:00")
        >>> with TemporaryDirectory() as there:
        ...     write_training_run(there, run)
        ...     read_training_run(there) == run
        True
    """
    write_json(
        Path(folder) / RUN_FILE,
        {**_run_values(run), "record_hash": run.record_hash, "lock": _lock_values(run.lock)},
    )


def read_training_run(folder: str | Path) -> TrainingRun:
    """What `run.json` in the folder of a training says.

    Raises:
        FormatError: There is no such file, it is none of a training, it names a path outside the folder, it trained
            on a case that it does not list, or it was edited.
    """
    path = Path(folder) / RUN_FILE
    values = read_json(path, most_bytes=_MOST_BYTES)
    if not isinstance(values, dict) or values.get("type") != TYPE:
        raise _no_run(path, "a file of another type")
    if str(values.get("format_version")).partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise _no_run(path, f"format version {str(values.get('format_version'))[:40]}")
    try:
        run = _run(values)
    except (KeyError, ValueError) as error:
        raise _no_run(path, f"{type(error).__name__}: {str(error)[:200]}") from error
    if run.lock_hash != values.get("lock_hash"):
        raise _no_run(path, "a lock_hash that does not fit the cases: the file was edited")
    if run.record_hash != values.get("record_hash"):
        raise _no_run(path, "a record_hash that does not fit what is recorded: the file was edited")
    return run


def is_training_run(folder: str | Path) -> bool:
    """Whether a folder holds a `run.json` of a training, readable or not.

    Raises:
        FormatError: There is a `run.json` that is no JSON.
    """
    path = Path(folder) / RUN_FILE
    if not path.exists():
        return False
    values = read_json(path, most_bytes=_MOST_BYTES)
    return isinstance(values, dict) and values.get("type") == TYPE


def write_curves(folder: str | Path, curves: Mapping[str, Sequence[CurvePoint]]) -> None:
    """Write `curves.json` of a training; numbers that are not finite become null.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_curves(there, {"0": [CurvePoint(1, 0.5, float("nan"), (0.25, None), 0.01, 12.0)]})
        ...     read_curves(there)["0"][0].validation_loss is None
        True
    """
    values = {fold: [_point_values(point) for point in points] for fold, points in curves.items()}
    write_json(Path(folder) / CURVES_FILE, {"type": CURVES_TYPE, "format_version": FORMAT_VERSION, **values})


def read_curves(folder: str | Path) -> dict[str, list[CurvePoint]]:
    """The epochs of every fold; nothing where a training wrote none yet.

    Raises:
        FormatError: The file is no list of epochs by fold.
    """
    path = Path(folder) / CURVES_FILE
    if not path.exists():
        return {}
    values = read_json(path, most_bytes=_MOST_BYTES)
    try:
        folds = {fold: points for fold, points in as_object(values).items() if fold not in ("type", "format_version")}
        return {fold: [_point(point) for point in as_list(points)] for fold, points in folds.items()}
    except (KeyError, ValueError) as error:
        raise FormatError(
            expected="a list of epochs by fold",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            where=str(path),
            remedy="train again, or delete the file: it is needed for the learning curves alone",
        ) from error


def _run_values(run: TrainingRun) -> dict[str, Any]:
    """What is written of a run, but the lock and the hash of the record."""
    return {
        "type": TYPE,
        "format_version": FORMAT_VERSION,
        "model": run.model,
        "settings": dict(run.settings),
        "cohort": run.cohort,
        "split": run.split,
        "test": list(run.test),
        "channels": list(run.channels),
        "units": dict(run.units),
        "label_scheme": dict(run.label_scheme),
        "labels": dict(run.labels),
        "folder": run.folder,
        "files": dict(run.files),
        "folds": [_fold_values(fold) for fold in run.folds],
        "versions": dict(run.versions),
        "created_at": run.created_at,
        "left_out": dict(run.left_out),
        "lock_hash": run.lock_hash,
    }


def _fold_values(fold: TrainedFold) -> dict[str, Any]:
    return {
        "fold": fold.fold,
        "epochs": fold.epochs,
        "checkpoint": fold.checkpoint,
        "sha256": fold.sha256,
        "seconds": float(fold.seconds),
        "peak_memory_mib": None if fold.peak_memory_mib is None else float(fold.peak_memory_mib),
        "trained": list(fold.trained),
        "held_out": list(fold.held_out),
        **({"checkpoints": dict(fold.checkpoints)} if fold.checkpoints else {}),
    }


def _lock_values(lock: Mapping[str, LockedCase]) -> dict[str, Any]:
    return {case: {"patient": found.patient, "files": dict(found.files)} for case, found in lock.items()}


def _run(values: Mapping[str, Any]) -> TrainingRun:
    lock = {case: _locked(found) for case, found in as_object(values["lock"]).items()}
    folds = tuple(_fold(found) for found in as_list(values["folds"]))
    names = [fold.fold for fold in folds]
    if len(set(names)) < len(names):
        raise ValueError("two folds of one name")
    strange = sorted({case for fold in folds for case in (*fold.trained, *fold.held_out)} - set(lock))
    if strange:
        raise ValueError(f"{strange[0]!r} trained or validated and is not in the lock")
    channels = as_texts(values["channels"])
    units = {role: as_text(unit) for role, unit in as_object(values["units"]).items()}
    if set(units) != set(channels):
        raise ValueError("units of other roles than the channels")
    return TrainingRun(
        model=as_text(values["model"]),
        settings=as_object(values["settings"]),
        cohort=as_text(values["cohort"]),
        lock=lock,
        split=None if values["split"] is None else as_text(values["split"]),
        test=as_texts(values["test"]),
        channels=channels,
        units=units,
        label_scheme=as_object(values["label_scheme"]),
        labels=as_object(values["labels"]),
        folder=_inside(values["folder"]),
        files={_inside(path): as_sha256(found) for path, found in as_object(values["files"]).items()},
        folds=folds,
        versions={name: as_text(version) for name, version in as_object(values["versions"]).items()},
        created_at=as_text(values["created_at"]),
        left_out={case: as_text(reason) for case, reason in as_object(values["left_out"]).items()},
    )


def _fold(values: Any) -> TrainedFold:
    found = as_object(values)
    name = as_text(found["fold"])
    if name != "all" and not (name.isascii() and name.isdigit()):
        raise ValueError(f"fold {name[:40]!r}")
    return TrainedFold(
        fold=name,
        trained=as_texts(found["trained"]),
        held_out=as_texts(found["held_out"]),
        epochs=as_count(found["epochs"]),
        checkpoint=_inside(found["checkpoint"]),
        sha256=as_sha256(found["sha256"]),
        seconds=as_number(found["seconds"]),
        peak_memory_mib=None if found["peak_memory_mib"] is None else as_number(found["peak_memory_mib"]),
        checkpoints=_checkpoints(found),
    )


def _checkpoints(fold: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 by file name, of a record that has them."""
    found = {name: as_sha256(digest) for name, digest in as_object(fold.get("checkpoints", {})).items()}
    strange = [name for name in found if name != PureWindowsPath(_inside(name)).name]
    if strange:
        raise ValueError(f"{strange[0][:80]!r} among the checkpoints, which is no file name")
    named = PurePosixPath(as_text(fold["checkpoint"])).name
    if found and found.get(named) != fold["sha256"]:
        raise ValueError(f"{named[:80]!r} with two hashes")
    return found


def _locked(values: Any) -> LockedCase:
    found = as_object(values)
    files = {role: as_sha256(digest) for role, digest in as_object(found["files"]).items()}
    return LockedCase(as_text(found["patient"]), files)


def _point(values: Any) -> CurvePoint:
    found = as_object(values)
    return CurvePoint(
        epoch=as_count(found["epoch"]),
        train_loss=as_finite(found["train_loss"]),
        validation_loss=as_finite(found["validation_loss"]),
        pseudo_dice=tuple(as_finite(value) for value in as_list(found["pseudo_dice"])),
        learning_rate=as_number(found["learning_rate"]),
        seconds=as_number(found["seconds"]),
    )


def _point_values(point: CurvePoint) -> dict[str, Any]:
    return {
        "epoch": point.epoch,
        "train_loss": as_finite(point.train_loss),
        "validation_loss": as_finite(point.validation_loss),
        "pseudo_dice": [as_finite(value) for value in point.pseudo_dice],
        "learning_rate": point.learning_rate,
        "seconds": point.seconds,
    }


def _inside(value: Any) -> str:
    """A path below the folder of the run: relative, without steps upwards, the same on every system."""
    text = as_text(value)
    windows = PureWindowsPath(text)
    is_inside = text.isprintable() and not windows.drive and not windows.root and ".." not in windows.parts
    if not text or not is_inside or PurePosixPath(text).is_absolute():
        raise ValueError(f"path {text[:80]!r}, which does not lie below the folder of the run")
    return text


def _no_run(path: Path, found: str) -> FormatError:
    return FormatError(
        expected=f"{RUN_FILE} of a training, of format {FORMAT_VERSION}",
        found=found,
        where=str(path),
        remedy="name the folder that `oncohort train` wrote, or train again",
    )
