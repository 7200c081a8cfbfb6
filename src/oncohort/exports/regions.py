"""Regions of labels that are trained instead of labels, in the order in which nnU-Net paints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oncohort.errors import SettingsError


@dataclass(frozen=True)
class Region:
    """Several labels that are trained as one.

    Attributes:
        name: Of the region.
        labels: Its labels.
        values: Their exported integers, ascending.
        painted: Integer that a prediction holds where this region is the last to be painted.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[int, ...]
    painted: int


def ordered_regions(regions: Mapping[str, tuple[str, ...]], exported: Mapping[str, int]) -> list[Region]:
    """Regions with the largest first, each with the integer of a label that no later region holds.

    nnU-Net paints regions one over the other, in the order of `labels` in dataset.json, with the integers of
    `regions_class_order`. So larger regions go first, otherwise they hide those inside; and with an integer of its
    own label, a painted region is a label again.

    Args:
        regions: Labels of each region.
        exported: Integer of each label.

    Raises:
        SettingsError: A region without labels, or whose labels all lie in smaller regions: its predictions could not
            be told from theirs.

    Source: nnU-Net 2.8.1, `LabelManager.convert_probabilities_to_segmentation`.

    Examples:
        >>> found = ordered_regions({"core": ("core",), "all": ("rim", "core")}, {"core": 1, "rim": 2})
        >>> [(one.name, one.values, one.painted) for one in found]
        [('all', (1, 2), 2), ('core', (1,), 1)]
    """
    names = sorted(regions, key=lambda name: -len(set(regions[name])))
    found = []
    for position, name in enumerate(names):
        later = {label for other in names[position + 1 :] for label in regions[other]}
        own = sorted(exported[label] for label in set(regions[name]) - later)
        if not own:
            raise _hidden(name, ", ".join(names[position + 1 :]))
        values = tuple(sorted(exported[label] for label in set(regions[name])))
        found.append(Region(name, tuple(regions[name]), values, own[0]))
    return found


def _hidden(name: str, others: str) -> SettingsError:
    return SettingsError(
        expected="regions with a label that no smaller region holds",
        found=f"{name!r}, whose labels all lie in {others or 'nothing'}",
        where="regions",
        remedy="leave out one of the smaller regions, or the larger one",
    )
