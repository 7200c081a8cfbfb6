"""One panel of a sheet: an image with everything that is drawn over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oncohort.reporting.drawing import (
    INK,
    Canvas,
    Line,
    Rect,
    Window,
    box_outline,
    hot_over,
    mark_letters,
    mark_position,
    outline,
    prompt_marks,
    show_image,
)
from oncohort.reporting.sheets.subject import CutCase, CutView, SheetSettings

_FEW = 4  # masks that are drawn with thick lines
_THICK, _STEP, _THIN = 1.8, 0.5, 0.8
_CROWD = 12
_CROWD_THIN = 0.7
_TICK = "#e9c46a"


@dataclass(frozen=True)
class Layer:
    """What a row of panels shows.

    Args:
        kind: "ct", "pet" or "fusion".
        title: Words beside the row.
        window: Of the CT; None for a PET alone.
    """

    kind: str
    title: str
    window: Window | None

    @property
    def is_dark(self) -> bool:
        """Whether air is black."""
        return self.kind != "pet"


def layers_of(case: CutCase, settings: SheetSettings) -> list[Layer]:
    """The rows of a case: CT in each window, PET, and PET over CT in the first window."""
    rows = [Layer("ct", f"CT {window.words}", window) for window in settings.windows if case.has_ct]
    if case.has_pet:
        rows.append(Layer("pet", "PET", None))
    if case.has_ct and case.has_pet:
        rows.append(Layer("fusion", "PET over CT", settings.windows[0]))
    return rows


def draw_panel(canvas: Canvas, rect: Rect, view: CutView, layer: Layer, suv: tuple[float, float]) -> Any:
    """Draw a view; what comes back is the image whose colours need a scale."""
    dark = layer.is_dark
    axes = canvas.panel(rect, view.extent_mm, "black" if dark else "white")
    image = _show(axes, view, layer, suv)
    halo = "black" if dark else "white"
    points = _line_points(len(view.masks))
    lines = [Line(mask.colour, width, mask.dashes) for mask, width in zip(view.masks, points, strict=True)]
    outline(axes, list(zip((mask.plane for mask in view.masks), lines, strict=True)), halo=halo)
    for box in view.boxes:
        box_outline(axes, box.corners_mm, Line(box.colour, 1.1), halo=halo)
    for prompt in view.prompts:
        prompt_marks(axes, np.asarray(prompt.points_mm), prompt.polarity, small=prompt.kind != "click")
    mark_letters(axes, view.view, ink="white" if dark else INK, halo=halo)
    across, up = view.point_mm
    mark_position(axes, None if view.is_projection else across, up, colour=_TICK if dark else "#9a6b00")
    axes.set(xlim=view.extent_mm[:2], ylim=view.extent_mm[2:])
    return image


def _show(axes: Any, view: CutView, layer: Layer, suv: tuple[float, float]) -> Any:
    image = None
    if layer.window is not None and view.ct is not None:
        image = show_image(axes, view.ct, "gray", layer.window.bounds)
    if layer.kind == "pet" and view.pet is not None:
        image = show_image(axes, view.pet, "gray_r", suv)
    if layer.kind == "fusion" and view.pet is not None:
        image = show_image(axes, view.pet, hot_over(), suv)
    return image


def _line_points(masks: int) -> list[float]:
    """Widths of lines: among few masks each is thinner than the one before, so that both are seen where they meet."""
    if masks <= _FEW:
        return [max(_THICK - _STEP * number, _THIN) for number in range(masks)]
    return [_THIN if masks <= _CROWD else _CROWD_THIN] * masks
