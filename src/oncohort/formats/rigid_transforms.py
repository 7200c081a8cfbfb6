"""Rigid transforms between two scans, as ITK writes them and as DEEP-PSMA's containers pass them on.

Both forms rotate about a centre: x' = R (x - c) + c + t, in LPS mm. What is given here is one 4 x 4 matrix between
RAS+ positions in mm, which is what affines of volumes speak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.errors import FormatError
from oncohort.layouts import deep_psma
from oncohort.storage import read_json

Matrix = NDArray[np.float64]

_MOST_BYTES = 1 << 20
_TOLERANCE = 1e-3
_LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def about_centre(rotation: ArrayLike, translation: ArrayLike, centre: ArrayLike) -> Matrix:
    """The RAS+ matrix (4, 4) of a rotation about a centre and a translation, all in LPS mm.

    Args:
        rotation: (3, 3).
        translation: (3,).
        centre: (3,).

    Raises:
        FormatError: A number is not finite, or the rotation is none (not orthonormal, or a reflection).

    Examples:
        >>> quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
        >>> about_centre(quarter, [0, 0, 5], [10, 0, 0]).round(6).tolist()[:3]
        [[0.0, -1.0, 0.0, -10.0], [1.0, 0.0, 0.0, 10.0], [0.0, 0.0, 1.0, 5.0]]
    """
    turn, shift, pivot = (np.asarray(values, np.float64) for values in (rotation, translation, centre))
    numbers = np.concatenate([turn.ravel(), shift, pivot])
    if not np.isfinite(numbers).all() or not np.allclose(turn @ turn.T, np.eye(3), atol=_TOLERANCE):
        raise _wrong("rigid transform", "a finite, orthonormal rotation", str(turn.tolist()))
    if np.linalg.det(turn) < 0:
        raise _wrong("rigid transform", "a rotation", "a reflection")
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = pivot + shift - turn @ pivot
    return np.asarray(_LPS_RAS @ matrix @ _LPS_RAS, dtype=np.float64)


def read_tfm(path: str | Path) -> Matrix:
    """The RAS+ matrix (4, 4) of an ITK transform file that holds one Euler3DTransform.

    It maps positions of the fixed image to those of the moving one. Angles are in radians; the rotation is Z X Y, or
    Z Y X where the file says so.

    Raises:
        FormatError: The file cannot be read or holds another transform.
    """
    file = Path(path)
    lines = [line.split(":", 1) for line in _text(file).splitlines() if ":" in line and not line.startswith("#")]
    entries = [(key.strip(), value.strip()) for key, value in lines]
    values = dict(entries)
    kind = values.get("Transform", "none")
    if len(entries) != len(values) or not kind.startswith("Euler3DTransform_"):
        raise _wrong(str(file), f"one transform of the kind {deep_psma.RIGID_KIND}", kind[:100])
    angles = _numbers(file, values.get("Parameters", ""), (6,))
    fixed = _numbers(file, values.get("FixedParameters", ""), (3, 4))
    return about_centre(_euler(angles[:3], is_zyx=fixed[3:] == [1.0]), angles[3:], fixed[:3])


def registration_matrix(values: Any, where: str = "registration") -> Matrix:
    """The RAS+ matrix (4, 4) of the JSON value that DEEP-PSMA passes to containers; FDG is fixed, PSMA moving.

    Its "3d_affine_transform" is no homogeneous matrix: [:3, :3] is the rotation, [:3, 3] the translation and
    [3, :3] the centre of the rotation. Multiplying points with it as it stands misplaces them.

    Raises:
        FormatError: The value has another form.

    Examples:
        >>> turned = {"3d_affine_transform": [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 5], [10, 0, 0, 0]]}
        >>> registration_matrix(turned).round(6).tolist()[0]
        [0.0, -1.0, 0.0, -10.0]
    """
    found = values.get(deep_psma.REGISTRATION_KEY) if isinstance(values, dict) else None
    try:
        matrix = np.array(found, dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(where, f"{deep_psma.REGISTRATION_KEY!r} with 4 x 4 numbers", repr(found)[:100]) from error
    return about_centre(matrix[:3, :3], matrix[:3, 3], matrix[3, :3])


def read_registration(path: str | Path) -> Matrix:
    """The RAS+ matrix (4, 4) in a file `psma-to-fdg-registration.json`; see `registration_matrix`.

    Raises:
        FormatError: The file cannot be read or has another form.
    """
    _text(Path(path))
    return registration_matrix(read_json(path), str(path))


def largest_shift_mm(matrix: Matrix, reach_mm: float = 500.0) -> float:
    """How far a transform moves any corner of a cube around the origin, in mm.

    Args:
        matrix: (4, 4).
        reach_mm: Half the edge of the cube.

    Examples:
        >>> moved = np.eye(4)
        >>> moved[:3, 3] = 3, 4, 0
        >>> largest_shift_mm(moved)
        5.0
    """
    corners = np.array(np.meshgrid(*[(-reach_mm, reach_mm)] * 3)).reshape(3, -1).T
    moved = corners @ matrix[:3, :3].T + matrix[:3, 3]
    return float(np.linalg.norm(moved - corners, axis=1).max())


def _euler(angles: Sequence[float], *, is_zyx: bool) -> Matrix:
    (cx, sx), (cy, sy), (cz, sz) = ((math.cos(angle), math.sin(angle)) for angle in angles)
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(z @ y @ x if is_zyx else z @ x @ y, dtype=np.float64)


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise _wrong(str(path), f"at most {_MOST_BYTES} bytes", f"{size} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _wrong(str(path), "a readable text file", str(error)) from error


def _numbers(path: Path, text: str, counts: tuple[int, ...]) -> list[float]:
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError as error:
        raise _wrong(str(path), "numbers", text[:100]) from error
    if len(numbers) not in counts or not all(math.isfinite(number) for number in numbers):
        raise _wrong(str(path), f"{' or '.join(map(str, counts))} finite numbers", text[:100] or "none")
    return numbers


def _wrong(where: str, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=where, remedy="fetch the file again")
