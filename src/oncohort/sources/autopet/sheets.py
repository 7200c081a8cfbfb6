"""What the two metadata sheets of autoPET say of a study. One row is one series; a study may have several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, shown
from oncohort.formats.csv_rows import read_csv_rows
from oncohort.layouts import autopet
from oncohort.sources.autopet.names import Identity, study_date
from oncohort.sources.dicom.facts import age_years
from oncohort.sources.referenced import Refusal, finding

SheetRow = Mapping[str, str]

_SUBJECT = "Subject ID"
_LOCATION = "File Location"
_DATE = "Study Date"
_TEXTS = ("diagnosis", "manufacturer_model_name", "pet_radionuclide", "ct_contrast_agent")
_OLDEST = 130


@dataclass(frozen=True)
class Sheets:
    """The rows of the sheets by file name and subject; a sheet that is not there has no entry."""

    rows: Mapping[str, Mapping[str, Sequence[SheetRow]]]

    def of(self, identity: Identity) -> Sequence[SheetRow]:
        """The rows of one study, by its folder or date; else those of its patient that name no study."""
        if identity.subset is None:
            return ()
        subset = autopet.SUBSETS[identity.subset]
        rows = self.rows.get(subset.sheet, {}).get(subset.subject_prefix + identity.patient, ())
        own = [row for row in rows if _is_of(row, identity)]
        return own or [row for row in rows if not _dates(row)]


def read_sheets(files: Mapping[str, Path]) -> tuple[Sheets, dict[str, Refusal]]:
    """The sheets among files by name, and why others of them cannot be used."""
    rows: dict[str, dict[str, list[SheetRow]]] = {}
    refused: dict[str, Refusal] = {}
    for subset in autopet.SUBSETS.values():
        if subset.sheet not in files:
            continue
        try:
            listed = read_csv_rows(files[subset.sheet], [_SUBJECT])
        except FormatError as error:
            refused[subset.sheet] = Refusal("unreadable", str(error))
            continue
        by_subject = rows.setdefault(subset.sheet, {})
        for row in listed:
            by_subject.setdefault(row[_SUBJECT], []).append(row)
    return Sheets(rows), refused


def sheet_facts(rows: Sequence[SheetRow]) -> dict[str, Any]:
    """Columns of `cases.parquet` from the rows of one study.

    A fact on which rows differ is left out, but diagnoses are joined: a patient may have several.

    Examples:
        >>> sheet_facts([{"age": "051Y", "sex": "M", "diagnosis": "LYMPHOMA"}])
        {'sex': 'M', 'age_years': 51.0, 'diagnosis': 'LYMPHOMA'}
    """
    facts: dict[str, Any] = {"sex": _only(rows, "sex"), "age_years": parse_age(_only(rows, "age") or "")}
    facts |= {name: _only(rows, name) for name in _TEXTS}
    facts["diagnosis"] = " | ".join(_values(rows, "diagnosis")) or None
    return {name: value for name, value in facts.items() if value is not None}


def parse_age(text: str) -> float | None:
    """Years in "051Y", "018M" or "51"; None if it is no age.

    Examples:
        >>> parse_age("051Y"), parse_age("71"), parse_age("71.5"), parse_age("old")
        (51.0, 71.0, 71.5, None)
    """
    dicom = age_years(text)
    if dicom is not None:
        return dicom if dicom <= _OLDEST else None
    try:
        years = float(text)
    except ValueError:
        return None
    return years if math.isfinite(years) and 0 <= years <= _OLDEST else None


def sheet_findings(sheets: Sheets, identities: Sequence[Identity]) -> Iterator[dict[str, Any]]:
    """What a reader of the sheets should know, one row per sheet and rule."""
    for name, subset in autopet.SUBSETS.items():
        own = [one for one in identities if one.subset == name]
        if own and subset.sheet in sheets.rows:
            yield from _sheet_findings(subset.sheet, {one.case: sheets.of(one) for one in own})
        elif own:
            yield finding(
                "autopet_sheet",
                evidence=f"no {subset.sheet} that can be read for {len(own)} studies",
                remedy="add the sheet, or go without age, sex and diagnosis",
                path=subset.sheet,
                severity="info",
            )


def _sheet_findings(sheet: str, rows: Mapping[str, Sequence[SheetRow]]) -> Iterator[dict[str, Any]]:
    absent = [case for case, listed in rows.items() if not listed]
    ages = {case: _values(listed, "age") for case, listed in rows.items()}
    odd = [case for case, values in ages.items() if values and (len(values) > 1 or parse_age(values[0]) is None)]
    several = [case for case, listed in rows.items() if len(_values(listed, "diagnosis")) > 1]
    for cases, evidence, remedy, severity in (
        (absent, "have no row in the sheet", "compare Subject ID with the case id", "warning"),
        (odd, "have no single age in the sheet", "look at the rows of the subject", "warning"),
        (several, "have several diagnoses in the sheet", "take the presence of lesions from the label", "info"),
    ):
        if cases:
            text = f"{len(cases)} studies {evidence}: {shown(cases)}"
            yield finding("autopet_sheet", evidence=text, remedy=remedy, path=sheet, severity=severity)


def _is_of(row: SheetRow, identity: Identity) -> bool:
    return identity.study in _folders(row) or identity.study_date in _dates(row)


def _folders(row: SheetRow) -> list[str]:
    return row.get(_LOCATION, "").replace("\\", "/").split("/")


def _dates(row: SheetRow) -> set[str]:
    """The dates of the study that a row belongs to, as its folder or its column says."""
    return {day for text in (*_folders(row), row.get(_DATE, "")) if (day := study_date(text)) is not None}


def _values(rows: Iterable[SheetRow], column: str) -> list[str]:
    return sorted({row[column] for row in rows if row.get(column)})


def _only(rows: Iterable[SheetRow], column: str) -> str | None:
    values = _values(rows, column)
    return values[0] if len(values) == 1 else None
