"""MetaImage files (.mha), which evaluation platforms use for predictions."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its own documentation's abbreviation
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.geometry import Geometry
from oncohort.storage import atomic_path, sha256_file
from oncohort.units import Unit
from oncohort.volume import Volume

_LOCAL = b"ElementDataFile = LOCAL"
_PIECE_BYTES = 4 << 20
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_metaimage(path: str | Path, unit: Unit = Unit.NONE) -> Volume:
    """The volume in a MetaImage file (.mha), voxels read on first use.

    Raises:
        FormatError: The file is missing, damaged, detached from its data, or not three-dimensional.
        GeometryError: Its directions or spacing make no grid.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    try:
        _refuse_detached(Path(path))
        reader.ReadImageInformation()
    except (RuntimeError, OSError) as error:
        raise _damaged(path, error) from error
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise _damaged(path, f"{reader.GetDimension()} dimensions, {reader.GetNumberOfComponents()} components")
    return Volume(_geometry(reader, path), unit, lambda: _voxels(path))


def _geometry(reader: sitk.ImageFileReader, path: str | Path) -> Geometry:
    affine = np.eye(4)
    directions = np.array(reader.GetDirection()).reshape(3, 3)
    affine[:3, :3] = _LPS_TO_RAS @ directions * np.array(reader.GetSpacing())
    affine[:3, 3] = _LPS_TO_RAS @ np.array(reader.GetOrigin())
    try:
        return Geometry(reader.GetSize(), affine)
    except GeometryError as error:
        raise GeometryError(expected=error.expected, found=error.found, where=str(path), remedy=error.remedy) from error


def _refuse_detached(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(4096)
    if b"ElementDataFile" in head and _LOCAL not in head:
        raise OSError("the voxels are said to lie in another file")


def _voxels(path: str | Path) -> NDArray[Any]:
    try:
        _require_whole(Path(path))
        image = sitk.ReadImage(str(path), imageIO="MetaImageIO")
    except (RuntimeError, OSError, zlib.error) as error:
        raise _damaged(path, error) from error
    voxels: NDArray[Any] = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels


def _require_whole(path: Path) -> None:
    """Check the sum at the end of compressed voxels, which the reading library passes over."""
    data = path.read_bytes()
    head, mark, _ = data.partition(b"\n" + _LOCAL)
    if b"CompressedData = True" not in head:
        return
    stream = zlib.decompressobj()
    piece = data[len(head) + len(mark) + 1 :]
    while piece and not stream.eof:
        stream.decompress(piece, _PIECE_BYTES)
        piece = stream.unconsumed_tail
    if not stream.eof:
        raise OSError("compressed voxels that end too early")


def write_metaimage(path: str | Path, volume: Volume) -> dict[str, Any]:
    """Write `volume` as a compressed .mha file, whole or not at all.

    Voxels are stored as `write_nifti` stores them: booleans as uint8, floats as float32.

    Returns:
        `bytes` and `sha256` of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    array = _storable(volume.array)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    matrix = _LPS_TO_RAS @ volume.geometry.affine[:3, :3]
    image.SetSpacing(volume.geometry.spacing_mm)
    image.SetDirection((matrix / np.array(volume.geometry.spacing_mm)).ravel().tolist())
    image.SetOrigin((_LPS_TO_RAS @ volume.geometry.affine[:3, 3]).tolist())
    with atomic_path(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True, imageIO="MetaImageIO")
        except RuntimeError as error:
            raise OSError(_last_line(error)) from error
        return {"bytes": temporary.stat().st_size, "sha256": sha256_file(temporary)}


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _last_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]


def _damaged(path: str | Path, found: object) -> FormatError:
    return FormatError(
        expected="a readable three-dimensional MetaImage file (.mha)",
        found=_last_line(found),
        where=str(path),
        remedy="write the file again",
    )
