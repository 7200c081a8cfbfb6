"""The page that says what the choices of a protocol change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oncohort.reporting.data import Column, Drawing, Provenance
from oncohort.reporting.html import fill_template, svg_uri
from oncohort.reporting.numbers import DASH, format_number
from oncohort.reporting.palette import MODEL_COLOURS


@dataclass(frozen=True)
class Outcome:
    """What one variant gives for one metric and model.

    Args:
        value: The estimate over the cohort; None if there is none.
        difference: Less that of the profile as it is written.
        place: Among the models.
        place_change: Negative is better.
    """

    value: float | None
    difference: float | None = None
    place: float | None = None
    place_change: float | None = None


@dataclass(frozen=True)
class Tried:
    """One variant in a table: its parameter, its name, and what it gives per model."""

    parameter: str
    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def is_changed(self) -> bool:
        """Whether any model has another place."""
        return any(outcome.place_change for outcome in self.outcomes)


@dataclass(frozen=True)
class Span:
    """How far one number of one model moves over all variants."""

    model: str
    value: float | None
    low: float | None
    low_variant: str
    high: float | None
    high_variant: str
    place: float | None
    best_place: float | None
    worst_place: float | None


@dataclass(frozen=True)
class Block:
    """One metric: the profile's values, every variant that touches it, the spans, and a figure.

    Args:
        title: Heading; names the structure where there are several.
        column: The metric.
        lines: The profile as it is written, then the variants.
        spans: One per model.
        drawing: None where nothing touches the metric.
    """

    title: str
    column: Column
    lines: tuple[Tried, ...]
    spans: tuple[Span, ...]
    drawing: Drawing | None = None


@dataclass(frozen=True)
class Choice:
    """One parameter: what it is, what the profile says, what was tried, and what it changed."""

    name: str
    description: str
    written: str
    tried: tuple[str, ...]
    touches: tuple[str, ...]
    largest: str
    reordering: int


@dataclass(frozen=True)
class ChoicesData:
    """All that the page shows.

    Args:
        profile: Name and version.
        findings: Sentences that answer the question first.
        models: In the order of the ranking.
        choices: What was varied.
        blocks: The overall ranking, then a metric each.
        others: Metrics without a block, with their spans only.
        without_effect: Reason by parameter.
        impossible: Reason by value.
        notes: What a reader must know first.
        provenance: How the numbers came about.
    """

    profile: str
    cohort: str
    cases: int
    findings: tuple[str, ...]
    models: tuple[str, ...]
    choices: tuple[Choice, ...]
    blocks: tuple[Block, ...]
    others: tuple[Block, ...]
    without_effect: Mapping[str, str]
    impossible: Mapping[str, str]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)


def render_choices(data: ChoicesData) -> str:
    """The page as text: one file that loads nothing from elsewhere.

    Examples:
        >>> data = ChoicesData("p 1", "trial", 0, (), (), (), (), (), {}, {}, Provenance("2026-01-01T00:00:00Z"))
        >>> render_choices(data)[:15]
        '<!DOCTYPE html>'
    """
    return fill_template(
        "choices.html.j2",
        data=data,
        colour_of={model: f"c{min(number, len(MODEL_COLOURS))}" for number, model in enumerate(data.models)},
        svg_uri=svg_uri,
        number=_number,
        signed=_signed,
        place=_place,
    )


def _number(value: float | None, column: Column) -> str:
    return DASH if value is None else format_number(value, column.digits)


def _signed(value: float | None, column: Column) -> str:
    """A difference with its sign; empty for none."""
    if value is None:
        return ""
    text = format_number(value, column.digits)
    return "±0" if not any(letter in "123456789" for letter in text) else text if value < 0 else f"+{text}"


def _place(places: Sequence[float | None]) -> str:
    """A place, or the range of two.

    Examples:
        >>> _place([1.0, 2.0]), _place([3.0, 3.0]), _place([None])
        ('1 to 2', '3', '–')
    """
    known = [f"{value:g}" for value in dict.fromkeys(places) if value is not None]
    return " to ".join(known) if known else DASH
