"""The sheet of PanTS as facts of cases: text as it stands, numbers as numbers, the rest as findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.errors import shown
from oncohort.formats.spreadsheet import Cell, read_sheet
from oncohort.layouts import pants as layout
from oncohort.sources.referenced import Row, finding

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_LONGEST_TUPLE = 200
_LINE_END = re.compile("_x000D_\n?")  # a carriage return as the format escapes it


@dataclass(frozen=True)
class PantsSheet:
    """What the sheet says.

    Attributes:
        facts: Columns of the case table by case id.
        findings: What looks wrong in the sheet itself.
    """

    facts: Mapping[str, Mapping[str, Any]]
    findings: Sequence[Row] = field(default_factory=list)


def read_pants_sheet(path: str | Path) -> PantsSheet:
    """The facts of every case in `metadata.xlsx`, with 14 or 15 columns.

    Raises:
        FormatError: The file is no workbook that can be read.
    """
    rows = [_with_known_names(row) for row in read_sheet(path)]
    reader = _Reader()
    for row in rows:
        reader.take(row)
    columns = set().union(*rows) if rows else set()
    return PantsSheet(reader.facts, [*_column_findings(columns), *reader.findings()])


def listed_numbers(text: Any) -> tuple[float, ...] | None:
    """The three numbers of a cell such as `(512, 512, 101)`; None if they are not three.

    Examples:
        >>> listed_numbers("(0.75, 0.75, 5.0)"), listed_numbers("unknown")
        ((0.75, 0.75, 5.0), None)
    """
    numbers = _NUMBER.findall(text[:_LONGEST_TUPLE]) if isinstance(text, str) else []
    return tuple(float(number) for number in numbers) if len(numbers) == 3 else None


def _with_known_names(row: Mapping[str, Cell]) -> dict[str, Cell]:
    names = {name: name.strip() for name in row}
    return {layout.RENAMED_COLUMNS.get(plain, plain): row[name] for name, plain in names.items()}


@dataclass
class _Reader:
    """Facts by case, and cells that could not be taken as what their column is."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    strange_ids: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    spaces: dict[str, list[str]] = field(default_factory=dict)
    not_numbers: dict[str, list[str]] = field(default_factory=dict)

    def take(self, row: Mapping[str, Cell]) -> None:
        case = str(row.get(layout.ID_COLUMN)).strip()
        if not re.fullmatch(layout.CASE_PATTERN, case):
            self.strange_ids.append(case)
        elif case in self.facts:
            self.repeated.append(case)
        else:
            self.facts[case] = {fact: self._value(case, column, row.get(column)) for column, fact in _FACTS}

    def findings(self) -> Iterator[Row]:
        if self.strange_ids:
            yield _sheet_finding("pants_sheet_rows", f"rows without the id of a case: {shown(self.strange_ids)}")
        if self.repeated:
            yield _sheet_finding(
                "pants_sheet_rows", f"cases with several rows, the first is taken: {shown(self.repeated)}"
            )
        for column, cases in self.spaces.items():
            yield _sheet_finding("pants_sheet_spaces", f"spaces around the text of {column!r}: {shown(cases)}", "info")
        for column, cases in self.not_numbers.items():
            yield _sheet_finding("pants_sheet_numbers", f"no number in {column!r}, taken as unknown: {shown(cases)}")

    def _value(self, case: str, column: str, cell: Cell) -> Any:
        if cell is None or cell == "":
            return None
        if column in ("age", "tumor?"):
            return self._number(case, column, cell)
        text = str(cell)
        if column == layout.REPORT_COLUMN:
            return _LINE_END.sub("\n", text)
        if text != text.strip():
            self.spaces.setdefault(column, []).append(case)
        return text

    def _number(self, case: str, column: str, cell: Cell) -> float | int | None:
        try:
            number = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = float("nan")
        if column == "tumor?" and number in (0.0, 1.0):
            return int(number)
        if column == "age" and 0 <= number <= _OLDEST:
            return number
        self.not_numbers.setdefault(column, []).append(case)
        return None


_FACTS = tuple(layout.FACTS.items())
_OLDEST = 120


def _column_findings(columns: Iterable[str]) -> Iterator[Row]:
    found = set(columns)
    missing = [name for name in layout.COLUMNS if name not in found]
    if missing:
        yield _sheet_finding("pants_sheet_columns", f"columns that are missing: {shown(missing)}")
    others = sorted(found - {*layout.COLUMNS, layout.REPORT_COLUMN})
    if others:
        yield _sheet_finding(
            "pants_sheet_columns", f"columns that are not known and not taken: {shown(others)}", "info"
        )


def _sheet_finding(rule: str, evidence: str, severity: str = "warning") -> Row:
    remedy = f"look at {layout.SHEET_FILE}; nothing was changed"
    return finding(rule, evidence=evidence, remedy=remedy, path=layout.SHEET_FILE, severity=severity)
