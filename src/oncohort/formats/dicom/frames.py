"""Frames of a multi-frame object: their pixels in the file, and their planes on a grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.dicom.compression import FrameLayout, check_frame, decode_frame
from oncohort.formats.dicom.contours import PLANE_TOLERANCE
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import SLICE_TOLERANCE_MM, Geometry

Plane = NDArray[np.float64]
"""(3, 3): the step in mm from a pixel to the next column, to the next row, and the centre of the first; RAS+."""

Pixels = NDArray[Any]
FrameOf = Callable[[int], Pixels]
"""Gives the pixels (rows, columns) of a frame, counted from 0."""

IN_PLANE_TOLERANCE = 0.1
"""Pixels of a frame are those of the grid if none lies further from its voxel, in the plane, than this part of it."""

MOST_SLICES = 8192
"""Slices of a grid that is made of frames alone."""

_MOST_VOXELS = 1 << 31
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_NO_OFFSETS = _ITEM + b"\0\0\0\0"


@dataclass(frozen=True)
class FramePixels:
    """Where the pixels of all frames lie in a file.

    Attributes:
        path: the file.
        rows: of a frame.
        columns: of a frame.
        frames: how many there are.
        bits: of a pixel: 1 (packed without gaps between frames, lowest first), 8 or 16.
        offset: byte at which the pixels begin.
        greatest: what the fractions of a pixel are counted in, or the highest number a pixel can hold.
        syntax: TransferSyntaxUID of compressed pixels, "" if they are not compressed.
    """

    path: str
    rows: int
    columns: int
    frames: int
    bits: int
    offset: int
    greatest: int
    syntax: str = ""

    @contextmanager
    def reading(self) -> Iterator[FrameOf]:
        """What gives the pixels of one frame, while the file is open.

        Raises:
            FormatError: the file cannot be read or decoded, or is shorter than it was.
        """
        try:
            with Path(self.path).open("rb") as stream:
                if not self.syntax:
                    yield lambda index: self._cut(stream, index)
                    return
                places = self._items(stream)
                yield lambda index: self._decode(stream, places[index])
        except OSError as error:
            raise self._wrong(error.strerror or str(error)) from error

    def _cut(self, stream: IO[bytes], index: int) -> Pixels:
        count = self.rows * self.columns
        first, last = index * count * self.bits, (index + 1) * count * self.bits
        start, stop = first // 8, -(-last // 8)
        stream.seek(self.offset + start)
        data = stream.read(stop - start)
        if len(data) < stop - start:
            raise self._wrong(f"{len(data)} of {stop - start} bytes of frame {index + 1}")
        if self.bits == 1:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
            return bits[first - 8 * start :][:count].reshape(self.rows, self.columns)
        return np.frombuffer(data, "<u2" if self.bits == 16 else np.uint8).reshape(self.rows, self.columns)

    def _decode(self, stream: IO[bytes], place: tuple[int, int]) -> Pixels:
        stream.seek(place[0])
        alone = _NO_OFFSETS + stream.read(place[1] - place[0]) + _END
        layout = FrameLayout(self.syntax, self.rows, self.columns, f"<u{self.bits // 8}", self.bits)
        try:
            check_frame(lambda start, stop: alone[start:stop], 0, len(alone), layout)
            return decode_frame(alone, layout)
        except Unusable as unusable:
            raise self._wrong(f"{unusable.reason}: {unusable.detail}") from unusable
        except ValueError as error:
            raise self._wrong(str(error)) from error

    def _items(self, stream: IO[bytes]) -> list[tuple[int, int]]:
        """Where the items of all frames begin and end, behind the offset table: one for each frame."""
        places: list[tuple[int, int]] = []
        position = self.offset
        for _ in range(self.frames + 1):
            stream.seek(position)
            head = stream.read(8)
            if len(head) < 8 or head[:4] != _ITEM:
                raise self._wrong(f"{max(len(places) - 1, 0)} of {self.frames} compressed frames")
            stop = position + 8 + int.from_bytes(head[4:], "little")
            places.append((position, stop))
            position = stop
        if stream.seek(0, SEEK_END) < position:
            raise self._wrong("a file that ends inside its compressed frames")
        stream.seek(position)
        if stream.read(4) == _ITEM:
            raise self._wrong("compressed frames in several fragments, which are not read")
        return places[1:]

    def _wrong(self, found: str) -> FormatError:
        return FormatError(
            expected="frames that can be read", found=found, where=self.path, remedy="fetch the file again"
        )


@dataclass(frozen=True)
class Slab:
    """The pixels of a frame where they lie on a grid: voxels of one slice of it, or of none."""

    place: tuple[slice | int, ...] | None
    pixels: Pixels

    @staticmethod
    def nothing() -> Slab:
        """The slab of an empty frame."""
        return Slab(None, np.zeros((0, 0), np.uint8))

    def covers_other(self, layer: Pixels, value: int) -> bool:
        """Whether a pixel that is not 0 lies on a voxel of the layer with another value."""
        if self.place is None:
            return False
        there = layer[self.place]
        return bool(((there != 0) & (there != value) & (self.pixels != 0)).any())

    def put_value(self, layer: Pixels, value: int) -> None:
        """Give the voxels under pixels that are not 0 this value."""
        if self.place is not None:
            layer[self.place][self.pixels != 0] = value

    def put_over(self, layer: Pixels) -> None:
        """Copy the pixels that are not 0."""
        if self.place is not None:
            np.copyto(layer[self.place], self.pixels, where=self.pixels != 0)

    def put_greatest(self, voxels: Pixels, scale: float) -> None:
        """Put the pixels times `scale` wherever they are greater than what is there."""
        if self.place is not None:
            np.maximum(voxels[self.place], self.pixels * np.float32(scale), out=voxels[self.place])


def place_plane(plane: Plane, pixels: Pixels, grid: Geometry, where: str) -> Slab:
    """The pixels of a frame on the voxels of a grid whose centres are theirs; nothing is resampled.

    The frame may be turned or mirrored against the grid by right angles, and smaller than its slice.

    Args:
        plane: of the frame.
        pixels: (rows, columns).
        grid: whose voxels are filled.
        where: file named in the message.

    Raises:
        GeometryError: the frame lies in no slice of the grid, or between its voxels.

    Examples:
        >>> grid = Geometry((4, 3, 2), np.diag([2.0, 2.0, 5.0, 1.0]))
        >>> plane = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]])
        >>> place_plane(plane, np.ones((3, 4), np.uint8), grid, "a.dcm").place
        (slice(0, 4, None), slice(0, 3, None), 1)
    """
    rows, columns = pixels.shape
    corners = np.array([[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]])
    index = grid.to_index(corners @ plane[:, :2].T + plane[:, 2])
    steps = np.linalg.solve(grid.affine[:3, :3], plane[:, :2])
    whole = np.rint(steps)
    along = np.abs(whole).sum(axis=1)
    if not (np.abs(whole).sum(axis=0) == 1).all() or along.max() > 1:
        raise _off(where, "a frame with another orientation or pixel spacing")
    allowed = np.where(along > 0, IN_PLANE_TOLERANCE, PLANE_TOLERANCE)
    nearest = np.rint(index[0]) + corners @ whole.T
    distance = np.abs(index - nearest).max(axis=0)
    if (distance > allowed).any():
        raise _off(where, f"a frame {distance.max():.2g} voxels beside the voxels of the grid")
    low, high = nearest.min(axis=0).astype(int), nearest.max(axis=0).astype(int)
    if (low < 0).any() or (high >= grid.shape).any():
        raise _off(where, f"a frame that covers voxels {low.tolist()} to {high.tolist()} of a grid of {grid.shape}")
    i_or_j = np.argmax(np.abs(whole), axis=0)
    turned = pixels.T if i_or_j[0] < i_or_j[1] else pixels
    flips = [int(whole[axis].sum()) for axis in range(3) if along[axis]]
    place = tuple(slice(a, b + 1) if on else a for a, b, on in zip(low.tolist(), high.tolist(), along, strict=True))
    return Slab(place, turned[:: flips[0], :: flips[1]])


def own_grid(planes: Sequence[Plane], shape: tuple[int, int], gap_mm: float, where: str) -> Geometry:
    """The grid of frames that lie one above the other, in any order, with slices left out.

    Args:
        planes: of the frames.
        shape: rows and columns of a frame.
        gap_mm: the distance between slices; 0 if only the frames tell it.
        where: file named in the message.

    Raises:
        GeometryError: the frames form no regular stack.
    """
    if not planes:
        raise _off(where, "no frame", "name the series that it was drawn on")
    stacked = np.array(planes)
    first = stacked[0]
    sizes = np.linalg.norm(first[:, :2], axis=0)
    normal = np.cross(first[:, 0], first[:, 1]) / max(float(sizes.prod()), 1e-12)
    heights = stacked[:, :, 2] @ normal
    beside = stacked[:, :, 2] - first[:, 2] - np.outer(heights - heights[0], normal)
    if np.ptp(stacked[:, :, :2], axis=0).max() > 1e-3 or np.abs(beside).max() > IN_PLANE_TOLERANCE * sizes.min():
        raise _off(where, "frames that lie beside each other or differ in orientation")
    lowest = int(np.argmin(heights))
    gap, slices = _gap(np.unique(np.round(heights, 3)), gap_mm, where)
    if slices > MOST_SLICES or slices * shape[0] * shape[1] > _MOST_VOXELS:
        raise _off(where, f"{slices} slices of {shape[0]} x {shape[1]} pixels", "name the series that it was drawn on")
    affine = np.eye(4)
    affine[:3, :2] = first[:, :2]
    affine[:3, 2] = normal * gap
    affine[:3, 3] = stacked[lowest, :, 2]
    return Geometry((shape[1], shape[0], slices), affine)


def _gap(heights: NDArray[np.float64], gap_mm: float, where: str) -> tuple[float, int]:
    """Distance between slices and how many there are from the lowest to the highest."""
    gap = gap_mm if gap_mm > 0 else float(np.diff(heights).min(initial=np.inf))
    if not np.isfinite(gap) or gap < 1e-3:
        raise _off(where, "frames that do not tell the distance between slices", "name the series that it was drawn on")
    span = float(heights[-1] - heights[0])
    steps = round(span / gap)
    drift = abs(span - steps * gap)
    if steps:
        gap = span / steps
    beside = np.abs((heights - heights[0]) / gap - np.rint((heights - heights[0]) / gap)).max()
    if drift > SLICE_TOLERANCE_MM * max(steps, 1) or beside > PLANE_TOLERANCE:
        raise _off(where, f"frames that are not {gap:.4g} mm apart", "name the series that it was drawn on")
    return gap, steps + 1


def _off(where: str, found: str, remedy: str = "name the series that it was drawn on") -> GeometryError:
    return GeometryError(expected="frames that lie in the slices of a grid", found=found, where=where, remedy=remedy)
