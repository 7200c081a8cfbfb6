"""2D boxes of one series become 3D lesions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from oncohort.boxes.algebra import iou_matrix
from oncohort.boxes.slices import BoxReading, SliceBox, SliceStack, plane_boxes
from oncohort.errors import GeometryError

_SAME_POSITION = 0.1
"""Two slices of a series stand at one position if they are closer than this share of a step."""


@dataclass(frozen=True)
class LinkSettings:
    """When boxes of two slices belong to one lesion.

    Args:
        minimum_iou: Least IoU of the two boxes (half-open pixels), above 0.
        maximum_steps: Largest distance of the two slices, in steps rounded to
            whole ones: 3 allows for two slices without a box.

    Raises:
        ValueError: Outside 0 < IoU <= 1, or less than one step.
    """

    minimum_iou: float
    maximum_steps: int

    def __post_init__(self) -> None:
        if not 0 < self.minimum_iou <= 1 or self.maximum_steps < 1:
            raise ValueError(f"expected 0 < minimum_iou <= 1 and maximum_steps >= 1, got {self}")


def link_boxes(
    boxes: Iterable[SliceBox], *, stacks: Mapping[str, SliceStack], settings: LinkSettings
) -> tuple[BoxReading, ...]:
    """The 3D lesions that 2D boxes make up, each within one series, class and reader.

    Slices are gone through by rising position. The boxes of a slice are linked
    to the lesions that ended one step before it, those left over to the
    lesions that ended two steps before it, and so on: each time the assignment
    with the greatest sum of IoU (Hungarian method on 1 - IoU), in which pairs
    below the least IoU do not take part. What stays unlinked begins a lesion.
    Drop identical boxes of a slice beforehand: the second one begins a lesion
    of its own.

    Args:
        boxes: Of any number of series, in any order.
        stacks: Every series by its identifier.
        settings: When boxes are linked.

    Returns:
        Lesions by series, class and reader, then by first position and box.

    Raises:
        GeometryError: A series without stack, one slice at two positions, or
            two slices at one position.

    Examples:
        >>> stack = SliceStack("a", "f", (1, 0, 0, 0, 1, 0), (0.0, 0.0), (1.0, 1.0), 5.0)
        >>> drawn = [SliceBox("a", str(z), 5.0 * z, ((0, 9), (z, 9 + z)), "A", "r") for z in (0, 1, 4, 9)]
        >>> lesions = link_boxes(drawn, stacks={"a": stack}, settings=LinkSettings(0.2, 3))
        >>> [len(lesion.boxes) for lesion in lesions]
        [3, 1]
    """
    groups: dict[tuple[str, str, str], list[SliceBox]] = defaultdict(list)
    for box in boxes:
        groups[box.series, box.class_name, box.reader].append(box)
    lesions = []
    for (series, class_name, reader), members in sorted(groups.items()):
        if series not in stacks:
            raise _wrong(series, "a stack for every series", "none")
        for chain in _link_series(members, stacks[series], settings):
            lesions.append(BoxReading(stacks[series], class_name, reader, tuple(chain)))
    return tuple(lesions)


def _link_series(members: list[SliceBox], stack: SliceStack, settings: LinkSettings) -> list[list[SliceBox]]:
    chains: list[list[SliceBox]] = []
    for waiting in _by_slice(members, stack):
        rest = waiting
        for steps in range(1, settings.maximum_steps + 1):
            ended = [chain for chain in chains if _steps(chain[-1], waiting[0], stack) == steps]
            links = _assign([chain[-1] for chain in ended], rest, settings.minimum_iou)
            for chain, box in links:
                ended[chain].append(rest[box])
            linked = {box for _, box in links}
            rest = [box for number, box in enumerate(rest) if number not in linked]
        chains.extend([box] for box in rest)
    return sorted(chains, key=lambda chain: (chain[0].position_mm, chain[0].box))


def _steps(first: SliceBox, second: SliceBox, stack: SliceStack) -> int:
    """Distance in whole steps; slices closer than half a step still are one apart, and a slice is 0 from itself."""
    if first.slice_uid == second.slice_uid:
        return 0
    return max(1, round((second.position_mm - first.position_mm) / stack.step_mm))


def _assign(first: Sequence[SliceBox], second: Sequence[SliceBox], minimum_iou: float) -> list[tuple[int, int]]:
    if not first or not second:
        return []
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - costs 0.1 s, and only linking needs it

    iou = iou_matrix(plane_boxes(list(first)), plane_boxes(list(second)), pixel_rule="half-open")
    allowed = np.where(iou >= minimum_iou, iou, 0.0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column] > 0]


def _by_slice(members: list[SliceBox], stack: SliceStack) -> list[list[SliceBox]]:
    """The boxes slice by slice, by rising position; boxes of a slice in order of their corners."""
    slices: dict[str, list[SliceBox]] = defaultdict(list)
    for box in sorted(members, key=lambda box: (box.position_mm, box.slice_uid, box.box)):
        slices[box.slice_uid].append(box)
    for uid, boxes in slices.items():
        if boxes[0].position_mm != boxes[-1].position_mm:
            raise _wrong(stack.series, "one position of every slice", f"two of {uid}")
    ordered = list(slices.values())
    for lower, upper in pairwise(ordered):
        if upper[0].position_mm - lower[0].position_mm < _SAME_POSITION * stack.step_mm:
            found = f"{lower[0].slice_uid} and {upper[0].slice_uid} at {lower[0].position_mm:g} mm"
            raise _wrong(stack.series, "one slice at every position", found)
    return ordered


def _wrong(series: str, expected: str, found: str) -> GeometryError:
    return GeometryError(
        expected=expected,
        found=found,
        where=f"boxes of series {series}",
        remedy="check the slices of the series, and split stacks that overlap",
    )
