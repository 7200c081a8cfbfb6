"""Several files that are one label map: each holds one group of labels and numbers them from 1.

The row of `volumes.parquet` names the folder; its `scale` says which file holds which group and what is added to the
integers of each, so that they are those of the cohort's label scheme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats.nifti import read_label_map
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GROUP_FILES = "one file per group"
"""The `rule` in the column `scale` of such a label map."""


@dataclass(frozen=True)
class GroupFile:
    """The mask of one group.

    Attributes:
        file: Name relative to the folder.
        offset: What is added to its integers.
        highest: The largest integer that the group has, before the offset.
    """

    file: str
    offset: int
    highest: int


def group_record(files: Mapping[str, GroupFile], not_drawn: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the column `scale` holds.

    Args:
        files: The file of every group.
        not_drawn: Labels of these groups that nobody drew in this case, such as those of a removed head.

    Examples:
        >>> group_record({"ribs": GroupFile("Ribs/0001.nii.gz", 42, 27)})["files"]
        {'ribs': {'file': 'Ribs/0001.nii.gz', 'offset': 42, 'highest': 27}}
    """
    named = {group: asdict(entry) for group, entry in files.items()}
    return {"rule": GROUP_FILES, "files": named, "not_drawn": list(not_drawn)}


def group_paths(folder: Path, record: Mapping[str, Any]) -> dict[str, Path]:
    """The file of every group.

    Raises:
        FormatError: `record` is not what `group_record` gives.
    """
    return {group: folder / entry.file for group, entry in _entries(folder, record).items()}


def read_group_files(folder: Path, record: Mapping[str, Any], scheme: LabelScheme, declared: Geometry) -> LabelMap:
    """The label map of all groups, a layer for each, read when its voxels are first asked for.

    Its `annotated` names are those of the groups that have a file, less those that nobody drew.

    Args:
        folder: What the paths in `record` start from.
        record: What the column `scale` holds.
        scheme: Of the cohort; its groups bear the names in `record`.
        declared: The grid that every file must have.

    Raises:
        FormatError: A file is missing or damaged; when voxels are read: an integer that its group does not have.
        GeometryError: A file lies on another grid.
    """
    layers: list[Volume] = []
    entries = _entries(folder, record)
    for group, entry in entries.items():
        found = read_label_map(folder / entry.file, scheme)
        declared.require_same_grid(found.geometry, what=f"the mask of {group}", where=str(folder / entry.file))
        layers += [_shifted(layer, declared, entry, folder / entry.file) for layer in found.layers]
    drawn = {name for group in entries for name in scheme.groups.get(group, ())} - set(record.get("not_drawn", ()))
    return LabelMap(declared, tuple(layers), scheme, frozenset(drawn))


def _entries(folder: Path, record: Mapping[str, Any]) -> dict[str, GroupFile]:
    try:
        named = {
            str(group): GroupFile(str(entry["file"]), int(entry["offset"]), int(entry["highest"]))
            for group, entry in record["files"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _wrong(folder, "file, offset and highest integer of every group of labels", repr(error)) from error
    inside = [not Path(entry.file).is_absolute() and ".." not in Path(entry.file).parts for entry in named.values()]
    if not inside or not all(inside):
        raise _wrong(folder, "the files of one or more groups of labels, below the folder", repr(record["files"])[:200])
    return named


def _shifted(layer: Volume, geometry: Geometry, entry: GroupFile, path: Path) -> Volume:
    return Volume(geometry, Unit.LABEL, lambda: _add(layer.array, entry, path))


def _add(array: NDArray[Any], entry: GroupFile, path: Path) -> NDArray[Any]:
    """`array` with the offset added to all but background, in the smallest type that holds it."""
    highest = int(np.max(array, initial=0))
    if highest > entry.highest:
        raise FormatError(
            expected=f"labels from 0 to {entry.highest}",
            found=str(highest),
            where=str(path),
            remedy="fetch the file again; it may be that of another group",
        )
    dtype: np.dtype[np.unsignedinteger[Any]] = np.dtype(np.uint8 if entry.highest + entry.offset < 256 else np.uint16)
    small = array.astype(dtype)
    np.add(small, small.dtype.type(entry.offset), out=small, where=small > 0)
    return small


def _wrong(folder: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=f"{expected} in volumes.parquet", found=found, where=str(folder), remedy="ingest again")
