"""The tables of a cohort as CSV files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oncohort.cohort import Cohort
from oncohort.exports.case_files import write_record
from oncohort.storage import write_bytes

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class CsvExport:
    r"""Writes the seven tables, one CSV file each, in UTF-8 with one line for the names of the columns.

    A missing value is an empty cell, an empty text is `""`; lists are JSON text. Spreadsheet programs run a cell that
    begins with = + - @, tab or carriage return as a formula, and texts of a cohort come from strangers' files: such
    texts get an apostrophe in front, and the record counts them by column.

    Args:
        raw: Write texts as they stand, without the apostrophe.

    Examples:
        >>> CsvExport().settings()
        {'export': 'csv', 'raw': False}
    """

    raw: bool = False

    name: ClassVar[str] = "csv"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "the tables of a cohort as CSV files, without voxels"

    @property
    def roles(self) -> tuple[str, ...]:
        """None: no voxel is written."""
        return ()

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        return {"export": self.name, "raw": self.raw}

    def facts(self, cohort: Cohort, case: str) -> None:
        """None: the tables are written anew in every call."""

    def check(self, cohort: Cohort) -> None:
        """Nothing to check: every table can be written."""

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write nothing: tables are written whole."""
        return {"case": case, "files": {}}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write every table and the record, which holds the type of every column."""
        written: list[str] = []
        columns: dict[str, dict[str, str]] = {}
        guarded: dict[str, dict[str, int]] = {}
        for name, table in cohort.tables.named().items():
            flat = _flat(table)
            counts = {} if self.raw else _formulas(flat)
            text = flat.with_columns(_guarded(column) for column in counts).write_csv()
            write_bytes(folder / f"{name}.csv", text.encode())
            written.append(f"{name}.csv")
            columns[name] = {column: str(kind) for column, kind in table.schema.items()}
            guarded |= {name: counts} if counts else {}
        content = {"settings": self.settings(), "columns": columns, "apostrophes": guarded}
        return (*written, write_record(folder, self.name, cohort, content))


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    nested = [name for name, kind in table.schema.items() if kind.is_nested()]
    return table.with_columns(
        pl.Series(name, [None if value is None else json.dumps(value) for value in table[name].to_list()], pl.String)
        for name in nested
    )


def _formulas(table: pl.DataFrame) -> dict[str, int]:
    """How many cells of each column of text a spreadsheet would run."""
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    counts = {name: int(table.select(_is_formula(name).sum()).item() or 0) for name in texts}
    return {name: count for name, count in counts.items() if count}


def _is_formula(column: str) -> pl.Expr:
    return pl.any_horizontal([pl.col(column).str.starts_with(mark) for mark in _FORMULA])


def _guarded(column: str) -> pl.Expr:
    return pl.when(_is_formula(column)).then(pl.lit("'") + pl.col(column)).otherwise(pl.col(column)).alias(column)
