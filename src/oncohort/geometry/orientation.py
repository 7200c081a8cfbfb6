"""Which way the axes of a grid point, in letters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import GeometryError

_POSITIVE = "RAS"
_NEGATIVE = "LPI"
_AXIS = {letter: axis for letters in (_POSITIVE, _NEGATIVE) for axis, letter in enumerate(letters)}


def axis_codes(affine: NDArray[np.float64]) -> str:
    """Letters towards which i, j and k increase, as nibabel writes them.

    Each voxel axis takes the patient axis it runs along most; a grid turned by
    45 degrees resolves ties in favour of the strongest match first.

    Args:
        affine: (4, 4), voxel index to RAS+ millimetres.

    Examples:
        >>> axis_codes(np.diag([-2.0, -2.0, 3.0, 1.0]))
        'LPS'
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    strength = np.abs(directions)
    letters = ["", "", ""]
    for _ in range(3):
        patient, voxel = np.unravel_index(int(np.argmax(strength)), (3, 3))
        letters[voxel] = (_POSITIVE if directions[patient, voxel] > 0 else _NEGATIVE)[patient]
        strength[patient, :] = -1.0
        strength[:, voxel] = -1.0
    return "".join(letters)


def axis_permutation(current: str, wanted: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """How to turn axes that read `current` into `wanted`.

    Returns:
        For each new axis, the old axis it comes from and whether it is reversed.

    Raises:
        GeometryError: `wanted` is not three letters for three patient axes.

    Examples:
        >>> axis_permutation("LPS", "RAS")
        ((0, 1, 2), (True, True, False))
        >>> axis_permutation("PSR", "RAS")
        ((2, 0, 1), (False, True, False))
    """
    _require_codes(wanted)
    _require_codes(current)
    old = [_AXIS[letter] for letter in current]
    sources = [old.index(_AXIS[letter]) for letter in wanted]
    flips = [current[source] != letter for source, letter in zip(sources, wanted, strict=True)]
    return (sources[0], sources[1], sources[2]), (flips[0], flips[1], flips[2])


def _require_codes(codes: str) -> None:
    if len(codes) != 3 or {_AXIS.get(letter) for letter in codes} != {0, 1, 2}:
        raise GeometryError(
            expected="three letters, one each of R/L, A/P, S/I",
            found=repr(codes),
            where="orientation",
            remedy="use e.g. RAS",
        )
