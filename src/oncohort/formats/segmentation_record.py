"""The record of a segmentation: `cases.parquet` and `run.json` in a folder of predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.errors import FormatError
from oncohort.formats.parquet import read_table, write_table
from oncohort.storage import read_json, write_json

CASES_FILE = "cases.parquet"
RUN_FILE = "run.json"
TYPE = "oncohort.segmentation"
FORMAT_VERSION = "1.0"

SCHEMA: dict[str, Any] = {
    "case": pl.String,
    "patient": pl.String,
    "prediction": pl.String,
    "probability": pl.String,
    "failed": pl.String,
    "notes": pl.List(pl.String),
    "seconds": pl.Float64,
    "peak_memory_mib": pl.Float64,
    "device_memory_mib": pl.Float64,
    "facts": pl.String,
}
"""Columns of `cases.parquet`; `facts` holds JSON."""

TRAINED_ON_PATIENT = "trained on this patient"
KNOWN_PATIENT = "bears the id of a patient of the training set"
TRAINING_NOTES = (TRAINED_ON_PATIENT, KNOWN_PATIENT)
"""How notes begin that say that a case may not be new to the network; folds may follow after a colon."""

_TIME = "created_at"


def write_segmentation_record(folder: str | Path, rows: Iterable[Mapping[str, Any]], run: Mapping[str, Any]) -> None:
    """Write the table of the cases, then the record of the run; files that say the same already stay as they are.

    Args:
        folder: Of the predictions.
        rows: One per case, with the columns of `SCHEMA`.
        run: What is said of all cases; `created_at` alone makes no difference.

    Raises:
        OutputError: A file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_segmentation_record(there, [{"case": "A", "seconds": 1.5}], {"segmenter": "threshold"})
        ...     table, run = read_segmentation_record(there)
        >>> table["seconds"].to_list(), run["segmenter"]
        ([1.5], 'threshold')
    """
    root = Path(folder)
    table = pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)
    document = {"type": TYPE, "format_version": FORMAT_VERSION, **run}
    if not _says_the_same(root, table, document):
        forget_run(root)
        write_table(root / CASES_FILE, table, kind=f"{TYPE}.cases", version=FORMAT_VERSION)
        write_json(root / RUN_FILE, document)


def forget_run(folder: str | Path) -> None:
    """Remove the record of the run, because what it says no longer holds."""
    (Path(folder) / RUN_FILE).unlink(missing_ok=True)


def read_segmentation_record(folder: str | Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The table of the cases and the record of the run.

    Raises:
        FormatError: A file is missing, damaged, of another type or of a newer format.
    """
    root = Path(folder)
    table = read_table(root / CASES_FILE, kind=f"{TYPE}.cases", version=FORMAT_VERSION)
    run = read_json(root / RUN_FILE)
    major = FORMAT_VERSION.split(".", maxsplit=1)[0]
    is_ours = isinstance(run, dict) and run.get("type") == TYPE
    if not is_ours or str(run.get("format_version")).split(".", maxsplit=1)[0] != major:
        raise FormatError(
            expected=f"a record of type {TYPE}, format version {FORMAT_VERSION}",
            found="another one",
            where=str(root / RUN_FILE),
            remedy="segment again with this version of Oncohort",
        )
    return table, run


def cases_known_to_training(table: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """The cases that may not be new to the network which predicted them, by the words of `TRAINING_NOTES`.

    Args:
        table: `cases.parquet` of a segmentation.

    Examples:
        >>> rows = [{"case": "A", "notes": ["trained on this patient: fold 0"]}, {"case": "B", "notes": ["hot"]}]
        >>> cases_known_to_training(pl.DataFrame(rows))
        {'trained on this patient': ('A',)}
    """
    rows = table.select("case", "notes").rows()
    found = {
        words: tuple(case for case, notes in rows if any(note.startswith(words) for note in notes or ()))
        for words in TRAINING_NOTES
    }
    return {words: cases for words, cases in found.items() if cases}


def _says_the_same(root: Path, table: pl.DataFrame, document: Mapping[str, Any]) -> bool:
    try:
        known, run = read_segmentation_record(root)
    except FormatError:
        return False
    return known.schema == table.schema and known.equals(table) and _timeless(run) == _timeless(document)


def _timeless(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != _TIME}
