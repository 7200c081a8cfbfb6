"""Folders of trained nnU-Net models.

::

    <trainer>__<plans>__<configuration>/
        dataset.json  plans.json
        fold_0/checkpoint_final.pth   fold_1/ ...   fold_all/ ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, SettingsError, shown
from oncohort.formats.json_values import as_object, as_text
from oncohort.formats.nnunet_raw import DATASET_FILE, RawDataset, read_dataset
from oncohort.formats.training_run import TrainingRun, is_training_run, read_training_run
from oncohort.storage import read_json, sha256_file

PLANS_FILE = "plans.json"
ALL = "all"
"""The fold that was trained on every case."""

_PARTS = "__"
_FOLD = "fold_"
_LEVELS_UP = 4  # how far above a model folder its run.json is looked for
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class ModelFolder:
    """A trained model, as its folder describes it.

    Attributes:
        path: The folder, absolute, with links resolved.
        dataset: What its `dataset.json` says.
        run: What `oncohort train` wrote about it, if it did.
        root: The folder of the run; that of the model without one.
    """

    path: Path
    dataset: RawDataset
    run: TrainingRun | None
    root: Path

    @staticmethod
    def open(path: str | Path) -> ModelFolder:
        """The model in a folder: one of `oncohort train`, of nnU-Net, or a data set of nnU-Net with a single model.

        A link to the model folder of a run is that folder: what the run says of its cases holds.

        Raises:
            FormatError: There is no such folder, it lacks files, or a file was changed.
            SettingsError: It holds several models.
        """
        asked = Path(path).absolute()
        folder, root, run = _trained(asked) if is_training_run(asked) else _found(asked)
        _require_files(folder)
        _require_stands_alone(folder)
        return ModelFolder(folder, read_dataset(folder), run, root)

    def folds(self, wanted: str, checkpoint: str) -> tuple[str, ...]:
        """The folds that predict.

        Args:
            wanted: Names with commas between; empty for all that are finished, `all` only if it is the only one.
            checkpoint: Name of the file with the weights.

        Raises:
            SettingsError: There is no such fold.
            FormatError: A fold that is named or recorded has no such file, or none is finished.
        """
        known = self._known_folds()
        unfinished = self.unfinished(checkpoint)
        named = tuple(dict.fromkeys(word.strip() for word in wanted.split(",") if word.strip()))
        strange = [fold for fold in named if fold not in known]
        if strange:
            raise _wrong(
                f"folds among {shown(known, 9) or 'none'}", shown(strange), self.path, "name folds that it has"
            )
        lacking = [fold for fold in named if fold in unfinished]
        finished = tuple(fold for fold in known if fold not in unfinished)
        if lacking or not finished or (self.run is not None and unfinished and not named):
            raise self._without(lacking or unfinished, checkpoint)
        return named or tuple(fold for fold in finished if fold != ALL) or finished

    def unfinished(self, checkpoint: str) -> tuple[str, ...]:
        """The folds without a file of this name."""
        return tuple(fold for fold in self._known_folds() if not self.checkpoint(fold, checkpoint).is_file())

    def checkpoint(self, fold: str, name: str) -> Path:
        """Where the weights of a fold lie."""
        return self.path / f"{_FOLD}{fold}" / name

    def hashes(self, folds: tuple[str, ...], checkpoint: str) -> dict[str, str]:
        """SHA-256 of `dataset.json`, `plans.json` and checkpoints, by path in the folder.

        Raises:
            FormatError: A file cannot be read, is another one than the run says, or holds weights that the run does
                not know.
        """
        files = [
            self.path / DATASET_FILE,
            self.path / PLANS_FILE,
            *(self.checkpoint(fold, checkpoint) for fold in folds),
        ]
        declared = self._declared()
        self._require_declared(folds, checkpoint, declared)
        found: dict[str, str] = {}
        for file in files:
            digest = _hash(file)
            if declared.get(_resolved(file), digest) != digest:
                raise _broken("the file that was trained", "another one (SHA-256)", file, "train again, or restore it")
            found[file.relative_to(self.path).as_posix()] = digest
        return found

    def _declared(self) -> Mapping[Path, str]:
        """SHA-256 by file, as the run says."""
        if self.run is None:
            return {}
        found = {_resolved(self.root / path): digest for path, digest in self.run.files.items()}
        for fold in self.run.folds:
            trained = self.root / fold.checkpoint
            for name, digest in {trained.name: fold.sha256, **fold.checkpoints}.items():
                found[_resolved(trained.with_name(name))] = digest
        return found

    def _require_declared(self, folds: Iterable[str], checkpoint: str, declared: Mapping[Path, str]) -> None:
        """Raise if the run does not know weights of these folds: they may be of any training."""
        if self.run is None:
            return
        unknown = [fold for fold in folds if _resolved(self.checkpoint(fold, checkpoint)) not in declared]
        if unknown:
            raise _broken(
                "weights that run.json of the training records",
                f"{checkpoint} of {shown(f'{_FOLD}{fold}' for fold in unknown)}, which it does not",
                self.path,
                f"name {shown(self._recorded_names(unknown), 9)} with checkpoint=..., or train again",
            )

    def _recorded_names(self, folds: Iterable[str]) -> list[str]:
        """Names of the files with weights that the run knows of folds."""
        wanted = set(folds)
        recorded = [fold for fold in (() if self.run is None else self.run.folds) if fold.fold in wanted]
        return sorted({name for fold in recorded for name in (Path(fold.checkpoint).name, *fold.checkpoints)})

    def _known_folds(self) -> tuple[str, ...]:
        if self.run is not None:
            return tuple(fold.fold for fold in self.run.folds)
        names = (path.name.removeprefix(_FOLD) for path in self.path.glob(f"{_FOLD}*") if path.is_dir())
        folds = [name for name in names if name == ALL or (name.isascii() and name.isdigit())]
        return tuple(sorted(folds, key=lambda name: (name == ALL, len(name), name)))

    def _without(self, lacking: Sequence[str], checkpoint: str) -> FormatError:
        if not lacking:
            return _broken("a fold that is trained", "none", self.path, "train it to the end")
        others = sorted({path.name for fold in lacking for path in self.checkpoint(fold, "").glob("*.pth")})
        if self.run is not None:
            others = [name for name in others if name in self._recorded_names(lacking)]
        remedy = f"name another file with checkpoint ({shown(others)})" if others else "train them to the end"
        return _broken(
            f"{checkpoint} in every fold",
            f"none in {shown(f'{_FOLD}{fold}' for fold in lacking)}",
            self.path,
            f"{remedy}, or name finished folds with folds",
        )


def _trained(root: Path) -> tuple[Path, Path, TrainingRun | None]:
    run = read_training_run(root)
    if run.model != "nnunet" or not run.folds:
        found = f"a model of kind {run.model!r}" if run.folds else "no finished fold"
        raise _broken("a finished training of nnunet", found, root, "train it to the end with `oncohort train`")
    return _resolved(root / run.folder), _resolved(root), run


def _found(asked: Path) -> tuple[Path, Path, TrainingRun | None]:
    named = _single_model(asked)
    folder = _resolved(named)
    return folder, *_run_above(folder, (*folder.parents[:_LEVELS_UP], *named.parents[:_LEVELS_UP]))


def _single_model(folder: Path) -> Path:
    if not folder.is_dir():
        raise _broken(
            "a folder with a trained nnU-Net", "no folder", folder, "name one with dataset.json and plans.json"
        )
    if any((folder / name).is_file() for name in (DATASET_FILE, PLANS_FILE)) or any(folder.glob(f"{_FOLD}*")):
        return folder
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.count(_PARTS) >= 2)
    if len(inside) > 1:
        names = shown(path.name for path in inside)
        raise _wrong("one trained model", f"{len(inside)}: {names}", folder, "name one of these folders")
    if not inside:
        raise _broken(
            "a trained nnU-Net (dataset.json, plans.json, fold_0 ...)", "none of these", folder, "name its folder"
        )
    return inside[0]


def _run_above(folder: Path, above: Iterable[Path]) -> tuple[Path, TrainingRun | None]:
    """The run among folders that trained the model in a resolved folder, and where it lies."""
    for parent in above:
        if is_training_run(parent):
            run = read_training_run(parent)
            if _resolved(parent / run.folder) == folder:
                return _resolved(parent), run
    return folder, None


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # links in a circle; which of both it is depends on the Python version
        raise _broken("a path without links in a circle", str(error)[:200], path, "correct the links") from error


def _require_files(folder: Path) -> None:
    missing = [name for name in (DATASET_FILE, PLANS_FILE) if not (folder / name).is_file()]
    if missing:
        raise _broken(
            "dataset.json and plans.json of a trained nnU-Net",
            f"no {' and no '.join(missing)}",
            folder,
            "copy the whole folder that nnU-Net wrote",
        )


def _require_stands_alone(folder: Path) -> None:
    """Raise if the configuration needs the masks of another one; nnU-Net's folder names say which it is."""
    path = folder / PLANS_FILE
    try:
        configurations = as_object(as_object(read_json(path, most_bytes=_MOST_BYTES))["configurations"])
        former = _former_stage(configurations, folder.name.rsplit(_PARTS, maxsplit=1)[-1])
    except (KeyError, ValueError) as error:
        raise _broken(
            "plans of nnU-Net version 2", f"{type(error).__name__}: {str(error)[:200]}", path, "restore the file"
        ) from error
    if former is not None:
        raise _wrong(
            "a configuration that stands alone",
            f"one that needs the masks of {former}",
            folder,
            "run the cascade with nnU-Net and give its masks as a folder of predictions",
        )


def _former_stage(configurations: Mapping[str, Any], name: str) -> str | None:
    """The configuration whose masks one needs; it may say so itself or inherit it."""
    seen: set[str] = set()
    while name in configurations and name not in seen:
        seen.add(name)
        values = as_object(configurations[name])
        if values.get("previous_stage") is not None:
            return as_text(values["previous_stage"])
        name = as_text(values.get("inherits_from", ""))
    return None


def _hash(file: Path) -> str:
    try:
        return sha256_file(file)
    except OSError as error:
        raise _broken("a file that can be read", error.strerror or str(error), file, "restore it") from error


def _wrong(expected: str, found: str, where: Path, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where=str(where), remedy=remedy)


def _broken(expected: str, found: str, where: Path, remedy: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(where), remedy=remedy)
