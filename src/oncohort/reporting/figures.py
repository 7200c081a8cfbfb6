"""Pictures of cases, drawn without a screen and without global state, so that worker processes can draw too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patheffects import Normal, Stroke

from oncohort.reporting.canvas import FAMILY, INK, Canvas
from oncohort.reporting.data import CasePicture, ReferenceState
from oncohort.reporting.mip import Plane, coronal_maximum, shown_extent
from oncohort.reporting.palette import REFERENCE_COLOUR
from oncohort.volume import LabelMap, Volume

MAX_PANELS = 4
SUV_WINDOW = (0.0, 10.0)

_AIR_SUV = 0.4
_MARGIN_MM = 15.0
_THICK, _THIN = 2.1, 1.0  # points: where outlines coincide, both are seen


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
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.units import Unit
        >>> pet = Volume.from_array(np.ones((4, 3, 5)), Geometry((4, 3, 5), np.eye(4)), Unit.SUVBW)
        >>> draw_case(pet, [], reference=None, synthetic=False)[1:4]
        b'PNG'
    """
    shown = tuple(panels[:MAX_PANELS])
    plane = coronal_maximum(pet.array, pet.geometry)
    outline = _project(reference)
    outlines = [_project(panel.mask) for panel in shown]
    masks = [mask for mask in (outline, *outlines) if mask is not None]
    canvas = Canvas(plane, shown_extent(plane, masks, air=_AIR_SUV, margin_mm=_MARGIN_MM), len(shown) + 1, window_suv)
    first = canvas.panel(0, "PET", "", INK)
    _mark_sides(first)
    for number, (panel, mask) in enumerate(zip(shown, outlines, strict=True), start=1):
        axes = canvas.panel(number, panel.model, panel.note, panel.colour)
        _outline(axes, (outline, REFERENCE_COLOUR, _THICK), (mask, panel.colour, _THIN))
        if panel.mask is None:
            _write_centre(axes, "no prediction")
    if not shown:
        _outline(first, (outline, REFERENCE_COLOUR, _THICK))
    canvas.scale_bar()
    canvas.colour_bar()
    if synthetic:
        canvas.stamp("synthetic")
    return canvas.png()


def _project(mask: LabelMap | None) -> Plane | None:
    return None if mask is None else coronal_maximum(mask.foreground(), mask.geometry)


def _state(reference: LabelMap | None) -> ReferenceState:
    if reference is None:
        return "absent"
    return "drawn" if reference.foreground().any() else "empty"


def _outline(axes: Any, *lines: tuple[Plane | None, str, float]) -> None:
    """Outlines of mask, colour and width, over halos that hide none of them."""
    drawn = [
        (mask.padded(), colour, points) for mask, colour, points in lines if mask is not None and mask.pixels.any()
    ]
    for mask, _, points in drawn:
        _contour(axes, mask, "white", points + 0.9).set_alpha(0.6)
    for mask, colour, points in drawn:
        _contour(axes, mask, colour, points)


def _contour(axes: Any, mask: Plane, colour: str, points: float) -> Any:
    pixels = mask.pixels.astype(np.float32)
    return axes.contour(mask.columns_mm, mask.rows_mm, pixels, levels=[0.5], colors=[colour], linewidths=points)


def _mark_sides(axes: Any) -> None:
    for place, letter, side in ((0.03, "R", "left"), (0.97, "L", "right")):
        text = axes.text(
            place, 0.985, letter, transform=axes.transAxes, fontsize=8, color=INK, family=FAMILY, ha=side, va="top"
        )
        text.set_path_effects([Stroke(linewidth=2, foreground="white"), Normal()])


def _write_centre(axes: Any, words: str) -> None:
    text = axes.text(
        0.5, 0.04, words, transform=axes.transAxes, fontsize=7.5, color=INK, family=FAMILY, ha="center", va="bottom"
    )
    text.set_path_effects([Stroke(linewidth=2.4, foreground="white"), Normal()])
