"""The files of one planned case become NIfTI volumes, one series in memory at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.dicom.series import DicomSeries, scale_text
from oncohort.formats.dicom.values import Unusable
from oncohort.formats.nifti import header_facts, write_label_map, write_nifti
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.sources.dicom.facts import finding
from oncohort.sources.dicom.masks import draw_mask
from oncohort.sources.protocol import CasePlan
from oncohort.sources.walking import refused_row, relative
from oncohort.storage import encode_stem
from oncohort.units import Unit

Row = dict[str, Any]


def convert_case(case_plan: CasePlan, folder: Path) -> dict[str, Any]:
    """Rows of one case after its files were written under `folder`, by table.

    Raises:
        OutputError: a file cannot be written.
    """
    conversion = _Conversion(case_plan, folder)
    grids = {}
    for role, values in case_plan.work["volumes"].items():
        series = DicomSeries.from_dict(values)
        if conversion.write_series(role, series):
            grids[role] = series.geometry
    for mask in case_plan.work["masks"]:
        conversion.write_mask(mask, grids.get(mask["volume"]))
    return {
        "case": dict(case_plan.row) if grids else None,
        "volumes": conversion.volumes,
        "refused": conversion.refused,
        "findings": conversion.findings,
        "structures": conversion.structures,
    }


@dataclass
class _Conversion:
    plan: CasePlan
    folder: Path
    volumes: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    structures: list[Row] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return Path(self.plan.work["root"])

    def write_series(self, role: str, series: DicomSeries) -> bool:
        volume = series.volume()
        try:
            _ = volume.array
        except FormatError as error:
            detail = f"{error.found} ({relative(self.root, error.where)})"
            self.refused += [
                refused_row(self.root, path, "changed or unreadable", detail)
                for path in dict.fromkeys(one.path for one in series.slices)
            ]
            return False
        path = self._path(role)
        written = write_nifti(self.folder / path, volume)
        row = self._row(role, path, volume.unit, {**header_facts(volume), **written})
        self.volumes.append({**row, "scale": scale_text(series.record)})
        return True

    def write_mask(self, mask: Mapping[str, Any], grid: Geometry | None) -> None:
        if grid is None:
            self._refuse_mask(mask, "reference refused", f"{mask['volume']} of this case was refused")
            return
        planned = next(stamp for stamp in self.plan.files if stamp.path == mask["path"])
        try:
            drawn = draw_mask(mask, planned, grid, LabelScheme.from_dict(self.plan.work["scheme"]))
        except Unusable as unusable:
            self._refuse_mask(mask, unusable.reason, unusable.detail)
            return
        path = self._path(mask["role"])
        written = write_label_map(self.folder / path, drawn.label_map)
        row = self._row(mask["role"], path, Unit.LABEL, {**header_facts(drawn.label_map), **written})
        self.structures += [{"case": self.plan.case, "volume": mask["role"], **row} for row in drawn.structures]
        self.volumes.append({**row, "state": "original", "version": 1, "volume": mask["volume"]})
        source = relative(self.root, mask["path"])
        self.findings += [
            finding("contours", self.plan.case, source, f"{mask['role']}: {evidence}", "check the region in a viewer")
            for evidence in drawn.remarks
        ]

    def _refuse_mask(self, mask: Mapping[str, Any], reason: str, detail: str) -> None:
        self.refused.append(refused_row(self.root, mask["path"], reason, detail))

    def _path(self, role: str) -> str:
        return f"volumes/{encode_stem(self.plan.case)}/{role}.nii.gz"

    def _row(self, role: str, path: str, unit: Unit, facts: Mapping[str, Any]) -> Row:
        return {
            "case": self.plan.case,
            "role": role,
            "path": path,
            "unit": str(unit),
            **facts,
            "scale": None,
            "reader": None,
            "state": None,
            "version": None,
            "parent": None,
            "volume": None,
        }
