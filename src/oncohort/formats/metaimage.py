"""MetaImage files (.mha), which evaluation platforms use for predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its own documentation's abbreviation
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.geometry import Geometry
from oncohort.storage import atomic_path, sha256_file
from oncohort.units import Unit
from oncohort.volume import Volume

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
    affine = np.eye(4)
    directions = np.array(reader.GetDirection()).reshape(3, 3)
    affine[:3, :3] = _LPS_TO_RAS @ directions * np.array(reader.GetSpacing())
    affine[:3, 3] = _LPS_TO_RAS @ np.array(reader.GetOrigin())
    return Volume(Geometry(reader.GetSize(), affine), unit, lambda: _voxels(path))


def _refuse_detached(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(4096)
    if b"ElementDataFile" in head and b"ElementDataFile = LOCAL" not in head:
        raise OSError("the voxels are said to lie in another file")


def _voxels(path: str | Path) -> NDArray[Any]:
    try:
        image = sitk.ReadImage(str(path), imageIO="MetaImageIO")
    except RuntimeError as error:
        raise _damaged(path, error) from error
    voxels: NDArray[Any] = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels


def write_metaimage(path: str | Path, volume: Volume) -> dict[str, Any]:
    """Write `volume` as a compressed .mha file, whole or not at all.

    Returns:
        `bytes` and `sha256` of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    array = volume.array.view(np.uint8) if volume.array.dtype == np.bool_ else volume.array
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    matrix = _LPS_TO_RAS @ volume.geometry.affine[:3, :3]
    image.SetSpacing(volume.geometry.spacing_mm)
    image.SetDirection((matrix / np.array(volume.geometry.spacing_mm)).ravel().tolist())
    image.SetOrigin((_LPS_TO_RAS @ volume.geometry.affine[:3, 3]).tolist())
    with atomic_path(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True, imageIO="MetaImageIO")
        except RuntimeError as error:
            raise OSError(str(error)) from error
        return {"bytes": temporary.stat().st_size, "sha256": sha256_file(temporary)}


def _damaged(path: str | Path, found: object) -> FormatError:
    return FormatError(
        expected="a readable three-dimensional MetaImage file (.mha)",
        found=str(found).strip().splitlines()[-1][:300],
        where=str(path),
        remedy="write the file again",
    )
