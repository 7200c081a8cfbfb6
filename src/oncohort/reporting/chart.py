"""Figures with axes as SVG: one size of type, one set of colours, marks and dashes for all of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from oncohort.reporting.drawing.canvas import FAMILY, INK
from oncohort.reporting.palette import model_colours

MUTED = "#69727b"
RULE = "#c9ced3"
MOST_VECTORS = 3000
"""With more marks than this, they are drawn as pixels inside the SVG."""

_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (5, 1.4, 1.2, 1.4)))
_STYLE = {
    "svg.hashsalt": "oncohort",  # equal figures are equal bytes
    "svg.fonttype": "path",
    "font.family": FAMILY,
    "font.size": 8.5,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Look:
    """How a model is drawn: told apart by colour, by mark and by dash, so that any one of them suffices."""

    colour: str
    mark: str
    dash: Any


def looks_of(models: Sequence[str]) -> dict[str, Look]:
    """The look of each model, in the order of the leaderboard.

    Examples:
        >>> looks_of(["suv-4", "suv-2.5"])["suv-2.5"].mark
        's'
    """
    colours = model_colours(models)
    return {
        model: Look(colours[model], _MARKS[number % len(_MARKS)], _DASHES[number % len(_DASHES)])
        for number, model in enumerate(models)
    }


class Chart:
    """A figure of one or more panels with axes, laid out in inches."""

    def __init__(self, width: float, height: float, *, panels: int = 1, shares_up: bool = True) -> None:
        with mpl.rc_context(_STYLE):
            self._figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
            FigureCanvasSVG(self._figure)
            grid = self._figure.subplots(1, panels, sharex=True, sharey=shares_up, squeeze=False)
            self.panels: list[Any] = list(grid[0])
            for axes in self.panels:
                _tidy(axes)

    def label(self, across: str, up: str) -> None:
        """Name both axes, with their units."""
        with mpl.rc_context(_STYLE):
            if len(self.panels) == 1:
                self.panels[0].set_xlabel(across, color=INK)
                self.panels[0].set_ylabel(up, color=INK)
            else:
                self._figure.supxlabel(across, color=INK, fontsize=8.5)
                self._figure.supylabel(up, color=INK, fontsize=8.5)

    def legend(self, place: str) -> None:
        """A legend inside the first panel."""
        self._legend(self.panels[0], place)

    def legends(self, place: str) -> None:
        """A legend inside each panel."""
        for axes in self.panels:
            self._legend(axes, place)

    def legend_above(self) -> None:
        """A legend above the panels, in as many lines as it needs."""
        handles, labels = self.panels[0].get_legend_handles_labels()
        inches = 0.75 + 0.075 * max((len(label) for label in labels), default=0)
        columns = max(1, min(len(labels), int(self._figure.get_figwidth() / inches)))
        with mpl.rc_context(_STYLE):
            self._figure.legend(
                handles, labels, loc="outside upper left", ncols=columns, frameon=False, handlelength=3.2
            )

    @staticmethod
    def _legend(axes: Any, place: str) -> None:
        with mpl.rc_context(_STYLE):
            legend = axes.legend(loc=place, frameon=True, framealpha=0.9, edgecolor=RULE, handlelength=3.2)
            legend.get_frame().set_linewidth(0.6)

    def svg(self) -> str:
        """The figure as text; no date, no random names, so that equal figures are equal bytes."""
        stream = io.StringIO()
        with mpl.rc_context(_STYLE):
            self._figure.savefig(stream, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
        text = stream.getvalue()
        return text[text.index("<svg") :]


def drawing_style() -> Any:
    """The settings under which every mark is drawn; a context manager."""
    return mpl.rc_context(_STYLE)


def _tidy(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(color=MUTED, linewidth=0.7)
    axes.tick_params(color=MUTED, labelcolor=INK, width=0.7, length=3)
    axes.set_axisbelow(True)
    axes.grid(color="#e6e9eb", linewidth=0.6)
