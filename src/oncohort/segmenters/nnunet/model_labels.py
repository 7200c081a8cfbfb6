"""Labels of a model, and what they are called and numbered in the masks that it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, LabelError, SettingsError, shown
from oncohort.exports.labels import LabelMapping
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.training_run import TrainingRun
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters.tool_labels import ToolLabels
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

COHORT, OWN = "cohort", "own"
"""Words for the integers of the cohort and those of the model."""

_IGNORE = "ignore"
_LARGEST = 65535


@dataclass(frozen=True)
class ModelLabels:
    """What becomes of the integers that a model writes.

    Attributes:
        scheme: Names and integers of the masks.
        targets: Label of the scheme by label of the model.
        integers: What the model writes where each of its labels is.
        has_regions: Whether labels of the model are regions that may overlap: the network has an output for each of
            them and none for background, and a region has the integers of those that lie in it, too.

    Examples:
        >>> labels = ModelLabels(LabelScheme("two", {"liver": 5}), {"liver": "liver"}, {"liver": (1,), "rib": (2,)})
        >>> labels.dropped, labels.label_map(np.array([0, 1, 2]).reshape(3, 1, 1), Geometry((3, 1, 1), np.eye(4)),
        ...                                  where="here").layers[0].array.ravel().tolist()
        (('rib',), [0, 5, 0])
    """

    scheme: LabelScheme
    targets: Mapping[str, str]
    integers: Mapping[str, tuple[int, ...]]
    has_regions: bool = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """Labels of the model that become background."""
        return tuple(name for name in self.integers if name not in self.targets)

    def dropped_among(self, present: Collection[int]) -> tuple[str, ...]:
        """Labels that become background although the model wrote their integers."""
        return tuple(name for name in self.dropped if not set(present).isdisjoint(self.integers[name]))

    def label_map(self, array: NDArray[Any], geometry: Geometry, *, where: str) -> LabelMap:
        """The mask of a case.

        Args:
            array: Integers of the model (i, j, k).
            geometry: The grid.
            where: What errors call it.

        Raises:
            LabelError: An integer that the model does not have.
        """
        annotated = frozenset(self.targets.values())
        if self.has_regions:
            overlapping = self._region_map(array, geometry, where)
            return LabelMap(geometry, overlapping.layers, self.scheme, annotated)
        mapping = LabelMapping(
            {name: self.integers[name][0] for name in self.targets},
            {name: self.scheme.value(label) for name, label in self.targets.items()},
            tuple(self.integers[name][0] for name in self.dropped),
        )
        volume = Volume.from_array(mapping.forth(array, where=where), geometry, Unit.LABEL)
        return LabelMap(geometry, (volume,), self.scheme, annotated)

    def heads(self, wanted: str) -> tuple[int, ...]:
        """The outputs of the network that together are the probability of a label.

        Args:
            wanted: A label of the masks or of the model, or `any` for all that is not background.

        Raises:
            SettingsError: There is no such label, or overlapping regions have no common probability.
        """
        names = tuple(self.integers) if wanted == "any" else self._called(wanted)
        if not names:
            known = dict.fromkeys(("any", *self.targets.values(), *self.integers))
            raise _wrong(f"probabilities of one of {shown(known, 12)}", repr(wanted), "name one of them")
        if not self.has_regions:
            values = sorted({0, *(integer for integers in self.integers.values() for integer in integers)})
            return tuple(values.index(self.integers[name][0]) for name in names)
        largest = [name for name in names if all(set(self.integers[name]) >= set(self.integers[one]) for one in names)]
        if not largest:
            raise _wrong(
                "one probability", f"regions of which none holds the others: {shown(names)}", "name one of them"
            )
        return (list(self.integers).index(largest[0]),)

    def _called(self, wanted: str) -> tuple[str, ...]:
        known = self.scheme.aliases.get(wanted, wanted)
        found = tuple(name for name, label in self.targets.items() if label == known)
        return found or tuple(name for name in self.integers if name == wanted)

    def _region_map(self, array: NDArray[Any], geometry: Geometry, where: str) -> LabelMap:
        known = {0, *(integer for integers in self.integers.values() for integer in integers)}
        strange = set(np.unique(array).tolist()) - known
        if strange:
            raise LabelError(
                expected=f"labels {shown(sorted(known), 10)}",
                found=shown(sorted(strange)),
                where=where,
                remedy="see dataset.json of the model",
            )
        masks: dict[str, NDArray[np.bool_]] = {}
        for name, label in self.targets.items():
            mask = np.isin(array, self.integers[name])
            masks[label] = masks[label] | mask if label in masks else mask
        return LabelMap.from_masks(masks, geometry, self.scheme)


def model_labels(dataset: RawDataset, scheme: LabelScheme, wanted: str, run: TrainingRun | None) -> ModelLabels:
    """What becomes of the labels of a model in the masks of a cohort.

    Args:
        dataset: What `dataset.json` of the model says.
        scheme: Of the cohort.
        wanted: `cohort`, `own`, or pairs `NAME=LABEL` of a label of the model and one of the cohort, with commas
            between.
        run: The record of the training, if there is one.

    Raises:
        FormatError: The model has no labels, or impossible ones.
        SettingsError: No label of the model is one of the cohort, or a pair names none.
    """
    integers = _integers(dataset)
    has_regions = any(len(found) > 1 for found in dataset.labels.values())
    if wanted == OWN or (wanted == COHORT and run is not None and _is_union(run)):
        own = _own_scheme(dataset, integers, run)
        return ModelLabels(own, {label: label for label in integers if label in own.labels}, integers, has_regions)
    targets = _matched(tuple(integers), scheme) if wanted == COHORT else _given(wanted, integers, scheme)
    if not targets:
        raise _wrong(
            f"labels that the cohort knows: {shown(scheme.labels, 9)}",
            f"those of the model: {shown(integers, 9)}",
            f"say which is which: labels={next(iter(integers))}={next(iter(scheme.labels), 'LABEL')}, or labels=own",
        )
    return ModelLabels(scheme, targets, integers, has_regions)


def _integers(dataset: RawDataset) -> dict[str, tuple[int, ...]]:
    """What the model writes where each of its labels is; the label that losses pass over is never written."""
    labels = {name: integers for name, integers in dataset.labels.items() if name != _IGNORE}
    if any(len(integers) > 1 for integers in labels.values()):
        order = dataset.facts.get("regions_class_order")
        is_order = isinstance(order, list) and len(order) == len(labels) == len({str(one) for one in order})
        if not is_order or not all(_is_label(one) for one in order or ()):
            raise _no_labels("regions_class_order with an integer for every region", f"{order!r}"[:200])
        written = dict(zip(labels, order or (), strict=True))
        return {
            name: tuple(sorted(written[one] for one in labels if set(labels[one]) <= set(labels[name])))
            for name in labels
        }
    values = [integer for integers in labels.values() for integer in integers]
    if not labels or len(set(values)) < len(labels) or not all(_is_label(value) for value in values):
        raise _no_labels(f"labels with integers from 1 to {_LARGEST}, each once", str(labels)[:200])
    return labels


def _is_label(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _LARGEST


def _no_labels(expected: str, found: str) -> FormatError:
    remedy = "restore the file that the model was trained with"
    return FormatError(expected=expected, found=found, where="dataset.json of the model", remedy=remedy)


def _own_scheme(dataset: RawDataset, integers: Mapping[str, tuple[int, ...]], run: TrainingRun | None) -> LabelScheme:
    """The model's names with its integers; with those of the cohort that it was trained on, if that is known."""
    name = str(dataset.facts.get("name") or "model")[:100]
    if run is not None:
        original = LabelMapping.from_dict(run.labels, where="run.json of the training").original
        trained = LabelScheme.from_dict(run.label_scheme)
        return trained if set(original) <= set(trained.labels) else LabelScheme(name, dict(original))
    is_plain = all(len(found) == 1 for found in integers.values())
    return LabelScheme(
        name, {label: found[0] if is_plain else k for k, (label, found) in enumerate(integers.items(), 1)}
    )


def _is_union(run: TrainingRun) -> bool:
    """Whether a model was trained on one label that stands for all: the cohort's scheme has no such label."""
    original = LabelMapping.from_dict(run.labels, where="run.json of the training").original
    return not set(original) <= set(LabelScheme.from_dict(run.label_scheme).labels)


def _matched(names: Sequence[str], scheme: LabelScheme) -> dict[str, str]:
    """Label of a scheme by label of the model: the same word, an alias, or a published name of the same structure."""
    numbered = dict(enumerate(names, 1))
    found = ToolLabels.of_cohort(numbered, scheme).values
    return {numbered[number]: scheme.name_of(value) for number, value in sorted(found.items())}


def _given(text: str, integers: Mapping[str, tuple[int, ...]], scheme: LabelScheme) -> dict[str, str]:
    targets: dict[str, str] = {}
    for pair in filter(None, (word.strip() for word in text.split(","))):
        name, _, label = (part.strip() for part in pair.partition("="))
        known = scheme.aliases.get(label, label)
        if name not in integers or known not in scheme.labels:
            raise _wrong(
                f"labels as {COHORT}, {OWN}, or pairs NAME=LABEL of a label of the model ({shown(integers, 9)}) and "
                f"one of the cohort ({shown(scheme.labels, 9)})",
                repr(pair),
                "correct the setting labels",
            )
        targets[name] = known
    return targets


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="segmenter nnunet", remedy=remedy)
