"""Area of the surface element that each 2x2x2 neighbourhood of a mask holds."""

from __future__ import annotations

from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

_CORNERS = tuple(product((0, 1), repeat=3))
_ALL = (1 << len(_CORNERS)) - 1


def element_areas(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Area in mm2 of the surface between eight voxels, for each of the 256 ways to fill them; (256,).

    Bit 4a + 2b + c of the code stands for the voxel at (a, b, c) of the neighbourhood.
    The surface runs through the middles of the edges whose two voxels differ (marching
    cubes). It splits into one polygon for each set of filled voxels that hang together by
    edges; with more than four filled voxels the empty ones are taken instead. A polygon
    that is not flat is cut into triangles, and where the cut matters it is that of
    Nikolov et al., J Med Internet Res 23 (2021) e26151, the definition of surface Dice.

    Args:
        spacing_mm: Voxel edges along i, j, k.

    Examples:
        >>> areas = element_areas((1.0, 1.0, 2.0))
        >>> float(areas[0b11110000]), float(areas[0b10101010]), float(areas[0]), float(areas[255])
        (2.0, 1.0, 0.0, 0.0)
    """
    i, j, k = spacing_mm
    faces = np.array([j * k, i * k, i * j], np.float64)
    return np.array([_area(code, faces) for code in range(_ALL + 1)])


def _area(code: int, faces: NDArray[np.float64]) -> float:
    filled = [corner for bit, corner in enumerate(_CORNERS) if code >> bit & 1]
    if len(filled) > 4:
        filled = [corner for corner in _CORNERS if corner not in filled]
    return sum(_polygon_area(piece, faces) for piece in _pieces(filled))


def _pieces(corners: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """The corners in sets that hang together by edges of the cube."""
    pieces: list[list[tuple[int, ...]]] = []
    for corner in corners:
        near = [piece for piece in pieces if any(len(_axes(corner, other)) == 1 for other in piece)]
        pieces = [piece for piece in pieces if piece not in near]
        pieces.append([*chain.from_iterable(near), corner])
    return pieces


def _axes(first: tuple[int, ...], second: tuple[int, ...]) -> list[int]:
    """The axes along which two corners differ."""
    return [axis for axis in range(3) if first[axis] != second[axis]]


def _polygon_area(piece: list[tuple[int, ...]], faces: NDArray[np.float64]) -> float:
    """Area of the polygon that cuts one set of corners off the others, at most four of eight."""
    edges = [axes[0] for n, first in enumerate(piece) for second in piece[:n] if len(axes := _axes(first, second)) == 1]
    middle = [corner for corner in piece if sum(len(_axes(corner, other)) == 1 for other in piece) > 1]
    triangle = float(np.linalg.norm(faces)) / 8.0
    if len(piece) == 1:
        return triangle
    if len(piece) == 2:
        return 2.0 * _slanted_area(edges[0], faces)
    if len(piece) == 3:
        return 3.0 * triangle + float(faces[({0, 1, 2} - set(edges)).pop()]) / 2.0
    if len(edges) == 4:
        return float(faces[({0, 1, 2} - set(edges)).pop()])
    if len(middle) == 1:
        return 6.0 * triangle
    ends = {0, 1, 2} - set(_axes(*middle))
    return 4.0 * triangle + sum(_slanted_area(axis, faces) for axis in ends)


def _slanted_area(axis: int, faces: NDArray[np.float64]) -> float:
    """Half of the rectangle that cuts an edge along `axis` off the cube."""
    first, second = (faces[other] for other in range(3) if other != axis)
    return float(np.hypot(first, second)) / 4.0
