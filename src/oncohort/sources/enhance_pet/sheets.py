"""Facts of ENHANCE.PET cases from the two sheets, whatever their columns are called among the known names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, shown
from oncohort.formats.spreadsheet import Cell, read_sheet
from oncohort.layouts import enhance_pet as layout
from oncohort.sources.referenced import Row, finding

_NOTHING = {"", "-", "nan", "na", "none", "null", "unknown", "notavailable"}


@dataclass
class Sheets:
    """What the sheets say.

    Attributes:
        facts: Facts by case id.
        origins: What the sheets call the origin of each case.
        findings: Rows of `findings.parquet`.
        unreadable: Reason by name of a sheet that cannot be read.
    """

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, list[str]] = field(default_factory=dict)
    findings: list[Row] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def read_sheets(paths: Mapping[str, Path]) -> Sheets:
    """The facts in those of the two sheets that are there.

    Args:
        paths: File by kind of sheet, `ct` or `pet`.
    """
    sheets = Sheets()
    for kind, path in paths.items():
        try:
            rows = read_sheet(path)
        except FormatError as error:
            sheets.unreadable[path.name] = str(error)
            continue
        _take(sheets, kind, path.name, rows)
    return sheets


def find_origin(cells: Iterable[str]) -> layout.Origin | None:
    """The origin that all cells name, by how they begin; None if there is none or they differ.

    Examples:
        >>> find_origin(["University Hospital Leipzig (Germany)"]).licence
        'CC-BY-4.0'
        >>> find_origin(["AutoPET Challenge", "University Hospital Leipzig"]) is None
        True
    """
    found = {
        next((place for place in layout.ORIGINS if " ".join(cell.lower().split()).startswith(place.begins)), None)
        for cell in cells
    }
    return found.pop() if len(found) == 1 else None


def _take(sheets: Sheets, kind: str, name: str, rows: list[dict[str, Cell]]) -> None:
    columns = _columns(kind, list(rows[0]) if rows else [])
    if "case" not in columns:
        sheets.findings.append(
            finding(
                "enhance_pet_sheet",
                severity="error",
                path=name,
                evidence=f"no column with the case id among {', '.join(rows[0]) if rows else 'no rows'}",
                remedy=f"call the column with 0001, 0002, ... {layout.CASE_COLUMNS[0]}",
            )
        )
        return
    sheets.findings += _unknown_columns(name, rows, columns)
    by_case = _by_case(sheets, name, rows, columns)
    unusable: Counter[tuple[str, str]] = Counter()
    for case, row in by_case.items():
        facts = sheets.facts.setdefault(case, {})
        for fact in layout.COLUMNS[kind]:
            cell = row.get(columns.get(fact, ""))
            if cell is None or re.sub(r"[^a-z0-9-]", "", str(cell).lower()) in _NOTHING:
                continue
            value = read_fact(fact, cell)
            if value is None:
                unusable[columns[fact], str(cell)] += 1
            elif fact == "data_source":
                sheets.origins.setdefault(case, []).append(str(value))
            else:
                facts[fact] = value
    sheets.findings += _unusable(name, unusable)


def _columns(kind: str, header: list[str]) -> dict[str, str]:
    """The column of the sheet for each fact that it has, and for `case`."""
    plain = {_plain(name): name for name in reversed(header)}
    wanted = {"case": layout.CASE_COLUMNS, **layout.COLUMNS[kind]}
    found = {
        fact: next((plain[_plain(name)] for name in names if _plain(name) in plain), None)
        for fact, names in wanted.items()
    }
    return {fact: column for fact, column in found.items() if column is not None}


def _plain(name: str) -> str:
    """A column's name without capitals, unit in brackets, and signs."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"[(\[].*?[)\]]", "", name.lower().replace("'s", "s")))


def _by_case(
    sheets: Sheets, name: str, rows: list[dict[str, Cell]], columns: Mapping[str, str]
) -> dict[str, dict[str, Cell]]:
    """The row of every case; a case with two different rows has none."""
    found: dict[str, dict[str, Cell]] = {}
    twice: list[str] = []
    nameless = 0
    for row in rows:
        case = case_id(row[columns["case"]])
        if case is None:
            nameless += 1
        elif found.setdefault(case, row) != row:
            twice.append(case)
    if twice or nameless:
        sheets.findings.append(
            finding(
                "enhance_pet_sheet",
                path=name,
                evidence=f"{nameless} rows without a case id; cases with two different rows: {shown(twice) or 'none'}",
                remedy="correct the sheet; facts of these rows are not used",
            )
        )
    return {case: row for case, row in found.items() if case not in twice}


def case_id(cell: Cell) -> str | None:
    """The case id in a cell: a whole number, its four digits, or the name of the file.

    Examples:
        >>> case_id(7), case_id("0007"), case_id("0007.nii.gz"), case_id(7.5), case_id("liver")
        ('0007', '0007', '0007', None, None)
    """
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    match = re.fullmatch(r"0*(\d{1,4})(\.nii(\.gz)?)?", str(cell).strip())
    return match[1].zfill(4) if match and not isinstance(cell, bool) else None


def _unknown_columns(name: str, rows: list[dict[str, Cell]], columns: Mapping[str, str]) -> list[Row]:
    unknown = [column for column in rows[0] if column not in columns.values()]
    if not unknown:
        return []
    return [
        finding(
            "enhance_pet_columns",
            severity="info",
            path=name,
            evidence=f"columns that are not read: {shown(unknown)}",
            remedy="nothing, unless one of them is needed; then give it in cases.csv",
        )
    ]


def _unusable(name: str, counts: Counter[tuple[str, str]]) -> list[Row]:
    columns = sorted({column for column, _ in counts})
    found = []
    for column in columns:
        cells = {cell: count for (place, cell), count in counts.items() if place == column}
        found.append(
            finding(
                "enhance_pet_value",
                path=name,
                evidence=f"unreadable cells of {column!r}: {sum(cells.values())}, such as {shown(sorted(cells))}",
                remedy="correct the cells; the facts are left out",
            )
        )
    return found


def read_fact(fact: str, cell: Cell) -> Any:
    """The value of a fact in its unit; None if the cell does not hold one.

    Heights are told apart in m and cm, activities in Bq and MBq by their size: no person is as small or as large as
    to be mistaken.

    Examples:
        >>> read_fact("age_years", "061Y"), read_fact("height_m", 172), read_fact("injected_activity_mbq", 3.1e8)
        (61.0, 1.72, 310.0)
        >>> read_fact("sex", "female"), read_fact("study_date", "20200131"), read_fact("weight_kg", "heavy")
        ('F', '2020-01-31', None)
    """
    return _READERS.get(fact, _text)(cell)


def _text(cell: Cell) -> str | None:
    return " ".join(str(cell).split()) or None


def _number(cell: Cell) -> float | None:
    if isinstance(cell, bool):
        return None
    try:
        value = float(str(cell).strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def _positive(cell: Cell) -> float | None:
    value = _number(cell)
    return value if value is not None and value > 0 else None


def _pixel_size(cell: Cell) -> float | None:
    """The edge of a pixel from one number or several equal ones, such as `[0.98, 0.98]`."""
    found = {_positive(number) for number in re.findall(r"[\d.]+", str(cell))}
    return found.pop() if len(found) == 1 else None


def _age(cell: Cell) -> float | None:
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(y|years?|m|w|d)?", str(cell).strip().lower())
    if match is None:
        return None
    per_year = {"m": 12.0, "w": 365.25 / 7, "d": 365.25}.get(match[2] or "y", 1.0)
    return round(float(match[1]) / per_year, 2)


def _sex(cell: Cell) -> str | None:
    return {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}.get(str(cell).strip().lower())


def _height(cell: Cell) -> float | None:
    value = _positive(cell)
    if value is None or not (0.3 < value < 2.6 or 30 < value < 260):
        return None
    return value if value < 2.6 else round(value / 100, 4)


def _activity(cell: Cell) -> float | None:
    value = _positive(cell)
    if value is None or 5e3 < value < 5e5:
        return None
    return value if value <= 5e3 else value / 1e6


def _date(cell: Cell) -> str | None:
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)", str(cell).strip(), re.ASCII)
    try:
        return date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


_READERS: dict[str, Callable[[Cell], Any]] = {
    "age_years": _age,
    "sex": _sex,
    "weight_kg": _positive,
    "height_m": _height,
    "injected_activity_mbq": _activity,
    "study_date": _date,
    "ct_kvp": _positive,
    "ct_pixel_size_mm": _pixel_size,
    "ct_slice_thickness_mm": _positive,
    "pet_slope": _number,
    "pet_intercept": _number,
}
