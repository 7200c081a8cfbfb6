"""Whether a cohort was made by a computer."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oncohort.cohort import Cohort
from oncohort.errors import FormatError
from oncohort.formats import volume_path
from oncohort.layouts.phantom import TRUTH_FILE
from oncohort.storage import read_json

_MOST_FOLDERS = 12


def is_synthetic(cohort: Cohort) -> bool:
    """Whether any case of the cohort says, in any of its facts, that it is synthetic, or its images are phantoms.

    Phantoms in the layout of a published data set say so only in the `phantom.json` above their images.

    Examples:
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> from oncohort.labels import LabelScheme
        >>> tables = Tables.from_rows({"cases": [{"case": "A", "patient": "A", "licence": "CC0-1.0 (synthetic)"}]})
        >>> is_synthetic(Cohort(CohortFacts("phantoms", "dicom"), LabelScheme("lesion", {}), tables))
        True
    """
    words = cohort.tables.cases.select(pl.col(pl.String).str.to_lowercase().str.contains("synthetic", literal=True))
    return any(bool(column.any()) for column in words.iter_columns()) or _are_phantoms(cohort)


def _are_phantoms(cohort: Cohort) -> bool:
    paths = cohort.tables.volumes["path"].drop_nulls().head(1)
    if paths.is_empty():
        return False
    image = volume_path(cohort, {"path": paths[0]}).absolute()
    found = [folder / TRUTH_FILE for folder in image.parents[:_MOST_FOLDERS] if (folder / TRUTH_FILE).is_file()]
    return any(_is_truth(path) for path in found)


def _is_truth(path: Path) -> bool:
    try:
        values = read_json(path)
    except FormatError:
        return False
    return isinstance(values, dict) and values.get("synthetic") is True
