"""The page and the figures of a sensitivity analysis, made from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from oncohort.leaderboard import MACRO, RANK
from oncohort.leaderboard.columns import leaderboard_columns, main_columns
from oncohort.profiles import Profile
from oncohort.reporting.choices_page import Block, ChoicesData, Outcome, Span, Tried, render_choices
from oncohort.reporting.data import Column, Drawing, Provenance
from oncohort.reporting.range_chart import Moves, Standing, draw_places, draw_ranges
from oncohort.variation.choices import AS_WRITTEN
from oncohort.variation.summary import describe_choices, describe_findings
from oncohort.variation.tables import AS_PROFILE, ENVELOPE, Row
from oncohort.variation.varying import Sensitivity

OVERALL = Column(RANK, "Overall ranking", "mean rank", "lower", "Weighted mean rank by the profile; lower is better.")
"""The column of the overall ranking."""

Measure = tuple[str | None, str]
"""Structure and metric."""


def draw_sensitivity(found: Sensitivity) -> list[Drawing]:
    """The places under every choice, then how far each main metric moves."""
    return [block.drawing for block in _Pages(found).blocks if block.drawing is not None]


def main_findings(found: Sensitivity) -> tuple[str, ...]:
    """The answer in a few sentences."""
    return describe_findings(found, _overview(found))


def _overview(found: Sensitivity) -> dict[str, Column]:
    return {column.name: column for column in (OVERALL, *main_columns(found.variation.profile))}


def render_sensitivity(found: Sensitivity, drawings: Sequence[Drawing] | None = None) -> str:
    """The page as text.

    Args:
        found: From `measure_sensitivity`.
        drawings: Its figures, if they are drawn already.
    """
    pages = _Pages(found, None if drawings is None else {drawing.name: drawing for drawing in drawings})
    run, profile = found.run, found.variation.profile
    return render_choices(
        ChoicesData(
            profile=f"{profile.name} {profile.version}",
            cohort=run["cohort"],
            cases=len(run["cases"]),
            findings=main_findings(found),
            models=pages.models,
            choices=describe_choices(found, _overview(found)),
            blocks=pages.blocks,
            others=pages.others,
            without_effect={str(name): reason for name, reason in found.variation.without_effect.items()},
            impossible=found.variation.impossible,
            provenance=Provenance(
                created_at=run["created_at"],
                versions=run["versions"],
                inputs=tuple({**row, "name": f"{row['model']}: {row['case']}"} for row in run["inputs"]),
                profile=f"{profile.name} {profile.version}",
                profile_text=profile.text,
            ),
            notes=tuple(run["notes"]),
            missing={model: len(cases) for model, cases in run["missing"].items()},
        )
    )


@dataclass(frozen=True, eq=False)
class _Pages:
    """The blocks of the page."""

    found: Sensitivity
    drawn: dict[str, Drawing] | None = None

    @cached_property
    def models(self) -> tuple[str, ...]:
        """In the order of the overall ranking as written."""
        rows = [row for row in self._choices[None, RANK] if row["parameter"] == AS_PROFILE]
        return tuple(row["model"] for row in sorted(rows, key=lambda row: (row["rank"] is None, row["rank"])))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The overall ranking, then every metric of the overview that has a value; of several structures their mean."""
        return tuple(self._block(measure, column) for measure, column in self._measures() if self._is_main(measure))

    @cached_property
    def others(self) -> tuple[Block, ...]:
        """Every other metric and structure, without lines and figures."""
        return tuple(
            Block(self._title(measure, column), column, (), self._spans(measure))
            for measure, column in self._measures()
            if not self._is_main(measure)
        )

    @cached_property
    def _choices(self) -> dict[Measure, list[Row]]:
        return _grouped(self.found.choices.iter_rows(named=True))

    @cached_property
    def _ranges(self) -> dict[Measure, list[Row]]:
        return _grouped(row for row in self.found.ranges.iter_rows(named=True) if row["parameter"] == ENVELOPE)

    @property
    def _profile(self) -> Profile:
        return self.found.variation.profile

    @cached_property
    def _columns(self) -> dict[str, Column]:
        return {column.name: column for column in (OVERALL, *leaderboard_columns(self._profile))}

    def _measures(self) -> Iterator[tuple[Measure, Column]]:
        """The overall ranking first, the others in the order of the profile."""
        ordered = sorted(self._choices, key=lambda measure: list(self._columns).index(measure[1]))
        for measure in ordered:
            yield measure, self._columns[measure[1]]

    def _is_main(self, measure: Measure) -> bool:
        structure, metric = measure
        is_one = sum(name == metric for _, name in self._choices) == 1 or structure == MACRO
        is_known = any(row["value"] is not None for row in self._choices[measure])
        is_shown = metric in {column.name for column in main_columns(self._profile)}
        return metric == RANK or (is_one and is_known and is_shown)

    def _title(self, measure: Measure, column: Column) -> str:
        several = sum(name == measure[1] for _, name in self._choices) > 1
        return f"{column.label}, {measure[0]}" if several else column.label

    def _block(self, measure: Measure, column: Column) -> Block:
        lines = tuple(self._lines(measure))
        block = Block(self._title(measure, column), column, lines, self._spans(measure))
        return block if len(lines) == 1 else replace(block, drawing=self._drawing(measure, column, lines))

    def _lines(self, measure: Measure) -> Iterator[Tried]:
        """The profile as it is written, then every variant that touches the metric."""
        groups: dict[tuple[str, str], dict[str, Row]] = {}
        for row in self._choices[measure]:
            groups.setdefault((row["parameter"], row["variant"]), {})[row["model"]] = row
        for (parameter, variant), rows in groups.items():
            outcomes = tuple(_outcome(rows.get(model)) for model in self.models)
            yield Tried("" if parameter == AS_PROFILE else parameter, variant, outcomes)

    def _spans(self, measure: Measure) -> tuple[Span, ...]:
        rows = {row["model"]: row for row in self._ranges[measure]}
        return tuple(_span(rows[model]) for model in self.models if model in rows)

    def _drawing(self, measure: Measure, column: Column, lines: Sequence[Tried]) -> Drawing:
        name = "moves-places" if column.name == RANK else f"moves-{column.name}"
        if self.drawn is not None and name in self.drawn:
            return self.drawn[name]
        if column.name == RANK:
            return draw_places([self._standing(line) for line in lines], self.models)
        written, *others = lines
        values = {
            parameter: [line for line in others if line.parameter == parameter]
            for parameter in dict.fromkeys(line.parameter for line in others)
        }
        moves = [
            Moves(parameter, {model: _known(of_parameter, number) for number, model in enumerate(self.models)})
            for parameter, of_parameter in values.items()
        ]
        estimates = dict(zip(self.models, (outcome.value for outcome in written.outcomes), strict=True))
        return draw_ranges(moves, estimates, column)

    def _standing(self, line: Tried) -> Standing:
        places = dict(zip(self.models, (outcome.place for outcome in line.outcomes), strict=True))
        known = {model: place for model, place in places.items() if place is not None}
        return Standing(
            line.name if line.name == AS_WRITTEN else f"{line.parameter}: {line.name}", known, line.is_changed
        )


def _grouped(rows: Iterator[Row]) -> dict[Measure, list[Row]]:
    groups: dict[Measure, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["structure"], row["metric"]), []).append(row)
    return groups


def _known(lines: Sequence[Tried], model: int) -> list[float]:
    values = (line.outcomes[model].value for line in lines)
    return [value for value in values if value is not None]


def _outcome(row: Row | None) -> Outcome:
    if row is None:
        return Outcome(None)
    return Outcome(row["value"], row["difference"], row["rank"], row["rank_change"])


def _span(row: dict[str, Any]) -> Span:
    return Span(
        model=row["model"],
        value=row["value"],
        low=row["low"],
        low_variant=row["low_variant"] or "",
        high=row["high"],
        high_variant=row["high_variant"] or "",
        place=row["rank"],
        best_place=row["best_rank"],
        worst_place=row["worst_rank"],
    )
