"""Labels numbered without gaps, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, LabelError
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume


@dataclass(frozen=True)
class LabelMapping:
    """Integers of a label scheme and what they are called elsewhere: 1, 2, 3 ... without gaps.

    Attributes:
        original: Integer of each label in the scheme.
        exported: Integer of each label in the export.
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
    def gapless(scheme: LabelScheme, *, only: Collection[str] = (), last: str | None = None) -> LabelMapping:
        """Labels in the order of their integers, numbered from 1.

        Args:
            scheme: Names and integers.
            only: The labels that are written; none for all. The others become background.
            last: The label that gets the highest integer.
        """
        names = [name for name in scheme.labels if not only or name in only]
        names.sort(key=lambda name: (name == last, scheme.labels[name]))
        dropped = [value for name, value in scheme.labels.items() if name not in names]
        return LabelMapping(
            {name: scheme.labels[name] for name in names},
            {name: number for number, name in enumerate(names, 1)},
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
        """Original integers of an array of exported ones.

        Raises:
            LabelError: An integer has no name in the export.
        """
        return _recoded(labels, {self.exported[name]: self.original[name] for name in self.original}, where)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them back."""
        return {"original": dict(self.original), "exported": dict(self.exported), "dropped": list(self.dropped)}

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
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_mapping(where, repr(error)) from error
        if set(original) != set(exported) or len(set(exported.values())) < len(exported):
            raise _no_mapping(where, "names that differ, or one integer for two labels")
        return LabelMapping(original, exported, dropped)


def one_layer(labels: LabelMap, *, where: str) -> Volume:
    """The only layer of a label map.

    Raises:
        LabelError: Labels overlap, which a file with one integer per voxel cannot hold.
    """
    if len(labels.layers) == 1:
        return labels.layers[0]
    raise LabelError(
        expected="labels that do not overlap",
        found=f"{len(labels.layers)} layers",
        where=where,
        remedy="export structures one file each, or choose labels that do not overlap",
    )


def mapped(labels: LabelMap, mapping: LabelMapping, *, where: str) -> Volume:
    """A label map of one layer with exported integers.

    Raises:
        LabelError: Labels overlap, or an integer has no name.
    """
    layer = one_layer(labels, where=where)
    return Volume.from_array(mapping.forth(layer.array, where=where), layer.geometry, Unit.LABEL)


def _recoded(labels: NDArray[Any], table: Mapping[int, int], where: str) -> NDArray[np.generic]:
    largest = max(table, default=0)
    lookup = np.full(largest + 1, -1, np.int32)
    lookup[0] = 0
    for value, wanted in table.items():
        lookup[value] = wanted
    if labels.size and int(labels.max()) > largest:
        raise _unknown(int(labels.max()), table, where)
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
