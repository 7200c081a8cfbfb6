"""Where the planes of a picture cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.cohort import Case
from oncohort.errors import SettingsError
from oncohort.geometry import Box, Geometry
from oncohort.kernels import label_components
from oncohort.reporting.sheets import BoxGroup
from oncohort.reporting.sheets.box_cutting import box_centre_mm
from oncohort.volume import LabelMap

At = tuple[int, int, int] | int | None
"""A voxel of the case's reference grid, the number of a lesion by size, or what is chosen for it."""

_CONNECTIVITY = 26
_LESION_WORDS = ("lesion", "tumor", "tumour", "cancer", "gtv")


@dataclass(frozen=True)
class Point:
    """Where the planes cross, and why there.

    Args:
        mm: (3,) RAS+.
        words: For the caption.
        lesion: Number by size, 1 is the largest; None if it is no lesion.
        lesions: How many there are.
    """

    mm: NDArray[np.float64]
    words: str
    lesion: int | None = None
    lesions: int = 0


def parse_at(text: str) -> At:
    """The point that a command line names: "120,88,40" is a voxel, "lesion 2" or "2" a lesion.

    Raises:
        SettingsError: It is neither.

    Examples:
        >>> parse_at("120,88,40"), parse_at("lesion 2")
        ((120, 88, 40), 2)
    """
    words = text.lower().removeprefix("lesion").strip()
    parts = [part.strip() for part in words.split(",")]
    if not all(part.removeprefix("-").isdecimal() and part.isascii() for part in parts) or len(parts) not in (1, 3):
        raise _no_point(text)
    numbers = [int(part) for part in parts]
    return numbers[0] if len(parts) == 1 else (numbers[0], numbers[1], numbers[2])


def find_point(
    case: Case, at: At, *, masks: Mapping[str, LabelMap], boxes: Sequence[BoxGroup], grid: Geometry
) -> Point:
    """The point that `at` names, or the largest lesion, box or structure of a case, or else its middle.

    Args:
        case: Its `lesions` are parted into components with 26 neighbours, ordered by volume.
        at: See `At`.
        masks: The masks that are shown, by role; labels named after lesions count as such where there is no mask
            `lesions`.
        boxes: Boxes, likewise.
        grid: Of the image that is shown.

    Raises:
        SettingsError: The voxel is outside of the grid, or there is no such lesion.
    """
    if isinstance(at, tuple):
        return _voxel(case, at)
    lesions = _lesion_mask(case, masks)
    found = _lesion_point(*lesions, at) if lesions is not None else None
    if found is None and boxes:
        found = _box_point(boxes, at)
    if found is None and at is not None:
        raise SettingsError(
            expected="a lesion or box of the case",
            found=f"lesion {at}, and none in the case",
            where=f"case {case.id}",
            remedy="leave the point out, or name a voxel as i,j,k",
        )
    return found or _structure_point(list(masks.values())) or _middle(grid)


def _lesion_mask(case: Case, masks: Mapping[str, LabelMap]) -> tuple[NDArray[np.bool_], Geometry] | None:
    """Everything labelled in `lesions`, else the labels of other masks that are named after lesions."""
    for role in sorted(role for role in case.roles if role.startswith("lesions")):
        found = masks[role] if role in masks else case[role]
        if isinstance(found, LabelMap):
            return found.foreground(), found.geometry
    for found in masks.values():
        names = [name for name in found.scheme.labels if any(word in name.lower() for word in _LESION_WORDS)]
        parts = [found.mask(name) for name in names]
        if parts:
            return np.logical_or.reduce(parts), found.geometry
    return None


def _lesion_point(mask: NDArray[np.bool_], grid: Geometry, at: int | None) -> Point | None:
    box = Box.of_mask(mask)
    if box is None:
        return None
    components, count = label_components(np.ascontiguousarray(mask[box.slices]), _CONNECTIVITY)
    sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    number = _checked(1 if at is None else at, count, "lesions")
    chosen = int(order[number - 1])
    voxels = np.argwhere(components == chosen + 1)
    inside = voxels[np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))]
    mm = grid.to_mm([inside + np.array(box.start)])[0]
    return Point(mm, f"{_which(number, count, 'lesion')}, {float(sizes[chosen]) * grid.voxel_ml:.3g} ml", number, count)


def _which(number: int, count: int, what: str) -> str:
    if count == 1:
        return f"the only {what}"
    return f"the largest of {count} {what}s" if number == 1 else f"{what} {number} of {count} by size"


def _box_point(boxes: Sequence[BoxGroup], at: int | None) -> Point:
    ordered = sorted(boxes, key=lambda group: -sum(float(np.prod(box.shape)) for box in group.boxes))
    number = _checked(1 if at is None else at, len(ordered), "lesions with boxes")
    group = ordered[number - 1]
    words = f"{_which(number, len(ordered), 'lesion')} with boxes ({group.name.removeprefix('box, ')})"
    return Point(box_centre_mm(group.boxes, group.geometry), words, number, len(ordered))


def _structure_point(masks: Sequence[LabelMap]) -> Point | None:
    """The centre of mass of everything that is labelled."""
    for found in masks:
        mask = found.foreground()
        profiles = [mask.sum(axis=tuple(other for other in range(3) if other != axis)) for axis in range(3)]
        if profiles[0].any():
            centre = [float(np.average(np.arange(len(profile)), weights=profile)) for profile in profiles]
            return Point(found.geometry.to_mm([np.round(centre)])[0], "the middle of the labelled structures")
    return None


def _middle(grid: Geometry) -> Point:
    return Point(grid.to_mm([[edge // 2 for edge in grid.shape]])[0], "the middle of the image")


def _voxel(case: Case, at: tuple[int, int, int]) -> Point:
    grid = case.reference_geometry()
    if any(not 0 <= index < edge for index, edge in zip(at, grid.shape, strict=True)):
        raise SettingsError(
            expected=f"a voxel of the grid of {' x '.join(map(str, grid.shape))} voxels, counted from 0",
            found=",".join(map(str, at)),
            where=f"case {case.id}",
            remedy="indices are those of the lesions, or else of the PET, or else of the CT",
        )
    return Point(grid.to_mm([at])[0], f"voxel {at[0]}, {at[1]}, {at[2]}")


def _checked(number: int, count: int, what: str) -> int:
    if not 1 <= number <= count:
        raise SettingsError(
            expected=f"a number from 1 to {count}",
            found=str(number),
            where=what,
            remedy="lesions are numbered by size, 1 is the largest",
        )
    return number


def _no_point(text: str) -> SettingsError:
    return SettingsError(
        expected="i,j,k or a number of a lesion",
        found=repr(text),
        where="--at",
        remedy='write --at 120,88,40 or --at "lesion 2"',
    )
