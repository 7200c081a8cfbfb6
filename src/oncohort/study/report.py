"""From the results of a study to its page."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore
from oncohort.evaluation.prediction_records import cautions
from oncohort.leaderboard import compare_models, overall_places
from oncohort.leaderboard.columns import leaderboard_columns, main_columns
from oncohort.leaderboard.drawing import draw_leaderboard
from oncohort.leaderboard.formats import case_rows
from oncohort.leaderboard.shown import choose_structures
from oncohort.pictures import is_synthetic
from oncohort.profiles import Profile
from oncohort.reporting import (
    CohortFacts,
    ModelFacts,
    Provenance,
    ReportData,
    worst_cases,
    write_report,
)
from oncohort.results import Scores
from oncohort.study.case_numbers import COLUMNS, count_cases
from oncohort.study.held_out import HeldOut
from oncohort.study.pictures import draw_cases, drawn_models
from oncohort.study.planning import StudyPlan
from oncohort.study.settings import Study
from oncohort.study.training_facts import describe_training, tell_training

MOST_INPUTS = 400
"""Input files listed on the page; `run.json` beside the scores lists all."""

_LIBRARIES = ("oncohort", "numpy", "scipy", "numba", "pydicom", "nibabel", "SimpleITK", "polars")


def write_study_report(  # noqa: PLR0913 - the page joins everything that a study made
    plan: StudyPlan,
    cohort: Cohort,
    scores: Scores,
    aggregates: pl.DataFrame,
    *,
    held_out: HeldOut | None = None,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Path:
    """Write `report.html` into the folder of the results and return its path."""
    study, profile, results = plan.study, plan.profile, plan.out / ".oncohort"
    part = cohort if held_out is None else cohort.only(held_out.cases)
    synthetic = is_synthetic(cohort)
    rows = tuple(case_rows(scores))
    cases = count_cases(part, profile, store=ResultStore(results / "numbers"), jobs=jobs, progress=progress)
    notes = _dice_notes(rows)
    ordered = _by_rank([model.name for model in study.model], aggregates)
    volumes = {row["case"]: row["lesion_ml"] for row in cases if "lesion_ml" in row}
    drawings = draw_leaderboard(
        scores, aggregates, profile=profile, volumes_ml=volumes or None, seed=study.ranking.seed
    )
    ranking, readable, doubted = study.ranking, choose_structures(scores), cautions(scores.run)
    comparisons = compare_models(scores, bootstrap=ranking.bootstrap, seed=ranking.seed, profile=profile)
    places = {model.name: plan.prediction_folder(model) for model in study.model}
    folders = {name: places[name] for name in ordered}
    shown = {} if profile.boxes else {case: drawn_models(case, folders, notes) for case in worst_cases(rows)}
    pictures = draw_cases(
        cohort,
        shown,
        role=profile.target.role,
        synthetic=synthetic,
        store=ResultStore(results / "pictures"),
        jobs=jobs,
        progress=progress,
    )
    data = ReportData(
        title=study.report.title or study.study.name,
        subtitle=study.study.name,
        synthetic=synthetic,
        cohort=_cohort_facts(cohort),
        models=tuple(ModelFacts(name, _describe(plan, name), doubted.get(name, "")) for name in ordered),
        metrics=leaderboard_columns(profile),
        main_metrics=tuple(column.name for column in main_columns(profile)),
        leaderboard=tuple(readable.of(aggregates).iter_rows(named=True)),
        comparisons=tuple(readable.of(comparisons).iter_rows(named=True)),
        drawings=drawings.drawn,
        scores=rows,
        case_columns=COLUMNS,
        cases=tuple(cases),
        pictures=pictures,
        refused=tuple(cohort.tables.refused.iter_rows(named=True)),
        findings=tuple(cohort.tables.findings.iter_rows(named=True)),
        notes=tuple(_notes(scores, held_out, shown=len(shown), drawn=len(pictures))),
        trained=tuple(tell_training(name, plan.trainings[name].folder) for name in ordered if name in plan.trainings),
        provenance=_provenance(study, profile, scores),
    )
    return write_report(plan.out / "report.html", data)


def _input(row: Mapping[str, Any]) -> dict[str, Any]:
    whose = f"prediction of {row['model']}" if row["model"] else "reference"
    return {"name": f"{row['case']}, {whose}", "bytes": row["bytes"], "sha256": row["sha256"]}


def _by_rank(models: Sequence[str], aggregates: pl.DataFrame) -> list[str]:
    """Models of the study in the order of the overall ranking; those that were not ranked last."""
    ranked = [name for name in overall_places(aggregates) if name in models]
    return [*ranked, *(name for name in models if name not in ranked)]


def _notes(scores: Scores, held_out: HeldOut | None, *, shown: int, drawn: int) -> list[str]:
    notes = [str(note) for note in scores.run["notes"]]
    if held_out is not None:  # the first note says how many cases were chosen
        notes[:1] = [f"{notes[0]} {held_out.reason} All models are scored on the same cases."]
        notes += held_out.notes
    if drawn < shown:
        notes.append(f"{shown - drawn} of the {shown} worst cases have no PET or CT that can be read, and no picture.")
    unscored = len(scores.run["unscored"])
    if unscored:
        notes.append(f"{unscored} cases have no reference mask and are not scored; the score folder lists them.")
    return notes


def _describe(plan: StudyPlan, name: str) -> str:
    model = next(model for model in plan.study.model if model.name == name)
    if model.train is not None:
        return describe_training(plan.trainings[name].folder)
    if model.segmenter is None:
        return "predictions made elsewhere"
    listed = ", ".join(f"{parameter} {value}" for parameter, value in model.parameters.items())
    return f"{model.segmenter}: {listed}" if listed else model.segmenter


def _dice_notes(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row["model"], row["case"]): _dice_note(row) for row in rows if row["metric"] == "dice"}


def _dice_note(row: Mapping[str, Any]) -> str:
    return "Dice undefined" if row["value"] is None else f"Dice {row['value']:.3f}"


def _cohort_facts(cohort: Cohort) -> CohortFacts:
    tables = cohort.tables
    return CohortFacts(
        name=cohort.name,
        source=cohort.facts.source,
        source_version=cohort.facts.source_version or "",
        cases=len(cohort),
        patients=tables.cases["patient"].n_unique(),
        roles=dict(Counter(tables.volumes["role"])),
        labels=tuple(cohort.scheme.labels),
        licences=dict(Counter(licence or "not stated" for licence in tables.cases["licence"])),
    )


def _provenance(study: Study, profile: Profile, scores: Scores) -> Provenance:
    versions = {"Python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
    return Provenance(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions,
        settings={"bootstrap draws": study.ranking.bootstrap, "seed": study.ranking.seed},
        inputs=tuple(_input(row) for row in scores.run["inputs"][:MOST_INPUTS]),
        profile=f"{profile.name}, version {profile.version}",
        profile_text=profile.text,
        study_text=study.text,
    )
