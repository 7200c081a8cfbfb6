"""Which cases train, validate and test."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from oncohort.errors import FormatError, LeakageError

TYPE = "oncohort.split"
FORMAT_VERSION = "1.0"


@dataclass(frozen=True)
class Split:
    """A test set and folds of one cohort; no patient and no study stands in two of them.

    Args:
        patients: Patient of every case.
        test: Cases kept for the end; may be none.
        folds: Validation cases of each fold, parted without overlap; one fold is a hold-out validation set whose
            other cases only train.
        train_only: Cases that train in every fold.
        studies: Study of a case, where it is known.
        origin: `drawn` here, or `official`.
        seed: Of a drawn split.
        strata: Columns by which it was drawn.

    Raises:
        LeakageError: A patient or a study stands in two parts, or a case in none or in two.

    Examples:
        >>> split = Split({"a1": "a", "a2": "a", "b1": "b"}, folds=(("a1", "a2"), ("b1",)))
        >>> split.training(0), split.validation(0)
        (('b1',), ('a1', 'a2'))
    """

    patients: Mapping[str, str]
    test: tuple[str, ...] = ()
    folds: tuple[tuple[str, ...], ...] = ()
    train_only: tuple[str, ...] = ()
    studies: Mapping[str, str] = field(default_factory=dict)
    origin: Literal["drawn", "official"] = "drawn"
    seed: int | None = None
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = self._parts()
        self._require_each_once(parts)
        self._require_apart(parts, self.patients, "patient")
        self._require_apart(parts, self.studies, "study")

    def training(self, fold: int) -> tuple[str, ...]:
        """Cases that train in a fold, sorted."""
        held_out = {*self.test, *self.folds[fold]}
        return tuple(sorted(case for case in self.patients if case not in held_out))

    def validation(self, fold: int) -> tuple[str, ...]:
        """Cases that validate in a fold, sorted."""
        return tuple(sorted(self.folds[fold]))

    @property
    def content_hash(self) -> str:
        """SHA-256 of who stands where: equal for equal splits, whatever their origin."""
        parts = {name: sorted(cases) for name, cases in self._parts().items()}
        text = json.dumps({"parts": parts, "patients": dict(sorted(self.patients.items()))}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The split as JSON values; `from_dict` reads it back."""
        return {
            "type": TYPE,
            "format_version": FORMAT_VERSION,
            "origin": self.origin,
            "seed": self.seed,
            "strata": list(self.strata),
            "content_hash": self.content_hash,
            "test": sorted(self.test),
            "train_only": sorted(self.train_only),
            "folds": [
                {"train": list(self.training(k)), "val": list(self.validation(k))} for k in range(len(self.folds))
            ],
            "patients": dict(sorted(self.patients.items())),
            "studies": dict(sorted(self.studies.items())),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any], *, where: str) -> Split:
        """The split that `to_dict` wrote.

        Raises:
            FormatError: The values are no split, or its hash does not fit its content.
            LeakageError: A patient or study stands in two parts.
        """
        kind, version = values.get("type"), str(values.get("format_version"))
        if kind != TYPE or not version.startswith("1."):
            raise _no_split(where, f"type {kind!r}, format version {version}")
        try:
            split = Split(
                patients={str(case): str(patient) for case, patient in values["patients"].items()},
                test=_texts(values["test"]),
                folds=tuple(_texts(fold["val"]) for fold in values["folds"]),
                train_only=_texts(values["train_only"]),
                studies={str(case): str(study) for case, study in values["studies"].items()},
                origin=values["origin"],
                seed=values["seed"],
                strata=_texts(values["strata"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_split(where, repr(error)) from error
        if split.content_hash != values.get("content_hash"):
            raise _no_split(where, "a content_hash that does not fit the cases: the file was edited")
        return split

    def require_cases(self, cases: Iterable[str]) -> None:
        """Raise unless the split stands for exactly these cases.

        Raises:
            LeakageError: Naming cases that are missing or too many.
        """
        expected, found = set(cases), set(self.patients)
        if expected != found:
            lacking, more = sorted(expected - found)[:3], sorted(found - expected)[:3]
            raise _leak(
                "a split of exactly the cases of the cohort",
                f"{len(expected - found)} cases without a part ({', '.join(lacking)}), "
                f"{len(found - expected)} that the cohort lacks ({', '.join(more)})",
            )

    def _parts(self) -> dict[str, tuple[str, ...]]:
        folds = {f"fold {number}": cases for number, cases in enumerate(self.folds)}
        return {"test": self.test, "train only": self.train_only, **folds}

    def _require_each_once(self, parts: Mapping[str, Sequence[str]]) -> None:
        placed = Counter(case for cases in parts.values() for case in cases)
        twice = sorted(case for case, count in placed.items() if count > 1)
        strange = sorted(set(placed) ^ set(self.patients))
        if twice or strange:
            found = f"{', '.join(twice[:3])} in two parts" if twice else f"{', '.join(strange[:3])} in none, or unknown"
            raise _leak("every case in exactly one of test, train only and the folds", found)

    @staticmethod
    def _require_apart(parts: Mapping[str, Sequence[str]], owners: Mapping[str, str], word: str) -> None:
        seen: dict[str, str] = {}
        for part, cases in parts.items():
            for owner in {owners[case] for case in cases if case in owners}:
                if seen.setdefault(owner, part) != part:
                    raise _leak(f"every {word} in one part", f"{word} {owner} in {seen[owner]} and in {part}")


def volume_class(volume_ml: float | None, edges_ml: Sequence[float]) -> str:
    """The stratum of a lesion volume: `unknown`, `none`, or the number of edges that it reaches.

    Examples:
        >>> [volume_class(volume, (10.0, 100.0)) for volume in (None, 0.0, 3.0, 10.0, 500.0)]
        ['unknown', 'none', 'class 0', 'class 1', 'class 2']
    """
    if volume_ml is None:
        return "unknown"
    if volume_ml == 0:
        return "none"
    return f"class {sum(volume_ml >= edge for edge in edges_ml)}"


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _leak(expected: str, found: str) -> LeakageError:
    return LeakageError(expected=expected, found=found, where="split", remedy="split the cohort by patient, anew")


def _no_split(where: str, found: str) -> FormatError:
    return FormatError(
        expected=f"a split of format {FORMAT_VERSION}",
        found=found,
        where=where,
        remedy="make one with `oncohort split`",
    )
