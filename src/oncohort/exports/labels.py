"""Labels numbered without gaps, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, LabelError
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

_LARGEST = 65535  # what the voxels of a mask can hold


@dataclass(frozen=True)
class LabelMapping:
    """Integers of a label scheme and what they are called elsewhere: 1, 2, 3 ... without gaps.

    Attributes:
        original: Integer of each label in the scheme.
        exported: Integer of each label in the export; labels that are to be ignored together share the highest.
        dropped: Integers of the scheme that become background.

    Examples:
        >>> mapping = LabelMapping.gapless(LabelScheme("bones", {"hip": 7, "rib": 3}))
        >>> dict(mapping.exported), mapping.back(np.array([0, 1, 2], np.uint8)).tolist()
        ({'rib': 1, 'hip': 2}, [0, 3, 7])
    """

    original: Mapping[str, int]
    exported: Mapping[str, int]
    dropped: tuple[int, ...] = ()

    @staticmethod
    def gapless(scheme: LabelScheme, *, only: Collection[str] = (), last: Collection[str] = ()) -> LabelMapping:
        """Labels in the order of their integers, numbered from 1.

        Args:
            scheme: Names and integers.
            only: The labels that are written; none for all. The others become background.
            last: Labels that together get the highest integer.
        """
        names = [name for name in scheme.labels if not only or name in only]
        names.sort(key=lambda name: (name in last, scheme.labels[name]))
        highest = sum(name not in last for name in names) + 1
        dropped = [value for name, value in scheme.labels.items() if name not in names]
        return LabelMapping(
            {name: scheme.labels[name] for name in names},
            {name: min(number, highest) for number, name in enumerate(names, 1)},
            tuple(sorted(dropped)),
        )

    @property
    def is_identity(self) -> bool:
        """Whether every label keeps its integer."""
        return dict(self.original) == dict(self.exported) and not self.dropped

    def forth(self, labels: NDArray[Any], *, where: str) -> NDArray[np.generic]:
        """Exported integers of an array of original ones.

        Raises:
            LabelError: An integer has no name in the scheme.
        """
        kept = {self.original[name]: self.exported[name] for name in self.original}
        return _recoded(labels, {**dict.fromkeys(self.dropped, 0), **kept}, where)

    def back(self, labels: NDArray[Any], *, where: str = "labels") -> NDArray[np.generic]:
        """Original integers of an array of exported ones; of labels that share one, that of the first.

        Raises:
            LabelError: An integer has no name in the export.
        """
        return _recoded(
            labels, {self.exported[name]: self.original[name] for name in reversed(list(self.original))}, where
        )

    def in_scheme(self, scheme: LabelScheme) -> LabelMapping:
        """The same names with the integers that they have in another scheme; labels of it without a name are dropped.

        Examples:
            >>> mapping = LabelMapping.gapless(LabelScheme("bones", {"hip": 7, "rib": 3}))
            >>> dict(mapping.in_scheme(LabelScheme("other", {"rib": 9, "skull": 2})).original)
            {'rib': 9}
        """
        names = [name for name in self.original if name in scheme.labels]
        if all(scheme.labels[name] == self.original[name] for name in self.original if name in names):
            return self
        dropped = {value for name, value in scheme.labels.items() if name not in names}
        original = {name: scheme.labels[name] for name in names}
        return LabelMapping(original, {name: self.exported[name] for name in names}, tuple(sorted(dropped)))

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them back."""
        values = {"original": dict(self.original), "exported": dict(self.exported), "dropped": list(self.dropped)}
        return {**values, "joined": joined} if (joined := self._joined()) else values

    def _joined(self) -> list[str]:
        """Labels that share an integer of the export."""
        counts = Counter(self.exported.values())
        return sorted(name for name, value in self.exported.items() if counts[value] > 1)

    @staticmethod
    def from_dict(values: Mapping[str, Any], *, where: str) -> LabelMapping:
        """The mapping that `to_dict` wrote.

        Raises:
            FormatError: The values are none.
        """
        try:
            original = {str(name): int(value) for name, value in values["original"].items()}
            exported = {str(name): int(value) for name, value in values["exported"].items()}
            dropped = tuple(int(value) for value in values["dropped"])
            joined = sorted(str(name) for name in values.get("joined", ()))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise _no_mapping(where, repr(error)) from error
        mapping = LabelMapping(original, exported, dropped)
        if set(original) != set(exported) or mapping._joined() != joined:
            raise _no_mapping(where, "names that differ, or one integer for two labels")
        if not all(0 < value <= _LARGEST for value in (*original.values(), *exported.values(), *dropped)):
            raise _no_mapping(where, f"an integer that is not from 1 to {_LARGEST}")
        return mapping


def mapped(labels: LabelMap, mapping: LabelMapping, *, where: str) -> Volume:
    """A label map as one volume of exported integers; its layers are joined.

    Integers of a map with a scheme of its own are found by their names.

    Raises:
        LabelError: Labels that are written overlap, or an integer has no name.

    Examples:
        >>> from oncohort.geometry import Geometry
        >>> grid, scheme = Geometry((3, 1, 1), np.eye(4)), LabelScheme("two", {"mass": 1, "oedema": 5})
        >>> masks = {"mass": np.array([1, 1, 0]), "oedema": np.array([0, 1, 1])}
        >>> both = LabelMap.from_masks({k: v.reshape(3, 1, 1) > 0 for k, v in masks.items()}, grid, scheme)
        >>> mapped(both, LabelMapping.gapless(scheme, only=["oedema"]), where="here").array.ravel().tolist()
        [0, 1, 1]
    """
    own = mapping.in_scheme(labels.scheme)
    joined: NDArray[Any] | None = None
    for layer in labels.layers:
        found: NDArray[Any] = own.forth(layer.array, where=where)
        if joined is not None:
            _require_apart(joined, found, where)
        joined = found if joined is None else joined + found
    if joined is None:
        raise _unknown(0, {}, where)
    return Volume.from_array(joined, labels.geometry, Unit.LABEL)


def _require_apart(first: NDArray[Any], second: NDArray[Any], where: str) -> None:
    overlap = np.argwhere((first != 0) & (second != 0))
    if len(overlap):
        place = tuple(overlap[0].tolist())
        raise LabelError(
            expected="labels that do not overlap",
            found=f"{len(overlap)} voxels with two labels, the first {place} with {first[place]} and {second[place]}",
            where=where,
            remedy="export structures one file each, or choose labels that do not overlap",
        )


def _recoded(labels: NDArray[Any], table: Mapping[int, int], where: str) -> NDArray[np.generic]:
    largest = max(table, default=0)
    lookup = np.full(largest + 1, -1, np.int32)
    lookup[0] = 0
    for value, wanted in table.items():
        lookup[value] = wanted
    if labels.size and int(labels.max()) > largest:
        raise _unknown(int(labels.max()), table, where)
    if labels.size and labels.dtype.kind == "i" and int(labels.min()) < 0:
        raise _unknown(int(labels.min()), table, where)
    found = lookup[labels]
    if found.size and int(found.min()) < 0:
        raise _unknown(int(labels[found < 0].flat[0]), table, where)
    return np.asfortranarray(found.astype(np.uint8 if max(table.values(), default=0) < 256 else np.uint16))


def _unknown(value: int, table: Mapping[int, int], where: str) -> LabelError:
    return LabelError(
        expected=f"labels {sorted(table)[:10]}",
        found=str(value),
        where=where,
        remedy="add the label to the label scheme, or correct the mask",
    )


def _no_mapping(where: str, found: str) -> FormatError:
    return FormatError(
        expected="labels with original and exported integers",
        found=found,
        where=where,
        remedy="export the cohort again",
    )
