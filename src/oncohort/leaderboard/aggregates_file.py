"""The file of aggregates: `aggregates.parquet`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oncohort.formats.parquet import read_table, write_table

AGGREGATES_TYPE = "oncohort.aggregates"
FORMAT_VERSION = "1.0"


def write_aggregates(path: str | Path, table: pl.DataFrame) -> None:
    """Write a leaderboard, whole or not at all.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_aggregates(f"{folder}/aggregates.parquet", pl.DataFrame({"model": ["suv-4"]}))
        ...     read_aggregates(f"{folder}/aggregates.parquet")["model"].to_list()
        ['suv-4']
    """
    write_table(path, table, kind=AGGREGATES_TYPE, version=FORMAT_VERSION)


def read_aggregates(path: str | Path) -> pl.DataFrame:
    """The leaderboard that `write_aggregates` wrote.

    Raises:
        FormatError: The file is missing, damaged, of another type or of a newer format.
    """
    return read_table(path, kind=AGGREGATES_TYPE, version=FORMAT_VERSION)
