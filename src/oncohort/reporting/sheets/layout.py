"""Where the panels of a sheet stand, in inches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oncohort.reporting.drawing import Rect
from oncohort.reporting.sheets.subject import CutView

WIDEST = 10.8  # inches of the whole sheet
TALLEST = 8.8  # inches of its rows
GAP = 0.1
SIDE = 0.28  # for the titles of the rows
BARS = 0.66  # for the colour bars
_MIP_WIDEST = 2.5
_LARGEST_SCALE = 0.022  # inches per mm: a small object is not blown up without end


@dataclass(frozen=True)
class Grid:
    """Rows of planes at one scale, and the projection beside them.

    Args:
        columns: Width of each plane.
        row_height: Height of every row.
        rows: Their number.
        scale: Inches per mm of the planes.
        mip: Width and height of the projection; None without one.
        mip_scale: Its inches per mm.
    """

    columns: tuple[float, ...]
    row_height: float
    rows: int
    scale: float
    mip: tuple[float, float] | None
    mip_scale: float

    @property
    def planes_width(self) -> float:
        """Inches from the first plane to the last."""
        return sum(self.columns) + GAP * max(0, len(self.columns) - 1)

    @property
    def width(self) -> float:
        """Inches of everything, with titles and colour bars."""
        return SIDE + self.planes_width + BARS + (self.mip[0] if self.mip else 0.0)

    @property
    def height(self) -> float:
        """Inches from the last row to the first."""
        rows = self.rows * self.row_height + GAP * max(0, self.rows - 1)
        return max(rows, self.mip[1] if self.mip else 0.0)

    def panel(self, row: int, column: int, view: CutView, bottom: float) -> Rect:
        """Where a view stands, in the middle of its row; `bottom` is that of the last row."""
        left = SIDE + sum(self.columns[:column]) + GAP * column
        height = view.size_mm[1] * self.scale
        low = bottom + self.height - (row + 1) * self.row_height - row * GAP
        return Rect(left, low + (self.row_height - height) / 2, self.columns[column], height)

    def mip_rect(self, bottom: float) -> Rect:
        """Where the projection stands, at the top right."""
        assert self.mip is not None
        width, height = self.mip
        left = SIDE + self.planes_width + BARS if self.columns else SIDE
        return Rect(left, bottom + self.height - height, width, height)


def fit_grid(planes: Sequence[CutView], mip: CutView | None, rows: int) -> Grid:
    """The largest grid that stays within the sheet.

    Args:
        planes: The columns.
        mip: The projection, if there is one.
        rows: How many rows show the planes.
    """
    if not planes:
        assert mip is not None
        scale = min(4.0 / mip.size_mm[0], 7.0 / mip.size_mm[1])
        return Grid((), 0.0, 0, scale, (mip.size_mm[0] * scale, mip.size_mm[1] * scale), scale)
    widths, tallest = [view.size_mm[0] for view in planes], max(view.size_mm[1] for view in planes)
    room = WIDEST - SIDE - BARS - GAP * (len(planes) - 1)
    scale, mip_width = 0.0, 0.0
    for _ in range(4):  # the projection is as tall as the rows, which are as wide as it leaves them
        scale = min((room - mip_width) / sum(widths), TALLEST / rows / tallest, _LARGEST_SCALE)
        height = rows * tallest * scale + GAP * (rows - 1)
        mip_scale = min(_MIP_WIDEST / mip.size_mm[0], height / mip.size_mm[1], scale * 1.5) if mip else scale
        mip_width = mip.size_mm[0] * mip_scale if mip else 0.0
    size = (mip_width, mip.size_mm[1] * mip_scale) if mip else None
    return Grid(tuple(width * scale for width in widths), tallest * scale, rows, scale, size, mip_scale)
