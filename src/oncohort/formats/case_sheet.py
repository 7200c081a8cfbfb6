"""`cases.csv`: one row of facts per case, kept beside a data set."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.storage import write_bytes

CASE_SHEET = "cases.csv"

_NUMBERS: dict[str, Callable[[str], Any]] = {"age_years": float, "weight_kg": float, "timepoint": int}


def read_case_sheet(path: str | Path) -> dict[str, dict[str, Any]]:
    """Facts by case id, from a CSV file in UTF-8 with a column `case`; empty cells are left out.

    `age_years`, `weight_kg` and `timepoint` are numbers, everything else is text.

    Raises:
        FormatError: The file cannot be read, has no column `case`, names a
            case twice or not at all, or holds text where a number belongs.
    """
    file = Path(path)
    try:
        rows = list(csv.DictReader(StringIO(file.read_text(encoding="utf-8-sig")), strict=True, restkey="", restval=""))
    except (OSError, ValueError, csv.Error) as error:
        raise _wrong(file, "a CSV file in UTF-8", str(error)) from error
    if rows and "case" not in rows[0]:
        raise _wrong(file, "a column `case`", f"columns {', '.join(name for name in rows[0] if name)}")
    sheet: dict[str, dict[str, Any]] = {}
    for line, row in enumerate(rows, start=2):
        case = (row.pop("case") or "").strip()
        if not case or case in sheet or "" in row:
            raise _wrong(file, "every case once, with as many cells as columns", f"{case!r} in line {line}")
        sheet[case] = {name: _value(file, name, cell.strip()) for name, cell in row.items() if cell and cell.strip()}
    return sheet


def write_case_sheet(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of facts, each with a `case`, as CSV; the columns are those of the first row.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_case_sheet(f"{there}/cases.csv", [{"case": "A", "tracer": "FDG", "weight_kg": 70.5}])
        ...     read_case_sheet(f"{there}/cases.csv")
        {'A': {'tracer': 'FDG', 'weight_kg': 70.5}}
    """
    listed = list(rows)
    text = StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(listed[0]) if listed else ["case"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    write_bytes(path, text.getvalue().encode())


def _value(path: Path, name: str, cell: str) -> Any:
    try:
        return _NUMBERS.get(name, str)(cell)
    except ValueError as error:
        raise _wrong(path, f"a number in column {name}", repr(cell)) from error


def _wrong(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="correct the sheet or remove it")
