"""A sheet of one case as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from oncohort.reporting.drawing import INK, Canvas, Rect, colour_bar, fitted, scale_bar, text_inches
from oncohort.reporting.sheets.cutting import MIP
from oncohort.reporting.sheets.layout import GAP, SIDE, Grid, fit_grid
from oncohort.reporting.sheets.legend import LINE_INCHES, draw_legend, entries_of, lay_out
from oncohort.reporting.sheets.panels import Layer, draw_panel, layers_of
from oncohort.reporting.sheets.subject import CutCase, SheetSettings
from oncohort.reporting.sheets.timeline import Timeline

_TITLE, _CAPTION = 10.0, 7.5
_CAPTION_INCHES = 0.155
_HEAD = 0.22  # over the first row, for the names of the planes
_FOOT = 0.26  # under the last row, for the scale bars
_EDGE = 0.1
_NARROWEST = 5.2
_MUTED = "#4d565e"


@dataclass(frozen=True)
class SheetPicture:
    """A drawn sheet.

    Args:
        png: The picture.
        names: What the legend lists, in its order.
    """

    png: bytes
    names: tuple[str, ...]


def draw_sheet(case: CutCase, settings: SheetSettings, others: Sequence[CutCase] = ()) -> SheetPicture:
    """Draw a case: CT, PET and PET over CT in rows, planes in columns, the projection at the right.

    Args:
        case: From `cut_case`.
        settings: How it looks.
        others: All time points of the patient in order, this case among them, for a strip under the sheet.
    """
    rows = layers_of(case, settings)
    grid = fit_grid(case.planes, case.views.get(MIP), len(rows))
    timeline = Timeline(others, settings) if others else None
    width = max(grid.width, _NARROWEST, timeline.width if timeline else 0.0) + _EDGE
    caption = [line for words in case.caption for line in _wrapped(words, width - 2 * _EDGE)]
    caption += _wrapped(case.point_words, width - 2 * _EDGE)
    entries = entries_of([case, *others])
    legend = lay_out(entries, width - 2 * _EDGE)
    top = _EDGE + 0.2 + len(caption) * _CAPTION_INCHES + 0.06
    under = len(legend) * LINE_INCHES + 0.08 + (timeline.height if timeline else 0.0) + _EDGE
    canvas = Canvas(width, top + _HEAD + grid.height + _FOOT + under)
    _write_caption(canvas, fitted(case.title, width - 1.3, _TITLE, bold=True), caption)
    _draw_grid(canvas, grid, case, rows, under + _FOOT)
    draw_legend(canvas, _EDGE, under, legend)
    if timeline is not None:
        timeline.draw(canvas, under - len(legend) * LINE_INCHES - 0.08)
    if settings.synthetic:
        canvas.stamp("synthetic", canvas.height - 0.2)
    return SheetPicture(canvas.png(indexed=False), tuple(entry.words for entry in entries))


def _write_caption(canvas: Canvas, title: str, lines: Sequence[str]) -> None:
    level = canvas.height - _EDGE - 0.12
    canvas.text(_EDGE, level, title, INK, _TITLE, weight="bold")
    for line in lines:
        level -= _CAPTION_INCHES
        canvas.text(_EDGE, level - 0.02, line, _MUTED, _CAPTION)


def _wrapped(words: str, inches: float) -> list[str]:
    """Lines of words that fit."""
    if not words:
        return []
    share = text_inches(words, _CAPTION) / max(len(words), 1)
    return wrap(words, max(20, int(inches / share * 0.97)))


def _draw_grid(canvas: Canvas, grid: Grid, case: CutCase, rows: Sequence[Layer], bottom: float) -> None:
    for number, layer in enumerate(rows):
        _draw_row(canvas, grid, case, (number, layer), bottom)
    above = bottom + grid.height + 0.06
    for column, view in enumerate(case.planes):
        left = grid.panel(0, column, view, bottom).left
        canvas.text(left, above, view.view.name, INK, 7.5, weight="bold")
    if case.planes:
        scale_bar(canvas, (SIDE, bottom - 0.17), grid.scale, 0.5 * grid.columns[0])
    if grid.mip is not None:
        _draw_mip(canvas, grid, case, bottom)


def _draw_row(canvas: Canvas, grid: Grid, case: CutCase, row: tuple[int, Layer], bottom: float) -> None:
    number, layer = row
    image = None
    for column, view in enumerate(case.planes):
        image = draw_panel(canvas, grid.panel(number, column, view, bottom), view, layer, case.pet_window) or image
    low = bottom + grid.height - (number + 1) * grid.row_height - number * GAP
    title = fitted(layer.title, grid.row_height, 7.5, bold=True)
    middle = low + grid.row_height / 2
    canvas.text(SIDE - 0.08, middle, title, INK, 7.5, weight="bold", rotation=90, ha="right", va="center")
    if image is None:
        return
    height = min(1.3, 0.8 * grid.row_height)
    rect = Rect(SIDE + grid.planes_width + 0.1, middle - height / 2, 0.09, height)
    window = layer.window.bounds if layer.kind == "ct" and layer.window else case.pet_window
    colour_bar(canvas, image, rect, window, "HU" if layer.kind == "ct" else case.pet_unit)


def _draw_mip(canvas: Canvas, grid: Grid, case: CutCase, bottom: float) -> None:
    rect = grid.mip_rect(bottom)
    image = draw_panel(canvas, rect, case.views[MIP], Layer("pet", "PET", None), case.pet_window)
    canvas.text(rect.left, rect.top + 0.06, "maximum intensity", INK, 7.5, weight="bold")
    scale_bar(canvas, (rect.left, rect.bottom - 0.17), grid.mip_scale, 0.5 * rect.width)
    if not case.planes:
        bar = Rect(rect.right + 0.1, rect.top - 1.4, 0.09, 1.2)
        colour_bar(canvas, image, bar, case.pet_window, case.pet_unit)
