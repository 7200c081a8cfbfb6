"""Images that stay where they lie: opened by their headers, named in the tables, refused with their whole case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.nifti import header_facts
from oncohort.formats.nifti_completeness import require_complete
from oncohort.formats.reading import read_volume
from oncohort.geometry import Geometry
from oncohort.sources.protocol import CasePlan, FileStamp
from oncohort.sources.walking import refused_row
from oncohort.storage import file_stamp
from oncohort.units import Unit
from oncohort.volume import Volume

Row = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Why an image cannot be used: a reason of refusal, and what was seen."""

    reason: str
    detail: str


def stamp(path: Path) -> FileStamp:
    """Path, size and modification time of a file that a case uses."""
    found = file_stamp(path)
    return FileStamp(str(path), found["bytes"], found["mtime_ns"])


def open_image(path: Path, unit: Unit, grid: Geometry | None = None) -> Volume | Refusal:
    """The volume in a file, its voxels not yet read; or why it is refused.

    Whether a NIfTI file is whole is told without decompressing it; a MetaImage is read.

    Args:
        path: A NIfTI or MetaImage file.
        unit: What its numbers mean.
        grid: The grid that it must have; None takes any.
    """
    try:
        volume = read_volume(path, unit)
        if path.name.endswith(".mha"):
            volume.source()
        else:
            require_complete(path)
    except FormatError as error:
        return Refusal("unreadable", str(error))
    except GeometryError as error:
        return Refusal("impossible grid", str(error))
    try:
        if grid is not None:
            grid.require_same_grid(volume.geometry, what="every file of a case", where=str(path))
    except GeometryError as error:
        return Refusal("other grid", str(error))
    return volume


@dataclass(frozen=True)
class ImageFile:
    """One image or mask of a planned case.

    Attributes:
        role: What it is in the case.
        path: Absolute.
        unit: What its numbers mean, as the tables write it.
        scale: What the column `scale` holds.
        like: Role of an earlier image that it must share the grid with; None takes any grid.
        refused_alone: Whether the case stays without it if it cannot be used.
    """

    role: str
    path: str
    unit: str
    scale: Mapping[str, Any] | None = None
    like: str | None = None
    refused_alone: bool = False

    def to_dict(self) -> Row:
        """The values as JSON; `ImageFile(**values)` takes them back."""
        return asdict(self)


def open_case(case_plan: CasePlan, root: Path) -> tuple[dict[str, Volume], Row]:
    """The volumes of a planned case by role, and its rows; a case that lacks one which it needs is refused whole.

    `case_plan.work["images"]` holds `ImageFile.to_dict()` of each. Of a refused case there are no volumes.

    Args:
        case_plan: The plan.
        root: The folder that was ingested.

    Returns:
        The volumes, and the result of `Source.convert` so far.
    """
    images = [ImageFile(**values) for values in case_plan.work["images"]]
    volumes: dict[str, Volume] = {}
    rows = []
    refused = []
    for image in images:
        path = Path(image.path)
        grid = volumes[image.like].geometry if image.like else None
        volume = open_image(path, Unit(image.unit), grid)
        if isinstance(volume, Refusal) and image.refused_alone:
            refused.append(refused_row(root, path, volume.reason, volume.detail))
            continue
        if isinstance(volume, Refusal):
            files = [Path(stamp.path) for stamp in case_plan.files if stamp.path not in case_plan.work["shared"]]
            return {}, refuse_case(case_plan, root, files, path, volume)
        volumes[image.role] = volume
        rows.append(volume_row(case_plan.case, image.role, path, volume, image.scale))
    return volumes, {"case": dict(case_plan.row), "volumes": rows, "refused": refused, "findings": []}


def volume_row(case: str, role: str, path: Path, volume: Volume, scale: Mapping[str, Any] | None) -> Row:
    """The row of `volumes.parquet` of an image or mask that stays where it lies.

    Args:
        case: The case id.
        role: What it is in the case.
        path: Its absolute path.
        volume: What `open_image` gave; its unit says whether it is a mask.
        scale: What the column `scale` holds.
    """
    is_mask = volume.unit is Unit.LABEL
    return {
        "case": case,
        "role": role,
        "path": str(path),
        "unit": str(volume.unit),
        **header_facts(volume),
        "scale": None if scale is None else json.dumps(scale),
        "sha256": None,
        "bytes": path.stat().st_size,
        "reader": None,
        "state": "original" if is_mask else None,
        "version": 1 if is_mask else None,
        "parent": None,
    }


def as_stored(rule: str) -> Row:
    """The column `scale` of an image whose numbers are taken as the file stores them.

    Examples:
        >>> as_stored("as stored")
        {'slope': 1.0, 'intercept': 0.0, 'rule': 'as stored'}
    """
    return {"slope": 1.0, "intercept": 0.0, "rule": rule}


def refuse_case(case_plan: CasePlan, root: Path, files: Iterable[Path], culprit: Path, why: Refusal) -> Row:
    """The result of a conversion that refuses a case with all its files, because one of them cannot be used."""
    others = f"case {case_plan.case}: {culprit.name} is refused ({why.reason})"
    rows = [
        refused_row(root, file, *((why.reason, why.detail) if file == culprit else ("case refused", others)))
        for file in files
    ]
    return {"case": None, "volumes": [], "refused": rows, "findings": []}


def finding(
    rule: str, *, evidence: str, remedy: str, path: str, case: str | None = None, severity: str = "warning"
) -> Row:
    """One row of `findings.parquet`."""
    return {"rule": rule, "severity": severity, "case": case, "path": path, "evidence": evidence, "remedy": remedy}
