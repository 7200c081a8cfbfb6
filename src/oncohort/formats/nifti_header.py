"""What the header of a NIfTI file says, read without its voxels.

Folders hold hundreds of thousands of such files, many with the same header. So
a file is opened once, no more than the header is decompressed, and what a
header means is remembered.
"""

from __future__ import annotations

import logging
import math
import os
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.formats import gzip_members
from oncohort.geometry import Geometry

_BYTES_1, _BYTES_2 = 348, 540
_VOX_OFFSET = 352
_FIRST_BYTES = 4096  # compressed; holds any header but those behind long gzip fields
_GZIP = 31  # window bits of zlib for a gzip member
_LFS_POINTER = b"version https://git-lfs"
_KEPT = 1024
_WITHOUT_MEANING = ((4, 40), (124, 132), (140, 252), (328, 344))
"""Bytes of a NIfTI-1 header that say nothing of grid or voxels: unused fields, display range, texts."""

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class NiftiHeader:
    """Where voxels lie in space and in the file.

    Attributes:
        shape: Voxels along three or four axes; further axes of one step are left out.
        dtype: How a voxel is stored.
        offset: Bytes before the first voxel.
        slope: Factor of the stored numbers.
        intercept: What is added then.
        geometry: The grid of the first three axes.
        spacing_mm: Its spacing as the header states it beside the affine, where SimpleITK and with it nnU-Net read it:
            equal but for the rounding to float32. The spacing of the affine where the header says something else.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    geometry: Geometry
    spacing_mm: tuple[float, float, float]

    @property
    def bytes_needed(self) -> int:
        """Bytes of header and voxels together, decompressed."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class NiftiFile:
    """A file by its header and its ends.

    Attributes:
        header: What the header says.
        bytes: Size of the file.
        is_whole: Whether all voxels are there; None where only decompressing can tell (several gzip members).
    """

    header: NiftiHeader
    bytes: int
    is_whole: bool | None


def look_at_nifti(path: str | Path) -> NiftiFile:
    """The header of a NIfTI file, and whether the file ends where it should; no voxel is decompressed.

    A gzip file ends with the size of what it holds; a cut one ends with
    something else.

    Raises:
        FormatError: The file is missing, damaged, not NIfTI, or not of three or four axes.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    start, size, end = _ends(str(path))
    header = _read(start, Path(path))
    if not start.startswith(b"\x1f\x8b"):
        return NiftiFile(header, size, size >= header.bytes_needed)
    is_whole = int.from_bytes(end, "little") in _whole_endings(header.bytes_needed)
    return NiftiFile(header, size, True if is_whole else None)


def read_header(path: str | Path) -> NiftiHeader:
    """The header of a NIfTI file.

    The affine is the sform if its code is above 0, else the qform; a file with
    neither is refused.

    Raises:
        FormatError: The file is missing, damaged, not NIfTI, or not of three or four axes.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    return look_at_nifti(path).header


def _ends(path: str) -> tuple[bytes, int, bytes]:
    """The first bytes of a file, its size, and its last four bytes."""
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - Path.open takes twice as long
            start = stream.read(_FIRST_BYTES)
            size = os.fstat(stream.fileno()).st_size
            if size <= len(start):
                return start, size, start[-4:]
            stream.seek(-4, os.SEEK_END)
            return start, size, stream.read(4)
    except OSError as error:
        raise FormatError(
            expected="a readable file",
            found=str(error) or type(error).__name__,
            where=path,
            remedy="fetch or write the file again",
        ) from error


def _read(start: bytes, path: Path) -> NiftiHeader:
    data = _decompressed(start, path)
    try:
        return _remembered(_meaning(data))
    except (FormatError, GeometryError):
        return _parsed(data, path)  # raises again, naming the file


def _decompressed(start: bytes, path: Path) -> bytes:
    if not start.startswith(b"\x1f\x8b"):
        return start[:_BYTES_2]
    try:
        data = zlib.decompressobj(_GZIP).decompress(start, _BYTES_2)
    except zlib.error:
        data = b""
    is_enough = len(data) >= (_BYTES_1 if _size_of_header(data) == _BYTES_1 else _BYTES_2)
    return data if is_enough else gzip_members.read_bytes(path, _BYTES_2)


def _size_of_header(data: bytes) -> int | None:
    sizes = {int.from_bytes(data[:4], order) for order in ("little", "big")}
    return next((size for size in (_BYTES_1, _BYTES_2) if size in sizes and len(data) >= size), None)


def _meaning(data: bytes) -> bytes:
    """The header without bytes that say nothing of grid or voxels."""
    if _size_of_header(data) != _BYTES_1:
        return data
    kept = bytearray(data[:_BYTES_1])
    for start, end in _WITHOUT_MEANING:
        kept[start:end] = bytes(end - start)
    return bytes(kept)


@lru_cache(maxsize=_KEPT)
def _remembered(data: bytes) -> NiftiHeader:
    return _parsed(data, Path("NIfTI header"))


def _parsed(data: bytes, path: Path) -> NiftiHeader:
    header = _header(path, data)
    shape = _shape(header, path)
    dtype = _dtype(header, path)
    if dtype.kind not in "iufb":
        raise _damaged(path, "integers or floats", f"voxels of type {dtype}")
    slope, intercept = _scaling(header, path)
    offset = _offset(header, path)
    try:
        geometry = Geometry(shape[:3], _affine(header, path))
        return NiftiHeader(shape, dtype, offset, slope, intercept, geometry, _spacing(header, geometry))
    except GeometryError as error:
        raise GeometryError(expected=error.expected, found=error.found, where=str(path), remedy=error.remedy) from error


def _spacing(header: Nifti1Header, geometry: Geometry) -> tuple[float, float, float]:
    x, y, z = map(float, header["pixdim"][1:4])
    return (x, y, z) if np.allclose((x, y, z), geometry.spacing_mm, rtol=1e-5, atol=0) else geometry.spacing_mm


def _header(path: Path, data: bytes) -> Nifti1Header:
    if data.startswith(_LFS_POINTER):
        raise _damaged(path, "an image", "a Git LFS pointer; run `git lfs pull`")
    size = _size_of_header(data)
    if size is None:
        raise _damaged(path, "a NIfTI file", "another kind of file or an empty one")
    try:
        header = (Nifti1Header if size == _BYTES_1 else Nifti2Header)(data[:size], check=False)
        header.check_fix(logger=_LOG)
    except (HeaderDataError, WrapStructError, ValueError, KeyError) as error:
        raise _damaged(path, "a NIfTI header", str(error)) from error
    return header


def _shape(header: Nifti1Header, path: Path) -> tuple[int, ...]:
    shape = tuple(int(edge) for edge in header.get_data_shape())
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if not 3 <= len(shape) <= 4 or min(shape) < 1:
        raise _damaged(path, "three dimensions", f"shape {shape}")
    return shape


def _dtype(header: Nifti1Header, path: Path) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except HeaderDataError as error:
        raise _damaged(path, "integers or floats", str(error)) from error
    return dtype


def _offset(header: Nifti1Header, path: Path) -> int:
    offset = float(header["vox_offset"])
    if bytes(header["magic"].item())[:2] != b"n+" or not _BYTES_1 <= offset < 2**31:
        raise _damaged(path, "a single file with header and voxels", f"magic {header['magic']}, voxels at {offset:g}")
    return int(offset)


def _scaling(header: Nifti1Header, path: Path) -> tuple[float, float]:
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise _damaged(path, "a finite slope and intercept", str(error)) from error
    return 1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)


def _affine(header: Nifti1Header, path: Path) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        affine, code = header.get_sform(coded=True)
    if not code:
        try:
            affine, code = header.get_qform(coded=True)
        except (HeaderDataError, ValueError) as error:
            raise GeometryError(
                expected="a valid qform", found=str(error), where=str(path), remedy="repair the header of the file"
            ) from error
    if not code:
        raise GeometryError(
            expected="an sform or a qform", found="neither", where=str(path), remedy="write the file with its affine"
        )
    return np.asarray(affine, dtype=np.float64)


def _damaged(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="fetch or write the file again")


def _whole_endings(needed: int) -> set[int]:
    """Last four bytes of whole gzip files: one member, or header and pieces as this package writes them."""
    last = (needed - _VOX_OFFSET) % gzip_members.MEMBER_BYTES or gzip_members.MEMBER_BYTES
    return {needed % 2**32, last}
