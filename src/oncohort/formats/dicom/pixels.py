"""Pixels of slices in order, as voxels (i, j, k) in HU or SUV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oncohort.errors import FormatError
from oncohort.formats.dicom.compression import FrameLayout, check_frame, decode_frame, find_frame
from oncohort.formats.dicom.values import Unusable

Voxels = NDArray[Any]
_INT16, _INT32 = np.iinfo(np.int16), np.iinfo(np.int32)
_THREADS = 2


@dataclass(frozen=True, slots=True)
class SliceFile:
    """Where the pixels of one slice lie in a file, and what they are worth.

    Attributes:
        path: the file.
        bytes: its size when it was indexed.
        mtime_ns: its modification time when it was indexed.
        offset: byte at which the pixels begin, or the first item of compressed ones.
        columns: pixels along a row (i).
        rows: pixels along a column (j).
        dtype: NumPy type of a stored pixel with byte order.
        bits_stored: bits of a pixel that count.
        slope: from stored to real values.
        intercept: from stored to real values.
        factor: from real values to the unit of the volume: SUVbw of a PET slice, 1 for CT.
        syntax: TransferSyntaxUID of compressed pixels; "" if uncompressed.
    """

    path: str
    bytes: int
    mtime_ns: int
    offset: int
    columns: int
    rows: int
    dtype: str
    bits_stored: int
    slope: float
    intercept: float
    factor: float = 1.0
    syntax: str = ""


def read_voxels(slices: Sequence[SliceFile], modality: str) -> Voxels:
    """Voxels (i, j, k) of a series, Fortran-ordered; uncompressed slices are read by two threads.

    CT becomes int16 (int32 if a value does not fit; float32 if a slope is no integer), PET float32. Beside the volume
    one slice for each thread is in memory.

    Args:
        slices: in order along k, all of one size.
        modality: "CT" or "PT".

    Raises:
        FormatError: a file changed since it was indexed, or cannot be read.
    """
    if modality == "CT" and all(_is_whole(one) for one in slices):
        try:
            return _filled(slices, np.int16, _whole_numbers)
        except _TooWide:
            return _filled(slices, np.int32, _whole_numbers)
    return _filled(slices, np.float32, _real_numbers)


class _TooWide(Exception):  # noqa: N818 - no error: the voxels are read again with more bits
    """A value does not fit into 16 bits."""


def _filled(slices: Sequence[SliceFile], dtype: DTypeLike, fill: Callable[[SliceFile, Voxels], None]) -> Voxels:
    voxels = np.empty((len(slices), slices[0].rows, slices[0].columns), dtype)
    with ThreadPoolExecutor(1 if slices[0].syntax else _THREADS) as pool:  # decoders hold the lock of the interpreter
        for _ in pool.map(fill, slices, voxels):
            pass
    return voxels.transpose(2, 1, 0)


def _real_numbers(one: SliceFile, plane: Voxels) -> None:
    plane[...] = read_stored(one) * (one.slope * one.factor) + one.intercept * one.factor


def _whole_numbers(one: SliceFile, plane: Voxels) -> None:
    wide = max(map(abs, _ends(one, 0.0))) > _INT32.max
    values: Voxels = read_stored(one).astype(np.int64 if wide else np.int32)
    if one.slope != 1.0:
        values *= int(one.slope)
    values += int(one.intercept)
    if plane.dtype == np.int16 and not _fits(_ends(one), _INT16) and not _fits((values.min(), values.max()), _INT16):
        raise _TooWide
    plane[...] = values


def _is_whole(one: SliceFile) -> bool:
    return one.slope.is_integer() and one.intercept.is_integer() and _fits(_ends(one), _INT32)


def _fits(ends: tuple[float, float], limits: np.iinfo[Any]) -> bool:
    return bool(limits.min <= min(ends) and max(ends) <= limits.max)


def _ends(one: SliceFile, intercept: float | None = None) -> tuple[float, float]:
    """What the lowest and the highest number that can be stored are worth."""
    signed = one.dtype[1] == "i"
    low = -(2 ** (one.bits_stored - 1)) if signed else 0
    high = 2 ** (one.bits_stored - 1) - 1 if signed else 2**one.bits_stored - 1
    offset = one.intercept if intercept is None else intercept
    return low * one.slope + offset, high * one.slope + offset


def read_stored(one: SliceFile) -> Voxels:
    """Stored pixels (rows, columns) of one slice; bits beyond the stored ones are cut off.

    Raises:
        FormatError: the file changed since it was indexed, or cannot be read.
    """
    path = Path(one.path)
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (one.bytes, one.mtime_ns):
            raise _changed(one, "a file that has changed since it was indexed")
        with path.open("rb") as stream:
            stored = _decoded(one, stream) if one.syntax else _plain(one, stream)
    except OSError as error:
        raise _changed(one, error.strerror or str(error)) from error
    spare = 8 * stored.dtype.itemsize - one.bits_stored
    return stored if spare == 0 else (stored << spare) >> spare


def _plain(one: SliceFile, stream: BinaryIO) -> Voxels:
    dtype = np.dtype(one.dtype)
    size = one.rows * one.columns * dtype.itemsize
    stream.seek(one.offset)
    data = stream.read(size)
    if len(data) < size:
        raise _changed(one, f"{len(data)} of {size} bytes of pixels")
    return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False).reshape(one.rows, one.columns)


def _decoded(one: SliceFile, stream: BinaryIO) -> Voxels:
    def cut(start: int, stop: int) -> bytes:
        stream.seek(start)
        return stream.read(stop - start)

    layout = FrameLayout(one.syntax, one.rows, one.columns, one.dtype, one.bits_stored)
    try:
        check_frame(cut, one.offset, one.bytes, layout)
        return decode_frame(cut(one.offset, find_frame(cut, one.offset, one.bytes) + 8), layout)
    except Unusable as unusable:
        raise _changed(one, f"{unusable.reason}: {unusable.detail}") from unusable
    except ValueError as error:
        raise _changed(one, str(error)) from error


def _changed(one: SliceFile, found: str) -> FormatError:
    return FormatError(expected="the slice as it was indexed", found=found, where=one.path, remedy="ingest again")
