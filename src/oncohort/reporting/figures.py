"""Pictures of cases, drawn without a screen and without global state, so that worker processes can draw too."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import colors, font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray
from PIL import Image

from oncohort.reporting.data import CasePicture, ReferenceState
from oncohort.reporting.mip import Extent, Plane, coronal_maximum, shown_extent
from oncohort.reporting.palette import MODEL_COLOURS, OTHER_COLOUR, REFERENCE_COLOUR
from oncohort.volume import LabelMap, Volume

MAX_PANELS = 4
DOTS_PER_INCH = 160
SUV_WINDOW = (0.0, 10.0)

_PANEL_INCHES = (2.3, 5.6)  # widest, tallest
_WIDEST = 10.6  # inches of the whole picture
_GAP, _TOP, _BOTTOM, _RIGHT = 0.14, 0.42, 0.34, 0.62  # inches round the panels
_AIR_SUV = 0.4
_MARGIN_MM = 15.0
_BARS_MM = (500, 200, 100, 50, 20, 10, 5)
_INK = "#1d2329"
_MUTED = "#69727b"
_FAMILY = "DejaVu Sans"
_GREYS = 112
_STAMP = "#8a4b00"
_THICK, _THIN = 1.7, 0.9  # points: where outlines coincide, both are seen


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
    canvas = _Canvas(plane, shown_extent(plane, masks, air=_AIR_SUV, margin_mm=_MARGIN_MM), len(shown) + 1, window_suv)
    first = canvas.panel(0, "PET", "", _INK)
    _mark_sides(first)
    for number, (panel, mask) in enumerate(zip(shown, outlines, strict=True), start=1):
        axes = canvas.panel(number, panel.model, panel.note, panel.colour)
        _outline(axes, outline, REFERENCE_COLOUR, _THICK)
        _outline(axes, mask, panel.colour, _THIN)
        if panel.mask is None:
            _write_centre(axes, "no prediction")
    if not shown:
        _outline(first, outline, REFERENCE_COLOUR, _THICK)
    canvas.scale_bar()
    canvas.colour_bar()
    if synthetic:
        canvas.stamp("synthetic")
    return canvas.png()


class _Canvas:
    """A figure with equal panels in a row, laid out in inches."""

    def __init__(self, plane: Plane, extent: Extent, panels: int, window: tuple[float, float]) -> None:
        right, left, bottom, top = extent
        widest = min(_PANEL_INCHES[0], (_WIDEST - _RIGHT) / panels - _GAP)
        self._inches_per_mm = min(widest / (left - right), _PANEL_INCHES[1] / (top - bottom))
        self._panel = ((left - right) * self._inches_per_mm, (top - bottom) * self._inches_per_mm)
        self._size = (panels * (self._panel[0] + _GAP) + _RIGHT, self._panel[1] + _TOP + _BOTTOM)
        self._plane, self._extent, self._window = plane, extent, window
        self._image: Any = None
        self._figure = Figure(figsize=self._size, dpi=DOTS_PER_INCH, facecolor="white")
        self._drawing = FigureCanvasAgg(self._figure)

    def panel(self, number: int, title: str, note: str, colour: str) -> Any:
        """Axes in mm that show the PET under a title."""
        left = number * (self._panel[0] + _GAP) + 0.02
        axes = self._axes(left, _BOTTOM, *self._panel)
        low, high = self._window
        self._image = axes.imshow(
            self._plane.pixels,
            cmap="gray_r",
            vmin=low,
            vmax=high,
            origin="lower",
            extent=self._plane.extent_mm,
            interpolation="bilinear",
        )
        axes.set(xlim=self._extent[:2], ylim=self._extent[2:], xticks=[], yticks=[], aspect="auto")
        for spine in axes.spines.values():
            spine.set(color="#c9ced3", linewidth=0.6)
        above = _BOTTOM + self._panel[1]
        self._text(left, above + 0.22, _fitted(title, self._panel[0]), colour, 8.0, weight="bold")
        self._text(left, above + 0.07, _fitted(note, self._panel[0]), _INK, 7.0)
        return axes

    def scale_bar(self) -> None:
        """A bar of a round length under the first panel."""
        longest = 0.5 * self._panel[0] / self._inches_per_mm
        length = next((bar for bar in _BARS_MM if bar <= longest), _BARS_MM[-1])
        inches = length * self._inches_per_mm
        axes = self._axes(0.02, 0.14, inches, 0.09)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        axes.plot([0, 0, 0, 1, 1, 1], [0, 1, 0.5, 0.5, 1, 0], color=_INK, linewidth=0.9, clip_on=False)
        words = f"{length // 10} cm" if length >= 10 else f"{length} mm"
        self._text(inches + 0.1, 0.185, words, _INK, 7.0, verticalalignment="center")

    def colour_bar(self) -> None:
        """The grey scale with its SUV, beside the last panel."""
        height = min(self._panel[1], 1.5)
        axes = self._axes(self._size[0] - _RIGHT + 0.02, _BOTTOM + self._panel[1] - height, 0.09, height)
        bar = self._figure.colorbar(self._image, cax=axes)
        low, high = self._window
        bar.set_ticks([low, (low + high) / 2, high], labels=[f"{low:g}", f"{(low + high) / 2:g}", f"≥ {high:g}"])
        bar.ax.tick_params(labelsize=7, length=2, width=0.5, color=_MUTED, labelcolor=_INK, pad=2)
        bar.outline.set(edgecolor="#c9ced3", linewidth=0.6)
        self._text(self._size[0] - _RIGHT, _BOTTOM + self._panel[1] + 0.07, "SUV", _INK, 7.0)

    def stamp(self, word: str) -> None:
        """A word that cannot be overlooked, at the lower right."""
        self._figure.text(
            1 - 0.06 / self._size[0],
            0.17 / self._size[1],
            word.upper(),
            color="white",
            fontsize=7,
            fontweight="bold",
            family=_FAMILY,
            ha="right",
            va="center",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": _STAMP, "edgecolor": "none"},
        )

    def png(self) -> bytes:
        """The figure as bytes; no date, no program name, so that equal pictures are equal bytes."""
        self._drawing.draw()
        stream = io.BytesIO()
        _in_palette(np.asarray(self._drawing.buffer_rgba())[..., :3]).save(stream, format="png", optimize=True)
        return stream.getvalue()

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Any:
        across, up = self._size
        return self._figure.add_axes((left / across, bottom / up, width / across, height / up))

    def _text(self, left: float, bottom: float, words: str, colour: str, size: float, **style: Any) -> None:
        across, up = self._size
        text = self._figure.text(
            left / across, bottom / up, words, color=colour, fontsize=size, family=_FAMILY, parse_math=False, **style
        )
        text.set_in_layout(False)


def _project(mask: LabelMap | None) -> Plane | None:
    return None if mask is None else coronal_maximum(mask.foreground(), mask.geometry)


def _state(reference: LabelMap | None) -> ReferenceState:
    if reference is None:
        return "absent"
    return "drawn" if reference.foreground().any() else "empty"


def _outline(axes: Any, mask: Plane | None, colour: str, points: float) -> None:
    if mask is None or not mask.pixels.any():
        return
    rim = mask.padded()
    pixels = rim.pixels.astype(np.float32)
    lines = axes.contour(rim.columns_mm, rim.rows_mm, pixels, levels=[0.5], colors=[colour], linewidths=points)
    lines.set_path_effects([Stroke(linewidth=points + 0.8, foreground="white", alpha=0.6), Normal()])


def _mark_sides(axes: Any) -> None:
    for place, letter, side in ((0.03, "R", "left"), (0.97, "L", "right")):
        text = axes.text(
            place, 0.985, letter, transform=axes.transAxes, fontsize=8, color=_INK, family=_FAMILY, ha=side, va="top"
        )
        text.set_path_effects([Stroke(linewidth=2, foreground="white"), Normal()])


def _write_centre(axes: Any, words: str) -> None:
    text = axes.text(
        0.5, 0.04, words, transform=axes.transAxes, fontsize=7.5, color=_INK, family=_FAMILY, ha="center", va="bottom"
    )
    text.set_path_effects([Stroke(linewidth=2.4, foreground="white"), Normal()])


def _fitted(words: str, inches: float) -> str:
    """The words as the font can draw them, cut to a width of about `inches`."""
    drawable = "".join(letter if ord(letter) in _glyphs() else "□" for letter in words)
    most = max(4, int(inches / 0.078))
    return drawable if len(drawable) <= most else drawable[: most - 1] + "…"


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(_FAMILY)).get_charmap())


def _in_palette(pixels: NDArray[np.uint8]) -> Image.Image:
    """The picture in 256 colours, a third of the bytes; greys keep their level to 1 in 112."""
    palette = _palette()
    indices = np.array(Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE))
    grey = (pixels[..., 0] == pixels[..., 1]) & (pixels[..., 1] == pixels[..., 2])
    indices[grey] = np.rint(pixels[..., 0][grey] * ((_GREYS - 1) / 255.0)).astype(np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette(palette.getpalette() or [])
    return picture


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """The 256 colours of a picture: greys, and each line colour blended with white, grey and black."""
    greys = [np.full(3, level) for level in np.linspace(0.0, 1.0, _GREYS)]
    inks = [np.array(colors.to_rgb(ink)) for ink in (REFERENCE_COLOUR, *MODEL_COLOURS, OTHER_COLOUR, _STAMP)]
    blends = [ink + share * (grey - ink) for ink in inks for grey in (0.0, 0.5, 1.0) for share in np.arange(6) / 6.5]
    table = np.round(255 * np.array([*greys, *blends])).astype(np.uint8)
    holder = Image.new("P", (1, 1))
    holder.putpalette(table.tobytes())
    return holder
