"""Series in which two images lie at one position: the same image twice, or several stacks over each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.image import ImageFacts
from oncohort.formats.dicom.pixels import read_stored
from oncohort.formats.dicom.series import slice_file
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import POSITION_TOLERANCE_MM

_TOLD_APART_BY = ("AcquisitionNumber", "ImageType")


@dataclass(frozen=True)
class Parted:
    """What a series with images at one position consists of.

    Attributes:
        stacks: images that may form a volume, one stack each.
        twins: images whose pixels and position are those of another one, with that one.
    """

    stacks: tuple[tuple[DicomHeader, ...], ...]
    twins: tuple[tuple[DicomHeader, DicomHeader], ...]


def part_stacks(headers: Sequence[DicomHeader]) -> Parted:
    """A series with images at one position as stacks, each with one image at a position.

    Of images with the same pixels at one position the first is kept. What is left at one position is told apart by
    acquisition number and image type; a series in which they are the same stays one stack.

    Args:
        headers: images of one series, in order of path.

    Raises:
        Unusable: with reason "changed or unreadable": pixels that must be compared cannot be read.
    """
    kept, twins = _without_twins(headers)
    if len(_groups_at_one_position(kept)) == len(kept):
        return Parted((tuple(kept),), tuple(twins))
    stacks: dict[tuple[str, ...], list[DicomHeader]] = defaultdict(list)
    for header in kept:
        stacks[tuple(header.facts.get(name, "") for name in _TOLD_APART_BY)].append(header)
    return Parted(tuple(tuple(stack) for stack in stacks.values()), tuple(twins))


def _without_twins(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], list[tuple[DicomHeader, DicomHeader]]]:
    twins = [pair for group in _groups_at_one_position(headers) for pair in _twins(group)]
    dropped = {twin.path for twin, _ in twins}
    return [header for header in headers if header.path not in dropped], twins


def _groups_at_one_position(headers: Sequence[DicomHeader]) -> list[list[DicomHeader]]:
    heights = _heights(headers)
    groups: list[list[DicomHeader]] = []
    last = -np.inf
    for index in np.argsort(heights, kind="stable"):
        if heights[index] - last > POSITION_TOLERANCE_MM:
            groups.append([])
        groups[-1].append(headers[index])
        last = heights[index]
    return groups


def _heights(headers: Sequence[DicomHeader]) -> NDArray[np.float64]:
    """Positions along the normal of the first image, mm."""
    images = [header.image for header in headers if header.image is not None]
    normal = np.cross(images[0].row_direction, images[0].column_direction)
    positions = np.array([image.position_mm for image in images])
    heights: NDArray[np.float64] = positions @ normal
    return heights


def _twins(group: Sequence[DicomHeader]) -> list[tuple[DicomHeader, DicomHeader]]:
    if len(group) == 1:
        return []
    first: dict[tuple[object, ...], DicomHeader] = {}
    twins = []
    for header in group:
        content = _content(header)
        if content in first:
            twins.append((header, first[content]))
        else:
            first[content] = header
    return twins


def _content(header: DicomHeader) -> tuple[object, ...]:
    """Pixels, and what they are worth."""
    image = header.image
    if image is None:
        return (header.path,)
    return (_pixels(header, image), image.slope, image.intercept)


def _pixels(header: DicomHeader, image: ImageFacts) -> bytes:
    try:
        return read_stored(slice_file(header, image)).tobytes()
    except FormatError as error:
        raise Unusable("changed or unreadable", error.found) from error
