"""How far a number moves when one choice of the protocol is changed, and what becomes of the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oncohort.reporting.chart import MUTED, Chart, Look, drawing_style, looks_of
from oncohort.reporting.data import Column, Drawing
from oncohort.reporting.drawing.canvas import INK

_SPREAD = 0.62  # of a row that its models share


@dataclass(frozen=True)
class Moves:
    """The values that the variants of one parameter give.

    Args:
        label: What was varied.
        values: By model, of each variant that has a value.
    """

    label: str
    values: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Standing:
    """The places of all models under one variant.

    Args:
        label: The variant.
        places: By model; models without a place are absent.
        is_changed: Whether any place is another than under the profile.
    """

    label: str
    places: Mapping[str, float]
    is_changed: bool = False


def draw_ranges(rows: Sequence[Moves], written: Mapping[str, float | None], column: Column) -> Drawing:
    """A row per parameter: for each model a line over the values of all its variants.

    Args:
        rows: One per parameter.
        written: By model, what the profile gives as it is written.
        column: The metric.

    Examples:
        >>> rows = [Moves("connectivity", {"a": [0.5, 0.7]})]
        >>> draw_ranges(rows, {"a": 0.6}, Column("dice", "Dice")).name
        'moves-dice'
    """
    models = list(written)
    looks = looks_of(models)
    chart = Chart(7.2, 1.25 + len(rows) * max(0.55, 0.2 * len(models)))
    (axes,) = chart.panels
    with drawing_style():
        for number, model in enumerate(models):
            offset = _SPREAD * ((number + 0.5) / len(models) - 0.5)
            _draw_model(axes, [row.values.get(model, ()) for row in rows], written[model], looks[model], offset)
            axes.plot([], [], color=looks[model].colour, marker=looks[model].mark, ls=looks[model].dash, label=model)
        for edge in range(1, len(rows)):
            axes.axhline(edge - 0.5, color="#e6e9eb", linewidth=0.6, zorder=0)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.set(ylim=(len(rows) - 0.5, -0.5))
        axes.grid(visible=False, axis="y")
    chart.label(f"{column.label} ({column.printed_unit})" if column.printed_unit else column.label, "")
    chart.legend_above()
    return Drawing(
        f"moves-{column.name}",
        f"{column.label} under every choice",
        "Filled mark and upright line: the profile as it is written. Hollow marks: one choice changed. "
        "Bar: from the lowest to the highest.",
        chart.svg(),
    )


def _draw_model(axes: Any, values: Sequence[Sequence[float]], written: float | None, look: Look, offset: float) -> None:
    if written is not None:
        axes.axvline(written, color=look.colour, linestyle=look.dash, linewidth=0.8, zorder=1)
    style = {"marker": look.mark, "color": look.colour, "linestyle": "none"}
    for number, of_row in enumerate(values):
        height = number + offset
        known = [*of_row, *([] if written is None else [written])]
        if len(known) > 1:
            axes.hlines(height, min(known), max(known), color=look.colour, linewidth=2.2, zorder=2)
        axes.plot(of_row, [height] * len(of_row), markersize=5, markerfacecolor="white", zorder=3, **style)
        if written is not None:
            axes.plot([written], [height], markersize=6, markeredgecolor=INK, zorder=4, **style)


def draw_places(rows: Sequence[Standing], models: Sequence[str]) -> Drawing:
    """A row per variant and a line per model through its places; the profile as it is written comes first.

    Args:
        rows: The variants.
        models: In the order of the ranking.

    Examples:
        >>> rows = [Standing("as written", {"a": 1, "b": 2}), Standing("6 neighbours", {"a": 2, "b": 1}, True)]
        >>> draw_places(rows, ["a", "b"]).name
        'moves-places'
    """
    looks = looks_of(models)
    chart = Chart(7.2, 1.1 + 0.27 * len(rows))
    (axes,) = chart.panels
    with drawing_style():
        for number, model in enumerate(models):
            look = looks[model]
            shift = 0.1 * ((number + 0.5) / len(models) - 0.5)  # ties stay visible
            known = [(row.places[model] + shift, height) for height, row in enumerate(rows) if model in row.places]
            across, up = [place for place, _ in known], [height for _, height in known]
            axes.plot(across, up, color=look.colour, linestyle=look.dash, linewidth=1.5, zorder=2)
            axes.plot(across, up, linestyle="none", marker=look.mark, markersize=6, color=look.colour, zorder=3)
            axes.plot([], [], color=look.colour, marker=look.mark, linestyle=look.dash, label=model)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        for label, row in zip(axes.get_yticklabels(), rows, strict=True):
            label.set(fontweight="bold" if row.is_changed else "normal")
        axes.axhline(0.5, color=MUTED, linewidth=0.7)
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0.6, len(models) + 0.4), xticks=range(1, len(models) + 1))
        axes.grid(visible=False, axis="y")
    chart.label("place in the overall ranking", "")
    chart.legend_above()
    return Drawing(
        "moves-places",
        "Places under every choice",
        "One row per choice, the profile as it is written above the line. Choices in bold change the order.",
        chart.svg(),
    )
