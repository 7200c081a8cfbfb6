"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oncohort.reporting.data import CasePicture, Drawing, ReportData
from oncohort.reporting.drawing import DOTS_PER_INCH
from oncohort.reporting.html import fill_template, svg_uri
from oncohort.reporting.leaderboard_tables import comparison_tables
from oncohort.reporting.palette import MODEL_COLOURS, OTHER_COLOUR
from oncohort.reporting.selection import MAX_PICTURES
from oncohort.reporting.standings import metric_blocks, standing_columns, standings
from oncohort.reporting.tables import case_table, model_tags, reasons_of, spreads
from oncohort.storage import write_bytes

MAX_ROWS = 200
MAX_BYTES = 20_000_000
_DOTS_PER_CSS_PIXEL = DOTS_PER_INCH / 96


@dataclass(frozen=True)
class _Shown:
    """A picture as the template needs it."""

    picture: CasePicture
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class _Figure:
    """A drawing as the template needs it."""

    drawing: Drawing
    uri: str


def write_report(path: str | Path, data: ReportData) -> Path:
    """Write the report to `path`, whole or not at all.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.reporting.data import CohortFacts, Provenance
        >>> data = ReportData("Trial", CohortFacts("trial", "dicom", 0, 0), Provenance("2026-01-01T00:00:00Z"))
        >>> with TemporaryDirectory() as folder:
        ...     write_report(f"{folder}/report.html", data).read_text()[:15]
        '<!DOCTYPE html>'
    """
    write_bytes(path, render_report(data).encode())
    return Path(path)


def render_report(data: ReportData) -> str:
    """The page as text.

    At most 30 pictures and 20 MB: further pictures are left out and the page says
    how many; the tables always hold all cases. Every string is escaped, and the page
    forbids itself (Content-Security-Policy) any script but its own.
    """
    kept = _fitting(data)
    return _page(kept, omitted=len(data.pictures) - len(kept.pictures))


def _fitting(data: ReportData) -> ReportData:
    """The report with as many pictures as the limits allow, in their order."""
    pictures = data.pictures[:MAX_PICTURES]
    room = MAX_BYTES - len(_page(replace(data, pictures=()), omitted=0).encode()) - 100_000
    kept = []
    for picture in pictures:
        room -= len(picture.png) * 4 // 3 + 4_000
        if room < 0:
            break
        kept.append(picture)
    return replace(data, pictures=tuple(kept))


def render_ranking(data: ReportData) -> str:
    """The leaderboard alone as a page: standing, metrics, figures, comparisons and provenance."""
    return _page(data, omitted=0, template="ranking.html.j2")


def _page(data: ReportData, *, omitted: int, template: str = "report.html.j2") -> str:
    models = model_tags(data)
    return fill_template(
        template,
        data=data,
        models=models,
        standings=standings(data, models),
        standing_columns=standing_columns(data),
        blocks=metric_blocks(data, models),
        methods=sorted({row["method"] for row in data.leaderboard if row.get("method")}),
        figures=_figures(data.drawings),
        learning={trained.name: _figures(trained.drawings) for trained in data.trained},
        comparisons=list(comparison_tables(data.comparisons, data.metrics)),
        spreads=spreads(data),
        table=case_table(data, models),
        pictures=_shown(data.pictures),
        colour_classes=_colour_classes(),
        omitted=omitted,
        refused_reasons=reasons_of(data.refused, "reason"),
        severities=reasons_of(data.findings, "severity"),
        max_rows=MAX_ROWS,
    )


def _figures(drawings: Sequence[Drawing]) -> list[_Figure]:
    return [_Figure(drawing, svg_uri(drawing.svg)) for drawing in drawings]


def _colour_classes() -> dict[str, str]:
    return {colour: f"c{number}" for number, colour in enumerate((*MODEL_COLOURS, OTHER_COLOUR))}


def _shown(pictures: Sequence[CasePicture]) -> list[_Shown]:
    return [_Shown(picture, _uri(picture.png), *_css_size(picture.png)) for picture in pictures]


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _css_size(png: bytes) -> tuple[int, int]:
    """Width and height on the page; from the first chunk of the file."""
    sizes: tuple[Any, ...] = struct.unpack(">II", png[16:24])
    width, height = (round(size / _DOTS_PER_CSS_PIXEL) for size in sizes)
    return width, height
