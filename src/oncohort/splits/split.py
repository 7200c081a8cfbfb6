"""Which cases train, validate and test."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from oncohort.errors import FormatError, LeakageError, SettingsError

SPLIT_TYPE = "oncohort.split"
"""What a file of a split says that it is."""

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

    def part(self, name: str) -> tuple[str, ...]:
        """Cases of a part, sorted.

        Args:
            name: `test`, `validation` (of all folds together), or the number of a fold for its validation cases.

        Raises:
            SettingsError: There is no such part, or it holds no case.

        Examples:
            >>> split = Split({"a": "a", "b": "b", "c": "c"}, test=("c",), folds=(("a",), ("b",)))
            >>> split.part("test"), split.part("validation"), split.part("1")
            (('c',), ('a', 'b'), ('b',))
        """
        folds = {str(number): cases for number, cases in enumerate(self.folds)}
        parts = {"test": self.test, "validation": tuple(case for cases in self.folds for case in cases), **folds}
        if not parts.get(name):
            filled = [part for part, cases in parts.items() if cases]
            raise SettingsError(
                expected=f"a part of the split with cases: {', '.join(filled) or 'it has none'}",
                found=f"{name!r}, {'which is empty' if name in parts else 'which it does not have'}",
                where="split",
                remedy="name one of these, or make a split that has the part with `oncohort split`",
            )
        return tuple(sorted(parts[name]))

    @property
    def content_hash(self) -> str:
        """SHA-256 of who stands where: equal for equal splits, whatever their origin."""
        parts = {name: sorted(cases) for name, cases in self._parts().items()}
        text = json.dumps({"parts": parts, "patients": dict(sorted(self.patients.items()))}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The split as JSON values; `from_dict` reads it back."""
        return {
            "type": SPLIT_TYPE,
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
        if kind != SPLIT_TYPE or not version.startswith("1."):
            raise _no_split(where, f"type {kind!r}, format version {version}")
        seed, origin = values.get("seed"), values.get("origin")
        if origin not in ("drawn", "official") or not (seed is None or type(seed) is int):
            raise _no_split(where, f"origin {origin!r} and seed {seed!r}"[:200])
        try:
            split = Split(
                patients={str(case): str(patient) for case, patient in values["patients"].items()},
                test=_texts(values["test"]),
                folds=tuple(_texts(fold["val"]) for fold in values["folds"]),
                train_only=_texts(values["train_only"]),
                studies={str(case): str(study) for case, study in values["studies"].items()},
                origin=origin,
                seed=seed,
                strata=_texts(values["strata"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_split(where, repr(error)) from error
        if split.content_hash != values.get("content_hash"):
            raise _no_split(where, "a content_hash that does not fit the cases: the file was edited")
        if any(sorted(_texts(fold["train"])) != list(split.training(k)) for k, fold in enumerate(values["folds"])):
            raise _no_split(where, "training cases that are not those outside of fold and test set: it was edited")
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

    def require_cohort(self, cases: pl.DataFrame) -> None:
        """Raise unless the split stands for exactly these cases, and tears none of their patients and studies.

        Who is one patient may have become known after the split was made, so that its own patients do not tell.

        Args:
            cases: Columns `case`, `patient` and, where it is known, `study`.

        Raises:
            LeakageError: Cases are missing or too many, or a patient or a study stands in two parts.

        Examples:
            >>> split = Split({"a": "a", "b": "b"}, test=("a",), folds=(("b",),))
            >>> split.require_cohort(pl.DataFrame({"case": ["a", "b"], "patient": ["a", "b"]}))
        """
        self.require_cases(cases["case"])
        for word in ("patient", "study"):
            if word in cases.columns:
                known = cases.filter(pl.col(word).is_not_null())
                self._require_apart(self._parts(), dict(zip(known["case"], known[word], strict=True)), word)

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
            for owner in sorted({owners[case] for case in cases if case in owners}):
                if seen.setdefault(owner, part) != part:
                    raise _leak(f"every {word} in one part", f"{word} {owner} in {seen[owner]} and in {part}")


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
