"""A figure laid out in inches, without a screen and without global state."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from oncohort.reporting.drawing.encoding import encode_png
from oncohort.reporting.drawing.plane import Extent
from oncohort.reporting.palette import STAMP_COLOUR

DOTS_PER_INCH = 160
FAMILY = "DejaVu Sans"
INK = "#1d2329"
EDGE = "#c9ced3"


@dataclass(frozen=True)
class Rect:
    """A rectangle in inches from the lower left of the figure."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.bottom + self.height

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


class Canvas:
    """A white figure of a size in inches.

    Examples:
        >>> canvas = Canvas(1.0, 0.5)
        >>> canvas.text(0.1, 0.2, "R", INK, 8.0)
        >>> canvas.png(indexed=True)[1:4]
        b'PNG'
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
        self._drawing = FigureCanvasAgg(self.figure)

    def axes(self, rect: Rect) -> Any:
        """Empty axes in a rectangle."""
        return self.figure.add_axes(
            (rect.left / self.width, rect.bottom / self.height, rect.width / self.width, rect.height / self.height)
        )

    def panel(self, rect: Rect, extent: Extent, background: str = "white") -> Any:
        """Axes in mm with a thin frame and no ticks."""
        axes = self.axes(rect)
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[], aspect="auto", facecolor=background)
        axes.set_autoscale_on(False)
        for spine in axes.spines.values():
            spine.set(color=EDGE, linewidth=0.6)
        return axes

    def text(self, left: float, bottom: float, words: str, colour: str, size: float, **style: Any) -> None:
        """Words, not read as mathematics, what the font lacks as boxes."""
        text = self.figure.text(
            left / self.width,
            bottom / self.height,
            drawable(words),
            color=colour,
            fontsize=size,
            family=FAMILY,
            parse_math=False,
            **style,
        )
        text.set_in_layout(False)

    def stamp(self, word: str, bottom: float = 0.17) -> None:
        """A word that cannot be overlooked, at the right edge."""
        self.text(
            self.width - 0.06,
            bottom,
            word.upper(),
            "white",
            7,
            fontweight="bold",
            ha="right",
            va="center",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": STAMP_COLOUR, "edgecolor": "none"},
        )

    def png(self, *, indexed: bool) -> bytes:
        """The figure as bytes; see `encode_png`."""
        self._drawing.draw()
        return encode_png(np.asarray(self._drawing.buffer_rgba())[..., :3], indexed=indexed)


def drawable(words: str) -> str:
    """The words as the font can draw them.

    Examples:
        >>> drawable("a" + chr(0) + "b")
        'a□b'
    """
    return "".join(letter if ord(letter) in _glyphs() else "□" for letter in words)


def text_inches(words: str, size: float, *, bold: bool = False) -> float:
    """Width of words in inches.

    Examples:
        >>> 0.4 < text_inches("mediastinum", 7.0) < 0.8
        True
    """
    font = _font(bold)
    font.set_size(size, 72)
    font.set_text(drawable(words))
    return float(font.get_width_height()[0]) / 64 / 72


def fitted(words: str, inches: float, size: float, *, bold: bool = False) -> str:
    """The words, cut to a width.

    Examples:
        >>> fitted("a long name", 0.4, 8.0)
        'a lo…'
    """
    words = drawable(words)
    if text_inches(words, size, bold=bold) <= inches:
        return words
    lengths = range(4, len(words))
    kept = bisect_right(lengths, inches, key=lambda length: text_inches(words[:length] + "…", size, bold=bold))
    return words[: kept + 3] + "…"


@lru_cache(maxsize=2)
def _font(bold: bool) -> Any:  # noqa: FBT001 - cached by position
    weight = "bold" if bold else "normal"
    return FT2Font(font_manager.findfont(font_manager.FontProperties(family=FAMILY, weight=weight)))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(_font(bold=False).get_charmap())
