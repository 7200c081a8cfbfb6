"""The files of one planned case become NIfTI volumes, one series in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.rtstruct import RtStruct, read_rtstruct
from oncohort.formats.dicom.series import DicomSeries, scale_text
from oncohort.formats.nifti import header_facts, write_label_map, write_nifti
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.sources.dicom.facts import finding
from oncohort.sources.protocol import CasePlan
from oncohort.sources.walking import refused_row, relative
from oncohort.storage import encode_stem, file_stamp
from oncohort.units import Unit
from oncohort.volume import LabelMap

Row = dict[str, Any]


def convert_case(case_plan: CasePlan, folder: Path) -> dict[str, Any]:
    """Rows of one case (`case`, `volumes`, `refused`, `findings`) after its files were written under `folder`.

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
    }


@dataclass
class _Conversion:
    plan: CasePlan
    folder: Path
    volumes: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return Path(self.plan.work["root"])

    def write_series(self, role: str, series: DicomSeries) -> bool:
        volume = series.volume()
        try:
            _ = volume.array
        except FormatError as error:
            detail = f"{error.found} ({relative(self.root, error.where)})"
            self.refused += [refused_row(self.root, one.path, "changed or unreadable", detail) for one in series.slices]
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
        try:
            structures = self._structures(mask)
        except FormatError as error:
            self._refuse_mask(mask, "changed or unreadable", error.found)
            return
        drawn = _Regions(structures, tuple(mask["regions"]), grid)
        label_map = LabelMap.from_masks(drawn, grid, LabelScheme.from_dict(self.plan.work["scheme"]))
        if drawn.astray:
            detail = f"{', '.join(drawn.astray)}: contours that lie in no slice of {mask['volume']}"
            self._refuse_mask(mask, "contours off the slices", detail)
            return
        path = self._path(mask["role"])
        written = write_label_map(self.folder / path, label_map)
        row = self._row(mask["role"], path, Unit.LABEL, {**header_facts(label_map), **written})
        self.volumes.append({**row, "state": "original", "version": 1, "volume": mask["volume"]})
        source = relative(self.root, mask["path"])
        self.findings += [
            finding("contours", self.plan.case, source, f"{mask['role']}: {evidence}", "check the region in a viewer")
            for evidence in drawn.remarks
        ]

    def _structures(self, mask: Mapping[str, Any]) -> RtStruct:
        planned = next(stamp for stamp in self.plan.files if stamp.path == mask["path"])
        try:
            found = file_stamp(planned.path)
        except OSError as error:
            raise _changed(planned.path, error.strerror or str(error)) from error
        if found != {"bytes": planned.bytes, "mtime_ns": planned.mtime_ns}:
            raise _changed(planned.path, "a file that has changed since it was indexed")
        return read_rtstruct(planned.path)

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


class _Regions(Mapping[str, NDArray[np.bool_]]):
    """Masks by region name, drawn when they are asked for, so that one is in memory at a time."""

    def __init__(self, structures: RtStruct, names: tuple[str, ...], grid: Geometry) -> None:
        self.structures, self.names, self.grid = structures, names, grid
        self.astray: list[str] = []
        self.remarks: list[str] = []

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        mask = np.zeros(self.grid.shape, np.bool_, order="F")
        outside = 0
        for contours in self.structures.contours(name):
            drawing = rasterise(contours, self.grid)
            mask |= drawing.mask
            outside += drawing.outside
            if drawing.astray and name not in self.astray:
                self.astray.append(name)
        if outside:
            self.remarks.append(f"{outside} contours of {name} lie beside the volume")
        if not mask.any():
            self.remarks.append(f"{name} covers no voxel centre")
        passed_over = sum(region.passed_over for region in self.structures.regions if region.name == name)
        if passed_over:
            self.remarks.append(f"{passed_over} points or open lines of {name} enclose no area")
        return mask

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _changed(path: str, found: str) -> FormatError:
    return FormatError(expected="the file as it was planned", found=found, where=path, remedy="ingest again")
