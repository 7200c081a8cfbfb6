"""Labels of a tool, and what a cohort calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, LabelError, shown
from oncohort.labels import LabelScheme
from oncohort.layouts.labels import common_name, numberings, registry
from oncohort.segmenters.parameters import wrong_parameter
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

_VALUES = 1 << 16  # what the voxels of a mask can hold

LABELS = ("cohort", "own")
"""Whose integers and names a mask gets: those of the cohort, or those of the tool."""


@dataclass(frozen=True)
class ToolLabels:
    """Integers of a tool and those that its masks get.

    Attributes:
        scheme: Names and integers of the masks.
        names: What the tool calls its integers.
        values: Integer in the mask by integer of the tool; the others become background.

    Examples:
        >>> cohort = LabelScheme("mine", {"urinary_bladder": 7})
        >>> labels = ToolLabels.of_cohort({1: "bladder", 2: "brain"}, cohort)
        >>> labels.values, labels.dropped((1, 2))
        ({1: 7}, ('brain',))
    """

    scheme: LabelScheme = field(repr=False)
    names: Mapping[int, str] = field(repr=False)
    values: Mapping[int, int]

    @staticmethod
    def of_cohort(names: Mapping[int, str], scheme: LabelScheme) -> ToolLabels:
        """The integers of a cohort for the labels that it knows: by name, by alias, or by the published names.

        A label of the cohort that the tool knows in parts alone is made of them if it knows all of them.

        Examples:
            >>> ToolLabels.of_cohort({1: "postcava"}, LabelScheme("mine", {"inferior_vena_cava": 3})).values
            {1: 3}
            >>> ToolLabels.of_cohort({4: "kidney_left", 6: "kidney_right"}, LabelScheme("mine", {"kidney": 2})).values
            {4: 2, 6: 2}
        """
        matched = ((value, known_label(name, scheme)) for value, name in names.items())
        found = {value: scheme.labels[known] for value, known in matched if known is not None}
        everything = {**found, **_wholes(names, scheme, found)}
        return ToolLabels(scheme, dict(names), dict(sorted(everything.items())))

    @staticmethod
    def own(names: Mapping[int, str], tool: str) -> ToolLabels:
        """The integers and names of the tool."""
        scheme = LabelScheme(tool, {name: value for value, name in names.items()})
        return ToolLabels(scheme, dict(names), {value: value for value in names})

    def dropped(self, values: Sequence[int]) -> tuple[str, ...]:
        """Names of those among the integers of the tool that become background."""
        return tuple(self.names[value] for value in values if value not in self.values)

    def recoded(self, labels: NDArray[Any], where: str) -> NDArray[Any]:
        """An array of the tool's integers with those of the mask.

        Raises:
            LabelError: The tool has no label with an integer.
        """
        known = np.zeros(_VALUES, np.bool_)
        known[[0, *self.names]] = True
        table = np.zeros(_VALUES, np.uint8 if max(self.scheme.labels.values(), default=0) < 256 else np.uint16)
        table[list(self.values)] = list(self.values.values())
        if not known[labels].all():
            unknown = sorted({int(value) for value in np.unique(labels) if not known[value]})
            raise LabelError(
                expected=f"labels {shown(sorted(self.names), 10)}",
                found=shown(unknown, 10),
                where=where,
                remedy="use a version of the tool whose labels are known, or report the difference",
            )
        return np.asarray(table[labels])


def choose_labels(names: Mapping[int, str], choice: str, *, cohort: LabelScheme, tool: str) -> ToolLabels:
    """The labels of the masks of a tool.

    Args:
        names: What the tool calls its integers.
        choice: One of `LABELS`.
        cohort: Labels of the cohort.
        tool: What the tool is called.

    Raises:
        LabelError: The cohort knows none of the tool's labels.
        SettingsError: There is no such choice.
    """
    require_choice(choice, segmenter=tool)
    if choice == "own":
        return ToolLabels.own(names, tool)
    found = ToolLabels.of_cohort(names, cohort)
    if not found.values:
        raise LabelError(
            expected=f"a label of {tool} among those of the cohort ({shown(cohort.labels)})",
            found=f"none of {shown(names.values())}",
            where=f"segmenter {tool}",
            remedy="labels=own keeps the labels of the tool; or name the cohort's labels as the tool does",
        )
    return found


def require_choice(choice: object, *, segmenter: str) -> None:
    """Raise unless `choice` is one of `LABELS`.

    Raises:
        SettingsError: It is not.
    """
    if choice not in LABELS:
        raise wrong_parameter(segmenter, f"labels as one of {', '.join(LABELS)}", repr(choice))


def whole_names(values: Any, *, where: str) -> dict[int, str]:
    """Names by integer from a JSON object as tools write it, without background.

    Raises:
        FormatError: It is none, an integer is out of range, or a name stands twice.

    Examples:
        >>> whole_names({"0": "background", "1": "liver"}, where="labels")
        {1: 'liver'}
    """
    try:
        names = {int(value): str(name) for value, name in dict(values).items() if int(value) != 0}
    except (TypeError, ValueError) as error:
        raise _no_names(where, repr(values)[:200]) from error
    if not names or len(set(names.values())) < len(names) or not all(0 < value < _VALUES for value in names):
        raise _no_names(where, shown(names.items()))
    return names


def recode(found: LabelMap, labels: ToolLabels, where: str) -> tuple[LabelMap, tuple[str, ...]]:
    """A mask of a tool with the integers of `labels`, and the names of what became background.

    It is annotated with the labels of the scheme that the tool can find.

    Raises:
        LabelError: The tool has no label with an integer of the mask.
        FormatError: The mask cannot be read.
    """
    arrays = [labels.recoded(layer.array, where) for layer in found.layers]
    layers = tuple(Volume.from_array(array, found.geometry, Unit.LABEL) for array in arrays)
    annotated = frozenset(labels.scheme.name_of(value) for value in labels.values.values())
    return LabelMap(found.geometry, layers, labels.scheme, annotated), labels.dropped(found.values())


def join_maps(maps: Sequence[LabelMap]) -> LabelMap:
    """One label map of several on one grid with one scheme; where they overlap, it has further layers.

    It is annotated with all that one of them is annotated with.
    """
    layers: list[NDArray[Any]] = []
    for array in (layer.array for one in maps for layer in one.layers):
        place = next((at for at, layer in enumerate(layers) if not ((layer > 0) & (array > 0)).any()), None)
        if place is None:
            layers.append(array)
        else:
            layers[place] = layers[place] + array
    grid, scheme = maps[0].geometry, maps[0].scheme
    annotated = frozenset().union(*(scheme.labels if one.annotated is None else one.annotated for one in maps))
    volumes = tuple(Volume.from_array(layer, grid, Unit.LABEL) for layer in layers)
    return LabelMap(grid, volumes, scheme, annotated)


def dropped_note(names: Sequence[str]) -> tuple[str, ...]:
    """What is said of labels that became background: one note, or none."""
    return (f"labels that the cohort does not know became background: {shown(names)}",) if names else ()


def known_label(name: str, scheme: LabelScheme) -> str | None:
    """The label of a scheme that a tool calls `name`: the same word, an alias, or one that is published for it.

    Examples:
        >>> known_label("clavicle_left", LabelScheme("mine", {"clavicula_left": 1}))
        'clavicula_left'
    """
    known = scheme.aliases.get(name, name)
    if known in scheme.labels:
        return known
    meant = _common_names(name)
    found = [label for label in scheme.labels if meant & _common_names(label)]
    return found[0] if len(found) == 1 else None


def _wholes(names: Mapping[int, str], scheme: LabelScheme, found: Mapping[int, int]) -> dict[int, int]:
    """Integers of labels that the tool has only in parts, by those of the parts."""
    free = {
        structure: value for value, name in names.items() if value not in found for structure in _common_names(name)
    }
    wholes: dict[int, int] = {}
    for own, value in scheme.labels.items():
        parts = _parts(own) if value not in found.values() else frozenset()
        if parts and parts <= free.keys():
            wholes.update({free[part]: value for part in parts})
    return wholes


@cache
def _parts(name: str) -> frozenset[str]:
    """The smallest structures that make up one, by any name of it."""
    meant = {name, *_common_names(name)}
    parts = {structure.name for structure in registry().values() if meant & set(structure.groups)}
    larger = {group for part in parts for group in registry()[part].groups}
    return frozenset(parts - larger)


@cache
def _common_names(name: str) -> frozenset[str]:
    """The structures that a published data set means by a name."""
    return frozenset(filter(None, (common_name(name, data_set) for data_set in numberings())))


def _no_names(where: str, found: str) -> FormatError:
    return FormatError(
        expected=f"names by integer from 1 to {_VALUES - 1}",
        found=found,
        where=where,
        remedy="use a version of the tool whose labels are known",
    )
