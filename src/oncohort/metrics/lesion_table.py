"""One row per lesion of either mask: how large, how hot, and what it matches."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics.lesions import Integers
from oncohort.metrics.pairs import MaskPair
from oncohort.metrics.uptake import Uptake, measure_lesion_uptakes

Side = Literal["reference", "prediction"]
"""Whose lesion it is."""

_SIDES: tuple[Side, Side] = ("reference", "prediction")


@dataclass(frozen=True)
class LesionRow:
    """One lesion.

    Args:
        side: Whose lesion it is.
        lesion: Its number in its mask, from 1; the number that the mask gave it where masks hold lesion numbers.
        volume_ml: Volume.
        size_class: Words for the class between two edges; None if there are no edges.
        suv_max: Greatest SUV; None without an image, or where the image holds no finite number.
        suv_mean: Mean SUV, in the same way.
        suv_peak: Greatest mean of a 1 ml sphere centred in the lesion, in the same way.
        matched: Numbers of the lesions of the other mask that match it, ascending.
        iou: Greatest IoU with any lesion of the other mask, matched or not; 0 if it overlaps none.
    """

    side: Side
    lesion: int
    volume_ml: float
    size_class: str | None
    suv_max: float | None
    suv_mean: float | None
    suv_peak: float | None
    matched: tuple[int, ...]
    iou: float


def lesion_rows(pair: MaskPair, *, size_edges_ml: Sequence[float] = ()) -> list[LesionRow]:
    """Every lesion of the reference, then every lesion of the prediction, by number.

    Args:
        pair: The masks; with an image, SUV are measured in it.
        size_edges_ml: Volumes between the size classes, ascending; a lesion of just that volume is in the upper class.

    Raises:
        ValueError: The edges do not ascend, or the image has another shape.

    Examples:
        >>> from oncohort.metrics import Matching, PairSettings, compare_masks
        >>> reference = np.zeros((6, 6, 6), bool)
        >>> reference[:2, :2, :2] = reference[5, 5, 5] = True
        >>> settings = PairSettings(connectivity=18, matching=Matching("any-overlap"))
        >>> pair = compare_masks(reference, np.roll(reference, 1, 0), spacing_mm=(10, 10, 10), settings=settings)
        >>> for row in lesion_rows(pair, size_edges_ml=[4.0]):
        ...     print(row.side, row.lesion, row.volume_ml, row.size_class, row.matched, round(row.iou, 3))
        reference 1 8.0 >= 4 ml (2,) 0.333
        reference 2 1.0 < 4 ml () 0.0
        prediction 1 1.0 < 4 ml () 0.0
        prediction 2 8.0 >= 4 ml (1,) 0.333
    """
    edges = _checked(size_edges_ml)
    maps = None if pair.image is None else pair.lesion_maps()
    return [row for own in (0, 1) for row in _rows_of(pair, own, edges, None if maps is None else maps[own])]


def _rows_of(pair: MaskPair, own: int, edges: tuple[float, ...], lesions: NDArray[Any] | None) -> list[LesionRow]:
    overlap = pair.lesion_overlap
    ids = (overlap.reference_ids, overlap.prediction_ids)[own]
    sizes = (overlap.reference_sizes, overlap.prediction_sizes)[own].tolist()
    best = _best(overlap.pairs[:, own], overlap.iou, ids.size).tolist()
    matched = _matched(pair, own)
    uptakes = [None] * ids.size if lesions is None else _uptakes(pair, lesions, ids)
    return [
        LesionRow(
            _SIDES[own],
            lesion,
            size * overlap.voxel_ml,
            size_class(size * overlap.voxel_ml, edges),
            *_suv(uptake),
            matched=tuple(matched.get(lesion, ())),
            iou=iou,
        )
        for lesion, size, uptake, iou in zip(ids.tolist(), sizes, uptakes, best, strict=True)
    ]


def _matched(pair: MaskPair, own: int) -> dict[int, list[int]]:
    """Numbers of the lesions of the other side by those of this side; ascending, since the matches are."""
    found: dict[int, list[int]] = {}
    for reference, prediction, _ in pair.lesions.pairs:
        mine, other = (reference, prediction) if own == 0 else (prediction, reference)
        found.setdefault(mine, []).append(other)
    return found


def size_class(volume_ml: float, edges_ml: Sequence[float]) -> str | None:
    """Words for the class of a volume; None without edges. A volume on an edge is in the upper class.

    Examples:
        >>> [size_class(volume, (0.5, 10)) for volume in (0.4, 0.5, 12)]
        ['< 0.5 ml', '0.5 to 10 ml', '>= 10 ml']
    """
    names = size_classes(edges_ml)
    return names[bisect_right(edges_ml, volume_ml)] if names else None


def size_classes(edges_ml: Sequence[float]) -> list[str]:
    """Words for every class that the edges make, from small to large; none without edges.

    Examples:
        >>> size_classes([1.0])
        ['< 1 ml', '>= 1 ml']
    """
    if not edges_ml:
        return []
    between = [f"{low:g} to {high:g} ml" for low, high in pairwise(edges_ml)]
    return [f"< {edges_ml[0]:g} ml", *between, f">= {edges_ml[-1]:g} ml"]


def _checked(edges_ml: Sequence[float]) -> tuple[float, ...]:
    edges = tuple(float(edge) for edge in edges_ml)
    if any(not (low < high) for low, high in pairwise((0.0, *edges))):
        raise ValueError(f"expected ascending volumes above 0 ml, got {list(edges_ml)}")
    return edges


def _uptakes(pair: MaskPair, lesions: NDArray[Any], ids: Integers) -> Sequence[Uptake | None]:
    return measure_lesion_uptakes(
        pair.require_image(), _consecutive(lesions, ids), ids.size, start=pair.box.start, spacing_mm=pair.spacing_mm
    )


def _consecutive(lesions: NDArray[Any], ids: Integers) -> NDArray[np.uint32]:
    """The lesions numbered 1, 2, 3, as components are."""
    if lesions.dtype == np.uint32 and ids.size and ids[-1] == ids.size:
        return lesions
    numbers = np.zeros_like(lesions, np.uint32)
    inside = lesions != 0
    numbers[inside] = np.searchsorted(ids, lesions[inside]) + 1
    return numbers


def _suv(uptake: Uptake | None) -> tuple[float | None, float | None, float | None]:
    if uptake is None:
        return None, None, None
    found = (value if isfinite(value) else None for value in (uptake.suv_max, uptake.suv_mean, uptake.suv_peak))
    suv_max, suv_mean, suv_peak = found
    return suv_max, suv_mean, suv_peak


def _best(positions: Integers, iou: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    best = np.zeros(count)
    np.maximum.at(best, positions, iou)
    return best
