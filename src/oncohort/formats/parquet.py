"""Parquet tables that say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import polars as pl

from oncohort.errors import FormatError
from oncohort.storage import atomic_path


def write_table(path: str | Path, table: pl.DataFrame, *, kind: str, version: str) -> None:
    """Write a table with its `type` and `format_version` in the metadata, whole or not at all.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_table(f"{folder}/a.parquet", pl.DataFrame({"x": [1]}), kind="oncohort.demo", version="1.0")
        ...     read_table(f"{folder}/a.parquet", kind="oncohort.demo", version="1.0").height
        1
    """
    with staged_table(path, table, kind=kind, version=version):
        pass


@contextmanager
def staged_table(path: str | Path, table: pl.DataFrame, *, kind: str, version: str) -> Iterator[None]:
    """A table that is written at once and takes its place when the block ends well.

    Raises:
        OutputError: The file cannot be written.
    """
    buffer = BytesIO()  # polars has no error of its own for a full disk
    table.write_parquet(buffer, metadata={"type": kind, "format_version": version})
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
        yield


def read_table(path: str | Path, *, kind: str, version: str) -> pl.DataFrame:
    """The table that `write_table` wrote; a later minor version is read, another major one refused.

    Raises:
        FormatError: The file is missing, damaged, of another type or of a newer format.
    """
    try:
        metadata = pl.read_parquet_metadata(Path(path))
        table = pl.read_parquet(Path(path), glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _wrong(path, f"a Parquet table of type {kind}", str(error)) from error
    if metadata.get("type") != kind:
        raise _wrong(path, f"a table of type {kind}", f"type {metadata.get('type')}")
    found = str(metadata.get("format_version"))
    if found.split(".", maxsplit=1)[0] != version.split(".", maxsplit=1)[0]:
        raise _wrong(path, f"format version {version}", f"version {found}")
    return table


def _wrong(path: str | Path, expected: str, found: str) -> FormatError:
    return FormatError(
        expected=expected, found=found, where=str(path), remedy="write the file again with this version of Oncohort"
    )
