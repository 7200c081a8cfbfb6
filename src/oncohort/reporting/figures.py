"""Pictures of cases, drawn without a screen and without global state, so that worker processes can draw too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oncohort.reporting.data import CasePicture, ReferenceState
from oncohort.reporting.drawing import (
    CORONAL,
    INK,
    Canvas,
    Extent,
    Line,
    Plane,
    Rect,
    colour_bar,
    coronal_maximum,
    fitted,
    mark_letters,
    outline,
    scale_bar,
    show_image,
    shown_extent,
    write,
)
from oncohort.reporting.palette import REFERENCE_COLOUR
from oncohort.volume import LabelMap, Volume

MAX_PANELS = 4
SUV_WINDOW = (0.0, 10.0)

_AIR_SUV = 0.4
_MARGIN_MM = 15.0
_THICK, _THIN = 2.1, 1.0  # points: where outlines coincide, both are seen
_PANEL_INCHES = (2.3, 5.6)  # widest, tallest
_WIDEST = 10.6  # inches of the whole picture
_GAP, _TOP, _BOTTOM, _RIGHT = 0.14, 0.42, 0.34, 0.62  # inches round the panels


@dataclass(frozen=True)
class Panel:
    """One model's prediction as a picture shows it.

    Args:
        model: Name of the model.
        mask: Its prediction; None if there is none.
        note: Short text under the name, such as "Dice 0.812".
        colour: Of the contour.
    """

    model: str
    mask: LabelMap | None
    note: str
    colour: str


def picture_case(
    case: str, pet: Volume, panels: Sequence[Panel], *, reference: LabelMap | None, synthetic: bool
) -> CasePicture:
    """The drawn case with what its caption must say; see `draw_case`.

    Examples:
        >>> import numpy as np
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.units import Unit
        >>> pet = Volume.from_array(np.ones((4, 3, 5)), Geometry((4, 3, 5), np.eye(4)), Unit.SUVBW)
        >>> picture_case("a", pet, [Panel("suv-4", None, "Dice 0", "#0072b2")], reference=None, synthetic=True).models
        (('suv-4', '#0072b2', 'Dice 0'),)
    """
    shown = tuple(panels[:MAX_PANELS])
    return CasePicture(
        case=case,
        png=draw_case(pet, shown, reference=reference, synthetic=synthetic),
        models=tuple((panel.model, panel.colour, panel.note) for panel in shown),
        window_suv=SUV_WINDOW,
        reference=_state(reference),
    )


def draw_case(
    pet: Volume,
    panels: Sequence[Panel],
    *,
    reference: LabelMap | None,
    synthetic: bool,
    window_suv: tuple[float, float] = SUV_WINDOW,
) -> bytes:
    """A PNG of coronal maximum-intensity projections side by side.

    First the PET alone, then one panel for each prediction (the first four), with the
    outline of the projected reference and prediction. Millimetres have the same
    length in both directions; the patient's right is on the left. Masks may lie on
    other grids than the PET.

    Args:
        pet: SUV, in any orientation.
        panels: Predictions in the order to show them.
        reference: The reference mask, if the case has one.
        synthetic: Whether to write "synthetic" into the picture.
        window_suv: SUV shown white and SUV shown black.

    Examples:
        >>> import numpy as np
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.units import Unit
        >>> pet = Volume.from_array(np.ones((4, 3, 5)), Geometry((4, 3, 5), np.eye(4)), Unit.SUVBW)
        >>> draw_case(pet, [], reference=None, synthetic=False)[1:4]
        b'PNG'
    """
    shown = tuple(panels[:MAX_PANELS])
    plane = coronal_maximum(pet.array, pet.geometry)
    outlined = _project(reference)
    outlines = [_project(panel.mask) for panel in shown]
    masks = [mask for mask in (outlined, *outlines) if mask is not None]
    row = _Row(plane, shown_extent(plane, masks, air=_AIR_SUV, margin_mm=_MARGIN_MM), len(shown) + 1, window_suv)
    first = row.panel(0, "PET", "", INK)
    mark_letters(first, CORONAL, ink=INK, halo="white", upright=False)
    for number, (panel, mask) in enumerate(zip(shown, outlines, strict=True), start=1):
        axes = row.panel(number, panel.model, panel.note, panel.colour)
        _outline(axes, (outlined, REFERENCE_COLOUR, _THICK), (mask, panel.colour, _THIN))
        if panel.mask is None:
            write(axes, (0.5, 0.04), "no prediction", ink=INK, halo="white", size=7.5, ha="center", va="bottom")
    if not shown:
        _outline(first, (outlined, REFERENCE_COLOUR, _THICK))
    row.bars()
    if synthetic:
        row.canvas.stamp("synthetic")
    return row.canvas.png(indexed=True)


class _Row:
    """Equal panels in a row that show one plane."""

    def __init__(self, plane: Plane, extent: Extent, panels: int, window: tuple[float, float]) -> None:
        left, right, bottom, top = extent
        widest = min(_PANEL_INCHES[0], (_WIDEST - _RIGHT) / panels - _GAP)
        self._inches_per_mm = min(widest / (right - left), _PANEL_INCHES[1] / (top - bottom))
        self._size = ((right - left) * self._inches_per_mm, (top - bottom) * self._inches_per_mm)
        self._plane, self._extent, self._window = plane, extent, window
        self._image: Any = None
        self.canvas = Canvas(panels * (self._size[0] + _GAP) + _RIGHT, self._size[1] + _TOP + _BOTTOM)

    def panel(self, number: int, title: str, note: str, colour: str) -> Any:
        """Axes in mm that show the PET under a title."""
        width, height = self._size
        rect = Rect(number * (width + _GAP) + 0.02, _BOTTOM, width, height)
        axes = self.canvas.panel(rect, self._extent)
        self._image = show_image(axes, self._plane, "gray_r", self._window)
        axes.set(xlim=self._extent[:2], ylim=self._extent[2:])
        title = fitted(title, width, 8.0, bold=True)
        self.canvas.text(rect.left, rect.top + 0.22, title, colour, 8.0, weight="bold")
        self.canvas.text(rect.left, rect.top + 0.07, fitted(note, width, 7.0), INK, 7.0)
        return axes

    def bars(self) -> None:
        """The scale under the first panel, and the SUV beside the last."""
        scale_bar(self.canvas, (0.02, 0.14), self._inches_per_mm, 0.5 * self._size[0])
        height = min(self._size[1], 1.5)
        rect = Rect(self.canvas.width - _RIGHT + 0.02, _BOTTOM + self._size[1] - height, 0.09, height)
        colour_bar(self.canvas, self._image, rect, self._window, "SUV")


def _project(mask: LabelMap | None) -> Plane | None:
    return None if mask is None else coronal_maximum(mask.foreground(), mask.geometry)


def _state(reference: LabelMap | None) -> ReferenceState:
    if reference is None:
        return "absent"
    return "drawn" if reference.foreground().any() else "empty"


def _outline(axes: Any, *lines: tuple[Plane | None, str, float]) -> None:
    """Outlines of mask, colour and width."""
    drawn = [(mask, Line(colour, points)) for mask, colour, points in lines if mask is not None]
    outline(axes, drawn, halo="white")
