"""One row for each slice of a converted volume: which image it was, where it lay, what its numbers were worth."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.series import DicomSeries
from oncohort.formats.parquet import write_table
from oncohort.sources.walking import relative
from oncohort.storage import write_bytes

COLUMNS: dict[str, Any] = {
    "k": pl.Int64,
    "sop_instance_uid": pl.String,
    "file": pl.String,
    "x_mm": pl.Float64,
    "y_mm": pl.Float64,
    "z_mm": pl.Float64,
    "slope": pl.Float64,
    "intercept": pl.Float64,
    "factor": pl.Float64,
    "acquired": pl.String,
    "frame_reference_time_ms": pl.String,
    "frame_duration_ms": pl.String,
    "decay_factor": pl.String,
}
"""Columns and their types. Positions are DICOM patient coordinates (LPS) of the centre of the first pixel."""

KIND, VERSION = "oncohort.slices", "1.0"


def slice_rows(root: Path, series: DicomSeries, headers: Sequence[DicomHeader]) -> list[dict[str, Any]]:
    """The rows of a series.

    Args:
        root: The folder that is converted.
        series: The series.
        headers: Of its slices, in the same order.
    """
    return [
        _row(root, k, header, (one.slope, one.intercept, one.factor))
        for k, (one, header) in enumerate(zip(series.slices, headers, strict=True))
    ]


def write_slices(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    r"""Write a slice table, as CSV or as Parquet by the name of the file; what is missing is an empty cell.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_slices(Path(folder, "a.csv"), [{"k": 0, "slope": 1.0}])
        ...     Path(folder, "a.csv").read_text().splitlines()[1]
        '0,,,,,,1.0,,,,,,'
    """
    if path.suffix == ".parquet":
        table = pl.DataFrame(list(rows), schema=pl.Schema(COLUMNS))
        write_table(path, table, kind=KIND, version=VERSION)
        return
    text = StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode(errors="backslashreplace"))


def _row(root: Path, k: int, header: DicomHeader, scaling: tuple[float, float, float]) -> dict[str, Any]:
    position = header.image.position_mm if header.image is not None else (None, None, None)
    values = (
        k,
        header.instance or None,
        relative(root, header.path),
        *position,
        *scaling,
        header.acquired or None,
        header.facts.get("FrameReferenceTime"),
        header.facts.get("ActualFrameDuration"),
        header.facts.get("DecayFactor"),
    )
    return dict(zip(COLUMNS, values, strict=True))
