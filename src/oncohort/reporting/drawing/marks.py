"""What is drawn over and beside an image: outlines, letters, scale bars, colour bars, boxes, clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from oncohort.reporting.drawing.canvas import EDGE, FAMILY, INK, Canvas, Rect
from oncohort.reporting.drawing.plane import Plane, View

_BARS_MM = (500, 200, 100, 50, 20, 10, 5)
_MUTED = "#69727b"
_INSET = 11.0  # points from the edge of a panel to the middle of a letter
_TICK = 4.5  # points


@dataclass(frozen=True)
class Line:
    """How a contour is drawn.

    Args:
        colour: Of the line.
        points: Its width.
        dashes: "solid", "dashed", "dotted" or "dashdot".
    """

    colour: str
    points: float
    dashes: str = "solid"


def outline(axes: Any, contours: Sequence[tuple[Plane, Line]], *, halo: str) -> None:
    """Outlines of masks over halos that hide none of them.

    Args:
        axes: In mm of the planes.
        contours: Planes of which everything above zero is inside, and their lines.
        halo: Colour of the rim.
    """
    drawn = [(mask.padded(), line) for mask, line in contours if mask.pixels.any()]
    for mask, line in drawn:
        _contour(axes, mask, Line(halo, line.points + 0.9)).set_alpha(0.6)
    for mask, line in drawn:
        _contour(axes, mask, line)


def _contour(axes: Any, mask: Plane, line: Line) -> Any:
    return axes.contour(
        mask.columns_mm,
        mask.rows_mm,
        (mask.pixels > 0).astype(np.float32),
        levels=[0.5],
        colors=[line.colour],
        linewidths=line.points,
        linestyles=line.dashes,
    )


def mark_letters(axes: Any, view: View, *, ink: str, halo: str, upright: bool = True) -> None:
    """The sides of the patient at the edges of a panel.

    Args:
        axes: The panel.
        view: How the patient is looked at.
        ink: Colour of the letters.
        halo: Colour of their rim.
        upright: Whether the top and bottom are named too.
    """
    left, right, bottom, top = view.letters
    places = [(0.0, 0.5, left), (1.0, 0.5, right), *([(0.5, 0.0, bottom), (0.5, 1.0, top)] if upright else [])]
    for across, up, letter in places:
        inward = (_INSET * (1 - 2 * across) if across != 0.5 else 0.0, _INSET * (1 - 2 * up) if up != 0.5 else 0.0)
        text = axes.annotate(
            letter,
            (across, up),
            xytext=inward,
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=7.5,
            color=ink,
            family=FAMILY,
            ha="center",
            va="center",
        )
        text.set_path_effects([Stroke(linewidth=2.2, foreground=halo), Normal()])


def write(axes: Any, place: tuple[float, float], words: str, *, ink: str, halo: str, size: float, **style: Any) -> None:
    """Words with a rim over an image; the place in shares of the panel."""
    text = axes.text(
        *place, words, transform=axes.transAxes, fontsize=size, color=ink, family=FAMILY, parse_math=False, **style
    )
    text.set_path_effects([Stroke(linewidth=2.2, foreground=halo), Normal()])


def scale_bar(canvas: Canvas, place: tuple[float, float], inches_per_mm: float, longest: float) -> None:
    """A bar of a round length with its length in words.

    Args:
        canvas: The figure.
        place: Its lower left corner in inches.
        inches_per_mm: The scale.
        longest: Inches that it may take.
    """
    length = next((bar for bar in _BARS_MM if bar * inches_per_mm <= longest), _BARS_MM[-1])
    inches = length * inches_per_mm
    axes = canvas.axes(Rect(*place, inches, 0.09))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    axes.plot([0, 0, 0, 1, 1, 1], [0, 1, 0.5, 0.5, 1, 0], color=INK, linewidth=0.9, clip_on=False)
    words = f"{length // 10} cm" if length >= 10 else f"{length} mm"
    canvas.text(place[0] + inches + 0.08, place[1] + 0.045, words, INK, 7.0, verticalalignment="center")


def colour_bar(canvas: Canvas, image: Any, rect: Rect, window: tuple[float, float], label: str) -> None:
    """The scale of an image with its lowest, middle and highest value."""
    axes = canvas.axes(rect)
    axes.set_facecolor("black")
    bar = canvas.figure.colorbar(image, cax=axes)
    low, high = window
    middle = (low + high) / 2
    lowest = f"≤ {low:g}" if low < 0 else f"{low:g}"
    bar.set_ticks([low, middle, high], labels=[lowest, f"{middle:g}", f"≥ {high:g}"])
    bar.ax.tick_params(labelsize=7, length=2, width=0.5, color=_MUTED, labelcolor=INK, pad=2)
    bar.outline.set(edgecolor=EDGE, linewidth=0.6)
    canvas.text(rect.left - 0.02, rect.top + 0.07, label, INK, 7.0)


def box_outline(axes: Any, corners_mm: NDArray[np.float64], line: Line, *, halo: str) -> None:
    """A box: the polygon (n, 2) where it cuts the plane."""
    for colour, points, alpha in ((halo, line.points + 0.9, 0.6), (line.colour, line.points, 1.0)):
        axes.add_patch(
            Polygon(
                corners_mm,
                closed=True,
                fill=False,
                edgecolor=colour,
                linewidth=points,
                alpha=alpha,
                joinstyle="miter",
                linestyle=line.dashes if alpha == 1.0 else "solid",
            )
        )


PROMPT_COLOURS = {"foreground": "#8ef05a", "background": "#ff5a4f"}
"""Colours of clicks and scribbles by what they say."""

PROMPT_MARKERS = {"foreground": "P", "background": "X"}
"""Marks of clicks by what they say: a plus and a cross."""


def prompt_marks(axes: Any, points_mm: NDArray[np.float64], polarity: str, *, small: bool) -> None:
    """Points (n, 2): a plus for a click on the lesion, a cross for one beside it, dots for a scribble."""
    axes.scatter(
        points_mm[:, 0],
        points_mm[:, 1],
        s=6 if small else 34,
        marker="o" if small else PROMPT_MARKERS.get(polarity, "o"),
        color=PROMPT_COLOURS.get(polarity, "#ffffff"),
        edgecolors="black",
        linewidths=0.4 if small else 0.8,
        zorder=5,
    )


def mark_position(axes: Any, across_mm: float | None, up_mm: float | None, *, colour: str) -> None:
    """Short ticks inside the edges of a panel where the other planes cut it."""
    if across_mm is not None:
        _ticks(axes, [(across_mm, 0.0), (across_mm, 1.0)], (2, 3), axes.get_xaxis_transform(), colour)
    if up_mm is not None:
        _ticks(axes, [(0.0, up_mm), (1.0, up_mm)], (1, 0), axes.get_yaxis_transform(), colour)


def _ticks(
    axes: Any, places: Sequence[tuple[float, float]], markers: tuple[int, int], transform: Any, colour: str
) -> None:
    """A tick inwards at each place; markers are matplotlib's tick marks (0 left, 1 right, 2 up, 3 down)."""
    for (across, up), marker in zip(places, markers, strict=True):
        axes.plot([across], [up], marker=marker, markersize=_TICK, color=colour, transform=transform, linestyle="none")
