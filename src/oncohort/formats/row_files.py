"""What lies behind one row of `volumes.parquet`: a file, or a folder with several files that are one label map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.group_files import GROUP_FILES, group_paths, read_group_files
from oncohort.formats.nifti import integer_labels, read_label_map, read_nifti_channel
from oncohort.formats.reading import read_volume
from oncohort.formats.structure_files import listed_files, read_structure_files
from oncohort.formats.told_numbering import TOLD_NUMBERING, read_told_numbering
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.storage import file_stamp
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume


def files_behind(path: Path, record: Mapping[str, Any]) -> list[Path]:
    """The files that a row stands for.

    Args:
        path: Of the row.
        record: Its `scale`.

    Raises:
        FormatError: The record lists no files although it should.
    """
    if record.get("rule") == GROUP_FILES:
        return list(group_paths(path, record).values())
    files = listed_files(record, path)
    return [path] if files is None else [path / name for name in files.values()]


def stamp_behind(path: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Size and modification time of the file behind a row, or of each by its name; nothing for what is gone.

    Raises:
        FormatError: The record lists no files although it should.
    """
    files = files_behind(path, record)
    if files == [path]:
        return dict(file_stamp(path)) if path.is_file() else {}
    return {file.relative_to(path).as_posix(): file_stamp(file) for file in files if file.is_file()}


def bytes_behind(path: Path, record: Mapping[str, Any]) -> int | None:
    """Size of all files behind a row together; None if one is gone.

    Raises:
        FormatError: The record lists no files although it should.
    """
    files = files_behind(path, record)
    try:
        return sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None
    except OSError:
        return None


def channel_record(channel: int, rule: str) -> dict[str, Any]:
    """What the column `scale` holds of an image that is one step of the fourth axis of its file.

    Args:
        channel: Which step, from 0.
        rule: How the numbers are taken, in words.

    Examples:
        >>> channel_record(1, "as stored")["channel"]
        1
    """
    return {"slope": 1.0, "intercept": 0.0, "rule": rule, "channel": channel}


def read_image(path: Path, record: Mapping[str, Any], unit: Unit) -> Volume:
    """The image behind a row.

    Args:
        path: Of the row.
        record: Its `scale`; `channel` names one step of the fourth axis.
        unit: What its numbers mean.

    Raises:
        FormatError: The file cannot be read, or has no such step.
        GeometryError: The file has no usable grid.
    """
    if "channel" not in record:
        return read_volume(path, unit)
    channel = record["channel"]
    if not isinstance(channel, int) or isinstance(channel, bool) or channel < 0:
        raise FormatError(
            expected="the number of a channel in volumes.parquet",
            found=repr(channel)[:200],
            where=str(path),
            remedy="ingest again",
        )
    return read_nifti_channel(path, channel, unit)


def read_masks(path: Path, record: Mapping[str, Any], scheme: LabelScheme, declared: Geometry) -> LabelMap:
    """The label map behind a row.

    Args:
        path: Of the row.
        record: Its `scale`.
        scheme: Names of the integers.
        declared: The grid that the row says.

    Raises:
        FormatError: A file cannot be read.
        GeometryError: A file lies on another grid.
    """
    files = listed_files(record, path)
    if files is not None:
        return read_structure_files(path, files, declared, scheme)
    if record.get("rule") == GROUP_FILES:
        return read_group_files(path, record, scheme, declared)
    if record.get("rule") == TOLD_NUMBERING:
        return read_told_numbering(path, record, declared)
    return _one_file(path, scheme, declared)


def _one_file(path: Path, scheme: LabelScheme, declared: Geometry) -> LabelMap:
    if path.name.endswith(".mha"):
        volume = integer_labels(read_volume(path), path)
        found = LabelMap(volume.geometry, (volume,), scheme)
    else:
        found = read_label_map(path, scheme)
    declared.require_same_grid(found.geometry, what="the mask", where=str(path))
    layers = tuple(Volume(declared, layer.unit, layer.source) for layer in found.layers)
    return LabelMap(declared, layers, scheme)


def require_present(path: Path, record: Mapping[str, Any]) -> None:
    """Raise unless every file behind a row is there.

    Raises:
        FormatError: Naming the first that is gone.
    """
    gone = next((file for file in files_behind(path, record) if not file.is_file()), None)
    if gone is not None:
        raise FormatError(
            expected="the file that volumes.parquet names",
            found="none",
            where=str(gone),
            remedy="restore it or ingest again",
        )
