"""CSV files of published data sets: rows as text, with what was promised of them checked."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from oncohort.errors import FormatError

_MOST_BYTES = 256 << 20


def read_csv_rows(
    path: str | Path, required: Iterable[str] = (), *, most_bytes: int = _MOST_BYTES
) -> list[dict[str, str]]:
    r"""The rows of a CSV file in UTF-8 by column; cells without their surrounding spaces, missing ones as "".

    Raises:
        FormatError: The file cannot be read, is too large, lacks a required column, names a column twice, or has a
            row with more cells than columns.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     _ = Path(there, "a.csv").write_text("Subject ID,age\nPETCT_0123456789,051Y\n")
        ...     read_csv_rows(f"{there}/a.csv", ["age"])
        [{'Subject ID': 'PETCT_0123456789', 'age': '051Y'}]
    """
    file = Path(path)
    try:
        if file.stat().st_size > most_bytes:
            raise _wrong(file, f"at most {most_bytes} bytes", f"{file.stat().st_size} bytes")
        lines = list(csv.reader(StringIO(file.read_text(encoding="utf-8-sig"), newline=""), strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise _wrong(file, "a CSV file in UTF-8", str(error)) from error
    columns = [name.strip() for name in lines[0]] if lines else []
    missing = [name for name in required if name not in columns]
    if missing or len(set(columns)) != len(columns):
        raise _wrong(file, f"columns {', '.join(required)}, each once", ", ".join(columns)[:300] or "no columns")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(columns):
            raise _wrong(file, f"{len(columns)} cells in a row", f"{len(cells)} in row {number}")
        padded = [*(cell.strip() for cell in cells), *[""] * (len(columns) - len(cells))]
        if any(padded):
            rows.append(dict(zip(columns, padded, strict=True)))
    return rows


def _wrong(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="fetch the sheet again or correct it")
