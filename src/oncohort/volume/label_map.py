"""Masks with names, in layers of integers that do not overlap within a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import LabelError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume.volume import Volume, require_shape

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Labels on one grid.

    Published masks overlap (an oedema round its tumour), so a map holds one or
    more layers; within a layer every voxel has one integer of the scheme.

    Args:
        geometry: The grid that all layers share.
        source: At least one volume of integers; or what gives them, called once when the layers are first asked for.
        scheme: Names of the integers.
        annotated: Names that were looked for when the map was drawn; None is all of the scheme. Of a name outside
            nothing is known; a name inside without a voxel is known to be absent.

    Examples:
        >>> grid = Geometry((3, 1, 1), np.eye(4))
        >>> a, b = np.array([1, 1, 0]), np.array([0, 1, 1])
        >>> masks = {"mass": a.reshape(3, 1, 1) > 0, "oedema": b.reshape(3, 1, 1) > 0}
        >>> both = LabelMap.from_masks(masks, grid, LabelScheme("lesion", {"mass": 1, "oedema": 2}))
        >>> len(both.layers), int(both.mask("oedema").sum())
        (2, 2)
    """

    geometry: Geometry
    source: tuple[Volume, ...] | Callable[[], tuple[Volume, ...]] = field(repr=False)
    scheme: LabelScheme
    annotated: frozenset[str] | None = None

    @cached_property
    def layers(self) -> tuple[Volume, ...]:
        """Volumes of integers, no voxel of which has two labels.

        Raises:
            FormatError: The files behind the map cannot be read.
        """
        return self.source if isinstance(self.source, tuple) else self.source()

    @staticmethod
    def from_masks(masks: Mapping[str, Mask], geometry: Geometry, scheme: LabelScheme) -> LabelMap:
        """The label map of boolean masks (i, j, k) by name; overlapping ones go to further layers.

        Raises:
            LabelError: The scheme lacks a name.
            GeometryError: A mask's shape is not the grid's.
        """
        dtype = np.uint8 if max(scheme.labels.values(), default=1) < 256 else np.uint16
        arrays: list[NDArray[np.generic]] = [np.zeros(geometry.shape, dtype, order="F")]
        for name, mask in masks.items():
            value = scheme.value(name)
            require_shape(mask, geometry)
            places = np.flatnonzero(mask.ravel(order="F"))
            layer = next((array for array in arrays if not _flat(array)[places].any()), None)
            if layer is None:
                layer = np.zeros(geometry.shape, dtype, order="F")
                arrays.append(layer)
            _flat(layer)[places] = value
        return LabelMap(geometry, tuple(Volume.from_array(a, geometry, Unit.LABEL) for a in arrays), scheme)

    def mask(self, name: str) -> Mask:
        """Voxels (i, j, k) of one label or of a group of labels.

        Raises:
            LabelError: The scheme has no such name.
        """
        values = [self.scheme.value(member) for member in self.scheme.groups.get(name, (name,))]
        return self._any_layer([np.isin(layer.array, values) for layer in self.layers])

    def state(self, name: str) -> Literal["missing", "empty", "present"]:
        """Whether nobody looked for a label or a group, it is known to be absent, or it has voxels.

        A group is missing if one of its labels is.

        Raises:
            LabelError: The scheme has no such name.
        """
        members = [self.scheme.name_of(self.scheme.value(label)) for label in self.scheme.groups.get(name, (name,))]
        if self.annotated is not None and not self.annotated.issuperset(members):
            return "missing"
        return "present" if self.mask(name).any() else "empty"

    def foreground(self) -> Mask:
        """Voxels (i, j, k) that any label of any layer covers."""
        return self._any_layer([layer.array > 0 for layer in self.layers])

    def values(self) -> tuple[int, ...]:
        """The integers that occur, without background, ascending."""
        found = {value for layer in self.layers for value in integers_in(layer.array)}
        return tuple(sorted(found - {0}))

    def require_known_labels(self, where: str) -> None:
        """Raise unless every integer has a name.

        Raises:
            LabelError: Naming the integers without one.
        """
        unknown = sorted(set(self.values()) - set(self.scheme.labels.values()))
        if unknown:
            raise LabelError(
                expected=f"labels {sorted(self.scheme.labels.values())}",
                found=str(unknown[:10]),
                where=where,
                remedy="add the labels to the label scheme, or correct the mask",
            )

    @staticmethod
    def _any_layer(masks: list[Mask]) -> Mask:
        result = masks[0]
        for mask in masks[1:]:
            result = result | mask
        return result


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    """A view of an array in Fortran order, i fastest."""
    return array.reshape(-1, order="F")


_PIECE = 1 << 18


def integers_in(array: NDArray[Any]) -> set[int]:
    """The integers that occur in an array of labels.

    They are counted in pieces that stay in the cache: sorting a whole volume takes seconds.

    Examples:
        >>> sorted(integers_in(np.array([0, 7, 7, 300], np.uint16)))
        [0, 7, 300]
    """
    if array.dtype not in (np.bool_, np.uint8, np.uint16):
        return {int(value) for value in np.unique(array)}
    flat = array.ravel(order="K")
    flat = flat.view(np.uint8) if flat.dtype == np.bool_ else flat
    counts = np.zeros(np.iinfo(flat.dtype).max + 1, np.int64)
    for start in range(0, flat.size, _PIECE):
        counts += np.bincount(flat[start : start + _PIECE], minlength=counts.size)
    return set(np.flatnonzero(counts).tolist())
