"""Benchmarks: evaluate and rank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from cyclopts import Parameter

from oncohort.cli.evaluation_record import is_whole, show_record
from oncohort.cli.leaderboard_forms import RankFormat, check_format, give_leaderboard, is_for_readers
from oncohort.cli.output import (
    Common,
    ExitCode,
    Json,
    NotNegative,
    print_json,
    say,
    shown_progress,
)
from oncohort.cli.scoring_choices import ScoringChoices, profile_file
from oncohort.cohort import Cohort
from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate as evaluate_cohort
from oncohort.evaluation import read_scores
from oncohort.evaluation.reference_volumes import reference_volumes
from oncohort.formats import open_cohort
from oncohort.leaderboard import GROUP_TEST_SCHEMA, SIZE_CLASS, compare_groups, compare_models, write_aggregates
from oncohort.leaderboard import rank as rank_scores
from oncohort.leaderboard.cohort_metrics import REFERENCE_VOLUME
from oncohort.leaderboard.confusion import confusion_rows
from oncohort.leaderboard.drawing import Drawings, draw_leaderboard
from oncohort.leaderboard.intervals import IntervalKind
from oncohort.leaderboard.protocol import profile_of
from oncohort.leaderboard.ranking import RankMethod
from oncohort.leaderboard.shown import choose_structures
from oncohort.reporting.numbers import format_p
from oncohort.results import Scores
from oncohort.storage import require_apart, write_bytes

_COMMON = Common()
_SCORING = ScoringChoices()


def evaluate(
    cohort: Path,
    predictions: tuple[str, ...],
    *,
    profile: str,
    out: Path,
    choices: ScoringChoices = _SCORING,
    common: Common = _COMMON,
) -> int:
    """Score folders of predictions against the reference masks of a cohort.

    Args:
        cohort: The cohort folder.
        predictions: A folder per model; NAME=FOLDER names the model, otherwise the folder does.
        profile: Name or file of the protocol, such as autopet-iii.
        out: Folder of the scores.
    """
    if common.overwrite:  # nothing is emptied without
        require_apart(out, [*choices.files, *profile_file(profile)])
    with shown_progress() as progress:
        scores = evaluate_cohort(
            open_cohort(cohort),
            named_folders(predictions),
            profile=profile,
            cases=choices.ids,
            out=out,
            resample_predictions=choices.resample_predictions,
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
        cohort: The cohort folder that holds the column, for nnunet the integers and voxels of the labels, and for
            --figures the volumes of the references where the scores do not hold them.
        interval: Percentile, or bias-corrected and accelerated (bca).
        bootstrap: Number of draws; 0 for none.
        seed: Seed of the draws.
        structures: What is shown of them: all, or names with commas between them; by default all of at most five, else
            their mean.
    """

    method: RankMethod = "profile"
    by: str | None = None
    cohort: Path | None = None
    interval: IntervalKind = "percentile"
    bootstrap: NotNegative = 1000
    seed: NotNegative = 2026
    structures: str | None = None


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
            nnunet, grand-challenge, challenger and coco are files in the folder --out.
        out: File of the leaderboard, or folder of its files.
        figures: Folder for the figures, as SVG.
        json: Print one machine-readable document on stdout.
    """
    check_format(format, out, json=json)
    scored = read_scores(scores)
    shown = choose_structures(scored, choices.structures)
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
    comparisons = shown.of(compare_models(scored, bootstrap=choices.bootstrap, seed=choices.seed))
    groups = [] if facts is None else shown.of(_group_tests(scored, facts, choices.by)).to_dicts()
    if json:
        document = {"aggregates": shown.of(aggregates), "comparisons": comparisons}
        tables = {name: table.to_dicts() for name, table in document.items()}
        print_json({**tables, "groups": groups, "confusion": confusion_rows(scored)})
    listed = shown.of(aggregates) if is_for_readers(format) else aggregates
    give_leaderboard(format, out, scores=scored, aggregates=listed, comparisons=comparisons, cohort=cohort)
    for row in groups:
        say(_group_words(row))
    if shown.words and is_for_readers(format):
        say(shown.words)
    if figures is not None:
        volumes = None if cohort is None else _volumes(scored, cohort)
        _write_figures(figures, draw_leaderboard(scored, aggregates, volumes_ml=volumes, seed=choices.seed))
    say(f"leaderboard: {scores / 'aggregates.parquet'}")
    return ExitCode.DONE


def _group_tests(scored: Scores, facts: pl.DataFrame, by: str | None) -> pl.DataFrame:
    if by is None or by == SIZE_CLASS:
        return pl.DataFrame(schema=GROUP_TEST_SCHEMA)
    return compare_groups(scored, facts, by=by)


def _group_words(row: Mapping[str, Any]) -> str:
    """One test of groups in a line."""
    members = ", ".join(
        f"{group} {median:.3g} (n {n})"
        for group, median, n in zip(row["groups"], row["medians"], row["n"], strict=True)
    )
    p = format_p(row["log10_p_holm"])
    return f"{row['model']}, {row['structure']}, {row['metric']}: medians {members}; {row['test']}, p (Holm) {p}"


def _volumes(scored: Scores, cohort: Cohort) -> dict[str, float | None] | None:
    """Volumes from the masks of the cohort; None where the scores hold them."""
    if REFERENCE_VOLUME in scored.table["metric"]:
        return None
    role = profile_of(scored, None).target.role
    with shown_progress() as progress:
        return reference_volumes(cohort, role, scored.table["case"].unique().to_list(), progress=progress)


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
