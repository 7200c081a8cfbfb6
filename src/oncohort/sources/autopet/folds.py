"""The five folds of `splits_final.json`, verified and never made anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, shown
from oncohort.layouts import autopet
from oncohort.sources.autopet.names import Identity, identify
from oncohort.sources.referenced import finding
from oncohort.storage import read_json


@dataclass(frozen=True)
class Folds:
    """Cases to train and to validate with in each fold."""

    train: tuple[tuple[str, ...], ...]
    validation: tuple[tuple[str, ...], ...]

    def fold_of(self) -> Mapping[str, int]:
        """The one fold, from 0, that validates with a case; cases of no or of several folds are left out.

        Examples:
            >>> Folds((("b",), ("a",)), (("a", "c"), ("b", "c"))).fold_of()
            {'a': 0, 'b': 1}
        """
        folds: dict[str, list[int]] = {}
        for number, cases in enumerate(self.validation):
            for case in cases:
                folds.setdefault(case, []).append(number)
        return {case: numbers[0] for case, numbers in folds.items() if len(numbers) == 1}


def read_folds(path: str | Path) -> Folds:
    """The folds in a file of nnU-Net's form.

    Raises:
        FormatError: The file cannot be read or has another form.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     _ = Path(there, "s.json").write_text('[{"train": ["a"], "val": ["b"]}]')
        ...     read_folds(Path(there, "s.json"))
        Folds(train=(('a',),), validation=(('b',),))
    """
    values = read_json(path)
    folds = values if isinstance(values, list) else []
    if not folds or not all(isinstance(fold, dict) and _is_names(fold, "train", "val") for fold in folds):
        raise FormatError(
            expected='folds as [{"train": [case, ...], "val": [...]}, ...]',
            found=type(values).__name__ if not folds else "a fold without lists of case ids",
            where=str(path),
            remedy="fetch the file again; it cannot be made anew",
        )
    return Folds(tuple(tuple(fold["train"]) for fold in folds), tuple(tuple(fold["val"]) for fold in folds))


def _is_names(fold: Mapping[str, Any], *keys: str) -> bool:
    return all(isinstance(fold.get(key), list) and all(isinstance(case, str) for case in fold[key]) for key in keys)


def fold_findings(folds: Folds, identities: Sequence[Identity], path: str) -> Iterator[dict[str, Any]]:
    """What is wrong with the folds: patients on both sides, cases that no or several folds validate with, counts.

    Args:
        folds: From `read_folds`.
        identities: The cases of the folder.
        path: Of the file, for the findings.
    """
    for evidence in _leaks(folds):
        yield finding(
            "autopet_folds",
            evidence=evidence,
            remedy="train with folds that part patients; those of the published set do",
            path=path,
        )
    once = folds.fold_of()
    lost = [one.case for one in identities if one.case not in once]
    if lost:
        yield finding(
            "autopet_folds",
            evidence=f"{len(lost)} cases are validated in no fold or in several: {shown(lost)}",
            remedy="leave them out of cross-validation",
            path=path,
        )
    absent = sorted({case for cases in folds.validation for case in cases} - {one.case for one in identities})
    sizes = tuple((len(train), len(val)) for train, val in zip(folds.train, folds.validation, strict=True))
    for is_so, evidence in (
        (bool(absent), f"{len(absent)} cases of the folds are not in the folder: {shown(absent)}"),
        (sizes != autopet.FOLD_SIZES, f"folds of {sizes} cases; published are {autopet.FOLD_SIZES}"),
    ):
        if is_so:
            remedy = "nothing, if this is a part of the published set"
            yield finding("autopet_folds", evidence=evidence, remedy=remedy, path=path, severity="info")


def _leaks(folds: Folds) -> Iterator[str]:
    for number, (train, validation) in enumerate(zip(folds.train, folds.validation, strict=True)):
        both = {identify(case).patient for case in train} & {identify(case).patient for case in validation}
        if both:
            yield f"fold {number} trains and validates with {len(both)} patients: {shown(sorted(both))}"
