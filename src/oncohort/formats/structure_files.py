"""One NIfTI file per structure in a folder, read as one label map.

A row of `volumes.parquet` names the folder, and in `scale` the files that
belong to it: `{"rule": "one file per structure", "files": {"liver":
"liver.nii.gz", ...}}`. A structure of the scheme without a file is missing:
nobody looked for it. A file without a voxel above 0 says that the structure is
not there. Structures that overlap go to further layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats.nifti import read_nifti
from oncohort.formats.whole_numbers import as_labels
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap

STRUCTURE_FILES = "one file per structure"
"""The `rule` in the column `scale` of such a label map."""


def read_structure_files(
    folder: str | Path, files: Mapping[str, str], geometry: Geometry, scheme: LabelScheme
) -> LabelMap:
    """The label map of a folder with one file per structure; files are read when the layers are asked for.

    Every file is read once, one at a time. Voxels above 0 are the structure.
    Values that a slope in the header put up to 0.001 off a whole number are
    rounded.

    Args:
        folder: Where the files lie.
        files: File name by the structure's name in `scheme`.
        geometry: The grid of all files.
        scheme: Names and integers of the label map.

    Raises:
        FormatError: When the layers are asked for: a file cannot be read, or a voxel is no whole number (file, voxel
            and value are named).
        GeometryError: When the layers are asked for: a file lies on another grid.
        LabelError: The scheme lacks a name.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.formats import write_volume
        >>> from oncohort.units import Unit
        >>> from oncohort.volume import Volume
        >>> grid = Geometry((2, 1, 1), np.eye(4))
        >>> scheme = LabelScheme("organs", {"liver": 1, "veins": 2, "spleen": 3})
        >>> with TemporaryDirectory() as there:
        ...     liver = Volume.from_array(np.ones((2, 1, 1), np.uint8), grid, Unit.LABEL)
        ...     _ = write_volume(f"{there}/liver.nii.gz", liver)
        ...     organs = read_structure_files(there, {"liver": "liver.nii.gz"}, grid, scheme)
        ...     organs.state("liver"), organs.state("veins")
        ('present', 'missing')
    """
    names = sorted(files, key=scheme.value)
    masks = _Masks(Path(folder), {name: files[name] for name in names}, geometry)
    return LabelMap(
        geometry,
        lambda: LabelMap.from_masks(masks, geometry, scheme).layers,
        scheme,
        frozenset(scheme.name_of(scheme.value(name)) for name in names),
    )


def read_mask(path: Path, geometry: Geometry) -> NDArray[np.bool_]:
    """Voxels (i, j, k) above 0 of the file of one structure.

    Raises:
        FormatError: The file cannot be read, or a voxel is no whole number.
        GeometryError: It lies on another grid than `geometry`.
    """
    volume = read_nifti(path)
    geometry.require_same_grid(volume.geometry, what="the file of a structure", where=str(path))
    mask: NDArray[np.bool_] = as_labels(volume.array, path) > 0
    return mask


def structure_record(files: Mapping[str, str]) -> dict[str, Any]:
    """What the column `scale` holds.

    Args:
        files: File name by structure.

    Examples:
        >>> structure_record({"liver": "liver.nii.gz"})
        {'rule': 'one file per structure', 'files': {'liver': 'liver.nii.gz'}}
    """
    return {"rule": STRUCTURE_FILES, "files": dict(files)}


def listed_files(record: Mapping[str, Any], where: str | Path) -> dict[str, str] | None:
    """The files that the `scale` of a row lists by structure; None if the row is not of this kind.

    Raises:
        FormatError: The list is damaged, or names files outside the folder.

    Examples:
        >>> listed_files({"rule": "one file per structure", "files": {"liver": "liver.nii.gz"}}, "organs")
        {'liver': 'liver.nii.gz'}
        >>> listed_files({"slope": 1.0}, "ct.nii.gz") is None
        True
    """
    if record.get("rule") != STRUCTURE_FILES:
        return None
    files = record.get("files")
    if not isinstance(files, dict) or not files or not all(map(is_plain_name, files.values())):
        raise FormatError(
            expected="names of files in the folder, by structure",
            found=repr(files)[:200],
            where=str(where),
            remedy="ingest again",
        )
    return files


def is_plain_name(name: Any) -> bool:
    """Whether this is the name of a file in a folder, and leads nowhere else.

    Examples:
        >>> is_plain_name("liver.nii.gz"), is_plain_name("../liver.nii.gz"), is_plain_name("..")
        (True, False, False)
    """
    return isinstance(name, str) and name != ".." and Path(name).name == name and "\0" not in name


@dataclass(frozen=True)
class _Masks(Mapping[str, NDArray[np.bool_]]):
    """The masks of the files, each read when it is taken."""

    folder: Path
    files: Mapping[str, str]
    geometry: Geometry

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        return read_mask(self.folder / self.files[name], self.geometry)

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)
