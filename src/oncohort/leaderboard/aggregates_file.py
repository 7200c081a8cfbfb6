"""The file of aggregates: `aggregates.parquet`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oncohort.formats.parquet import read_table, write_table
from oncohort.results import AGGREGATE_SCHEMA

AGGREGATES_TYPE = "oncohort.aggregates"
FORMAT_VERSION = "1.2"


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
    """The leaderboard that `write_aggregates` wrote; columns that an earlier version did not know are null.

    Raises:
        FormatError: The file is missing, damaged, of another type or of a newer format.
    """
    table = read_table(path, kind=AGGREGATES_TYPE, version=FORMAT_VERSION)
    lacking = [name for name in AGGREGATE_SCHEMA if name not in table.columns]
    return table.with_columns(pl.lit(None, dtype=AGGREGATE_SCHEMA[name]).alias(name) for name in lacking)
