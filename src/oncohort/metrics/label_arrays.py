"""Two label arrays, counted once for all structures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box
from oncohort.kernels import JointCounts, SurfaceArray, SurfaceKind, count_joint, like, recode_labels
from oncohort.kernels.layout import is_reversed
from oncohort.metrics.overlap import OverlapCounts
from oncohort.metrics.surface import SurfaceDistances, compare_surfaces, compare_within, surface_dice

Spacing = tuple[float, float, float]
"""Edges of a voxel in mm along i, j, k."""

_CODES = 256
_WORD = 8


@dataclass(frozen=True, eq=False)
class LabelArrays:
    """Two arrays of bytes, what they count, and which bytes make up each structure.

    Args:
        codes: Reference and prediction as uint8 or bool (i, j, k).
        numbers: The arrays whose integers may be lesion numbers; the codes themselves where those suffice.
        structures: Codes of each structure, ascending.
        joint: Voxels per pair of codes, and boxes.
        spacing_mm: Edges of a voxel along i, j, k.

    Raises:
        ValueError: A spacing that is not three positive numbers.
    """

    codes: tuple[NDArray[Any], NDArray[Any]]
    numbers: tuple[NDArray[Any], NDArray[Any]]
    structures: tuple[tuple[int, ...], ...]
    joint: JointCounts
    spacing_mm: Spacing
    _surfaces: dict[tuple[SurfaceKind, int], SurfaceDistances] = field(default_factory=dict, init=False, repr=False)
    _shares: dict[tuple[float, int], float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.spacing_mm) != 3 or not all(isfinite(edge) and edge > 0 for edge in self.spacing_mm):
            raise ValueError(f"expected three edges of a voxel above 0 mm, got {self.spacing_mm}")

    @staticmethod
    def of_masks(reference: NDArray[Any], prediction: NDArray[Any], *, spacing_mm: Spacing) -> LabelArrays:
        """Two masks as one structure; whatever is not 0 belongs to it.

        Raises:
            ValueError: The shapes differ or are not three-dimensional.
            TypeError: Numbers that are no integers.

        Examples:
            >>> mask = np.ones((2, 2, 2), bool)
            >>> LabelArrays.of_masks(mask, mask, spacing_mm=(1.0, 1.0, 1.0)).overlap(0).both
            8
        """
        _require_alike(reference, prediction)
        numbers = reference, like(prediction, reference)
        codes = _mask_codes(numbers[0]), _mask_codes(numbers[1])
        return LabelArrays(codes, numbers, (tuple(range(1, _CODES)),), count_joint(*codes), spacing_mm)

    @staticmethod
    def of_labels(
        reference: NDArray[Any],
        prediction: NDArray[Any],
        structures: Sequence[Collection[int]],
        *,
        spacing_mm: Spacing,
    ) -> LabelArrays:
        """Two label maps with the labels of each structure.

        Raises:
            ValueError: The shapes differ or are not three-dimensional, a structure has no label or the label 0,
                or there are more than 255 labels that are no uint8.
            TypeError: Numbers that are no integers.

        Examples:
            >>> labels = np.full((2, 2, 2), 300)
            >>> LabelArrays.of_labels(labels, labels, [[300]], spacing_mm=(1.0, 1.0, 1.0)).overlap(0).both
            8
        """
        _require_alike(reference, prediction)
        values = sorted({int(value) for labels in structures for value in labels})
        if any(len(labels) == 0 for labels in structures) or values[:1] < [1]:
            raise ValueError(f"expected at least one label above 0 per structure, got {list(structures)}")
        numbers = reference, like(prediction, reference)
        if values[-1] < _CODES and are_bytes(*numbers):
            return LabelArrays(numbers, numbers, _sorted(structures), count_joint(*numbers), spacing_mm)
        if len(values) >= _CODES:
            raise ValueError(f"expected up to {_CODES - 1} labels at once, got {len(values)}")
        codes = recode_labels(numbers[0], values), recode_labels(numbers[1], values)
        coded = _sorted([[values.index(value) + 1 for value in labels] for labels in structures])
        return LabelArrays(codes, numbers, coded, count_joint(*codes), spacing_mm)

    @staticmethod
    def of_bytes(reference: NDArray[Any], prediction: NDArray[Any], *, spacing_mm: Spacing) -> LabelArrays:
        """Two label maps of uint8 or bool with every label that occurs in either as a structure, ascending.

        Raises:
            ValueError: The shapes differ or are not three-dimensional.
            TypeError: Other numbers.

        Examples:
            >>> labels = np.array([[[0, 7, 7, 9]]], np.uint8)
            >>> LabelArrays.of_bytes(labels, labels, spacing_mm=(1.0, 1.0, 1.0)).structures
            ((7,), (9,))
        """
        _require_alike(reference, prediction)
        if not are_bytes(reference, prediction):
            raise TypeError(f"expected uint8 or bool, got {reference.dtype} and {prediction.dtype}")
        codes = reference, like(prediction, reference)
        joint = count_joint(*codes)
        held = np.flatnonzero(joint.counts.any(axis=0) | joint.counts.any(axis=1)).tolist()
        return LabelArrays(codes, codes, tuple((value,) for value in held if value), joint, spacing_mm)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml, to 14 digits (2 x 2 x 3 mm is 0.012 ml, not 0.012000000000000002)."""
        return float(f"{prod(self.spacing_mm) / 1000.0:.14g}")

    def overlap(self, structure: int) -> OverlapCounts:
        """Voxels of the masks of a structure and of both."""
        codes = np.asarray(self.structures[structure])
        rows = self.joint.counts[codes]
        return OverlapCounts(
            reference=int(rows.sum()),
            prediction=int(self.joint.counts[:, codes].sum()),
            both=int(rows[:, codes].sum()),
            voxel_ml=self.voxel_ml,
        )

    def box(self, structure: int) -> Box:
        """The smallest box round both masks of a structure; empty if both are."""
        return self._box_of(self.structures[structure])

    def mask(self, structure: int, *, side: int, box: Box) -> NDArray[Any]:
        """The mask of a structure within `box`, bool or uint8 (not 0 is inside), without gaps in memory.

        Args:
            structure: Position of the structure.
            side: 0 for the reference, 1 for the prediction.
            box: Cut to this.
        """
        cut = self.codes[side][box.slices]
        return _packed(cut) if self._is_alone(structure, side) else _look_up(self._inside(structure), cut)

    def roomy_masks(self, structure: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """The masks of both sides within one box round them, copied only where other structures are there too.

        The box may be larger than `box`: where nothing has to be copied, it
        holds whole planes, as they lie in memory.
        """
        box = self.box(structure)
        if all(self._is_alone(structure, side) for side in (0, 1)):
            box = self._whole_planes(box)
        reference, prediction = (self.mask(structure, side=side, box=box) for side in (0, 1))
        return reference, prediction

    def _whole_planes(self, box: Box) -> Box:
        """The planes along the slowest axis of memory that hold any of a box; they begin at a multiple of 8 bytes."""
        start, stop = [0, 0, 0], list(self.codes[0].shape)
        slowest = 2 if is_reversed(self.codes[0]) else 0
        start[slowest], stop[slowest] = box.start[slowest] // _WORD * _WORD, box.stop[slowest]
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def _inside(self, structure: int) -> NDArray[np.bool_]:
        """(256,): whether a code belongs to a structure."""
        inside = np.zeros(_CODES, bool)
        inside[list(self.structures[structure])] = True
        return inside

    def _is_alone(self, structure: int, side: int) -> bool:
        """Whether all codes of one side but 0 belong to a structure."""
        others = self.joint.counts.sum(axis=1 - side)[1:][~self._inside(structure)[1:]]
        return not others.any()

    def numbers_within(self, mask: NDArray[Any], *, side: int, box: Box) -> NDArray[Any]:
        """The integers of one side where a mask is not 0; 0 elsewhere.

        Args:
            mask: What `mask` gave for this side and box.
            side: 0 for the reference, 1 for the prediction.
            box: Where the mask lies.
        """
        numbers = self.numbers[side][box.slices]
        return np.where(mask != 0, numbers, np.zeros((), numbers.dtype))

    def surface(self, structure: int, kind: SurfaceKind) -> SurfaceDistances:
        """Surface distances of a structure.

        Those of all structures that share no label with it or with each other
        are computed at once, and kept.
        """
        if (kind, structure) not in self._surfaces:
            self._measure_surfaces(structure, kind)
        return self._surfaces[kind, structure]

    def share_within(self, structure: int, tolerance_mm: float) -> float:
        """Surface Dice of the elements of a structure.

        From the distances where they are known, or where another tolerance was asked
        for before; else only from which elements have one of the other side near.
        """
        is_known = ("elements", structure) in self._surfaces
        if is_known or any(tolerance != tolerance_mm for tolerance, _ in self._shares):
            return surface_dice(self.surface(structure, "elements"), tolerance_mm=tolerance_mm)
        if (tolerance_mm, structure) not in self._shares:
            done = {n for _, n in self._shares}
            arrays, label = self._coded(structure, done)
            shares = compare_within(
                *arrays, spacing_mm=self.spacing_mm, tolerance_mm=tolerance_mm, labels=list(label.values())
            )
            self._shares.update({(tolerance_mm, n): shares[code] for n, code in label.items()})
        return self._shares[tolerance_mm, structure]

    def _measure_surfaces(self, structure: int, kind: SurfaceKind) -> None:
        arrays, label = self._coded(structure, {n for known, n in self._surfaces if known == kind})
        distances = compare_surfaces(*arrays, spacing_mm=self.spacing_mm, kind=kind, labels=list(label.values()))
        self._surfaces.update({(kind, n): distances[code] for n, code in label.items()})

    @cached_property
    def _sources(self) -> tuple[SurfaceArray, SurfaceArray]:
        return SurfaceArray.of(self.codes[0]), SurfaceArray.of(self.codes[1])

    def _coded(self, structure: int, done: Collection[int]) -> tuple[tuple[Any, Any], dict[int, int]]:
        """Both arrays, and the code in them of the structure and of all that can be measured with it."""
        members = self._disjoint_with(structure, done)
        found = {n: self._present(n) for n in members}
        if all(len(codes) <= 1 for codes in found.values()):
            return self._sources, {n: (codes or self.structures[n])[0] for n, codes in found.items()}
        if len(members) == 1:
            box = self.box(structure)
            first, second = (self.mask(structure, side=side, box=box) != 0 for side in (0, 1))
            return (first, second), {structure: 1}
        return self._recoded(found), {n: place for place, n in enumerate(members, start=1)}

    def _disjoint_with(self, structure: int, done: Collection[int]) -> tuple[int, ...]:
        """A structure and those not done yet that share no label with it or with each other."""
        members, taken = [structure], set(self.structures[structure])
        for n, codes in enumerate(self.structures):
            if n not in done and taken.isdisjoint(codes):
                members.append(n)
                taken.update(codes)
        return tuple(members)

    def _present(self, structure: int) -> tuple[int, ...]:
        """The codes of a structure that occur in either array."""
        counts = self.joint.counts
        return tuple(code for code in self.structures[structure] if counts[code].any() or counts[:, code].any())

    def _recoded(self, codes: Mapping[int, tuple[int, ...]]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both arrays with the codes of the n-th structure as n + 1, cut to the box of all."""
        table = np.zeros(_CODES, np.uint8)
        for place, members in enumerate(codes.values(), start=1):
            table[list(members)] = place
        box = self._box_of(tuple(code for members in codes.values() for code in members))
        reference, prediction = (_look_up(table, array[box.slices]) for array in self.codes)
        return reference, prediction

    def _box_of(self, codes: tuple[int, ...]) -> Box:
        chosen = list(codes)
        boxes = np.concatenate([self.joint.reference_boxes[chosen], self.joint.prediction_boxes[chosen]])
        present = boxes[boxes[:, 0, 1] > 0]
        if present.size == 0:
            return Box((0, 0, 0), (0, 0, 0))
        i, j, k = zip(present[..., 0].min(axis=0).tolist(), present[..., 1].max(axis=0).tolist(), strict=True)
        return Box((i[0], j[0], k[0]), (i[1], j[1], k[1]))


def are_bytes(*arrays: NDArray[Any]) -> bool:
    """Whether all arrays hold uint8 or bool, whose voxels can be counted as they are.

    Examples:
        >>> are_bytes(np.zeros(2, np.uint8), np.zeros(2, np.int16))
        False
    """
    return all(array.dtype in (np.uint8, np.bool_) for array in arrays)


def _require_alike(reference: NDArray[Any], prediction: NDArray[Any]) -> None:
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    for array in (reference, prediction):
        if array.dtype.kind not in "bui":
            raise TypeError(f"expected an array of bool or integers, got {array.dtype}")


def _mask_codes(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.dtype in (np.uint8, np.bool_) else np.asarray(array != 0)


def _look_up(table: NDArray[Any], codes: NDArray[Any]) -> NDArray[Any]:
    """`table[codes]` in the memory order of `codes`."""
    return np.take(table, codes.T).T if is_reversed(codes) else np.take(table, codes)


def _packed(array: NDArray[Any]) -> NDArray[Any]:
    """The array without gaps in memory, in its own order; copied only if it has any."""
    return np.asarray(array, order="F" if is_reversed(array) else "C")


def _sorted(structures: Sequence[Collection[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted({int(value) for value in labels})) for labels in structures)
