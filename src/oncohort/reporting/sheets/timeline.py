"""The time points of a patient side by side."""

from __future__ import annotations

from collections.abc import Sequence

from oncohort.reporting.drawing import INK, Canvas, Rect, fitted, scale_bar
from oncohort.reporting.sheets.cutting import MIP
from oncohort.reporting.sheets.panels import Layer, draw_panel, layers_of
from oncohort.reporting.sheets.subject import CutCase, CutView, SheetSettings

_WIDEST = 10.2
_GAP = 0.14
_HEADS = 0.62  # over the strip: its title, and two lines for each time point
_FEET = 0.28  # under each row of panels, for the scale bar
_TALLEST = (2.6, 3.6)  # inches of the two rows
_LARGEST_SCALE = 0.012


class Timeline:
    """Columns of time points: the axial plane above, the whole patient below.

    Args:
        cases: In order of time.
        settings: How they look.
    """

    def __init__(self, cases: Sequence[CutCase], settings: SheetSettings) -> None:
        self._cases = list(cases)
        self._settings = settings
        self._rows = [row for row in ([_upper(case) for case in cases], [_lower(case) for case in cases]) if any(row)]
        room = (_WIDEST - _GAP * (len(self._cases) - 1)) / len(self._cases)
        self._scales = [_scale(row, room, tallest) for row, tallest in zip(self._rows, _TALLEST, strict=False)]
        self._heights = [
            max(view.size_mm[1] for view in row if view) * scale
            for row, scale in zip(self._rows, self._scales, strict=True)
        ]
        self._columns = [
            max([1.5, *(row[n].size_mm[0] * scale for row, scale in self._scaled() if row[n])])  # type: ignore[union-attr]
            for n in range(len(self._cases))
        ]

    @property
    def width(self) -> float:
        """Inches of all columns."""
        return 0.1 + sum(self._columns) + _GAP * len(self._columns)

    @property
    def height(self) -> float:
        """Inches with heads and feet."""
        return _HEADS + sum(self._heights) + _FEET * len(self._rows)

    def draw(self, canvas: Canvas, top: float) -> None:
        """Draw the strip under `top`."""
        canvas.text(0.1, top - 0.16, "Studies of this patient", INK, 9.0, weight="bold")
        for column, case in enumerate(self._cases):
            left = self._left(column)
            canvas.text(
                left, top - 0.4, fitted(case.title, self._columns[column], 7.5, bold=True), INK, 7.5, weight="bold"
            )
            canvas.text(left, top - 0.54, fitted(str(case.facts.get("when", "")), self._columns[column], 7.0), INK, 7.0)
        level = top - _HEADS
        for (row, scale), height in zip(self._scaled(), self._heights, strict=True):
            for column, view in enumerate(row):
                if view is not None:
                    self._panel(canvas, (column, level), view, scale)
            level -= height + _FEET
            scale_bar(canvas, (0.1, level + 0.1), scale, 0.6 * self._columns[0])

    def _panel(self, canvas: Canvas, place: tuple[int, float], view: CutView, scale: float) -> None:
        column, top = place
        case = self._cases[column]
        width, height = view.size_mm[0] * scale, view.size_mm[1] * scale
        layer = Layer("pet", "PET", None) if view.is_projection else layers_of(case, self._settings)[-1]
        draw_panel(canvas, Rect(self._left(column), top - height, width, height), view, layer, case.pet_window)

    def _scaled(self) -> list[tuple[list[CutView | None], float]]:
        return list(zip(self._rows, self._scales, strict=True))

    def _left(self, column: int) -> float:
        return 0.1 + sum(self._columns[:column]) + _GAP * column


def _upper(case: CutCase) -> CutView | None:
    return case.views.get("axial") or next(iter(case.planes), None)


def _lower(case: CutCase) -> CutView | None:
    found = case.views.get(MIP) or case.views.get("coronal")
    return None if found is _upper(case) else found


def _scale(row: Sequence[CutView | None], room: float, tallest: float) -> float:
    views = [view for view in row if view is not None]
    widest, highest = max(view.size_mm[0] for view in views), max(view.size_mm[1] for view in views)
    return min(room / widest, tallest / highest, _LARGEST_SCALE)
