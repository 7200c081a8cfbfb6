"""Bodies of simple form: where they reach, and which points lie inside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, radians, sin
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]
Axis = NDArray[np.float32]
"""Coordinates in mm, RAS+, shaped so that x, y and z broadcast to (k, j, i)."""


class Shape(Protocol):
    """A body in RAS+ millimetres."""

    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner in mm of a box round the body."""
        ...

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Which points are inside; x, y and z broadcast against each other."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, blunter for a power above 2, turned about the z axis and then about the y axis.

    Args:
        centre: In mm, RAS+.
        radii: Half axes in mm along x, y, z before turning.
        turn_z: Degrees from +x towards +y.
        turn_y: Degrees from +x towards +z.
        power: 2 is an ellipsoid; 3 has fuller corners.

    Examples:
        >>> ball = Ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0))
        >>> round(ball.volume_ml, 3)
        4.189
    """

    centre: Point
    radii: Point
    turn_z: float = 0.0
    turn_y: float = 0.0
    power: float = 2.0

    @property
    def volume_ml(self) -> float:
        """Volume in ml of an ellipsoid of power 2: 4/3 pi a b c."""
        a, b, c = self.radii
        return 4.0 / 3.0 * pi * a * b * c / 1000.0

    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner of the box round the body, generous when it is turned."""
        reach = self.radii if not (self.turn_z or self.turn_y) else (max(self.radii),) * 3
        return _box(self.centre, reach)

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Points inside or on the surface."""
        u, v, w = x - np.float32(self.centre[0]), y - np.float32(self.centre[1]), z - np.float32(self.centre[2])
        if self.turn_y:
            u, w = _rotated(u, w, self.turn_y)
        if self.turn_z:
            u, v = _rotated(u, v, self.turn_z)
        a, b, c = (np.float32(radius) for radius in self.radii)
        total = _power(u / a, self.power) + _power(v / b, self.power) + _power(w / c, self.power)
        return np.asarray(total <= 1)


@dataclass(frozen=True)
class Column:
    """An upright body whose elliptical cross-section changes with height.

    Args:
        levels: Rows of (z, centre x, centre y, half width, half depth) in mm, z ascending; linear in between.
        power: 2 is an ellipse; above, a rounded rectangle.
    """

    levels: tuple[tuple[float, float, float, float, float], ...]
    power: float = 2.0

    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner of the box round the body."""
        z, x, y, a, b = np.array(self.levels).T
        low = (float((x - a).min()), float((y - b).min()), float(z[0]))
        return low, (float((x + a).max()), float((y + b).max()), float(z[-1]))

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Points inside or on the surface, between the first and the last level."""
        heights, *profiles = np.array(self.levels, dtype=np.float32).T
        cx, cy, a, b = (np.interp(z, heights, profile).astype(np.float32) for profile in profiles)
        inside: NDArray[np.bool_] = _power((x - cx) / a, self.power) + _power((y - cy) / b, self.power) <= 1
        return np.asarray(inside & (z >= heights[0]) & (z <= heights[-1]))


@dataclass(frozen=True)
class Tube:
    """A round tube along a line of points.

    Args:
        path: Points in mm, RAS+.
        radius: In mm.
    """

    path: tuple[Point, ...]
    radius: float

    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner of the box round the tube."""
        points = np.array(self.path)
        low, high = points.min(axis=0) - self.radius, points.max(axis=0) + self.radius
        return (float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2]))

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Points no further than the radius from the line."""
        points = np.array(self.path, dtype=np.float32)
        inside = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), dtype=np.bool_)
        for start, stop in pairwise(points):
            inside |= _segment_distance_squared((x, y, z), start, stop) <= np.float32(self.radius**2)
        return inside


@dataclass(frozen=True)
class Without:
    """What is left of one body where another is taken away.

    Args:
        body: The body.
        hole: What is taken away.
    """

    body: Shape
    hole: Shape

    def bounds(self) -> tuple[Point, Point]:
        """The box of the body."""
        return self.body.bounds()

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Points inside the body and outside the hole."""
        return self.body.contains(x, y, z) & ~self.hole.contains(x, y, z)


@dataclass(frozen=True)
class Bands:
    """Slanting, evenly spaced bands of a body: ribs of a chest wall, discs of a spine.

    Args:
        body: What is cut into bands.
        pitch: Distance in mm from band to band along z.
        thickness: Height of a band in mm.
        slope: How far in mm a band sinks per mm towards the front.
    """

    body: Shape
    pitch: float
    thickness: float
    slope: float = 0.0

    def bounds(self) -> tuple[Point, Point]:
        """The box of the body."""
        return self.body.bounds()

    def contains(self, x: Axis, y: Axis, z: Axis) -> NDArray[np.bool_]:
        """Points inside the body and inside a band."""
        phase = np.mod(z + np.float32(self.slope) * y, np.float32(self.pitch))
        inside: NDArray[np.bool_] = self.body.contains(x, y, z) & (phase < np.float32(self.thickness))
        return inside


def _box(centre: Point, reach: tuple[float, ...]) -> tuple[Point, Point]:
    (x, y, z), (a, b, c) = centre, reach
    return (x - a, y - b, z - c), (x + a, y + b, z + c)


def _rotated(first: Axis, second: Axis, degrees: float) -> tuple[Axis, Axis]:
    c, s = np.float32(cos(radians(degrees))), np.float32(sin(radians(degrees)))
    return first * c + second * s, second * c - first * s


def _power(values: Axis, power: float) -> Axis:
    if power == 2.0:
        return values * values
    result: Axis = np.abs(values) ** np.float32(power)
    return result


def _segment_distance_squared(point: tuple[Axis, Axis, Axis], start: Axis, stop: Axis) -> Axis:
    direction = stop - start
    length = np.float32(direction @ direction)
    offsets = [coordinate - origin for coordinate, origin in zip(point, start, strict=True)]
    along = sum(offset * part for offset, part in zip(offsets, direction, strict=True)) / length
    share = np.clip(along, 0, 1)
    squares = [(offset - share * part) ** 2 for offset, part in zip(offsets, direction, strict=True)]
    total: Axis = squares[0] + squares[1] + squares[2]
    return total
