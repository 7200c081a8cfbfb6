"""Rows of `volumes.parquet` for files of which the header alone was read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from oncohort.formats.nifti import grid_facts
from oncohort.geometry import Geometry
from oncohort.sources.referenced import Row
from oncohort.units import Unit

_facts = lru_cache(maxsize=1024)(grid_facts)


def header_row(  # noqa: PLR0913 - the columns of one row
    case: str, role: str, path: str, *, unit: Unit, grid: Geometry, scale: Mapping[str, Any] | None, size: int
) -> Row:
    """The row of an image or mask that stays where it lies.

    Args:
        case: The case id.
        role: What it is in the case.
        path: Its absolute path; of a mask of several files, their folder.
        unit: What its numbers mean.
        grid: What the header says.
        scale: What the column `scale` holds.
        size: Bytes of the file, or of all files together.

    Examples:
        >>> import numpy as np
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> header_row("A", "ct", "/ct.nii.gz", unit=Unit.HU, grid=grid, scale=None, size=9)["orientation"]
        'RAS'
    """
    is_mask = unit is Unit.LABEL
    return {
        "case": case,
        "role": role,
        "path": path,
        "unit": str(unit),
        **_facts(grid),
        "scale": None if scale is None else json.dumps(scale),
        "sha256": None,
        "bytes": size,
        "state": "original" if is_mask else None,
        "version": 1 if is_mask else None,
    }
