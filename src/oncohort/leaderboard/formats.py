"""A leaderboard as text: Markdown, LaTeX, CSV, HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal, get_args

import polars as pl

from oncohort.errors import SettingsError
from oncohort.evaluation.prediction_records import cautions
from oncohort.leaderboard.columns import leaderboard_columns, main_columns
from oncohort.leaderboard.confusion import confusion_tables
from oncohort.leaderboard.drawing import draw_leaderboard
from oncohort.leaderboard.protocol import profile_of
from oncohort.leaderboard.ranking import overall_places
from oncohort.metrics import METRICS
from oncohort.profiles import Profile
from oncohort.reporting import CohortFacts, Column, ModelFacts, Provenance, ReportData, render_ranking
from oncohort.reporting.leaderboard_tables import TextTable, leaderboard_tables
from oncohort.reporting.text_formats import as_csv, as_latex, as_markdown
from oncohort.results import Scores

TextForm = Literal["markdown", "latex", "csv", "html"]
"""Formats of a leaderboard that are text."""


def leaderboard_text(
    scores: Scores,
    aggregates: pl.DataFrame,
    comparisons: pl.DataFrame,
    *,
    form: TextForm,
    profile: Profile | None = None,
) -> str:
    """The leaderboard in a format to keep, print or read by machine.

    CSV holds one line per row of the aggregates with all digits. Markdown and
    LaTeX (package booktabs) hold the overall ranking, the estimates, a table
    per metric and the models in pairs. HTML is one page with the figures.

    Args:
        scores: From `evaluate`.
        aggregates: From `rank` of the same scores.
        comparisons: From `compare_models` of the same scores.
        form: `markdown`, `latex`, `csv` or `html`.
        profile: By default the one that the scores were made with.

    Raises:
        InputError: The scores lack a metric of the profile.
        SettingsError: There is no such format.
    """
    if form == "csv":
        return as_csv(aggregates.to_dicts(), aggregates.columns)
    if form == "markdown":
        return as_markdown(_title(scores), text_tables(scores, aggregates, comparisons, profile=profile))
    if form == "latex":
        return as_latex(text_tables(scores, aggregates, comparisons, profile=profile))
    if form == "html":
        return render_ranking(_page_data(scores, aggregates, comparisons, profile_of(scores, profile)))
    raise SettingsError(
        expected=f"a format: {', '.join(get_args(TextForm))}",
        found=repr(form),
        where="rank",
        remedy="choose one of these",
    )


def text_tables(
    scores: Scores, aggregates: pl.DataFrame, comparisons: pl.DataFrame, *, profile: Profile | None = None
) -> tuple[TextTable, ...]:
    """The leaderboard as tables of text: overall ranking, estimates, each metric, models in pairs, confusion.

    What must be said of single models stands below the first one.
    """
    protocol = profile_of(scores, profile)
    main = {column.name for column in main_columns(protocol)}
    columns = _with_others(leaderboard_columns(protocol), aggregates)
    tables = leaderboard_tables(aggregates.to_dicts(), columns, comparisons.to_dicts(), main=main)
    said = " ".join(f"{model}: {words}." for model, words in cautions(scores.run).items())
    first = [replace(table, note=f"{table.note} {said}".strip()) for table in tables[:1]]
    return (*first, *tables[1:], *confusion_tables(scores))


def _with_others(columns: tuple[Column, ...], aggregates: pl.DataFrame) -> tuple[Column, ...]:
    """The columns, and those of metrics that only the aggregates know, such as rates by the size of lesions."""
    known = {column.name for column in columns}
    others = [name for name in aggregates["metric"].unique(maintain_order=True) if name in METRICS.keys() - known]
    return (*columns, *(Column.of_metric(METRICS[name]) for name in others))


def case_rows(scores: Scores) -> list[dict[str, object]]:
    """Score rows with one value per model, case and metric: with several structures the mean of those that have one.

    Rows of single lesions or steps are left aside.

    Examples:
        >>> from oncohort.results import Score
        >>> def row(structure, value):
        ...     return Score("a", "A", "A", structure, "dice", value, "1", "organs", "1")
        >>> case_rows(Scores.from_scores([row("liver", 0.5), row("spleen", 1.0)], {}))[0]["value"]
        0.75
    """
    table = scores.table.filter(pl.col("lesion").is_null() & pl.col("step").is_null())
    if table["structure"].n_unique() < 2:
        return table.to_dicts()
    mean = pl.col("value").mean()
    first = pl.col("undefined").drop_nulls().first()
    return (
        table.group_by("model", "case", "patient", "metric", maintain_order=True)
        .agg(value=mean, undefined=pl.when(mean.is_null()).then(first))
        .to_dicts()
    )


def _page_data(scores: Scores, aggregates: pl.DataFrame, comparisons: pl.DataFrame, profile: Profile) -> ReportData:
    places, doubted = overall_places(aggregates), cautions(scores.run)
    table = scores.table
    return ReportData(
        title=_title(scores),
        cohort=CohortFacts(
            str(scores.run.get("cohort", "")), "scores", table["case"].n_unique(), table["patient"].n_unique()
        ),
        models=tuple(ModelFacts(model, caution=doubted.get(model, "")) for model in places),
        metrics=_with_others(leaderboard_columns(profile), aggregates),
        main_metrics=tuple(column.name for column in main_columns(profile)),
        leaderboard=tuple(aggregates.to_dicts()),
        scores=tuple(case_rows(scores)),
        comparisons=tuple(comparisons.to_dicts()),
        drawings=draw_leaderboard(scores, aggregates, profile=profile).drawn,
        notes=tuple(str(note) for note in scores.run.get("notes", ())),
        provenance=Provenance(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            versions={"oncohort": version("oncohort")},
            profile=f"{profile.name}, version {profile.version}",
            profile_text=profile.text,
        ),
    )


def _title(scores: Scores) -> str:
    cohort = scores.run.get("cohort")
    return f"Leaderboard, {cohort}" if cohort else "Leaderboard"
