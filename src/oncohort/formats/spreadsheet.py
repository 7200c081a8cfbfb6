"""Sheets of .xlsx workbooks as rows by column name.

Workbooks come from strangers: their parts are counted, measured and searched
for document type declarations before anything is read from them.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from xml.parsers import expat

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from oncohort.errors import FormatError
from oncohort.storage import write_bytes

Cell = str | float | int | bool | None
"""What a cell holds; dates and times are text in ISO 8601."""

LARGEST_WORKBOOK_BYTES = 256 << 20
"""Size of all parts of a workbook together, decompressed."""

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 200_000, 1_000, 10_000_000
"""Of one sheet; cells are rows times columns."""

_MOST_PARTS = 2_000
_PIECE = 1 << 20
_HEAD_BYTES = 4096
_NO_TEXT = b"\x00\xff\xfe\xef\xbb\xbf \t\r\n"  # byte order marks, white space, halves of UTF-16 letters
_LONGEST_TITLE = 31
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)
_WRITING_TIME = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")
_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, zipfile.BadZipFile, zlib.error, expat.ExpatError, InvalidFileException,
)  # fmt: skip
"""What zipfile, expat and openpyxl raise on damaged workbooks; they document no errors of their own."""


def read_sheet(path: str | Path, sheet: str | None = None) -> list[dict[str, Cell]]:
    """Rows of one sheet of an .xlsx workbook, by the names in its first row that is not blank.

    Blank rows are left out. A column without a name that holds something is
    called `column <letter>`; a name that occurs again gets its number,
    `name (2)`. Text is given as it stands, formulas as the value that was last
    computed. Nothing is executed or fetched.

    Args:
        path: The workbook.
        sheet: Name of the sheet; None takes the first.

    Raises:
        FormatError: The file is missing, damaged, too large or no workbook, has no such sheet, or declares a
            document type (entities).

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_sheet(f"{there}/a.xlsx", [{"case": "A", "age": 61}], ["case", "age"])
        ...     read_sheet(f"{there}/a.xlsx")
        [{'case': 'A', 'age': 61}]
    """
    file = Path(path)
    try:
        data = _checked_bytes(file)
        with warnings.catch_warnings(action="ignore"):  # about styles and other things that are not read
            book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
            return _by_name(file, _values(file, _page(file, book, sheet)))
    except _DAMAGE as error:
        raise _wrong(file, "a readable .xlsx workbook", f"{type(error).__name__}: {error}"[:200]) from error


def write_sheet(
    path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, sheet: str = "Sheet1"
) -> None:
    """Write rows to the only sheet of a new .xlsx workbook; equal rows give equal bytes.

    Text stays text, also where it looks like a formula; control characters are
    written as `_xHHHH_`, the escape of the format.

    Args:
        path: Where the workbook is to stand.
        rows: A value (text, number, truth, date or None) per column name; what is missing stays blank.
        columns: Names of the columns, in order.
        sheet: Name of the sheet, at most 31 characters.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_sheet(f"{there}/a.xlsx", [{"x": "=1+1"}], ["x", "y"])
        ...     read_sheet(f"{there}/a.xlsx")
        [{'x': '=1+1', 'y': None}]
    """
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet[:_LONGEST_TITLE])
    page.append([_cell(page, name) for name in columns])
    for row in rows:
        page.append([_cell(page, row.get(name)) for name in columns])
    buffer = BytesIO()
    book.save(buffer)
    write_bytes(path, _without_times(buffer))


def _checked_bytes(file: Path) -> bytes:
    """The bytes of a workbook whose parts are few, small and free of declarations."""
    if file.stat().st_size > LARGEST_WORKBOOK_BYTES:
        raise _wrong(file, f"at most {LARGEST_WORKBOOK_BYTES} bytes", f"{file.stat().st_size} bytes")
    data = file.read_bytes()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if len(parts) > _MOST_PARTS or size > LARGEST_WORKBOOK_BYTES:
            limits = f"at most {_MOST_PARTS} parts of {LARGEST_WORKBOOK_BYTES} bytes together"
            raise _wrong(file, limits, f"{len(parts)} parts of {size} bytes")
        for part in parts:
            _refuse_declarations(file, archive, part)
    return data


def _refuse_declarations(file: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    def refuse(*_: object) -> None:
        raise _wrong(file, "XML without a document type", f"a document type declaration in {part.filename}")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    with archive.open(part) as stream:
        piece = stream.read(_HEAD_BYTES)
        if piece.lstrip(_NO_TEXT)[:1] not in (b"<", b""):
            return  # a picture or the like
        while piece:
            parser.Parse(piece, False)
            piece = stream.read(_PIECE)


def _page(file: Path, book: Any, name: str | None) -> Any:
    pages = {page.title: page for page in book.worksheets}
    if not pages or (name is not None and name not in pages):
        raise _wrong(file, f"a sheet {name!r}" if name else "a sheet", f"sheets {sorted(pages)}"[:200])
    page = pages[name] if name is not None else next(iter(pages.values()))
    page.reset_dimensions()  # what a workbook says of its size need not be true
    return page


def _values(file: Path, page: Any) -> Iterator[tuple[Any, ...]]:
    """Rows that are not blank, cut behind their last value."""
    for number, row in enumerate(page.iter_rows(values_only=True, max_row=MOST_ROWS + 1), start=1):
        width = max((place for place, value in enumerate(row, start=1) if value is not None), default=0)
        if number > MOST_ROWS or width > MOST_COLUMNS:
            found = f"a row {number} of {width} columns"
            raise _wrong(file, f"at most {MOST_ROWS} rows of {MOST_COLUMNS} columns", found)
        if width:
            yield row[:width]


def _by_name(file: Path, rows: Iterator[tuple[Any, ...]]) -> list[dict[str, Cell]]:
    header = next(rows, None)
    if header is None:
        raise _wrong(file, "a sheet with a row of column names", "an empty sheet")
    listed = list(rows)
    width = max(len(row) for row in (header, *listed))
    if width * len(listed) > MOST_CELLS:
        raise _wrong(file, f"at most {MOST_CELLS} cells", f"{len(listed)} rows of {width} columns")
    names = _names((*header, *(None,) * (width - len(header))))
    return [dict.fromkeys(names) | dict(zip(names, map(_plain, row), strict=False)) for row in listed]


def _names(header: Sequence[Any]) -> list[str]:
    names: list[str] = []
    for position, value in enumerate(header, start=1):
        name = f"column {get_column_letter(position)}" if value is None else str(_plain(value))
        again = (f"{name} ({number})" for number in count(2))
        names.append(name if name not in names else next(other for other in again if other not in names))
    return names


def _plain(value: Any) -> Cell:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, (bool, int, float)) or value is None else str(value)


def _cell(page: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return WriteOnlyCell(page, value)
    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub(lambda found: f"_x{ord(found[0]):04X}_", value))
    cell.data_type = "s"
    return cell


def _without_times(book: BytesIO) -> bytes:
    """The same workbook with one fixed time in place of the time of writing."""
    fixed = BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = _WRITING_TIME.sub(rb"\g<1>2000-01-01T00:00:00Z", old.read(name))
            part = zipfile.ZipInfo(name, _ZIP_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, content)
    return fixed.getvalue()


def _wrong(file: Path, expected: str, found: str) -> FormatError:
    return FormatError(
        expected=expected, found=found, where=str(file), remedy="save the sheet again as .xlsx, or fetch it again"
    )
