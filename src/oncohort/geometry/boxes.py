"""Half-open boxes of voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = tuple[int, int, int]


@dataclass(frozen=True)
class Box:
    """Voxels from `start` up to but not including `stop`, along i, j, k.

    Examples:
        >>> Box((0, 2, 1), (4, 3, 2)).shape
        (4, 1, 1)
        >>> Box((0, 0, 0), (4, 4, 4)).intersect(Box((2, 2, 2), (9, 9, 9)))
        Box(start=(2, 2, 2), stop=(4, 4, 4))
    """

    start: Index
    stop: Index

    @property
    def shape(self) -> Index:
        """Voxels along i, j, k; zero where the box is empty."""
        i, j, k = (max(0, stop - start) for start, stop in zip(self.start, self.stop, strict=True))
        return i, j, k

    @property
    def is_empty(self) -> bool:
        """Whether the box holds no voxel."""
        return 0 in self.shape

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as numpy indices."""
        i, j, k = (slice(start, max(start, stop)) for start, stop in zip(self.start, self.stop, strict=True))
        return i, j, k

    def intersect(self, other: Box) -> Box:
        """The voxels that both boxes hold."""
        return Box(_each(max, self.start, other.start), _each(min, self.stop, other.stop))

    def grow(self, margin: Index, shape: Index) -> Box:
        """The box with `margin` voxels more on each side, cut at a grid of `shape`."""
        start = tuple(a - m for a, m in zip(self.start, margin, strict=True))
        stop = tuple(b + m for b, m in zip(self.stop, margin, strict=True))
        return Box(_index(start), _index(stop)).intersect(Box((0, 0, 0), shape))

    @staticmethod
    def of_mask(mask: NDArray[np.generic]) -> Box | None:
        """The smallest box round the non-zero voxels of `mask` (i, j, k); None if there are none."""
        spans = []
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            found = np.flatnonzero(np.any(mask, axis=others))
            if found.size == 0:
                return None
            spans.append((int(found[0]), int(found[-1]) + 1))
        return Box(_index(tuple(a for a, _ in spans)), _index(tuple(b for _, b in spans)))


def _each(pick: Callable[[int, int], int], first: Index, second: Index) -> Index:
    return _index(tuple(pick(a, b) for a, b in zip(first, second, strict=True)))


def _index(values: tuple[int, ...]) -> Index:
    i, j, k = values
    return i, j, k
