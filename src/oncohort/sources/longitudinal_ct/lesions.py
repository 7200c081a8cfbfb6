"""The sheet of one patient of the longitudinal CT set: which lesions there are, and what became of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.formats.csv_rows import read_csv_rows
from oncohort.layouts import longitudinal_ct
from oncohort.sources.longitudinal_ct.listing import ScanKey, case_of

Row = dict[str, Any]
Point = tuple[float, float, float]

_REQUIRED = ("lesion_id", "img_id_bl", "img_id_fu")
_LARGEST_ID = 65535
_LARGEST_SCAN = 99
_FLAGS = ("target_lesion", "use_for_challenge", "linking_unclear")
_TRUTH = {"true": 1.0, "1": 1.0, "1.0": 1.0, "yes": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0, "no": 0.0}
_CENTRES = {"BL": ("cog_bl", "cog_backpropagated"), "FU": ("cog_fu", "cog_propagated")}


@dataclass(frozen=True)
class Lesion:
    """One row of a sheet: a lesion on one baseline and one follow-up scan.

    Attributes:
        number: Its integer in the masks, the same at all time points.
        scans: Number of its baseline and of its follow-up scan.
        points: Voxel positions by column; a column without a value is absent.
        numbers: Volumes and flags by column.
        texts: Type, topology class and what it merged into or split from, by column.
    """

    number: int
    scans: Mapping[str, int]
    points: Mapping[str, Point] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def rows(self, patient: str) -> Iterator[tuple[ScanKey, list[Row]]]:
        """Rows of `structures.parquet` for each of its two scans, the case left out."""
        for side, other in (("BL", "FU"), ("FU", "BL")):
            key = (patient, side, self.scans[side])
            shared = {
                "volume": "lesions",
                "structure": "lesion",
                "lesion": str(self.number),
                "linked_case": case_of((patient, other, self.scans[other])),
                **self.texts,
            }
            yield key, [{**shared, **measure} for measure in self._measures(side)]

    def _measures(self, side: str) -> Iterator[Row]:
        own, carried = _CENTRES[side]
        yield {"measure": "present", "value": float(own in self.points), "unit": "1"}
        volume = self.numbers.get(f"volume_{side.lower()}")
        if volume is not None:
            yield {"measure": "volume", "value": volume, "unit": "mm3"}
        for column, name in ((own, "centre"), (carried, "carried_centre")):
            for axis, value in zip("ijk", self.points.get(column, ()), strict=False):
                yield {"measure": f"{name}_{axis}", "value": value, "unit": "voxel"}
        for flag in _FLAGS:
            if flag in self.numbers:
                yield {"measure": flag, "value": self.numbers[flag], "unit": "1"}


@dataclass(frozen=True)
class LesionSheet:
    """The sheet of one patient.

    Attributes:
        lesions: In the order of the file.
        unread: Cells that are not what their column promises, as row, column and text; the row stays without them,
            but a row without lesion id or scans is left out.
        is_old: Whether columns of the present release are missing.
    """

    lesions: tuple[Lesion, ...]
    unread: tuple[str, ...]
    is_old: bool


def read_lesion_sheet(path: str | Path) -> LesionSheet:
    """The lesions in the sheet of a patient, of the old or the present release.

    Raises:
        FormatError: The file cannot be read or lacks lesion_id, img_id_bl or img_id_fu.
    """
    rows = read_csv_rows(path, _REQUIRED)
    unread: list[str] = []
    lesions = [lesion for line, row in enumerate(rows, start=2) if (lesion := _lesion(row, line, unread)) is not None]
    is_old = bool(rows) and any(column not in rows[0] for column in longitudinal_ct.NEW_COLUMNS)
    return LesionSheet(tuple(lesions), tuple(unread), is_old)


def _lesion(row: Mapping[str, str], line: int, unread: list[str]) -> Lesion | None:
    number = _whole(row["lesion_id"], 1, _LARGEST_ID)
    scans = {side: _scan(row[f"img_id_{side.lower()}"], side) for side in ("BL", "FU")}
    known = {side: scan for side, scan in scans.items() if scan is not None}
    if number is None or len(known) < 2:
        unread.append(f"row {line}: lesion {row['lesion_id']!r} on scans {row['img_id_bl']!r}, {row['img_id_fu']!r}")
        return None
    columns = [*((name, _point) for name in longitudinal_ct.POINT_COLUMNS)]
    points = {name: value for name, read in columns if (value := _cell(row, name, read, line, unread)) is not None}
    numbers: dict[str, float] = {}
    for name, read in (("volume_bl", _amount), ("volume_fu", _amount), *((flag, _flag) for flag in _FLAGS)):
        value = _cell(row, name, read, line, unread)
        if value is not None:
            numbers[name] = value
    texts = {
        name: row[name] for name in ("lesion_type", "topology_class", "merged_into", "split_from") if row.get(name)
    }
    return Lesion(number, known, points, numbers, texts)


def _cell(row: Mapping[str, str], name: str, read: Any, line: int, unread: list[str]) -> Any:
    text = row.get(name, "")
    if not text or text.lower() in ("nan", "none"):
        return None
    value = read(text)
    if value is None:
        unread.append(f"row {line}: {name} {text[:40]!r}")
    return value


def _scan(text: str, side: str) -> int | None:
    """The number of a scan: as it is, or at the end of a name such as BL_img_00."""
    named = re.fullmatch(rf"{side}(?:_img)?_(\d{{2}})", text)
    return _whole(named[1] if named else text, 0, _LARGEST_SCAN)


def _whole(text: str, lowest: int, highest: int) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value.is_integer() and lowest <= value <= highest else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _amount(text: str) -> float | None:
    value = _number(text)
    return value if value is not None and value >= 0 else None


def _flag(text: str) -> float | None:
    return _TRUTH.get(text.lower())


def _point(text: str) -> Point | None:
    values = [value for word in text.split() if (value := _number(word)) is not None]
    return (values[0], values[1], values[2]) if len(values) == len(text.split()) == 3 else None


def unknown_texts(lesions: Sequence[Lesion], column: str, known: Sequence[str]) -> list[str]:
    """Values of a column of text that the published set does not have.

    Examples:
        >>> unknown_texts([Lesion(1, {"BL": 0, "FU": 0}, texts={"lesion_type": "Toe"})], "lesion_type", ["Liver"])
        ['Toe']
    """
    return sorted({lesion.texts[column] for lesion in lesions if column in lesion.texts} - set(known))
