"""Names under a sheet, with the line or mark that each stands for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oncohort.reporting.drawing import INK, PROMPT_COLOURS, PROMPT_MARKERS, Canvas, Rect, fitted, text_inches
from oncohort.reporting.sheets.subject import CutCase, CutPrompt

LINE_INCHES = 0.17
_SIZE = 7.0
_SAMPLE, _GAP = 0.24, 0.2
_MOST_LINES = 5
_WIDEST_NAME = 2.4


@dataclass(frozen=True)
class Entry:
    """A name of the legend.

    Args:
        words: The name.
        colour: Of its line or mark.
        dashes: Of its line.
        mark: "line", "box", "dots", or a marker of matplotlib.
    """

    words: str
    colour: str
    dashes: str = "solid"
    mark: str = "line"


def entries_of(cases: Iterable[CutCase]) -> list[Entry]:
    """What is seen in any panel: masks, then boxes, then prompts."""
    found: dict[Entry, None] = {}
    listed = list(cases)
    for case in listed:
        found.update(dict.fromkeys(Entry(*key) for key in case.mask_names()))
    views = [view for case in listed for view in case.views.values()]
    boxes = [Entry(box.name, box.colour, mark="box") for view in views for box in view.boxes]
    prompts = [
        Entry(f"{prompt.kind}, {prompt.polarity}", PROMPT_COLOURS.get(prompt.polarity, "#ffffff"), mark=_mark(prompt))
        for view in views
        for prompt in view.prompts
    ]
    found.update(dict.fromkeys([*boxes, *sorted(prompts, key=lambda entry: entry.words)]))
    return list(found)


def _mark(prompt: CutPrompt) -> str:
    return PROMPT_MARKERS.get(prompt.polarity, "o") if prompt.kind == "click" else "dots"


def lay_out(entries: list[Entry], width: float) -> list[list[tuple[float, Entry]]]:
    """Lines of entries with their left edges in inches; what does not fit is counted in a last entry.

    Examples:
        >>> [[entry.words for _, entry in line] for line in lay_out([Entry("a", "#fff"), Entry("b", "#fff")], 3.0)]
        [['a', 'b']]
    """
    lines: list[list[tuple[float, Entry]]] = [[]]
    left = 0.0
    for number, entry in enumerate(entries):
        needed = _SAMPLE + min(text_inches(entry.words, _SIZE), _WIDEST_NAME) + _GAP
        if left + needed > width and lines[-1]:
            if len(lines) == _MOST_LINES:
                lines[-1][-1] = (lines[-1][-1][0], Entry(f"and {len(entries) - number + 1} more", INK, mark="none"))
                return lines
            lines.append([])
            left = 0.0
        lines[-1].append((left, entry))
        left += needed
    return lines if entries else []


def draw_legend(canvas: Canvas, left: float, top: float, lines: list[list[tuple[float, Entry]]]) -> None:
    """The lines of a legend, the first at `top`."""
    for number, line in enumerate(lines):
        bottom = top - (number + 1) * LINE_INCHES
        for offset, entry in line:
            _sample(canvas, Rect(left + offset, bottom + 0.02, _SAMPLE - 0.06, 0.1), entry)
            words = fitted(entry.words, _WIDEST_NAME, _SIZE)
            canvas.text(left + offset + _SAMPLE, bottom + 0.03, words, INK, _SIZE)


def _sample(canvas: Canvas, rect: Rect, entry: Entry) -> None:
    if entry.mark == "none":
        return
    axes = canvas.axes(rect)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    if entry.mark not in ("line", "box"):
        places, size, marker = ([0.2, 0.5, 0.8], 8, "o") if entry.mark == "dots" else ([0.5], 34, entry.mark)
        ink = {"color": entry.colour, "edgecolors": "black", "linewidths": 0.7}
        axes.scatter(places, [0.5] * len(places), s=size, marker=marker, clip_on=False, **ink)
        return
    across, up = ([0, 1], [0.5, 0.5]) if entry.mark == "line" else ([0.15, 0.85, 0.85, 0.15, 0.15], [0, 0, 1, 1, 0])
    axes.plot(across, up, color=INK, linewidth=2.7, alpha=0.8, clip_on=False)
    axes.plot(across, up, color=entry.colour, linewidth=1.7, linestyle=entry.dashes, clip_on=False)
