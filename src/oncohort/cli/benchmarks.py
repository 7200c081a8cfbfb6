"""Benchmarks: evaluate and rank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from oncohort.cli.evaluation_record import is_whole, show_record
from oncohort.cli.leaderboard_forms import RankFormat, check_format, give_leaderboard
from oncohort.cli.output import (
    Common,
    ExitCode,
    Json,
    NotNegative,
    print_json,
    say,
    shown_progress,
)
from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate as evaluate_cohort
from oncohort.evaluation import read_scores
from oncohort.formats import open_cohort
from oncohort.leaderboard import SIZE_CLASS, compare_groups, compare_models, write_aggregates
from oncohort.leaderboard import rank as rank_scores
from oncohort.leaderboard.drawing import Drawings, draw_leaderboard
from oncohort.leaderboard.intervals import IntervalKind
from oncohort.leaderboard.ranking import RankMethod
from oncohort.reporting.numbers import format_p
from oncohort.results import Scores
from oncohort.storage import write_bytes

_COMMON = Common()


def evaluate(
    cohort: Path,
    predictions: tuple[str, ...],
    *,
    profile: str,
    out: Path,
    resample_predictions: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _COMMON,
) -> int:
    """Score folders of predictions against the reference masks of a cohort.

    Args:
        cohort: The cohort folder.
        predictions: A folder per model; NAME=FOLDER names the model, otherwise the folder does.
        profile: Name or file of the protocol, such as autopet-iii.
        out: Folder of the scores.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
    """
    with shown_progress() as progress:
        scores = evaluate_cohort(
            open_cohort(cohort),
            named_folders(predictions),
            profile=profile,
            out=out,
            resample_predictions=resample_predictions,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    if common.json:
        print_json({"out": str(out), "rows": scores.table.height, "run": scores.run})
    show_record(scores.run)
    say(f"scores: {out} ({scores.table.height} rows)")
    return ExitCode.DONE if is_whole(scores.run) else ExitCode.REFUSED


@Parameter(name="*")
@dataclass(frozen=True)
class RankingChoices:
    """How models are put in order.

    Args:
        method: How the cases of a metric give an order: profile (as the profile says), mean-then-rank, rank-then-mean
            or test-based.
        by: A column of the cohort's cases, or size_class; every value gets a table of its own.
        cohort: The cohort folder that holds the column, and for nnunet the integers and voxels of the labels.
        interval: Percentile, or bias-corrected and accelerated (bca).
        bootstrap: Number of draws; 0 for none.
        seed: Seed of the draws.
    """

    method: RankMethod = "profile"
    by: str | None = None
    cohort: Path | None = None
    interval: IntervalKind = "percentile"
    bootstrap: NotNegative = 1000
    seed: NotNegative = 2026


_CHOICES = RankingChoices()


def rank(
    scores: Path,
    *,
    choices: RankingChoices = _CHOICES,
    format: RankFormat = "terminal",
    out: Path | None = None,
    figures: Path | None = None,
    json: Json = False,
) -> int:
    """Rank the models of a score folder with intervals from a bootstrap over patients.

    Args:
        scores: The score folder; `aggregates.parquet` is written into it.
        format: How the leaderboard is shown; markdown, latex, csv, html and pants-row go to stdout, or into --out;
            nnunet, grand-challenge and challenger are files in the folder --out.
        out: File of the leaderboard, or folder of its files.
        figures: Folder for the figures, as SVG.
        json: Print one machine-readable document on stdout.
    """
    check_format(format, out, json=json)
    scored = read_scores(scores)
    cohort = None if choices.cohort is None else open_cohort(choices.cohort)
    facts = None if cohort is None else cohort.tables.cases
    aggregates = rank_scores(
        scored,
        bootstrap=choices.bootstrap,
        seed=choices.seed,
        method=choices.method,
        interval=choices.interval,
        by=choices.by,
        facts=facts,
    )
    write_aggregates(scores / "aggregates.parquet", aggregates)
    comparisons = compare_models(scored, bootstrap=choices.bootstrap, seed=choices.seed)
    groups = [] if facts is None else _group_tests(scored, facts, choices.by)
    if json:
        document = {"aggregates": aggregates, "comparisons": comparisons}
        print_json({**{name: table.to_dicts() for name, table in document.items()}, "groups": groups})
    give_leaderboard(format, out, scores=scored, aggregates=aggregates, comparisons=comparisons, cohort=cohort)
    for row in groups:
        say(_group_words(row))
    if figures is not None:
        _write_figures(figures, draw_leaderboard(scored, aggregates, seed=choices.seed))
    say(f"leaderboard: {scores / 'aggregates.parquet'}")
    return ExitCode.DONE


def _group_tests(scored: Scores, facts: pl.DataFrame, by: str | None) -> list[dict[str, Any]]:
    return [] if by is None or by == SIZE_CLASS else compare_groups(scored, facts, by=by).to_dicts()


def _group_words(row: Mapping[str, Any]) -> str:
    """One test of groups in a line."""
    members = ", ".join(
        f"{group} {median:.3g} (n {n})"
        for group, median, n in zip(row["groups"], row["medians"], row["n"], strict=True)
    )
    p = format_p(row["log10_p_holm"])
    return f"{row['model']}, {row['structure']}, {row['metric']}: medians {members}; {row['test']}, p (Holm) {p}"


def _write_figures(folder: Path, drawings: Drawings) -> None:
    for drawing in drawings.drawn:
        write_bytes(folder / f"{drawing.name}.svg", drawing.svg.encode())
        say(f"{folder / drawing.name}.svg: {drawing.caption}")
    for title, reason in drawings.undrawn.items():
        say(f"no figure {title!r}: {reason}")


def _named_folder(text: str) -> tuple[str, Path]:
    """Model and folder of NAME=FOLDER, or of a folder that gives the name."""
    name, separator, folder = text.partition("=")
    path = Path(folder) if separator else Path(text)
    return (name if separator else path.absolute().name), path


def named_folders(texts: tuple[str, ...]) -> dict[str, Path]:
    """Folder by model of arguments NAME=FOLDER or FOLDER.

    Raises:
        SettingsError: Two models have one name.
    """
    named = [_named_folder(text) for text in texts]
    twice = sorted(name for name, count in Counter(name for name, _ in named).items() if count > 1)
    if twice:
        raise SettingsError(
            expected="a name of its own for every model",
            found=f"{', '.join(twice)} more than once",
            where="predictions",
            remedy="name the models: NAME=FOLDER",
        )
    return dict(named)
