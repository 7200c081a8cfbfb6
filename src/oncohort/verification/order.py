"""What is wrong with the order of the voxels: axes that run backwards, slices dropped, repeated, moved or made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from oncohort.errors import shown
from oncohort.verification.arrangement import Arrangement
from oncohort.verification.original import Original
from oncohort.verification.verdict import Finding

_NAMES = {"R": "right", "L": "left", "A": "front", "P": "back", "S": "head", "I": "feet"}
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}
_LISTED = 8


def resampled_along_slices(arrangement: Arrangement, count: int, of_series: int) -> bool:
    """Whether an image with another number of slices holds new ones, made from those of the series."""
    telling = [held for held, known in zip(arrangement.held, arrangement.informative, strict=True) if known]
    return count != of_series and len(telling) > 0 and sum(held is None for held in telling) > len(telling) / 2


def order_findings(arrangement: Arrangement, original: Original, count: int) -> Iterator[Finding]:
    """What is wrong with the order of the voxels.

    Args:
        arrangement: What each slice of the image holds.
        original: The series.
        count: Slices of the image.
    """
    yield from _flips(arrangement, original)
    held = [k for k in arrangement.held if k is not None]
    missing = sorted(set(range(len(original.slices))) - set(held))
    made = [arrangement.nominal[n] for n, k in enumerate(arrangement.held) if k is None]
    repeated = sorted(k for k, times in Counter(held).items() if times > 1)
    if missing and made and count == len(original.slices):
        yield Finding(
            "slice_changed",
            f"{_slices(made, original)} hold no slice of the series: averaged of neighbours, or of another scan?",
            tuple(made),
        )
        missing = [k for k in missing if k not in made]
    if missing:
        yield Finding("slice_dropped", f"not in the image: {_slices(missing, original)}", tuple(missing))
    if repeated:
        yield Finding("slice_repeated", f"more than once in the image: {_slices(repeated, original)}", tuple(repeated))
    steps = np.sign(np.diff(held))
    if not missing and not repeated and len(set(steps.tolist())) > 1:
        moved = [k for n, k in enumerate(arrangement.held) if k is not None and k != arrangement.nominal[n]]
        yield Finding(
            "slices_reordered",
            f"slices stand in another order than along their normal: {_slices(moved, original)}",
            tuple(moved),
        )


def _flips(arrangement: Arrangement, original: Original) -> Iterator[Finding]:
    turn = arrangement.turn
    if "t" in turn:
        yield Finding("transposed_axes", "rows and columns are exchanged against what the affine says")
    axes = [axis for axis, letter in enumerate("ij") if letter in turn] + ([2] if arrangement.is_reversed else [])
    for axis in axes:
        towards = original.geometry.orientation[axis]
        ends = f"{_NAMES[_OPPOSITE[towards]]} and {_NAMES[towards]}"
        along = ("columns (i)", "rows (j)", "slices (k)")[axis]
        yield Finding(
            "flipped_axis",
            f"voxels run backwards along {along}: {ends} are exchanged against what the affine says",
        )


def _slices(numbers: Sequence[int], original: Original) -> str:
    """Numbers of slices, the first with file and position."""
    first = original.headers[numbers[0]]
    position = first.image.position_mm if first.image is not None else ()
    listed = shown(numbers, _LISTED)
    word = "slice" if len(numbers) == 1 else "slices"
    return (
        f"{word} {listed} (slice {numbers[0]}: {first.path.rsplit('/', 1)[-1]} at {position[2]:.4g} mm)"
        if position
        else f"{word} {listed}"
    )
