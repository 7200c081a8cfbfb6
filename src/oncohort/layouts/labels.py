"""Which label of one published data set is which of another.

A structure has one common name: that of TotalSegmentator 2 where it has one. `data/structures.csv` lists them with
their SNOMED CT code, and says where the code is from: `totalsegmentator` is the mapping table of TotalSegmentator
(wasserth/TotalSegmentator @0e65a44, Apache-2.0), `moose` that of MOOSE (ENHANCE-PET/MOOSE, Apache-2.0), `dicom` is
DICOM PS3.16. A structure that none of them codes has no code. A code that does not say the side comes with the code
of the side. `data/aliases.csv` lists the published names that differ from the common ones; the integers are those of
the layouts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from oncohort.errors import LabelError
from oncohort.labels import LabelScheme
from oncohort.layouts import autopet, deep_psma, enhance_pet, pants, totalsegmentator

COMMON = "common"
"""Stands for the common names where a data set is asked for."""

_DATA = files("oncohort.layouts") / "data"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Structure:
    """One structure under its common name.

    Attributes:
        name: Lower case with underscores.
        code: SNOMED CT code of the structure; empty where no source has one.
        meaning: Meaning of the code.
        side: `left`, `right` or empty.
        side_code: SNOMED CT code of the side of the structure or of its region, where their code does not say it.
        region_code: SNOMED CT code of the place of something that is no structure itself, such as a lesion.
        region: Meaning of `region_code`.
        groups: Larger structures that it is part of; a group may be a structure of another data set.
        origin: Where the codes are from.
    """

    name: str
    code: str
    meaning: str
    side: str
    side_code: str
    region_code: str
    region: str
    groups: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class PublishedLabel:
    """One label as a data set publishes it.

    Attributes:
        data_set: Name of the data set.
        variant: Which of its numberings.
        value: Integer in that numbering.
        name: Published name.
        structure: Common name; None where the published documents do not say what the label is.
        group: Published group of labels, or empty.
    """

    data_set: str
    variant: str
    value: int
    name: str
    structure: str | None
    group: str = ""

    @property
    def label(self) -> str:
        """What cohorts call the label: the common name, or the published one where there is none."""
        return self.structure or self.name


@cache
def registry() -> Mapping[str, Structure]:
    """Every structure by its common name.

    Examples:
        >>> registry()["kidney_left"].code, registry()["kidney_left"].side_code, registry()["veins"].code
        ('64033007', '7771000', '')
    """
    rows = (
        Structure(**{**row, "groups": tuple(row["groups"].split())})  # type: ignore[arg-type]
        for row in _rows("structures.csv")
    )
    return MappingProxyType({structure.name: structure for structure in rows})


@cache
def numberings() -> Mapping[str, Mapping[str, tuple[PublishedLabel, ...]]]:
    """Every published label by data set and variant; the first variant is the one that cohorts have.

    Examples:
        >>> [label.name for label in numberings()["enhance-pet"]["body_composition"]]
        ['skeletal_muscle', 'subcutaneous_fat', 'visceral_fat']
    """
    found: dict[str, dict[str, tuple[PublishedLabel, ...]]] = {}
    for data_set, variant, rows in _published():
        found.setdefault(data_set, {})[variant] = tuple(
            PublishedLabel(data_set, variant, value, name, common_name(name, data_set), group)
            for value, name, group in rows
        )
    return MappingProxyType(found)


def common_name(name: str, data_set: str) -> str | None:
    """The common name of what `data_set` calls `name`; None if there is none.

    Examples:
        >>> common_name("postcava", "pants"), common_name("organ_group_1", "deep-psma")
        ('inferior_vena_cava', None)
    """
    known = _aliases().get((data_set, name), name)
    return known if known in registry() else None


def published_labels(data_set: str, variant: str | None = None) -> tuple[PublishedLabel, ...]:
    """The labels of one numbering of a data set.

    Args:
        data_set: Name of a data set.
        variant: Which numbering; None is the first.

    Raises:
        LabelError: There is no such data set or variant.
    """
    variants = _known(data_set, numberings(), "a data set with published labels", "label registry")
    name = next(iter(variants)) if variant is None else variant
    return _known(name, variants, f"a numbering of {data_set}", "label registry")


def all_labels(data_set: str) -> tuple[PublishedLabel, ...]:
    """The labels of all numberings of a data set, one numbering after the other.

    Raises:
        LabelError: There is no such data set.
    """
    variants = _known(data_set, numberings(), "a data set with published labels", "label registry")
    return tuple(label for labels in variants.values() for label in labels)


def scheme(data_set: str, variant: str | None = None) -> LabelScheme:
    """The label scheme of a data set: common names, its integers, codes, groups, and its own names as aliases.

    The groups are those that the data set publishes (the seven of ENHANCE.PET), otherwise larger structures such as
    `lungs`. In the combined map of PanTS the group `pancreas` is the label and all its parts, because that map gives a
    voxel to the part alone.

    Args:
        data_set: Name of a data set.
        variant: Which numbering; None is the first.

    Raises:
        LabelError: There is no such data set or variant.

    Examples:
        >>> pants = scheme("pants")
        >>> pants.value("gall_bladder") == pants.value("gallbladder"), len(pants.labels)
        (True, 28)
    """
    published = published_labels(data_set, variant)
    labels = {label.label: label.value for label in published}
    return LabelScheme(
        name=data_set if variant is None else f"{data_set} {variant}",
        labels=labels,
        groups=_groups(published),
        codes={name: registry()[name].code for name in labels if name in registry() and registry()[name].code},
        aliases={label.name: label.label for label in published if label.name != label.label},
    )


def translate(name: str, from_: str, to: str) -> str:
    """What data set `to` calls the structure that data set `from_` calls `name`.

    Either may be `common`.

    Raises:
        LabelError: No such data set, `from_` has no such label, or `to` has no label for it.

    Examples:
        >>> translate("postcava", "pants", "totalsegmentator"), translate("vertebrae_L1", "common", "enhance-pet")
        ('inferior_vena_cava', 'vertebra_L1')
    """
    structure = _structure(name, from_)
    if to == COMMON:
        return structure
    found = [label.name for label in all_labels(to) if label.structure == structure]
    if not found:
        parts = sorted(label.name for label in all_labels(to) if label.structure and structure in _parents(label))
        raise LabelError(
            expected=f"a label of {to} for {structure}",
            found=f"its parts alone: {', '.join(parts)}" if parts else "none",
            where="label registry",
            remedy="join the parts" if parts else "leave the structure out of the comparison",
        )
    return found[0]


def _structure(name: str, data_set: str) -> str:
    if data_set == COMMON:
        return _known(name, registry(), "a common name", "label registry").name
    names = {label.name: label for label in all_labels(data_set)}
    structure = _known(name, names, f"a label of {data_set}", "label registry").structure
    if structure is None:
        raise LabelError(
            expected=f"a label of {data_set} whose meaning is published",
            found=repr(name),
            where="label registry",
            remedy="look it up with whoever published the data set",
        )
    return structure


def _parents(label: PublishedLabel) -> tuple[str, ...]:
    return registry()[label.structure].groups if label.structure else ()


def _groups(published: tuple[PublishedLabel, ...]) -> dict[str, tuple[str, ...]]:
    if any(label.group for label in published):
        return _members((label.group, label.label) for label in published)
    own = {label.label for label in published}
    larger = _members((group, label.label) for label in published for group in _parents(label))
    kept = {group: members for group, members in larger.items() if len(members) > 1 and group not in own}
    if published[0].data_set == pants.NAME and published[0].variant != _FILES:
        kept["pancreas"] = ("pancreas", *pants.PANCREAS_PARTS)
    return kept


def _members(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for group, member in pairs:
        found.setdefault(group, []).append(member)
    return {group: tuple(members) for group, members in found.items()}


_FILES = "files"
_Numbering = tuple[str, str, Iterable[tuple[int, str, str]]]


def _published() -> Iterator[_Numbering]:
    """Data set, variant, and rows of integer, published name and published group."""
    yield pants.NAME, _FILES, _plain(enumerate(pants.STRUCTURES, start=1))
    for variant, values in pants.NUMBERINGS.items():
        yield pants.NAME, f"combined {variant}", _plain((value, name) for name, value in values.items())
    yield from _published_enhance_pet()
    yield autopet.NAME, autopet.LESION, [(value, name, "") for name, value in autopet.LABELS.items() if value]
    yield deep_psma.NAME, "ttb", [(deep_psma.LESION_VALUE, "ttb", "")]
    groups = range(1, deep_psma.ORGAN_GROUPS + 1)
    yield deep_psma.NAME, "totseg_24", [(value, f"organ_group_{value}", "") for value in groups]
    yield totalsegmentator.NAME, "total", _plain(enumerate(totalsegmentator.TOTAL, start=1))


def _published_enhance_pet() -> Iterator[_Numbering]:
    for version in sorted(enhance_pet.CASES, reverse=True):
        held = enhance_pet.held_labels(version)
        rows = [
            (value + enhance_pet.GROUPS[group].offset, name, group)
            for group, labels in held.items()
            for value, name in labels.items()
        ]
        yield enhance_pet.NAME, f"version {version}", rows
    for group in enhance_pet.GROUPS.values():
        yield enhance_pet.NAME, group.name, _plain(group.labels.items())


def _plain(pairs: Iterable[tuple[int, str]]) -> list[tuple[int, str, str]]:
    return [(value, name, "") for value, name in pairs]


@cache
def _aliases() -> Mapping[tuple[str, str], str]:
    return {(row["data_set"], row["published"]): row["structure"] for row in _rows("aliases.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((_DATA / name).read_text(encoding="utf-8").splitlines()))


def _known(name: str, among: Mapping[str, Value], expected: str, where: str) -> Value:
    if name not in among:
        raise LabelError(
            expected=f"{expected}: {', '.join(list(among)[:40])}",
            found=repr(name),
            where=where,
            remedy="`oncohort info --labels` lists them",
        )
    return among[name]
