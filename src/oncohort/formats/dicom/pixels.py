"""Pixels of slices in order, as voxels (i, j, k) in HU or SUV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError

Voxels = NDArray[Any]
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class SliceFile:
    """Where the pixels of one slice lie in a file, and what they are worth.

    Attributes:
        path: the file.
        bytes: its size when it was indexed.
        mtime_ns: its modification time when it was indexed.
        offset: byte at which the pixels begin.
        columns: pixels along a row (i).
        rows: pixels along a column (j).
        dtype: NumPy type of a stored pixel with byte order.
        bits_stored: bits of a pixel that count.
        slope: from stored to real values.
        intercept: from stored to real values.
        factor: from real values to the unit of the volume: SUVbw of a PET slice, 1 for CT.
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


def read_voxels(slices: Sequence[SliceFile], modality: str) -> Voxels:
    """Voxels (i, j, k) of a series, Fortran-ordered.

    CT becomes int16 (int32 if a value does not fit; float32 if a slope is no integer), PET float32.

    Args:
        slices: in order along k, all of one size.
        modality: "CT" or "PT".

    Raises:
        FormatError: a file changed since it was indexed, or cannot be read.
    """
    if modality == "CT" and all(one.slope.is_integer() and one.intercept.is_integer() for one in slices):
        return _whole_numbers(slices)
    voxels = np.empty((len(slices), slices[0].rows, slices[0].columns), np.float32)
    for k, one in enumerate(slices):
        voxels[k] = read_stored(one) * (one.slope * one.factor) + one.intercept * one.factor
    return voxels.transpose(2, 1, 0)


def _whole_numbers(slices: Sequence[SliceFile]) -> Voxels:
    dtype = np.int16 if all(_fits_int16(one) for one in slices) else np.int32
    voxels = np.empty((len(slices), slices[0].rows, slices[0].columns), dtype)
    for k, one in enumerate(slices):
        voxels[k] = read_stored(one).astype(np.int64) * int(one.slope) + int(one.intercept)
    if dtype is np.int32 and voxels.min() >= _INT16.min and voxels.max() <= _INT16.max:
        voxels = voxels.astype(np.int16)
    return voxels.transpose(2, 1, 0)


def _fits_int16(one: SliceFile) -> bool:
    signed = one.dtype[1] == "i"
    low = -(2 ** (one.bits_stored - 1)) if signed else 0
    high = 2 ** (one.bits_stored - 1) - 1 if signed else 2**one.bits_stored - 1
    ends = (low * one.slope + one.intercept, high * one.slope + one.intercept)
    return bool(_INT16.min <= min(ends) and max(ends) <= _INT16.max)


def read_stored(one: SliceFile) -> Voxels:
    """Stored pixels (rows, columns) of one slice; bits beyond the stored ones are cut off.

    Raises:
        FormatError: the file changed since it was indexed, or cannot be read.
    """
    dtype = np.dtype(one.dtype)
    count = one.rows * one.columns
    path = Path(one.path)
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (one.bytes, one.mtime_ns):
            raise _changed(one, "a file that has changed since it was indexed")
        with path.open("rb") as stream:
            stream.seek(one.offset)
            data = stream.read(count * dtype.itemsize)
    except OSError as error:
        raise _changed(one, error.strerror or str(error)) from error
    if len(data) < count * dtype.itemsize:
        raise _changed(one, f"{len(data)} of {count * dtype.itemsize} bytes of pixels")
    stored = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False).reshape(one.rows, one.columns)
    spare = 8 * dtype.itemsize - one.bits_stored
    return stored if spare == 0 else (stored << spare) >> spare


def _changed(one: SliceFile, found: str) -> FormatError:
    return FormatError(expected="the slice as it was indexed", found=found, where=one.path, remedy="ingest again")
