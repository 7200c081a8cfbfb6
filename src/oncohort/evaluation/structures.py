"""Which labels make up the structures of a profile, and which labels have no name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import LabelError, SettingsError, shown
from oncohort.kernels import count_joint
from oncohort.labels import LabelScheme
from oncohort.metrics.label_arrays import are_bytes
from oncohort.profiles import Profile
from oncohort.volume import LabelMap, integers_in

Structures = Mapping[str, tuple[int, ...]]
"""Labels by the name of the structure that they make up."""


def find_structures(profile: Profile, scheme: LabelScheme) -> dict[str, tuple[int, ...]]:
    """The labels of every structure of a profile; empty if all labels together are one mask.

    Args:
        profile: Names structures, or asks for each label.
        scheme: Of the reference and of the predictions.

    Raises:
        SettingsError: The scheme lacks a structure, or has no labels.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> scheme = LabelScheme("organs", {"liver": 1, "spleen": 2})
        >>> find_structures(load_profile("organs"), scheme)
        {'liver': (1,), 'spleen': (2,)}
    """
    target = profile.target
    if target.is_union:
        return {}
    named: dict[str, tuple[int, ...]]
    if target.structures == "each":
        named = {name: (value,) for name, value in scheme.labels.items()}
    else:
        named = {name: _values(name, scheme, profile) for name in target.structures or ()}
    if not named:
        raise SettingsError(
            expected=f"labels with names, because {profile.name} scores each of them",
            found=f"label scheme {scheme.name!r} without labels",
            where="label scheme",
            remedy="name the labels in the label scheme of the cohort",
        )
    return named


def find_unannotated(labels: LabelMap, structures: Structures) -> frozenset[str]:
    """The structures of which nobody looked for every label when a reference was drawn.

    Args:
        labels: A reference.
        structures: Labels by structure, from `find_structures`.

    Examples:
        >>> from oncohort.geometry import Geometry
        >>> scheme = LabelScheme("organs", {"liver": 1, "spleen": 2})
        >>> liver_alone = LabelMap(Geometry((1, 1, 1), np.eye(4)), (), scheme, frozenset({"liver"}))
        >>> find_unannotated(liver_alone, {"liver": (1,), "both": (1, 2)})
        frozenset({'both'})
    """
    if labels.annotated is None:
        return frozenset()
    known = {labels.scheme.value(name) for name in labels.annotated}
    return frozenset(name for name, values in structures.items() if not known.issuperset(values))


def find_unknown(labels: LabelMap, known: frozenset[int]) -> list[int]:
    """The integers in a label map that have no name, ascending.

    Args:
        labels: A reference or a prediction.
        known: Integers with a name; if there are none, nothing is unknown.

    Raises:
        FormatError: A file behind the label map cannot be read.

    Examples:
        >>> from oncohort.geometry import Geometry
        >>> grid = Geometry((3, 1, 1), np.eye(4))
        >>> both = LabelMap.from_masks({"a": np.ones(grid.shape, bool)}, grid, LabelScheme("s", {"a": 7}))
        >>> find_unknown(both, frozenset({1, 2}))
        [7]
    """
    highest = max(known, default=0)
    if not known or (known == frozenset(range(1, highest + 1)) and _highest(labels) <= highest):
        return []
    return sorted({value for layer in labels.layers for value in labels_in(layer.array)} - known - {0})


def require_known(labels: LabelMap, where: str | Path) -> None:
    """Raise unless the scheme of a label map names every integer in it.

    Raises:
        LabelError: Naming the integers without a name.
        FormatError: A file behind the label map cannot be read.
    """
    unknown = find_unknown(labels, frozenset(labels.scheme.labels.values()))
    if unknown:
        raise LabelError(
            expected=f"labels of the label scheme {labels.scheme.name!r}",
            found=describe_labels(unknown),
            where=str(where),
            remedy="add the labels to the label scheme, or correct the mask",
        )


def describe_labels(values: Iterable[int]) -> str:
    """At most ten integers in words.

    Examples:
        >>> describe_labels([3, 4])
        'labels 3, 4'
    """
    listed = list(values)
    return f"labels {shown(listed, 10)}" if len(listed) > 1 else f"label {listed[0]}"


def labels_in(array: NDArray[Any]) -> set[int]:
    """The integers that occur in an array (i, j, k).

    Of bytes by the kernel that passes over background eight voxels at a time.

    Examples:
        >>> sorted(labels_in(np.array([[[0, 7, 9]]], np.uint8)))
        [0, 7, 9]
    """
    if not are_bytes(array):
        return integers_in(array)
    return set(np.flatnonzero(np.diagonal(count_joint(array, array).counts)).tolist())


def _highest(labels: LabelMap) -> int:
    return max(int(layer.array.max(initial=0)) for layer in labels.layers)


def _values(name: str, scheme: LabelScheme, profile: Profile) -> tuple[int, ...]:
    try:
        return tuple(scheme.value(member) for member in scheme.groups.get(name, (name,)))
    except LabelError as error:
        raise SettingsError(
            expected=f"structure {name!r} of profile {profile.name} in the label scheme {scheme.name!r}",
            found=", ".join([*scheme.labels, *scheme.groups][:20]) or "no labels",
            where="label scheme",
            remedy="name the structures as the cohort does, or give the label an alias",
        ) from error
