"""The folder of a sensitivity analysis: two tables, the record, the page and its figures."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oncohort.formats.parquet import read_table, write_table
from oncohort.storage import write_bytes, write_json
from oncohort.variation.page import draw_sensitivity, render_sensitivity
from oncohort.variation.varying import Sensitivity

SENSITIVITY_TYPE = "oncohort.sensitivity"
RANGES_TYPE = "oncohort.sensitivity_ranges"
FORMAT_VERSION = "1.0"


def write_sensitivity(folder: str | Path, found: Sensitivity) -> Path:
    """Write tables, figures and page, then the record; a folder with `sensitivity.json` is complete.

    Returns:
        The page.

    Raises:
        OutputError: A file cannot be written.
    """
    root = Path(folder)
    write_table(root / "sensitivity.parquet", found.choices, kind=SENSITIVITY_TYPE, version=FORMAT_VERSION)
    write_table(root / "ranges.parquet", found.ranges, kind=RANGES_TYPE, version=FORMAT_VERSION)
    drawings = draw_sensitivity(found)
    for drawing in drawings:
        write_bytes(root / "figures" / f"{drawing.name}.svg", drawing.svg.encode())
    page = root / "sensitivity.html"
    write_bytes(page, render_sensitivity(found, drawings).encode())
    write_json(root / "sensitivity.json", {"type": SENSITIVITY_TYPE, "format_version": FORMAT_VERSION, **found.run})
    return page


def read_choices(folder: str | Path) -> pl.DataFrame:
    """The table of choices that `write_sensitivity` wrote.

    Raises:
        FormatError: The file is missing, damaged, of another type or of a newer format.
    """
    return read_table(Path(folder) / "sensitivity.parquet", kind=SENSITIVITY_TYPE, version=FORMAT_VERSION)
