"""Prompts as channels of a network: one array per polarity, with a record of how it was drawn.

A network that was trained with one encoding loses most of its accuracy under another one, and nothing in a file
tells them apart. So a heat map carries its record, and `require_encoding` refuses another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from oncohort.errors import InputError
from oncohort.geometry import Geometry
from oncohort.prompts.prompt import POLARITIES, Prompt

HEAT_MAP_KINDS = ("gaussian", "edt", "inverted-edt", "disk", "binary")
HEAT_MAP_UNITS = ("voxel", "mm")

_SIZE_WORDS = {"gaussian": "sigma", "edt": "limit", "inverted-edt": "limit", "disk": "radius"}

_Slices = tuple[slice, slice, slice]


@dataclass(frozen=True)
class HeatMapEncoding:
    """How points become a channel.

    Args:
        kind: `gaussian`: a unit impulse per point, Gaussian-filtered and not scaled up again, so that the peak falls
            as sigma grows. `edt`: distance to the nearest point, at most `size`. `inverted-edt`: 1 at a point, falling
            to 0 at `size`. `disk`: 1 within `size` of a point. `binary`: 1 at a point.
        size: Sigma, largest distance or radius; 0 for `binary`.
        unit: Of `size`: `voxel` (the same number of voxels along every axis) or `mm`.
        scale: Factor on all values; one point of a Gaussian with sigma 2 voxels peaks at 1 with 126.

    Raises:
        InputError: No such kind or unit, a size that the kind cannot have, or a scale that is not above 0.

    Examples:
        >>> HeatMapEncoding("gaussian", 3.0).to_record()
        {'encoding': 'gaussian', 'size': 3.0, 'unit': 'voxel', 'scale': 1.0}
    """

    kind: str
    size: float = 0.0
    unit: str = "voxel"
    scale: float = 1.0

    @staticmethod
    def from_text(text: str) -> HeatMapEncoding:
        """The encoding that a text such as `gaussian:sigma=3,unit=voxel` says.

        The size is called `sigma` (gaussian), `limit` (edt, inverted-edt) or `radius` (disk).

        Raises:
            InputError: Another form, or an encoding that does not exist.

        Examples:
            >>> HeatMapEncoding.from_text("gaussian:sigma=2,scale=126").size
            2.0
        """
        kind, _, choices = text.strip().partition(":")
        word = _SIZE_WORDS.get(kind)
        pairs = [choice.partition("=") for choice in choices.split(",") if choice.strip()]
        given = {name.strip(): value.strip() for name, _, value in pairs}
        if set(given) - {word, "unit", "scale"} or len(given) < len(pairs) or (word is not None and word not in given):
            raise _wrong(f"KIND:{word or 'sigma'}=NUMBER,unit=voxel,scale=1 ({', '.join(HEAT_MAP_KINDS)})", repr(text))
        try:
            size, scale = float(given.get(word or "", 0.0)), float(given.get("scale", 1.0))
        except ValueError as error:
            raise _wrong("numbers for size and scale", repr(text)) from error
        return HeatMapEncoding(kind, size, given.get("unit", "voxel"), scale)

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> HeatMapEncoding:
        """The encoding that `to_record` gave, or that the record of a heat map holds.

        Raises:
            InputError: The record does not say how the map was drawn.

        Examples:
            >>> HeatMapEncoding.from_record({"encoding": "disk", "size": 2.0, "unit": "mm"}).kind
            'disk'
        """
        try:
            scale = float(record.get("scale", 1.0))
            return HeatMapEncoding(str(record["encoding"]), float(record["size"]), str(record["unit"]), scale)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _wrong("a record with encoding, size and unit", repr(record)) from error

    def __post_init__(self) -> None:
        if self.kind not in HEAT_MAP_KINDS or self.unit not in HEAT_MAP_UNITS:
            kinds, units = ", ".join(HEAT_MAP_KINDS), ", ".join(HEAT_MAP_UNITS)
            raise _wrong(f"an encoding of {kinds} in {units}", f"{self.kind} in {self.unit}")
        if not np.isfinite(self.size) or (self.size > 0) is (self.kind == "binary") or self.size < 0:
            raise _wrong("a size above 0, or 0 for binary", f"{self.kind} with size {self.size}")
        if not np.isfinite(self.scale) or self.scale <= 0:
            raise _wrong("a scale above 0", repr(self.scale))

    def to_record(self) -> dict[str, Any]:
        """The encoding as JSON values."""
        own = {"encoding": self.kind, "size": float(self.size), "unit": self.unit}
        return {**own, "scale": float(self.scale)}

    def steps(self, geometry: Geometry) -> tuple[float, float, float]:
        """Length of one voxel along i, j, k in the unit of `size`."""
        return geometry.spacing_mm if self.unit == "mm" else (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A channel with the record of its making.

    Attributes:
        array: (i, j, k), float32.
        geometry: Its grid.
        record: JSON values: `encoding`, `size`, `unit`, `scale`, `polarity`, and how many `points` were drawn and how
            many lay `outside` the grid.
    """

    array: NDArray[np.float32] = field(repr=False)
    geometry: Geometry
    record: Mapping[str, Any]


def draw_heat_map(
    prompts: Iterable[Prompt], geometry: Geometry, encoding: HeatMapEncoding, *, polarity: str
) -> HeatMap:
    """The channel of all clicks and scribbles of one polarity.

    Points go to their nearest voxel; several in one voxel count once; points outside the grid are left out and
    counted. Near a border the Gaussian is reflected, as `scipy.ndimage.gaussian_filter` does by default. Only the
    surroundings of points are computed. Without points `edt` is `size` everywhere, all others 0.

    Args:
        prompts: In any order; boxes are not drawn.
        geometry: The grid that the points index.
        encoding: How to draw them.
        polarity: Of the prompts to draw.

    Raises:
        InputError: No such polarity.

    Examples:
        >>> grid = Geometry((41, 41, 41), np.eye(4))
        >>> click = Prompt("click", "foreground", [[20, 20, 20]])
        >>> peak = draw_heat_map([click], grid, HeatMapEncoding("gaussian", 2.0), polarity="foreground").array.max()
        >>> f"{peak:.5f}"
        '0.00794'
    """
    if polarity not in POLARITIES:
        raise _wrong(f"a polarity of {', '.join(POLARITIES)}", repr(polarity))
    drawn = [prompt for prompt in prompts if prompt.polarity == polarity and prompt.kind != "box"]
    points = np.concatenate([prompt.points for prompt in drawn]) if drawn else np.empty((0, 3))
    outside = sum(len(prompt.outside(geometry)) for prompt in drawn)
    nearest = np.unique(np.rint(points), axis=0)
    inside = nearest[((nearest >= 0) & (nearest < geometry.shape)).all(axis=1)].astype(np.int64)
    record = {**encoding.to_record(), "polarity": polarity, "points": len(inside), "outside": outside}
    array = _draw(inside, geometry, encoding)
    return HeatMap(array if encoding.scale == 1 else array * np.float32(encoding.scale), geometry, record)


def require_encoding(record: Mapping[str, Any], encoding: HeatMapEncoding, *, polarity: str, where: str) -> None:
    """Raise unless a heat map was drawn as a model expects.

    Args:
        record: Of the heat map, or of the row of `volumes` that names it; without `scale` it was not scaled.
        encoding: What the model was trained with.
        polarity: Of the channel.
        where: File or case, for the message.

    Raises:
        InputError: The record differs or does not say how the map was drawn.

    Examples:
        >>> needed = HeatMapEncoding("gaussian", 3.0)
        >>> require_encoding({**needed.to_record(), "polarity": "foreground"}, needed, polarity="foreground", where="A")
    """
    needed = {**encoding.to_record(), "polarity": polarity}
    found = {name: record.get(name, 1.0 if name == "scale" else None) for name in needed}
    if found != needed:
        raise InputError(
            expected=f"a heat map drawn as {needed}",
            found=str(found),
            where=where,
            remedy="draw the prompts again in the encoding that the model was trained with",
        )


def _draw(points: NDArray[np.int64], geometry: Geometry, encoding: HeatMapEncoding) -> NDArray[np.float32]:
    if encoding.kind == "gaussian":
        return _gaussian(points, geometry, encoding)
    if encoding.kind == "binary":
        array = np.zeros(geometry.shape, np.float32)
        array[tuple(points.T)] = 1.0
        return array
    distance = _clipped_distance(points, geometry, encoding)
    if encoding.kind == "edt":
        return distance
    if encoding.kind == "disk":
        return (distance <= np.float32(encoding.size)).astype(np.float32)
    return np.asarray(1.0 - distance / np.float32(encoding.size), dtype=np.float32)


def _gaussian(points: NDArray[np.int64], geometry: Geometry, encoding: HeatMapEncoding) -> NDArray[np.float32]:
    """The filter is linear and separable: each point adds the product of three lines."""
    array = np.zeros(geometry.shape, np.float32)
    for point in points.tolist():
        lines = [
            _line(edge, position, encoding.size / step)
            for edge, position, step in zip(geometry.shape, point, encoding.steps(geometry), strict=True)
        ]
        (i, first), (j, second), (k, third) = lines
        patch = first[:, None, None] * second[None, :, None] * third[None, None, :]
        array[i, j, k] += patch.astype(np.float32)
    return array


def _line(edge: int, position: int, sigma: float) -> tuple[slice, NDArray[np.float64]]:
    """Where a filtered impulse on an axis of `edge` voxels is above 0, and its values there."""
    impulse = np.zeros(edge)
    impulse[position] = 1.0
    filtered = gaussian_filter1d(impulse, sigma)
    held = np.flatnonzero(filtered)
    where = slice(int(held[0]), int(held[-1]) + 1)
    return where, filtered[where]


def _clipped_distance(points: NDArray[np.int64], geometry: Geometry, encoding: HeatMapEncoding) -> NDArray[np.float32]:
    far = np.float32(encoding.size)
    if encoding.kind == "disk":
        far = np.nextafter(far, np.float32(np.inf))
    array = np.full(geometry.shape, far, np.float32)
    steps = encoding.steps(geometry)
    for point in points.tolist():
        box = _around(point, geometry.shape, [int(encoding.size / step) + 1 for step in steps])
        patch = _distance_from(point, box, steps)
        np.minimum(array[box], patch, out=array[box])
    return array


def _around(point: Sequence[int], shape: Sequence[int], reach: Sequence[int]) -> _Slices:
    i, j, k = (
        slice(max(0, centre - far), min(edge, centre + far + 1))
        for centre, edge, far in zip(point, shape, reach, strict=True)
    )
    return i, j, k


def _distance_from(point: Sequence[int], box: _Slices, steps: Sequence[float]) -> NDArray[np.float32]:
    squares = [
        ((np.arange(part.start, part.stop) - centre) * step) ** 2
        for part, centre, step in zip(box, point, steps, strict=True)
    ]
    total = squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]
    return np.asarray(np.sqrt(total), dtype=np.float32)


def _wrong(expected: str, found: str) -> InputError:
    return InputError(expected=expected, found=found, where="heat map", remedy="see docs/prompts.md")
