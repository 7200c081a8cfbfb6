"""One case of PanTS: headers read, grids compared, rows made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.nifti_completeness import require_complete
from oncohort.formats.structure_files import structure_record
from oncohort.formats.told_numbering import told_record
from oncohort.geometry import Geometry
from oncohort.layouts import pants as layout
from oncohort.layouts.labels import common_name
from oncohort.sources.header_rows import header_row
from oncohort.sources.pants.sheet import listed_numbers
from oncohort.sources.protocol import CasePlan
from oncohort.sources.referenced import Row, as_stored, finding
from oncohort.sources.walking import refused_row, relative
from oncohort.units import Unit

ORGANS, COMBINED = "organs", "organs_combined"
"""Roles of the files of single structures and of the combined map."""

_SKEWED = 1e-5  # largest product of two unit axes that counts as perpendicular
_LISTED_TOLERANCE = 0.01  # of the spacing in the sheet, relative
_NAMES = {name: common_name(name, layout.NAME) or name for name in layout.STRUCTURES}
_VARIANTS = tuple(f"combined {numbering}" for numbering in layout.NUMBERINGS)


def convert_pants(plan: CasePlan) -> dict[str, Any]:
    """Rows of one case: `case`, `volumes`, `structures`, `refused`, `findings`."""
    conversion = _Conversion(plan)
    ct = conversion.add_ct()
    masks = conversion.add_structures(ct)
    conversion.add_combined(masks)
    conversion.compare(ct, masks)
    return {
        "case": dict(plan.row) if conversion.volumes else None,
        "volumes": conversion.volumes,
        "structures": conversion.structures,
        "refused": conversion.closed_refusals(),
        "findings": conversion.findings,
    }


@dataclass
class _Conversion:
    plan: CasePlan
    volumes: list[Row] = field(default_factory=list)
    structures: list[Row] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)

    @property
    def work(self) -> Mapping[str, Any]:
        return self.plan.work

    def add_ct(self) -> Geometry | None:
        """The row of the CT; its grid."""
        path = self.work["ct"]
        grid = None if path is None else self._grid(path)
        if path is not None and grid is not None:
            self._add_row("ct", path, Unit.HU, grid, as_stored("as stored"), self._sizes[path])
        return grid

    def add_structures(self, ct: Geometry | None) -> Geometry | None:
        """The row of all files of single structures that lie on one grid; that grid."""
        folder = self.work["folder"]
        if folder is None:
            return None
        paths = {name: str(Path(folder, name + layout.FILE_ENDING)) for name in self.work["structures"]}
        found = {name: self._grid(path) for name, path in paths.items()}
        grids = {name: grid for name, grid in found.items() if grid is not None}
        if not grids:
            return None
        grid = _commonest(list(grids.values()), ct)
        kept = [name for name, own in grids.items() if _is_same(own, grid)]
        for name in [name for name in grids if name not in kept]:
            self._refuse(paths[name], "other grid", f"{len(kept)} other structures lie on {_words(grid)}")
        record = structure_record({_NAMES[name]: name + layout.FILE_ENDING for name in kept})
        self._add_row(ORGANS, folder, Unit.LABEL, grid, record, sum(self._sizes[paths[name]] for name in kept))
        self._add_states(set(kept))
        return grid

    def add_combined(self, masks: Geometry | None) -> None:
        """The row of the combined map, if files of single structures can tell its numbering."""
        path = self.work["combined"]
        grid = None if path is None else self._grid(path)
        if path is None or grid is None:
            return
        kept = self._kept_files()
        evidence = {_NAMES[name]: kept[_NAMES[name]] for name in layout.AMBIGUOUS if _NAMES[name] in kept}
        if masks is None or not evidence:
            why = "the integers 22 to 28 have two meanings, and no file of such a structure tells which holds"
            self._refuse(path, "numbering unknown", why)
            self._find("pants_numbering", why, "add the files of single structures", path, "error")
        elif not _is_same(grid, masks):
            self._refuse(path, "other grid", f"the files of single structures lie on {_words(masks)}")
        else:
            record = told_record(layout.NAME, _VARIANTS, self.work["folder"], evidence)
            self._add_row(COMBINED, path, Unit.LABEL, grid, record, self._sizes[path])

    def compare(self, ct: Geometry | None, masks: Geometry | None) -> None:
        """Findings about what the files of the case say of each other."""
        case = self.plan.case
        if not self.volumes:
            return
        if ct is None:
            self._find("pants_no_ct", "no CT that can be used", "fetch the image of the case", case)
        if masks is None:
            self._find("pants_no_structures", "no mask that can be used", "fetch the labels of the case", case)
        if ct is not None and masks is not None and not _is_same(ct, masks):
            evidence = f"CT on {_words(ct)}, structures on {_words(masks)}{_distance(ct, masks)}"
            remedy = "compare the headers; masks and image do not lie on each other"
            self._find("pants_label_grid", evidence, remedy, self.work["folder"], "error")
        for name, grid in (("CT", ct), ("structures", masks if masks != ct else None)):
            if grid is not None and _skew(grid) > _SKEWED:
                evidence = f"axes of the {name} are not perpendicular (by {_skew(grid):.1g})"
                self._find("skewed_axes", evidence, "ITK refuses such files; repair the header for it", case)
        self._compare_with_sheet(ct)

    def closed_refusals(self) -> list[dict[str, str]]:
        """Refused files; where nothing is left of the case, also those that were sound."""
        root, shared = Path(self.work["root"]), layout.SHEET_FILE
        if not self.volumes:
            known = {row["path"] for row in self.refused}
            files = (relative(root, file.path) for file in self.plan.files if Path(file.path).name != shared)
            why = f"case {self.plan.case}: no CT and no mask can be used"
            self.refused += [refused_row(root, root / path, "case refused", why) for path in files if path not in known]
        return self.refused

    def _grid(self, path: str) -> Geometry | None:
        try:
            header = require_complete(path)
        except FormatError as error:
            self._refuse(path, "unreadable", str(error))
            return None
        except GeometryError as error:
            self._refuse(path, "impossible grid", str(error))
            return None
        if len(header.shape) != 3:
            self._refuse(path, "unreadable", f"shape {header.shape} instead of three axes")
            return None
        return header.geometry

    def _add_states(self, kept: set[str]) -> None:
        missing = [name for name in layout.STRUCTURES if name not in kept]
        for name in layout.STRUCTURES:
            state = {"case": self.plan.case, "volume": ORGANS, "structure": _NAMES[name], "measure": "file"}
            self.structures.append({**state, "value": float(name in kept), "unit": "1"})
        if missing:
            evidence = f"{len(missing)} of {len(layout.STRUCTURES)} structures have no file that can be used: "
            remedy = "fetch the labels again; absent structures have empty files, so that these are unknown"
            self._find("pants_missing_structures", evidence + ", ".join(missing), remedy, self.work["folder"])

    def _kept_files(self) -> dict[str, str]:
        rows = (row for row in self.volumes if row["role"] == ORGANS)
        return next((json.loads(row["scale"])["files"] for row in rows), {})

    def _compare_with_sheet(self, ct: Geometry | None) -> None:
        if ct is None:
            return
        for column, held, tolerance in (
            ("listed_shape", tuple(map(float, ct.shape)), 0.0),
            ("listed_spacing_mm", ct.spacing_mm, _LISTED_TOLERANCE),
        ):
            listed = listed_numbers(self.plan.row.get(column))
            if listed is not None and not np.allclose(sorted(listed), sorted(held), rtol=tolerance, atol=0.0):
                evidence = f"{column} is {listed}, the CT has {tuple(round(number, 4) for number in held)}"
                self._find("pants_sheet_grid", evidence, "trust the header", layout.SHEET_FILE)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {stamp.path: stamp.bytes for stamp in self.plan.files}

    def _add_row(self, role: str, path: str, unit: Unit, grid: Geometry, scale: Mapping[str, Any], size: int) -> None:
        row = header_row(self.plan.case, role, path, unit=unit, grid=grid, scale=scale, size=size)
        self.volumes.append(row)

    def _refuse(self, path: str, reason: str, detail: str) -> None:
        self.refused.append(refused_row(Path(self.work["root"]), path, reason, detail))

    def _find(self, rule: str, evidence: str, remedy: str, path: str, severity: str = "warning") -> None:
        place = relative(Path(self.work["root"]), path) if Path(path).is_absolute() else path
        self.findings.append(
            finding(rule, evidence=evidence, remedy=remedy, path=place, case=self.plan.case, severity=severity)
        )


def _commonest(grids: list[Geometry], ct: Geometry | None) -> Geometry:
    """The grid that most of these have; of several that of the CT, else the first."""
    kinds = list(_kinds(grids))
    counts = [sum(_is_same(kind, grid) for grid in grids) for kind in kinds]
    best = [kind for kind, count in zip(kinds, counts, strict=True) if count == max(counts)]
    return next((kind for kind in best if ct is not None and _is_same(kind, ct)), best[0])


def _kinds(grids: list[Geometry]) -> Iterator[Geometry]:
    """One of each grid, in order."""
    return iter(dict.fromkeys(grids))


def _is_same(first: Geometry, second: Geometry) -> bool:
    return first is second or first == second or first.is_same_grid(second)


@lru_cache(maxsize=1024)
def _skew(grid: Geometry) -> float:
    """Largest cosine between two axes."""
    axes = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def _words(grid: Geometry) -> str:
    shape = " x ".join(map(str, grid.shape))
    return f"{shape} voxels of {' x '.join(f'{edge:.4g}' for edge in grid.spacing_mm)} mm, {grid.orientation}"


def _distance(first: Geometry, second: Geometry) -> str:
    if first.shape != second.shape:
        return ""
    return f", up to {first.largest_offset_mm(second):.3g} mm apart"
