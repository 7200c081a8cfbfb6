"""NIfTI files as published sets have them: a synthetic notice, scaled integers, and headers with known faults.

Offsets are those of the NIfTI-1 header (nifti1.h): descrip 148, scl_slope 112, scl_inter 116, srow_x 280.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.formats.gzip_members import compress
from oncohort.formats.nifti import write_nifti
from oncohort.geometry import Geometry
from oncohort.phantoms.cohort import NOTICE
from oncohort.storage import write_bytes
from oncohort.units import Unit
from oncohort.volume import Volume

_DESCRIPTION, _SLOPE, _ROWS = 148, 112, 280
_FIELD = 80


def write_image(path: Path, volume: Volume) -> Path:
    """Write a volume to a .nii.gz file whose description says that it is synthetic."""
    write_nifti(path, volume)
    _edit(path, _DESCRIPTION, NOTICE.encode()[:_FIELD].ljust(_FIELD, b"\0"))
    return path


def write_scaled(path: Path, values: NDArray[np.generic], grid: Geometry, *, largest: int, dtype: type) -> Path:
    """Write integers (i, j, k) the way nibabel scales them into the whole range of a smaller integer type.

    The slope is `largest` divided by the steps of the type, so that most
    labels come back a little off: 1 as 1.0001983 with int16 and 28 labels.
    """
    steps = np.iinfo(dtype)
    slope = np.float32(largest / (int(steps.max) - int(steps.min)))
    intercept = np.float32(-float(slope) * int(steps.min))
    stored = np.rint(values.astype(np.float64) / float(slope) + int(steps.min))
    array: NDArray[Any] = np.clip(stored, int(steps.min), int(steps.max)).astype(dtype)
    write_image(path, Volume.from_array(array, grid, Unit.NONE))
    _edit(path, _SLOPE, struct.pack("<ff", slope, intercept))
    return path


def set_affine(path: Path, affine: ArrayLike) -> Path:
    """Put another sform into the header; the voxels and the qform stay."""
    rows = np.asarray(affine, dtype="<f4")[:3]
    _edit(path, _ROWS, rows.tobytes())
    return path


def affine_in(path: Path) -> NDArray[np.float64]:
    """The sform of a file that this module wrote."""
    head, _ = _parts(path)
    rows = np.frombuffer(head, "<f4", 12, _ROWS).reshape(3, 4).astype(np.float64)
    return np.vstack((rows, (0.0, 0.0, 0.0, 1.0)))


def cut(path: Path) -> Path:
    """Keep the first half of a file, as a full disk does."""
    data = path.read_bytes()
    write_bytes(path, data[: len(data) // 2])
    return path


def _edit(path: Path, offset: int, field: bytes) -> None:
    head, rest = _parts(path)
    edited = bytearray(head)
    edited[offset : offset + len(field)] = field
    write_bytes(path, b"".join((*compress(memoryview(bytes(edited))), rest)))


def _parts(path: Path) -> tuple[bytes, bytes]:
    """The header, which is a gzip member of its own, and the voxels, still compressed."""
    stream = zlib.decompressobj(wbits=31)
    return stream.decompress(path.read_bytes()), stream.unused_data
