"""Lesions of several reconstructions of one scan become one lesion with readings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from oncohort.boxes.algebra import box_sizes, hull, intersection_matrix, iou_matrix
from oncohort.boxes.slices import BoxReading


@dataclass(frozen=True)
class MergeSettings:
    """When two readings show one lesion.

    Args:
        minimum_iou: Least IoU of their 3D boxes in mm, above 0.

    Raises:
        ValueError: Outside 0 < IoU <= 1.
    """

    minimum_iou: float

    def __post_init__(self) -> None:
        if not 0 < self.minimum_iou <= 1:
            raise ValueError(f"expected 0 < minimum_iou <= 1, got {self.minimum_iou}")


@dataclass(frozen=True)
class ReadingAgreement:
    """How well two readings of one lesion agree, all in mm from pixel edge to pixel edge.

    Args:
        first: Place of the one reading in the lesion, from 0.
        second: Place of the other.
        iou_3d: IoU of the boxes round all slices.
        iou_stacked: IoU of the two stacks of slice boxes, each one step thick.
        iou_2d: Mean IoU over the slices that both boxed; NaN if there are none.
        shared_slices: Number of those slices.
    """

    first: int
    second: int
    iou_3d: float
    iou_stacked: float
    iou_2d: float
    shared_slices: int


@dataclass(frozen=True)
class BoxLesion:
    """One lesion of one scan with every reading of it.

    Args:
        class_name: What all readings say it is.
        readings: At least one; at most one per series and reader.
        agreement: Every pair of readings.
    """

    class_name: str
    readings: tuple[BoxReading, ...]
    agreement: tuple[ReadingAgreement, ...]

    @property
    def extent_mm(self) -> NDArray[np.float64]:
        """The 3D box (3, 2) in mm round all readings."""
        return hull(np.stack([reading.extent_mm for reading in self.readings]))


def merge_readings(readings: Iterable[BoxReading], *, settings: MergeSettings) -> tuple[BoxLesion, ...]:
    """Lesions, each with the readings that show it.

    Two readings may belong together if they share the frame of reference, the
    directions and the class, and are not of the same series by the same
    reader. Pairs are joined by falling IoU3D down to the least one; a pair is
    passed over if it would put two readings of one series and reader into one
    lesion. The result does not depend on the order of the readings (but for
    pairs of exactly equal IoU).

    Args:
        readings: From `link_boxes`, of one or more scans.
        settings: When readings are joined.

    Returns:
        Lesions in order of their first reading.

    Examples:
        >>> from oncohort.boxes.slices import SliceBox, SliceStack
        >>> def reading(series):
        ...     stack = SliceStack(series, "f", (1, 0, 0, 0, 1, 0), (0.0, 0.0), (1.0, 1.0), 5.0)
        ...     return BoxReading(stack, "A", "r", (SliceBox(series, "1", 0.0, ((0, 8), (0, 8)), "A", "r"),))
        >>> lesions = merge_readings([reading("sharp"), reading("soft")], settings=MergeSettings(0.3))
        >>> len(lesions), lesions[0].agreement[0].iou_3d
        (1, 1.0)
    """
    listed = list(readings)
    group = list(range(len(listed)))
    members = {number: [number] for number in group}
    for first, second in _pairs_by_iou(listed, settings.minimum_iou):
        one, other = sorted((group[first], group[second]))
        if one == other or _drawn_by(listed, members[one]) & _drawn_by(listed, members[other]):
            continue
        for number in members.pop(other):
            group[number] = one
            members[one].append(number)
    return tuple(_lesion([listed[number] for number in sorted(numbers)]) for numbers in members.values())


def _drawn_by(readings: list[BoxReading], numbers: list[int]) -> set[tuple[str, str]]:
    return {(readings[number].stack.series, readings[number].reader) for number in numbers}


def _pairs_by_iou(readings: list[BoxReading], minimum_iou: float) -> list[tuple[int, int]]:
    if not readings:
        return []
    extents = np.stack([reading.extent_mm for reading in readings])
    iou = iou_matrix(extents, extents, pixel_rule="half-open")
    pairs = [
        (first, second)
        for first, second in combinations(range(len(readings)), 2)
        if iou[first, second] >= minimum_iou
        and readings[first].class_name == readings[second].class_name
        and readings[first].stack.shares_axes(readings[second].stack)
    ]
    return sorted(pairs, key=lambda pair: -iou[pair])


def _lesion(readings: list[BoxReading]) -> BoxLesion:
    agreement = tuple(_agreement(readings, first, second) for first, second in combinations(range(len(readings)), 2))
    return BoxLesion(readings[0].class_name, tuple(readings), agreement)


def _agreement(readings: list[BoxReading], first: int, second: int) -> ReadingAgreement:
    one, other = readings[first], readings[second]
    slabs, others = one.slabs_mm, other.slabs_mm
    shared = _shared_slices(one, other)
    planes = [iou_matrix(slabs[[a], :2], others[[b], :2], pixel_rule="half-open")[0, 0] for a, b in shared]
    common = float(intersection_matrix(slabs, others, pixel_rule="half-open").sum())
    total = float(sum(box_sizes(stack, pixel_rule="half-open").sum() for stack in (slabs, others)))
    return ReadingAgreement(
        first=first,
        second=second,
        iou_3d=float(iou_matrix([one.extent_mm], [other.extent_mm], pixel_rule="half-open")[0, 0]),
        iou_stacked=common / (total - common),
        iou_2d=float(np.mean(planes)) if planes else float("nan"),
        shared_slices=len(shared),
    )


def _shared_slices(one: BoxReading, other: BoxReading) -> list[tuple[int, int]]:
    """Pairs of boxes at one position: closer than half of the finer step, each box once, the nearest."""
    reach = min(one.stack.step_mm, other.stack.step_mm) / 2
    positions = np.array([box.position_mm for box in other.boxes])
    pairs = []
    for number, box in enumerate(one.boxes):
        nearest = int(np.argmin(np.abs(positions - box.position_mm)))
        if abs(positions[nearest] - box.position_mm) < reach:
            pairs.append((number, nearest))
    return pairs
