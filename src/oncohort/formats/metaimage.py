"""MetaImage files (.mha, .mhd), which evaluation platforms use for predictions."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
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

_LINE = re.compile(rb"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*\r?$", re.M)
_DATA_FILE = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[ \t]*(.*?)[ \t]*\r?(?:\n|\Z)", re.M)
_MOST_HEADER = 64 << 10
_PIECE_BYTES = 4 << 20
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_metaimage(path: str | Path, unit: Unit = Unit.NONE) -> Volume:
    """The volume in a MetaImage file (.mha), voxels read on first use.

    A header (.mhd) may name one file of the same folder that holds the voxels; an .mha file holds them itself.

    Raises:
        FormatError: The file is missing, damaged, not three-dimensional, or names files elsewhere or several.
        GeometryError: Its directions or spacing make no grid.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    try:
        _data_of(Path(path))
        reader.ReadImageInformation()
    except (RuntimeError, OSError) as error:
        raise _damaged(path, error) from error
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise _damaged(path, f"{reader.GetDimension()} dimensions, {reader.GetNumberOfComponents()} components")
    geometry = _geometry(reader, path)
    expected = int(np.prod(geometry.shape)) * _bytes_of_a_voxel(reader)
    return Volume(geometry, unit, lambda: _voxels(path, expected))


def _bytes_of_a_voxel(reader: sitk.ImageFileReader) -> int:
    return int(sitk.Image((1, 1, 1), reader.GetPixelID()).GetSizeOfPixelComponent())


def _geometry(reader: sitk.ImageFileReader, path: str | Path) -> Geometry:
    affine = np.eye(4)
    directions = np.array(reader.GetDirection()).reshape(3, 3)
    affine[:3, :3] = _LPS_TO_RAS @ directions * np.array(reader.GetSpacing())
    affine[:3, 3] = _LPS_TO_RAS @ np.array(reader.GetOrigin())
    try:
        return Geometry(reader.GetSize(), affine)
    except GeometryError as error:
        raise GeometryError(expected=error.expected, found=error.found, where=str(path), remedy=error.remedy) from error


@dataclass(frozen=True)
class _Data:
    """Where the voxels of a file lie."""

    path: Path
    offset: int
    is_compressed: bool


def _data_of(path: Path) -> _Data:
    """Where the voxels are: behind the header, or in one other file of the same folder.

    Raises:
        OSError: The header does not say so, or says something that no voxels can be found by.
    """
    with path.open("rb") as stream:
        head = stream.read(_MOST_HEADER)
    said = _DATA_FILE.search(head)
    if said is None:
        raise OSError("a header without ElementDataFile")
    facts = dict(_LINE.findall(head[: said.start()]))
    if facts.get(b"BinaryData", b"True").lower() != b"true":
        raise OSError("voxels written as text")
    if facts.get(b"HeaderSize", b"0") not in (b"0", b"-1"):
        raise OSError(f"HeaderSize {facts[b'HeaderSize'].decode(errors='replace')}")
    name = said[1].decode(errors="replace")
    is_compressed = facts.get(b"CompressedData", b"False").lower() == b"true"
    if name.upper() == "LOCAL":
        return _Data(path, said.end(), is_compressed)
    if path.suffix.lower() != ".mhd" or name.split() != [name] or name == "LIST" or "%" in name or {*name} & {*"/\\"}:
        raise OSError(f"voxels that are said to lie in another file: {name[:80]!r}")
    return _Data(path.with_name(name), 0, is_compressed)


def _voxels(path: str | Path, expected: int) -> NDArray[Any]:
    try:
        _require_size(_data_of(Path(path)), expected)
        image = sitk.ReadImage(str(path), imageIO="MetaImageIO")
    except (RuntimeError, OSError, zlib.error) as error:
        raise _damaged(path, error) from error
    voxels: NDArray[Any] = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels


def _require_size(data: _Data, expected: int) -> None:
    """Raise unless the voxels have the size that the header says, which the reading library does not check.

    It fills what compressed voxels lack with zeros, passes over what there is too much, and does not look at the
    check sum.
    """
    if not data.is_compressed:
        found = data.path.stat().st_size - data.offset
        if found != expected:
            raise OSError(f"{found} bytes of voxels where the header says {expected}")
        return
    stream, found = zlib.decompressobj(), 0
    with data.path.open("rb") as file:
        file.seek(data.offset)
        piece = file.read(_PIECE_BYTES)
        while piece and not stream.eof and found <= expected:
            found += len(stream.decompress(piece, _PIECE_BYTES))
            piece = stream.unconsumed_tail or file.read(_PIECE_BYTES)
    if not stream.eof or found != expected:
        raise OSError(f"compressed voxels that end too early or too late: {found} bytes of {expected}")


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
