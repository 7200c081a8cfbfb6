"""Rows of the cohort and scores, arranged as the tables of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from oncohort.reporting.data import Column, ModelFacts, ReportData, Row
from oncohort.reporting.numbers import Cell, Spread, explain, number_cell, spread_of

MISSING = "prediction_missing"


@dataclass(frozen=True)
class ModelTag:
    """A model with its colour class; `missing` counts cases without a prediction, `caution` says why to doubt it."""

    name: str
    description: str
    colour: str
    missing: int
    caution: str = ""


@dataclass(frozen=True)
class CaseLine:
    """One case in the table of all cases; `anchor` leads to its picture, if there is one."""

    case: str
    patient: str
    anchor: str
    facts: tuple[Cell, ...]
    scores: tuple[tuple[Cell, ...], ...]  # one tuple per metric, one cell per model


@dataclass(frozen=True)
class CaseTable:
    """The table of all cases."""

    lines: tuple[CaseLine, ...]
    has_patients: bool
    reasons: tuple[tuple[str, int], ...]
    has_missing: bool


def model_tags(data: ReportData) -> dict[str, ModelTag]:
    """Every model of the report with colour class and number of missing predictions.

    Models that only the leaderboard or the scores name come after the listed ones.
    """
    facts = {model.name: model for model in data.models}
    for row in (*data.leaderboard, *data.scores):
        facts.setdefault(row["model"], ModelFacts(row["model"]))
    missing = {name: 0 for name in facts}
    for row in data.leaderboard:
        missing[row["model"]] = max(missing[row["model"]], row.get("n_missing") or 0)
    return {
        name: ModelTag(name, model.description, f"c{min(number, 4)}", missing[name], model.caution)
        for number, (name, model) in enumerate(facts.items())
    }


def case_table(data: ReportData, models: Mapping[str, ModelTag]) -> CaseTable:
    """All cases with their facts and the scores of every model."""
    scores = {(row["case"], row["model"], row["metric"]): row for row in data.scores}
    missing = {(row["case"], row["model"]) for row in data.scores if row.get("undefined") == MISSING}
    anchors = {picture.case: f"picture-{number}" for number, picture in enumerate(data.pictures, start=1)}
    lines = []
    for row in data.cases:
        case = row["case"]
        blocks = tuple(
            tuple(
                _score_cell(scores.get((case, model, column.name)), column, is_missing=(case, model) in missing)
                for model in models
            )
            for column in data.case_metrics
        )
        lines.append(CaseLine(case, row.get("patient") or "", anchors.get(case, ""), _facts(row, data), blocks))
    shown = {column.name for column in data.metrics}
    undefined = [row for row in data.scores if row.get("undefined") and row["metric"] in shown]
    reasons = Counter(explain(row["undefined"]) for row in undefined)
    return CaseTable(
        lines=tuple(lines),
        has_patients=any(line.patient not in ("", line.case) for line in lines),
        reasons=tuple(reasons.most_common()),
        has_missing=bool(missing),
    )


def spreads(data: ReportData) -> tuple[Spread, ...]:
    """Median, quartiles and range of every fact of the cases that has values."""
    found = (spread_of(column, data.cases) for column in data.case_columns)
    return tuple(spread for spread in found if spread is not None)


def reasons_of(rows: tuple[Row, ...], key: str) -> tuple[tuple[str, int], ...]:
    """How often each value of `key` occurs, most frequent first.

    Examples:
        >>> reasons_of(({"reason": "no_image"}, {"reason": "no_image"}, {"reason": "tilt"}), "reason")
        (('no_image', 2), ('tilt', 1))
    """
    return tuple(Counter(str(row.get(key) or "") for row in rows).most_common())


def _facts(row: Row, data: ReportData) -> tuple[Cell, ...]:
    reasons = row.get("undefined") or {}
    columns = data.case_columns
    return tuple(number_cell(row.get(column.name), column.digits, reasons.get(column.name)) for column in columns)


def _score_cell(row: Row | None, column: Column, *, is_missing: bool) -> Cell:
    if row is None:
        return number_cell(None, column.digits, "not scored")
    cell = number_cell(row["value"], column.digits, row.get("undefined"))
    if is_missing and cell.value is not None:
        return Cell(cell.text, cell.value, "the prediction is missing and counts as the worst")
    return cell
