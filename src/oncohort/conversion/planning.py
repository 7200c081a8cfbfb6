"""Which series of a folder become files, what they are called, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.conversion.settings import ConversionSettings
from oncohort.conversion.sidecar import series_fields
from oncohort.conversion.slice_table import slice_rows
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import DicomIndex, read_headers, sort_headers
from oncohort.formats.dicom.series import DicomSeries, stack_series
from oncohort.formats.dicom.values import RefusedFile, Unusable
from oncohort.sources.walking import refused_row, relative, walk_folder
from oncohort.storage import encode_stem

_LONGEST_STEM = 160  # bytes; a file name has 255
_KINDS = {"CT": "ct", "PT": "pet"}


@dataclass(frozen=True)
class PlannedSeries:
    """One series that forms a volume: all that writing its files needs, picklable.

    Attributes:
        stem: names of its files without ending.
        series: its slices and grid.
        fields: the sidecar but for what writing finds.
        rows: the slice table.
        folder: of its first file, relative to the folder that is converted.
    """

    stem: str
    series: DicomSeries
    fields: dict[str, Any]
    rows: list[dict[str, Any]]
    folder: str

    def key_parts(self) -> tuple[Any, ...]:
        """Values whose content key changes exactly when the files must be written again."""
        stamps = [[one.path, one.bytes, one.mtime_ns] for one in self.series.slices]
        return (self.stem, self.series.to_dict(), self.fields, self.rows, stamps)


@dataclass(frozen=True)
class ConversionPlan:
    """What a folder holds: series to convert, and a row (`path`, `reason`, `detail`) for every file that is refused."""

    series: tuple[PlannedSeries, ...]
    refused: tuple[dict[str, str], ...]


def plan_conversion(
    root: Path, settings: ConversionSettings, journal: Path, progress: ProgressCallback | None
) -> ConversionPlan:
    """The series below a folder, by their headers.

    Args:
        root: absolute.
        settings: what is converted, and how.
        journal: where headers are remembered.
        progress: called every few hundred files.

    Raises:
        OutputError: The journal cannot be written.
    """
    walk = walk_folder(root)
    found = read_headers(walk.files, progress, journal, identity=settings.identity)
    index = sort_headers(found, identity=settings.identity)
    refused = list(index.refused)
    refused += [
        RefusedFile(one.path, "not an image", "a structure set or segmentation; ingest reads it")
        for one in index.structures
    ]
    usable: list[tuple[DicomSeries, dict[tuple[str, int], DicomHeader]]] = []
    for headers in _groups(index, settings):
        try:
            series = stack_series(
                headers,
                recipe=settings.suv_recipe,
                identity=settings.identity,
                unit=settings.pet_unit,
                correct=settings.correct,
            )
            usable.append((series, {_place(one): one for one in headers}))
        except Unusable as unusable:
            refused += [RefusedFile(header.path, unusable.reason, unusable.detail) for header in headers]
    rows = [*walk.refused, *(refused_row(root, one.path, one.reason, one.detail) for one in dict.fromkeys(refused))]
    return ConversionPlan(
        tuple(_named(root, usable, settings)), tuple(sorted(rows, key=lambda row: (row["path"], row["reason"])))
    )


def _groups(index: DicomIndex, settings: ConversionSettings) -> Iterable[Sequence[DicomHeader]]:
    if settings.identity == "header":
        return index.series.values()
    by_folder: dict[tuple[Path, str], list[DicomHeader]] = {}
    for headers in index.series.values():
        for header in headers:
            by_folder.setdefault((Path(header.path).parent, header.series), []).append(header)
    return by_folder.values()


def _named(
    root: Path, usable: Sequence[tuple[DicomSeries, dict[tuple[str, int], DicomHeader]]], settings: ConversionSettings
) -> Iterable[PlannedSeries]:
    ordered = sorted(usable, key=lambda pair: _order(pair[0], _first(*pair)))
    taken: set[str] = set()
    for series, by_place in ordered:
        headers = [by_place[one.path, one.offset] for one in series.slices]
        stem = _free(_stem(headers[0]), taken)
        taken.add(stem.casefold())
        fields = series_fields(series, headers, settings)
        folder = relative(root, Path(headers[0].path).parent)
        yield PlannedSeries(stem, series, fields, slice_rows(root, series, headers), folder)


def _place(header: DicomHeader) -> tuple[str, int]:
    """The file of a slice, and where its pixels begin there."""
    return header.path, 0 if header.image is None else header.image.offset


def _first(series: DicomSeries, by_place: dict[tuple[str, int], DicomHeader]) -> DicomHeader:
    return by_place[series.slices[0].path, series.slices[0].offset]


def _order(series: DicomSeries, first: DicomHeader) -> tuple[str, ...]:
    number = first.facts.get("SeriesNumber", "")
    return (first.patient, first.facts.get("StudyDate", ""), first.study, number.zfill(12), series.uid, first.path)


def _stem(first: DicomHeader) -> str:
    parts = (first.patient, first.facts.get("StudyDate"), _KINDS[first.modality], first.facts.get("SeriesNumber"))
    stem = encode_stem("_".join(part for part in parts if part))
    if len(stem.encode()) <= _LONGEST_STEM:
        return stem
    digest = hashlib.sha256(stem.encode()).hexdigest()[:16]
    return f"{stem.encode()[: _LONGEST_STEM - 20].decode(errors='ignore')}_{digest}"


def _free(stem: str, taken: set[str]) -> str:
    """A stem that no other series has, on file systems that take upper and lower case for the same too."""
    if stem.casefold() not in taken:
        return stem
    number = 2
    while f"{stem}_{number}".casefold() in taken:
        number += 1
    return f"{stem}_{number}"
