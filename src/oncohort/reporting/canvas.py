"""Equal panels in a row, laid out in inches, with title, scale bar and grey scale."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import colors, font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image

from oncohort.reporting.mip import Extent, Plane
from oncohort.reporting.palette import MODEL_COLOURS, OTHER_COLOUR, REFERENCE_COLOUR

DOTS_PER_INCH = 160
FAMILY = "DejaVu Sans"
INK = "#1d2329"

_PANEL_INCHES = (2.3, 5.6)  # widest, tallest
_WIDEST = 10.6  # inches of the whole picture
_GAP, _TOP, _BOTTOM, _RIGHT = 0.14, 0.42, 0.34, 0.62  # inches round the panels
_BARS_MM = (500, 200, 100, 50, 20, 10, 5)
_MUTED = "#69727b"
_GREYS = 112
_STAMP = "#8a4b00"


class Canvas:
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
        self._text(left, above + 0.07, _fitted(note, self._panel[0]), INK, 7.0)
        return axes

    def scale_bar(self) -> None:
        """A bar of a round length under the first panel."""
        longest = 0.5 * self._panel[0] / self._inches_per_mm
        length = next((bar for bar in _BARS_MM if bar <= longest), _BARS_MM[-1])
        inches = length * self._inches_per_mm
        axes = self._axes(0.02, 0.14, inches, 0.09)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        axes.plot([0, 0, 0, 1, 1, 1], [0, 1, 0.5, 0.5, 1, 0], color=INK, linewidth=0.9, clip_on=False)
        words = f"{length // 10} cm" if length >= 10 else f"{length} mm"
        self._text(inches + 0.1, 0.185, words, INK, 7.0, verticalalignment="center")

    def colour_bar(self) -> None:
        """The grey scale with its SUV, beside the last panel."""
        height = min(self._panel[1], 1.5)
        axes = self._axes(self._size[0] - _RIGHT + 0.02, _BOTTOM + self._panel[1] - height, 0.09, height)
        bar = self._figure.colorbar(self._image, cax=axes)
        low, high = self._window
        bar.set_ticks([low, (low + high) / 2, high], labels=[f"{low:g}", f"{(low + high) / 2:g}", f"≥ {high:g}"])
        bar.ax.tick_params(labelsize=7, length=2, width=0.5, color=_MUTED, labelcolor=INK, pad=2)
        bar.outline.set(edgecolor="#c9ced3", linewidth=0.6)
        self._text(self._size[0] - _RIGHT, _BOTTOM + self._panel[1] + 0.07, "SUV", INK, 7.0)

    def stamp(self, word: str) -> None:
        """A word that cannot be overlooked, at the lower right."""
        self._figure.text(
            1 - 0.06 / self._size[0],
            0.17 / self._size[1],
            word.upper(),
            color="white",
            fontsize=7,
            fontweight="bold",
            family=FAMILY,
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
            left / across, bottom / up, words, color=colour, fontsize=size, family=FAMILY, parse_math=False, **style
        )
        text.set_in_layout(False)


def _fitted(words: str, inches: float) -> str:
    """The words as the font can draw them, cut to a width of about `inches`."""
    drawable = "".join(letter if ord(letter) in _glyphs() else "□" for letter in words)
    most = max(4, int(inches / 0.078))
    return drawable if len(drawable) <= most else drawable[: most - 1] + "…"


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(FAMILY)).get_charmap())


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
    """The 256 colours of a picture: greys, and each line colour blended with black, grey, white and the reference's."""
    greys = [np.full(3, level) for level in np.linspace(0.0, 1.0, _GREYS)]
    inks = [np.array(colors.to_rgb(ink)) for ink in (REFERENCE_COLOUR, *MODEL_COLOURS, OTHER_COLOUR, _STAMP)]
    blends = [ink + share * (grey - ink) for ink in inks for grey in (0.0, 0.5, 1.0) for share in np.arange(6) / 6.5]
    under = inks[0]
    blends += [ink + share * (under - ink) for ink in inks[1:5] for share in (0.2, 0.4, 0.6, 0.8)]
    table = np.round(255 * np.array([*greys, *blends])).astype(np.uint8)
    holder = Image.new("P", (1, 1))
    holder.putpalette(table.tobytes())
    return holder
