"""NIfTI-1 and NIfTI-2 files, compressed or not.

Voxels keep the type that the file stores; scaled integers become float32. The
header is read at once, the voxels when they are first asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats import gzip_members
from oncohort.formats.nifti_header import NiftiHeader, read_header
from oncohort.formats.whole_numbers import as_labels
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.storage import atomic_path, sha256_file
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

_VOX_OFFSET = 352


@dataclass(frozen=True)
class _Stored:
    """The voxels of one file as they lie on disk."""

    path: Path
    header: NiftiHeader

    def read(self, channel: int | None = None) -> NDArray[Any]:
        """All voxels, or those of one step of the fourth axis, which lie together."""
        header = self.header
        shape = header.shape if channel is None else header.shape[:3]
        count = math.prod(shape)
        start = header.offset + (channel or 0) * count * header.dtype.itemsize
        size = start + count * header.dtype.itemsize
        data = gzip_members.read_bytes(self.path, size)
        if len(data) < size:
            raise _damaged(self.path, f"{size} bytes of header and voxels", f"{len(data)} bytes (truncated)")
        array = np.frombuffer(data, header.dtype, count, start).reshape(shape, order="F")
        array = array.astype(header.dtype.newbyteorder("="), copy=False)
        return array if (header.slope, header.intercept) == (1.0, 0.0) else self._scaled(array)

    def _scaled(self, array: NDArray[Any]) -> NDArray[Any]:
        wide: type[np.floating[Any]] = np.float64 if self.header.dtype.itemsize > 4 else np.float32
        scaled: NDArray[np.floating[Any]] = array.astype(wide)
        np.multiply(scaled, wide(self.header.slope), out=scaled)
        np.add(scaled, wide(self.header.intercept), out=scaled)
        return scaled


@dataclass(frozen=True, eq=False)
class _Layers:
    """The layers of a file with four axes, read together and once."""

    stored: _Stored

    @cached_property
    def array(self) -> NDArray[Any]:
        return self.stored.read()


def read_nifti(path: str | Path, unit: Unit = Unit.NONE) -> Volume:
    """The volume in a NIfTI file (.nii, .nii.gz), voxels read on first use.

    The affine is the sform if its code is above 0, else the qform; a file with
    neither is refused.

    Args:
        path: The file.
        unit: What its numbers mean; NIfTI cannot say it.

    Raises:
        FormatError: The file is missing, damaged, not NIfTI, or not three-dimensional.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    stored, geometry = _stored(Path(path))
    if len(stored.header.shape) != 3:
        raise _damaged(stored.path, "three dimensions", f"shape {stored.header.shape}")
    return Volume(geometry, unit, stored.read)


def read_nifti_channel(path: str | Path, channel: int, unit: Unit = Unit.NONE) -> Volume:
    """One step of the fourth axis of a NIfTI file, voxels read on first use.

    Args:
        path: The file, with four axes.
        channel: Which step, from 0.
        unit: What its numbers mean.

    Raises:
        FormatError: The file is missing, damaged, not NIfTI, or has no such step.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    stored, geometry = _stored(Path(path))
    if len(stored.header.shape) != 4 or not 0 <= channel < stored.header.shape[3]:
        raise _damaged(stored.path, f"a fourth axis of at least {channel + 1} steps", f"shape {stored.header.shape}")
    return Volume(geometry, unit, lambda: stored.read(channel))


def read_label_map(path: str | Path, scheme: LabelScheme) -> LabelMap:
    """The labels in a NIfTI file: one layer, or one per step of the fourth axis.

    Scaled masks (a slope in the header) are rounded; anything that is not an
    integer after scaling is refused.

    Raises:
        FormatError: The file cannot be read, or a voxel is no integer from 0 to 65535.
        GeometryError: The affine is not finite or singular, or there is none.
    """
    stored, geometry = _stored(Path(path))
    if len(stored.header.shape) == 3:
        return LabelMap(
            geometry, (Volume(geometry, Unit.LABEL, lambda: as_labels(stored.read(), stored.path)),), scheme
        )
    shared = _Layers(stored)
    layers = tuple(_lazy_layer(shared, geometry, index) for index in range(stored.header.shape[3]))
    return LabelMap(geometry, layers, scheme)


def _lazy_layer(shared: _Layers, geometry: Geometry, index: int) -> Volume:
    return Volume(geometry, Unit.LABEL, lambda: as_labels(shared.array[..., index], shared.stored.path))


def integer_labels(volume: Volume, where: str | Path) -> Volume:
    """`volume` as integer labels, whatever type its file stores.

    Raises:
        FormatError: When the voxels are read: one is no integer from 0 to 65535.
    """
    return Volume(volume.geometry, Unit.LABEL, lambda: as_labels(volume.array, where), volume.record)


def write_nifti(path: str | Path, volume: Volume, *, one_member: bool = False) -> dict[str, Any]:
    """Write `volume` to a NIfTI-1 file, whole or not at all.

    Voxels are stored in their own type (booleans as uint8, other floats as float32)
    with slope 1; sform and qform hold the affine. Equal volumes give equal
    bytes.

    Args:
        path: .nii, or .nii.gz for gzip.
        volume: What is written.
        one_member: One gzip member instead of several, slower, for readers that stop after the first.

    Returns:
        `bytes` and `sha256` of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    return _write(Path(path), _storable(volume.array), volume.geometry, one_member=one_member)


def write_label_map(path: str | Path, label_map: LabelMap) -> dict[str, Any]:
    """Write a label map: one layer as 3D, several along the fourth axis.

    Returns:
        `bytes` and `sha256` of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    arrays = [_storable(layer.array) for layer in label_map.layers]
    array = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=-1)
    return _write(Path(path), array, label_map.geometry)


def _stored(path: Path) -> tuple[_Stored, Geometry]:
    header = read_header(path)
    return _Stored(path, header), header.geometry


def _write(path: Path, array: NDArray[Any], geometry: Geometry, *, one_member: bool = False) -> dict[str, Any]:
    header = Nifti1Header()
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    header.set_zooms((*geometry.spacing_mm, 1.0)[: array.ndim])
    header.set_qform(geometry.affine, code=1, strip_shears=True)
    header.set_sform(geometry.affine, code=1)
    header.set_xyzt_units("mm")
    header["vox_offset"] = _VOX_OFFSET
    header["magic"] = b"n+1"
    header.set_slope_inter(1.0, 0.0)
    head = np.frombuffer(header.binaryblock + bytes(4), np.uint8)
    flat = array.reshape(-1, order="F").view(np.uint8)
    with atomic_path(path) as temporary:
        with temporary.open("wb") as stream:
            if path.suffix.lower() == ".gz" and one_member:
                stream.write(gzip_members.compress_whole(memoryview(b"".join((head.data, flat.data)))))
            elif path.suffix.lower() == ".gz":
                stream.write(b"".join(gzip_members.compress(head.data)))
                for member in gzip_members.compress(flat.data):
                    stream.write(member)
            else:
                stream.write(head.data)
                stream.write(flat.data)
        digest = sha256_file(temporary)
        size = temporary.stat().st_size
    return {"bytes": size, "sha256": digest}


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _damaged(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="fetch or write the file again")


def header_facts(volume: Volume | LabelMap) -> Mapping[str, Any]:
    """Shape, spacing, orientation and affine as `volumes.parquet` holds them.

    Examples:
        >>> grid = Geometry((1, 2, 3), np.eye(4))
        >>> header_facts(Volume.from_array(np.zeros((1, 2, 3)), grid, Unit.NONE))["orientation"]
        'RAS'
    """
    return grid_facts(volume.geometry)


def grid_facts(grid: Geometry) -> Mapping[str, Any]:
    """Shape, spacing, orientation and affine of a grid as `volumes.parquet` holds them."""
    return {
        "shape": list(grid.shape),
        "spacing_mm": list(grid.spacing_mm),
        "orientation": grid.orientation,
        "affine": grid.affine.ravel().tolist(),
    }
