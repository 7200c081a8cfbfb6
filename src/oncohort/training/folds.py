"""The folds of a training: which there are, and the cases of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from oncohort.errors import InputError, SettingsError, shown
from oncohort.formats.training_run import TrainedFold
from oncohort.splits import Split

ALL = "all"
"""The fold that trains on every case that is not kept for the end."""


def fold_names(split: Split | None, folds: Sequence[str] | None) -> tuple[str, ...]:
    """The folds that are asked for, each once.

    Args:
        split: Folds by patient; without, there is the fold `all` alone.
        folds: Names; None means all folds of the split, or `all` without one.

    Raises:
        SettingsError: The split has no such fold, or none is named.

    Examples:
        >>> split = Split({"a": "p", "b": "q"}, folds=(("a",), ("b",)))
        >>> fold_names(split, None), fold_names(None, None)
        (('0', '1'), ('all',))
    """
    possible = (*(str(number) for number in range(0 if split is None else len(split.folds))), ALL)
    if folds is None:
        return possible[:-1] or (ALL,)
    wrong = [name for name in folds if name not in possible]
    if wrong or not folds:
        raise SettingsError(
            expected=f"folds among {', '.join(possible)}",
            found=", ".join(wrong) or "none",
            where="folds",
            remedy="choose folds of the split; without a split there is the fold `all` alone",
        )
    return tuple(dict.fromkeys(folds))


def fold_parts(name: str, split: Split | None, exported: Sequence[str]) -> TrainedFold:
    """A fold with its cases, before it is trained.

    Args:
        name: Of the fold.
        split: Folds by patient, and the test cases.
        exported: The cases that there are.

    Examples:
        >>> split = Split({"a": "p", "b": "q"}, folds=(("a",), ("b",)))
        >>> parts = fold_parts("0", split, ["a", "b"])
        >>> parts.trained, parts.held_out
        (('b',), ('a',))
    """
    trained, held = _parts(name, split, exported)
    return TrainedFold(
        fold=name,
        trained=tuple(case for case in exported if case in trained),
        held_out=tuple(case for case in exported if case in held),
        epochs=0,
        checkpoint="",
        sha256="",
        seconds=0.0,
        peak_memory_mib=None,
    )


def require_cases(parts: TrainedFold, split: Split | None, left_out: Mapping[str, str]) -> None:
    """Raise unless a fold has a case to train on and, if it is one of a split, one that validates it.

    Args:
        parts: The fold with the cases that could be exported.
        split: Folds by patient.
        left_out: Cases that could not be exported, with the reason.

    Raises:
        InputError: One of the parts is empty; the cases that it lost are named with their reasons.
    """
    trained, held = _parts(parts.fold, split, left_out)
    lacking = [("train on", trained)] if not parts.trained else []
    lacking += [("validate on", held)] if not parts.held_out and parts.fold != ALL else []
    for purpose, cases in lacking:
        lost = [f"{case}: {reason}" for case, reason in left_out.items() if case in cases]
        raise InputError(
            expected=f"a case to {purpose} in fold {parts.fold}",
            found=f"{len(lost)} that could not be exported: {shown(lost, between='; ')}" if lost else "none",
            where=f"fold {parts.fold}",
            remedy="correct these cases, draw a split without them (oncohort split), or train other folds",
        )


def _parts(name: str, split: Split | None, cases: Iterable[str]) -> tuple[set[str], set[str]]:
    """The cases that train and validate a fold, exported or not; without a split all of `cases` train."""
    if split is None:
        return {*cases}, set()
    if name == ALL:
        return {*split.patients} - {*split.test}, set()
    return {*split.training(int(name))}, {*split.validation(int(name))}
