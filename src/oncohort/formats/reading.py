"""Volumes by file name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.metaimage import read_metaimage, write_metaimage
from oncohort.formats.nifti import read_nifti, write_nifti
from oncohort.units import Unit
from oncohort.volume import Volume

VOLUME_SUFFIXES: tuple[str, ...] = (".nii.gz", ".nii", ".mha")
"""Of files that are one volume; a MetaImage header (.mhd) beside its voxels is read, too."""

_READERS: dict[str, Callable[[str | Path, Unit], Volume]] = {
    ".nii.gz": read_nifti,
    ".nii": read_nifti,
    ".mha": read_metaimage,
    ".mhd": read_metaimage,
}
_WRITERS: dict[str, Callable[[str | Path, Volume], dict[str, Any]]] = {
    ".nii.gz": write_nifti,
    ".nii": write_nifti,
    ".mha": write_metaimage,
}


def read_volume(path: str | Path, unit: Unit = Unit.NONE) -> Volume:
    """The volume in a NIfTI (.nii, .nii.gz) or MetaImage (.mha, .mhd) file, read on first use.

    Args:
        path: The file.
        unit: What its numbers mean; the formats cannot say it.

    Raises:
        FormatError: No such format, or the file cannot be read.
        GeometryError: The file has no usable grid.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from oncohort.geometry import Geometry
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> with TemporaryDirectory() as folder:
        ...     ct = Volume.from_array(np.full((2, 2, 2), 7, np.int16), grid, Unit.HU)
        ...     _ = write_volume(f"{folder}/a.nii.gz", ct)
        ...     int(read_volume(f"{folder}/a.nii.gz", Unit.HU).array.max())
        7
    """
    return _READERS[_suffix(path, _READERS)](path, unit)


def write_volume(path: str | Path, volume: Volume) -> dict[str, Any]:
    """Write `volume` in the format that the file name says, whole or not at all.

    Returns:
        `bytes` and `sha256` of the file.

    Raises:
        FormatError: No such format.
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from oncohort.geometry import Geometry
        >>> ct = Volume.from_array(np.zeros((2, 2, 2), np.int16), Geometry((2, 2, 2), np.eye(4)), Unit.HU)
        >>> with TemporaryDirectory() as folder:
        ...     sorted(write_volume(f"{folder}/a.mha", ct))
        ['bytes', 'sha256']
    """
    return _WRITERS[_suffix(path, _WRITERS)](path, volume)


def _suffix(path: str | Path, known: Iterable[str]) -> str:
    name = Path(path).name.lower()
    for suffix in known:
        if name.endswith(suffix):
            return suffix
    raise FormatError(
        expected=f"a file name that ends in {', '.join(known)}",
        found=Path(path).name,
        where=str(path),
        remedy="convert the file to NIfTI or MetaImage",
    )
