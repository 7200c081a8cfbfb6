"""The cohort folder: `cohort.json`, seven Parquet tables, and converted volumes.

All tables are written beside the old ones, then `cohort.json` goes, the tables
take their places, and the new `cohort.json` is written last: a folder with one
is complete, and holds tables of one time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oncohort.cohort import TABLES, Cohort, CohortFacts, Tables
from oncohort.errors import FormatError, OutputError
from oncohort.formats.parquet import read_table, staged_table
from oncohort.formats.row_files import bytes_behind, files_behind, read_image, read_masks, require_present, stamp_behind
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.storage import read_json, write_json
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

COHORT_TYPE = "oncohort.cohort"
FORMAT_VERSION = "1.0"


def write_cohort(folder: str | Path, cohort: Cohort) -> None:
    """Write the tables and `cohort.json` of a cohort; volumes stand where its rows say.

    Paths in the rows are relative to `folder` or absolute.

    Raises:
        OutputError: A file cannot be written; an earlier cohort then stays as it was or is marked incomplete.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> empty = Cohort(CohortFacts("none", "dicom"), LabelScheme("lesion", {"lesion": 1}), Tables.empty())
        >>> with TemporaryDirectory() as there:
        ...     write_cohort(there, empty)
        ...     open_cohort(there).name
        'none'
    """
    root = Path(folder)
    with ExitStack() as staged:
        for name, table in cohort.tables.named().items():
            path = root / f"{name}.parquet"
            staged.enter_context(staged_table(path, table, kind=f"{COHORT_TYPE}.{name}", version=FORMAT_VERSION))
        _mark_incomplete(root)
    write_json(
        root / "cohort.json",
        {
            "type": COHORT_TYPE,
            "format_version": FORMAT_VERSION,
            **{key: value for key, value in asdict(cohort.facts).items() if key not in _LAST},
            "label_scheme": cohort.scheme.to_dict(),
            **{key: getattr(cohort.facts, key) for key in _LAST},
        },
    )


_LAST = ("created_by", "created_at")


def _mark_incomplete(root: Path) -> None:
    try:
        (root / "cohort.json").unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            expected="a folder that can be written",
            found=error.strerror or str(error),
            where=str(root),
            remedy="make it writable or choose another --out",
        ) from error


def open_cohort(path: str | Path) -> Cohort:
    """The cohort in a folder that Oncohort wrote.

    Raises:
        FormatError: The folder holds no complete cohort, or one of a newer format.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> empty = Cohort(CohortFacts("none", "dicom"), LabelScheme("lesion", {"lesion": 1}), Tables.empty())
        >>> with TemporaryDirectory() as there:
        ...     write_cohort(there, empty)
        ...     [case.id for case in open_cohort(there)]
        []
    """
    root = Path(path)
    values = _read_facts(root)
    tables = {name: _read_cohort_table(root, name) for name in TABLES}
    scheme = LabelScheme.from_dict(values["label_scheme"])
    facts = CohortFacts(
        name=str(values["name"]),
        source=str(values["source"]),
        source_version=values.get("source_version"),
        licences=tuple(values.get("licences") or ()),
        parents=tuple(values.get("parents") or ()),
        created_by=str(values.get("created_by", "")),
        created_at=str(values.get("created_at", "")),
    )
    return Cohort(facts, scheme, Tables(**tables), partial(read_row, root, scheme), root)


def read_case_table(path: str | Path) -> pl.DataFrame:
    """The table of cases in a cohort folder, also in one that is not complete.

    Raises:
        FormatError: There is no such table, or it is damaged.
    """
    return _read_cohort_table(Path(path), "cases")


def volume_path(cohort: Cohort, row: Mapping[str, Any]) -> Path:
    """Where the file of one row of `volumes.parquet` lies."""
    return (cohort.root or Path()) / str(row["path"])


def volume_files(cohort: Cohort, row: Mapping[str, Any]) -> list[Path]:
    """The files behind one row of `volumes.parquet`: one, or those of a folder that are one label map.

    Raises:
        FormatError: The row lists no files although it should.
    """
    return files_behind(volume_path(cohort, row), _record(row))


def fingerprint_volume(cohort: Cohort, row: Mapping[str, Any]) -> list[Any]:
    """What changes when a file of one row changes: path, size, modification time (JSON values).

    A file that is gone has no size, so that whoever depends on it notices.
    """
    return [row["role"], str(row["path"]), row["scale"], stamp_behind(volume_path(cohort, row), _record(row))]


def fingerprint_case(cohort: Cohort, case: str, roles: Collection[str]) -> list[list[Any]]:
    """What changes when a file of one of these roles of a case changes (JSON values)."""
    return [fingerprint_volume(cohort, row) for row in cohort.volume_rows(case) if row["role"] in roles]


def volumes_stand(folder: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the files that rows of `volumes` name are still there, in the size that the rows know."""
    sizes = ((row["bytes"], bytes_behind(folder / row["path"], _record(row))) for row in rows)
    return all(found is not None and declared in (None, found) for declared, found in sizes)


def read_row(root: Path, scheme: LabelScheme, row: Mapping[str, Any]) -> Volume | LabelMap:
    """The volume or label map that one row of `volumes.parquet` names.

    Raises:
        FormatError: The file cannot be read.
        GeometryError: The file lies on another grid than the row says.
    """
    path = root / row["path"]
    declared, unit, record = _declared(path, row)
    require_present(path, record)
    if unit is Unit.LABEL:
        return read_masks(path, record, _own_scheme(record) or scheme, declared)
    volume = read_image(path, record, unit)
    declared.require_same_grid(volume.geometry, what=f"role {row['role']!r}", where=str(path))
    return Volume(declared, unit, volume.source, record)


def _declared(path: Path, row: Mapping[str, Any]) -> tuple[Geometry, Unit, dict[str, Any]]:
    try:
        geometry = Geometry(tuple(row["shape"]), np.array(row["affine"], np.float64).reshape(4, 4))
        return geometry, Unit(row["unit"]), _record(row)
    except (TypeError, ValueError) as error:
        raise _wrong_row(str(path), str(error)) from error


def _wrong_row(where: str, found: str) -> FormatError:
    return FormatError(
        expected="shape, affine, unit and scale of the volume in volumes.parquet",
        found=found,
        where=where,
        remedy="ingest again",
    )


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the column `scale` of a row says; nothing if it is empty or no JSON object."""
    try:
        record = json.loads(row.get("scale") or "{}")
    except ValueError as error:
        raise _wrong_row(str(row["path"]), str(error)) from error
    return record if isinstance(record, dict) else {}


def _own_scheme(record: Mapping[str, Any]) -> LabelScheme | None:
    """The scheme of one mask whose integers mean something else than those of the cohort's other masks."""
    return LabelScheme.from_dict(record["label_scheme"]) if "label_scheme" in record else None


def _read_facts(root: Path) -> dict[str, Any]:
    if not (root / "cohort.json").is_file():
        found = "a folder without cohort.json (ingest was not finished?)" if root.is_dir() else "no folder"
        raise _no_cohort(root, found)
    values = read_json(root / "cohort.json")
    if not isinstance(values, dict) or values.get("type") != COHORT_TYPE:
        raise _no_cohort(root, "a cohort.json of another type")
    if str(values.get("format_version")).split(".", maxsplit=1)[0] != FORMAT_VERSION.split(".", maxsplit=1)[0]:
        raise _no_cohort(root, f"format version {values.get('format_version')}")
    missing = {"name", "source", "label_scheme"} - set(values)
    if missing:
        raise _no_cohort(root, f"cohort.json without {', '.join(sorted(missing))}")
    return values


def _read_cohort_table(root: Path, name: str) -> pl.DataFrame:
    path = root / f"{name}.parquet"
    table = read_table(path, kind=f"{COHORT_TYPE}.{name}", version=FORMAT_VERSION)
    missing = [column for column in TABLES[name] if column not in table.columns]
    if missing:
        raise _no_cohort(root, f"{path.name} without columns {', '.join(missing)}")
    return table


def _no_cohort(root: Path, found: str) -> FormatError:
    return FormatError(
        expected=f"a cohort folder of format {FORMAT_VERSION}",
        found=found,
        where=str(root),
        remedy="make one with `oncohort ingest`",
    )
