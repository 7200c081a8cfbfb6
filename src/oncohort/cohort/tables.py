"""The tables of a cohort, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

_DRAWN = {"reader": pl.String, "state": pl.String, "version": pl.Int64, "parent": pl.String}

TABLES: dict[str, dict[str, Any]] = {
    "cases": {
        "case": pl.String,
        "patient": pl.String,
        "study": pl.String,
        "study_date": pl.String,
        "timepoint": pl.Int64,
        "tracer": pl.String,
        "centre": pl.String,
        "group": pl.String,
        "split": pl.String,
        "licence": pl.String,
        "sex": pl.String,
        "age_years": pl.Float64,
        "weight_kg": pl.Float64,
    },
    "volumes": {
        "case": pl.String,
        "role": pl.String,
        "path": pl.String,
        "unit": pl.String,
        "shape": pl.List(pl.Int64),
        "spacing_mm": pl.List(pl.Float64),
        "orientation": pl.String,
        "affine": pl.List(pl.Float64),
        "scale": pl.String,
        "sha256": pl.String,
        "bytes": pl.Int64,
        **_DRAWN,
    },
    "boxes": {
        "case": pl.String,
        "volume": pl.String,
        "lesion": pl.String,
        "class": pl.String,
        **dict.fromkeys(("i0", "i1", "j0", "j1", "k0", "k1"), pl.Int64),
        "slice_uid": pl.String,
        **_DRAWN,
    },
    "prompts": {
        "case": pl.String,
        "volume": pl.String,
        "step": pl.Int64,
        "kind": pl.String,
        "polarity": pl.String,
        "points": pl.List(pl.List(pl.Float64)),
        "origin": pl.String,
        "seconds": pl.Float64,
    },
    "structures": {
        "case": pl.String,
        "volume": pl.String,
        "structure": pl.String,
        "lesion": pl.String,
        "measure": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
    },
    "findings": {
        "rule": pl.String,
        "severity": pl.String,
        "case": pl.String,
        "path": pl.String,
        "evidence": pl.String,
        "remedy": pl.String,
    },
    "refused": {"path": pl.String, "reason": pl.String, "detail": pl.String},
}
"""Column types of every table; tables may carry further columns, which are kept."""


def as_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as the table `name`: all its columns, then what the rows have beyond them.

    Columns that a row lacks are null.

    Examples:
        >>> as_table("refused", [{"path": "a.txt", "reason": "not_dicom"}]).row(0)
        ('a.txt', 'not_dicom', None)
    """
    schema = TABLES[name]
    listed = list(rows)
    extra = dict.fromkeys(key for row in listed for key in row if key not in schema)
    if not extra:  # by columns, which takes a fraction of the memory of rows
        return pl.DataFrame({column: [row.get(column) for row in listed] for column in schema}, schema=schema)
    full = [{column: row.get(column) for column in (*schema, *extra)} for row in listed]
    return pl.DataFrame(full, schema_overrides=schema, infer_schema_length=None)


@dataclass(frozen=True)
class Tables:
    """The seven tables of a cohort.

    Examples:
        >>> Tables.empty().cases.columns[:2]
        ['case', 'patient']
    """

    cases: pl.DataFrame
    volumes: pl.DataFrame
    boxes: pl.DataFrame
    prompts: pl.DataFrame
    structures: pl.DataFrame
    findings: pl.DataFrame
    refused: pl.DataFrame

    @staticmethod
    def from_rows(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> Tables:
        """Tables of rows by table name; a name that is absent gives an empty table."""
        return Tables(**{name: as_table(name, rows.get(name, ())) for name in TABLES})

    @staticmethod
    def empty() -> Tables:
        """Tables without rows."""
        return Tables.from_rows({})

    def named(self) -> dict[str, pl.DataFrame]:
        """The tables by name, in the order of `TABLES`."""
        return {name: getattr(self, name) for name in TABLES}
