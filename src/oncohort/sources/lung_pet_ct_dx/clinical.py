"""The clinical sheet of Lung-PET-CT-Dx, cleaned: what it says of each patient, and what in it cannot be meant."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.spreadsheet import read_sheet
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.lung_pet_ct_dx.annotations import Notes

_COLUMNS = tuple(unicodedata.normalize("NFKC", name) for name in layout.CLINICAL_COLUMNS)
_NUMBER, _PATIENT, _SEX, _AGE, _WEIGHT, _T, _N, _M, _GRADE, _SMOKING = _COLUMNS
_RARE_N = 2
_BIRTH_TOLERANCE_YEARS = 2.0


@dataclass(frozen=True)
class ClinicalSheet:
    """What one sheet says.

    Attributes:
        path: the sheet.
        patients: columns of a case by the short form of the patient's number.
    """

    path: Path
    patients: Mapping[str, Mapping[str, Any]]


def read_clinical(path: Path, notes: Notes, named: str) -> ClinicalSheet:
    """The cleaned rows of a clinical sheet.

    Column names are compared after NFKC, because the M of "M-Stage" is full-width. Stages become lower-case text, N a
    whole number; an M that no edition of TNM has becomes null.

    Args:
        path: the workbook.
        notes: gets what is wrong.
        named: the path as the tables name it.

    Raises:
        FormatError: no workbook, or one without these columns.
    """
    rows = [_normal(row) for row in read_sheet(path)]
    missing = [name for name in _COLUMNS if rows and name not in rows[0]]
    if not rows or missing:
        raise FormatError(
            expected=f"columns {', '.join(_COLUMNS)}",
            found=f"no {', '.join(missing)}" if missing else "no rows",
            where=str(path),
            remedy="take the sheet as it was published",
        )
    patients: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        short = _text(row[_PATIENT]).upper()
        if layout.SHORT_PATIENT_PATTERN.match(short) is None or short in patients:
            notes.add("clinical_row_unknown", "", named, f"row {row[_NUMBER]}: patient {row[_PATIENT]!r}")
        else:
            patients[short] = _facts(short, row, notes, named)
    return ClinicalSheet(path, patients)


def _normal(row: Mapping[str, Any]) -> dict[str, Any]:
    return {unicodedata.normalize("NFKC", name).strip(): value for name, value in row.items()}


def _facts(short: str, row: Mapping[str, Any], notes: Notes, named: str) -> dict[str, Any]:
    t_stage, m_stage = _stage(row[_T]), _stage(row[_M])
    n_stage, grade = _whole(row[_N]), _text(row[_GRADE])
    if t_stage is not None and t_stage not in layout.T_STAGES:
        notes.add("invalid_t_stage", "", named, f"{short}: T {row[_T]!r}")
        t_stage = None
    if m_stage is not None and m_stage not in layout.M_STAGES:
        notes.add("invalid_m_stage", "", named, f"{short}: M {row[_M]!r}")
        m_stage = None
    if n_stage is not None and (n_stage not in layout.N_STAGES or n_stage == _RARE_N):
        notes.add("rare_n_stage", "", named, f"{short}: N {row[_N]!r}")
    return {
        "clinical_sex": _text(row[_SEX]) or None,
        "clinical_age_years": _number(row[_AGE]),
        "clinical_weight_kg": _number(row[_WEIGHT]),
        "t_stage": t_stage,
        "n_stage": n_stage,
        "m_stage": m_stage,
        "grade": layout.GRADE_SPELLINGS.get(grade, grade) or None,
        "smoking_history": _whole(row[_SMOKING]),
    }


def compare_facts(case: str, row: Mapping[str, Any], clinical: Mapping[str, Any], notes: Notes, named: str) -> None:
    """Note where header and sheet say different things of a patient."""
    sex, written = row.get("sex"), str(clinical.get("clinical_sex") or "")[:1].upper()
    if sex in ("F", "M") and written in ("F", "M") and sex != written:
        notes.add("clinical_mismatch", case, named, f"{case}: sex {sex} in the header, {written} in the sheet")
    age, told = row.get("age_years"), clinical.get("clinical_age_years")
    if age is not None and told is not None and abs(age - told) > 1:
        notes.add("clinical_mismatch", case, named, f"{case}: {age:g} years in the header, {told:g} in the sheet")


def compare_studies(rows: Iterable[Mapping[str, Any]], notes: Notes) -> None:
    """Note ages of 0, and people whose studies do not agree on their sex or year of birth.

    Args:
        rows: rows of `cases.parquet`.
        notes: gets what is odd.
    """
    people: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        people[row["patient"]].append(row)
        if row["age_years"] == 0:
            notes.add("odd_patient_facts", row["case"], "", f"{row['case']}: 0 years in the header")
    for patient, own in people.items():
        sexes = sorted({row["sex"] for row in own if row["sex"]})
        if len(sexes) > 1:
            notes.add("odd_patient_facts", own[0]["case"], "", f"{patient}: sex {' and '.join(sexes)} in the headers")
        births = sorted(filter(None, map(_birth, own)))
        if births and births[-1] - births[0] > _BIRTH_TOLERANCE_YEARS:
            evidence = f"{patient}: ages that mean a birth in {births[0]:.0f} and in {births[-1]:.0f}"
            notes.add("odd_patient_facts", own[0]["case"], "", evidence)


def _birth(row: Mapping[str, Any]) -> float | None:
    """About when a person was born, as a year, by the date and the age of a study."""
    day, age = row["study_date"], row["age_years"]
    if not day or not age:
        return None
    return float(date.fromisoformat(day).year + date.fromisoformat(day).timetuple().tm_yday / 366 - age)


def choose_sheet(
    paths: Sequence[Path], notes: Notes, named: Mapping[Path, str]
) -> tuple[ClinicalSheet | None, dict[Path, str]]:
    """The first workbook that is the clinical sheet, and why the others are not."""
    chosen, others = None, {}
    for path in paths:
        if chosen is not None:
            others[path] = "not part of the layout"
            continue
        try:
            chosen = read_clinical(path, notes, named[path])
        except FormatError as error:
            others[path] = f"expected {error.expected}; found {error.found}"
    return chosen, others


def _text(value: Any) -> str:
    return "" if value is None else unicodedata.normalize("NFKC", str(value)).strip()


def _stage(value: Any) -> str | None:
    """A stage as lower-case text; 1, 1.0 and "1" are one."""
    return _text(value).lower().removesuffix(".0") or None


def _number(value: Any) -> float | None:
    try:
        number = float(_text(value))
    except ValueError:
        return None
    return number if 0 <= number < 1000 else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None
