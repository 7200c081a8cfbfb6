"""How a model of a study was trained, for the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.training_run import TrainedFold, TrainingRun, read_curves, read_training_run
from oncohort.reporting import FoldFacts, TrainedModel, draw_learning
from oncohort.storage import read_json

_DISPLAYED = {
    "channels": "Input channels",
    "label_role": "Masks learnt",
    "labels": "Labels learnt",
    "union": "All labels as one",
    "planner": "Planner",
    "trainer": "Trainer",
    "seed": "Seed",
}


def describe_training(folder: Path) -> str:
    """A trained model in a line.

    Raises:
        FormatError: The folder holds no training.
    """
    return _line(read_training_run(folder))


def tell_training(model: str, folder: Path) -> TrainedModel:
    """All that the report says of a training.

    Args:
        model: Its name.
        folder: Of its run.

    Raises:
        FormatError: The folder holds no training, or learning curves that cannot be read.
    """
    run, curves = read_training_run(folder), read_curves(folder)
    return TrainedModel(
        name=model,
        summary=_line(run),
        settings=tuple(_settings(run, _plan(folder, run))),
        hashes=tuple(_hashes(run)),
        folds=tuple(_fold(fold) for fold in run.folds),
        drawings=tuple(draw_learning(model, fold, curves[fold.fold]) for fold in run.folds if curves.get(fold.fold)),
    )


def _line(run: TrainingRun) -> str:
    named = [fold.fold for fold in run.folds]
    epochs = run.settings.get("epochs")
    length = "untrained (0 epochs)" if epochs == 0 else f"{epochs} {'epoch' if epochs == 1 else 'epochs'}"
    folds = f"{'fold' if len(named) == 1 else 'folds'} {', '.join(named)}"
    return f"{run.model} {run.settings.get('configuration', '')}: {length}, {folds}"


def _settings(run: TrainingRun, plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values in words; what the planner chose is read from its plans."""
    chosen = run.settings
    batches = f"{chosen.get('iterations')} training and {chosen.get('validation_iterations')} validation batches"
    told = [
        ("Network", f"{run.model} {chosen.get('configuration', '')}"),
        (
            "Epochs",
            f"{chosen.get('epochs')}, each of {batches}" if chosen.get("epochs") else "0: as initialised, a yardstick",
        ),
        ("Device", run.versions.get("device", "not recorded")),
        ("Patch (nnU-Net’s axes)", _edges(plan.get("patch_size"), "voxels")),
        ("Patches of a batch", str(plan.get("batch_size") or "not recorded")),
        ("Spacing (nnU-Net’s axes)", _edges(plan.get("spacing"), "mm")),
    ]
    told += [(words, str(chosen[name])) for name, words in _DISPLAYED.items() if chosen.get(name) not in (None, "")]
    told.append(("Cases kept for the end", str(len(run.test))))
    told += [("Could not be trained on", f"{case}: {reason}") for case, reason in run.left_out.items()]
    versions = [f"{name} {version}" for name, version in run.versions.items() if name != "device"]
    return [*told, ("Versions", ", ".join(versions)), ("Trained", run.created_at)]


def _hashes(run: TrainingRun) -> Iterator[tuple[str, str]]:
    yield "the cohort’s lock", run.lock_hash
    yield "the split", run.split or ""
    yield from ((f"the checkpoint of fold {fold.fold}", fold.sha256) for fold in run.folds)
    yield from ((PurePosixPath(path).name, digest) for path, digest in sorted(run.files.items()))


def _plan(folder: Path, run: TrainingRun) -> Mapping[str, Any]:
    """What nnU-Net planned for the configuration; nothing where its file cannot be read."""
    try:
        plans = read_json(folder / run.folder / "plans.json")
        found = plans["configurations"][run.settings["configuration"]]
    except (FormatError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _edges(values: Any, unit: str) -> str:
    if not isinstance(values, list) or not values:
        return "not recorded"
    return " × ".join(f"{value:g}" if isinstance(value, int | float) else str(value) for value in values) + f" {unit}"


def _fold(fold: TrainedFold) -> FoldFacts:
    return FoldFacts(
        fold=fold.fold,
        trained=len(fold.trained),
        held_out=len(fold.held_out),
        epochs=fold.epochs,
        duration=_duration(fold.seconds),
        peak_memory="not known" if fold.peak_memory_mib is None else f"{fold.peak_memory_mib / 1024:.1f} GiB",
    )


def _duration(seconds: float) -> str:
    """Seconds in words.

    Examples:
        >>> _duration(7.25), _duration(125), _duration(7500)
        ('7.2 s', '2 min 5 s', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
