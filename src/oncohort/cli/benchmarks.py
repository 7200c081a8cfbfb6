"""Benchmarks: evaluate, rank, profile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from oncohort.cli.output import (
    Common,
    ExitCode,
    Json,
    NotNegative,
    print_json,
    print_text,
    say,
    show_table,
    shown_progress,
)
from oncohort.cli.ranking_table import show_leaderboard
from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate as evaluate_cohort
from oncohort.evaluation import read_scores
from oncohort.formats import open_cohort
from oncohort.leaderboard import rank as rank_scores
from oncohort.leaderboard import write_aggregates
from oncohort.profiles import list_profiles, load_profile

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
            _named_folders(predictions),
            profile=profile,
            out=out,
            resample_predictions=resample_predictions,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    if common.json:
        print_json({"out": str(out), "rows": scores.table.height, "run": scores.run})
    for note in scores.run["notes"]:
        say(note)
    missing = {model: cases for model, cases in scores.run["missing"].items() if cases}
    for model, cases in missing.items():
        say(f"{model}: no prediction for {len(cases)} cases: {', '.join(cases[:10])}")
    for model, files in scores.run["unmatched"].items():
        for file in files[:10]:
            say(f"{model}: {file} belongs to no case")
    say(f"scores: {out} ({scores.table.height} rows)")
    return ExitCode.REFUSED if missing or scores.run["unscored"] else ExitCode.DONE


def rank(
    scores: Path,
    *,
    bootstrap: NotNegative = 1000,
    seed: NotNegative = 2026,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Rank the models of a score folder with intervals from a bootstrap over patients.

    Args:
        scores: The score folder; `aggregates.parquet` is written into it.
        bootstrap: Number of draws; 0 for none.
        seed: Seed of the draws.
        json: Print one machine-readable document on stdout.
    """
    aggregates = rank_scores(read_scores(scores), bootstrap=bootstrap, seed=seed)
    write_aggregates(scores / "aggregates.parquet", aggregates)
    if json:
        print_json({"aggregates": aggregates.to_dicts()})
    show_leaderboard(aggregates)
    say(f"leaderboard: {scores / 'aggregates.parquet'}")
    return ExitCode.DONE


profile = App(name="profile", help="Show the written protocols of benchmarks.")


@profile.command(name="list")
def list_(*, json: Json = False) -> int:
    """List the profiles that come with Oncohort.

    Args:
        json: Print one machine-readable document on stdout.
    """
    rows = [[one.name, one.version, one.title] for one in map(load_profile, list_profiles())]
    if json:
        print_json({"profiles": [{"name": name, "version": version, "title": title} for name, version, title in rows]})
    show_table("profiles", ["name", "version", "title"], rows)
    return ExitCode.DONE


@profile.command
def show(name: str, *, json: Json = False) -> int:
    """Print a profile, word for word.

    Args:
        name: Name or file of the profile.
        json: Print one machine-readable document on stdout.
    """
    shown = load_profile(name)
    if json:
        print_json(shown.model_dump(mode="json"))
    else:
        print_text(shown.text)
    return ExitCode.DONE


def _named_folder(text: str) -> tuple[str, Path]:
    """Model and folder of NAME=FOLDER, or of a folder that gives the name."""
    name, separator, folder = text.partition("=")
    path = Path(folder) if separator else Path(text)
    return (name if separator else path.absolute().name), path


def _named_folders(texts: tuple[str, ...]) -> dict[str, Path]:
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
