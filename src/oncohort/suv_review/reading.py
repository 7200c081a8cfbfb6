"""Reviews of the PET series of a folder, the rows of a table, or the volumes of a cohort."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import InputError, SuvRefusal
from oncohort.formats.csv_rows import read_csv_rows
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.series import SuvRecipe, pet_scale
from oncohort.formats.spreadsheet import read_sheet
from oncohort.sources.walking import walk_folder
from oncohort.suv import SuvScale, autopet_factor, pet_header, suv_factor, with_alternatives
from oncohort.suv_review.oddities import find_odd
from oncohort.suv_review.review import SeriesReview

_MOST_BYTES = 64 * 2**20  # of a CSV


def review_suv(path: str | Path, *, recipe: SuvRecipe = "suv") -> tuple[SeriesReview, ...]:
    r"""How every PET under a folder, or every row of a table, becomes SUV.

    Args:
        path: A tree of DICOM files; or a CSV or XLSX file whose columns are DICOM keywords, one row per series, with
            an optional column `name`.
        recipe: `suv`, or `autopet-compat`.

    Raises:
        InputError: There is no PET, or no such table.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     rows = "name,Units,DecayCorrection,CorrectedImage\nA,GML,START,DECY\\ATTN\nB,PROPCNTS,START,ATTN\n"
        ...     _ = (Path(there) / "rows.csv").write_text(rows)
        ...     [(one.name, one.rule or one.refusal.split(":")[0]) for one in review_suv(Path(there) / "rows.csv")]
        [('A', 'gml-bw'), ('B', 'unsupported_units')]
    """
    found = Path(path)
    if found.is_dir():
        return find_odd(_of_folder(found, recipe))
    return find_odd(_of_table(found, recipe))


def review_cohort_suv(cohort: Cohort) -> tuple[SeriesReview, ...]:
    """The same for every PET of a cohort, from the records beside its volumes; refused series are included.

    Examples:
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> from oncohort.labels import LabelScheme
        >>> scheme = LabelScheme("lesion", {"lesion": 1})
        >>> review_cohort_suv(Cohort(CohortFacts("none", "dicom"), scheme, Tables.empty()))
        ()
    """
    volumes = [row for row in cohort.tables.volumes.iter_rows(named=True) if str(row["role"]).split(".")[0] == "pet"]
    refused = [row for row in cohort.tables.refused.iter_rows(named=True) if row["reason"] == "no SUV"]
    details = {(str(Path(row["path"]).parent), str(row["detail"])) for row in refused}
    return find_odd(
        (
            *(_of_record(f"{row['case']} {row['role']}", str(row["path"]), _record(row)) for row in volumes),
            *(SeriesReview("refused series", where, refusal=detail) for where, detail in sorted(details)),
        )
    )


def _of_folder(folder: Path, recipe: SuvRecipe) -> tuple[SeriesReview, ...]:
    index = index_files(walk_folder(folder.absolute()).files)
    series = [headers for headers in index.series.values() if headers[0].modality == "PT"]
    if not series:
        reasons = sorted({one.reason for one in index.refused})
        raise InputError(
            expected="at least one PET series",
            found="; ".join(reasons) or "no files",
            where=str(folder),
            remedy="name a folder that holds DICOM files of a PET",
        )
    return tuple(_of_series(headers, recipe) for headers in series)


def _of_series(headers: Sequence[DicomHeader], recipe: SuvRecipe) -> SeriesReview:
    first = min(headers, key=lambda one: one.path)
    name = " ".join(
        filter(None, (first.patient, first.facts.get("StudyDate", ""), first.facts.get("SeriesDescription")))
    )
    where = str(Path(first.path).parent)
    try:
        scale = pet_scale(headers, recipe=recipe)
    except SuvRefusal as refusal:
        return _refused(name, where, refusal)
    return _of_record(name, where, scale.record)


def _of_table(path: Path, recipe: SuvRecipe) -> tuple[SeriesReview, ...]:
    rows = _rows(path)
    return tuple(
        _of_row(str(row.get("name") or f"row {number}"), path, row, recipe) for number, row in enumerate(rows, 2)
    )


def _of_row(name: str, path: Path, row: Mapping[str, object], recipe: SuvRecipe) -> SeriesReview:
    try:
        scale = row_scale(row, where=f"{path}, {name}", recipe=recipe)
    except SuvRefusal as refusal:
        return _refused(name, str(path), refusal)
    return _of_record(name, str(path), scale.record)


def row_scale(row: Mapping[str, object], *, where: str, recipe: SuvRecipe = "suv") -> SuvScale:
    """The factor of one row of a table, with the alternatives in its record.

    Args:
        row: Values by DICOM keyword.
        where: Named in messages.
        recipe: `suv`, or `autopet-compat`.

    Raises:
        SuvRefusal: The row does not permit an honest factor.
    """
    if recipe == "autopet-compat":
        return autopet_factor([row], where=where)
    header = pet_header([row], where=where)
    return with_alternatives(suv_factor(header), header, [row])


def _rows(path: Path) -> list[Mapping[str, Any]]:
    if not path.is_file() or path.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError(
            expected="a folder of DICOM files, or a table (.csv, .xlsx)",
            found="a file of another kind" if path.is_file() else "nothing there",
            where=str(path),
            remedy="check the path",
        )
    if path.suffix.lower() == ".xlsx":
        return list(read_sheet(path))
    return list(read_csv_rows(path, most_bytes=_MOST_BYTES))


def _of_record(name: str, where: str, record: Mapping[str, Any]) -> SeriesReview:
    factor = record.get("factor")
    factors = [float(one) for one in (factor if isinstance(factor, list) else [factor]) if isinstance(one, int | float)]
    known = [one for one in factors if math.isfinite(one)]
    return SeriesReview(
        name=name,
        where=where,
        rule=str(record.get("rule", "")),
        factors=(min(known), max(known)) if known else None,
        refusal="" if known else "no factor is recorded",
        record=record,
        alternatives=tuple(record.get("alternatives", ())),
        warnings=tuple(record.get("warnings", ())),
    )


def _refused(name: str, where: str, refusal: SuvRefusal) -> SeriesReview:
    return SeriesReview(name, where, refusal=f"{refusal.code}: expected {refusal.expected}, found {refusal.found}")


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        record = json.loads(row["scale"]) if row["scale"] else {}
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
