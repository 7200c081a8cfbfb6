"""Planes of a NIfTI file, one at a time; the voxels stay on disk."""

from __future__ import annotations

import math
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from isal import igzip, isal_zlib
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.formats import gzip_members
from oncohort.formats.nifti_header import NiftiHeader, read_header
from oncohort.geometry import Geometry

_PIECE = 4 << 20
_DECODE_ERROR: Any = isal_zlib.error  # its stubs call it an instance


@dataclass(frozen=True, eq=False)
class NiftiPlanes:
    """An opened NIfTI file with three axes.

    Attributes:
        header: What its header says.
        stored: Voxels (i, j, k) as they are stored, without slope and intercept; mapped from disk.
    """

    header: NiftiHeader
    stored: NDArray[Any]

    def plane(self, axis: int, index: int) -> NDArray[np.float64]:
        """The voxels at `index` of `axis`, with slope and intercept; the other two axes in their order."""
        raw = self.stored[(slice(None),) * axis + (index,)].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(raw * self.header.slope + self.header.intercept, dtype=np.float64)


@contextmanager
def open_planes(path: str | Path) -> Iterator[NiftiPlanes]:
    """A NIfTI file whose planes are read when they are asked for.

    A compressed file is expanded into a nameless temporary file, no further than its header says. Whoever opens files
    of strangers looks at the header first (`oncohort.formats.nifti_header.read_header`).

    Raises:
        FormatError: The file is missing, damaged, cut, not NIfTI, or has a fourth axis.
        GeometryError: The affine is not finite or singular, or there is none.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.formats import write_volume
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.units import Unit
        >>> from oncohort.volume import Volume
        >>> voxels = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
        >>> ct = Volume.from_array(voxels, Geometry((2, 2, 2), np.eye(4)), Unit.HU)
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_volume(f"{folder}/ct.nii.gz", ct)
        ...     with open_planes(f"{folder}/ct.nii.gz") as planes:
        ...         planes.plane(2, 1).tolist()
        [[1.0, 3.0], [5.0, 7.0]]
    """
    found = Path(path)
    header = read_header(found)
    if len(header.shape) != 3:
        raise _damaged(found, "three dimensions", f"shape {header.shape}")
    with _expanded(found, header.bytes_needed) as stream:
        mapped = np.memmap(stream, header.dtype, "r", header.offset, header.shape, "F")
        yield NiftiPlanes(header, mapped)


def forms_apart_mm(path: str | Path) -> float:
    """Greatest distance in mm between the same corner by sform and by qform; 0 where the file has one of them only.

    Programs differ in which of both they believe; we take the sform. A qform cannot hold shears: without them is right.

    Raises:
        FormatError: The file is missing or not NIfTI.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    geometry = read_header(path).geometry
    data = gzip_members.read_bytes(Path(path), 540)
    kind = Nifti1Header if 348 in (int.from_bytes(data[:4], order) for order in ("little", "big")) else Nifti2Header
    header = kind(data[: kind.template_dtype.itemsize], check=False)
    try:
        sform, qform = (read(coded=True)[0] for read in (header.get_sform, header.get_qform))
        if sform is None or qform is None:
            return 0.0
        header.set_qform(sform, code=1, strip_shears=True)
        wanted = (geometry, Geometry(geometry.shape, header.get_qform()))
        return min(one.largest_offset_mm(Geometry(geometry.shape, qform)) for one in wanted)
    except (HeaderDataError, GeometryError, ValueError):
        return math.inf


@contextmanager
def _expanded(path: Path, count: int) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        size = path.stat().st_size
    except OSError as error:
        raise _damaged(path, "a readable file", str(error)) from error
    if not is_packed:
        if size < count:
            raise _damaged(path, f"{count} bytes of header and voxels", f"{size} bytes (truncated)")
        with path.open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as stream:
        got = 0
        for piece in _pieces(path, count):
            stream.write(piece)
            got += len(piece)
        if got < count:
            raise _damaged(path, f"{count} bytes of header and voxels", f"{got} bytes (truncated)")
        stream.flush()
        yield stream


def _pieces(path: Path, count: int) -> Iterator[bytes]:
    left = count
    try:
        with igzip.open(path, "rb") as stream:
            while left > 0 and (piece := stream.read(min(left, _PIECE))):
                left -= len(piece)
                yield bytes(piece)
    except (EOFError, zlib.error, _DECODE_ERROR, OSError) as error:
        raise _damaged(path, "a readable file", str(error) or type(error).__name__) from error


def _damaged(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="fetch or write the file again")
