"""Start here: a demo, and a study file."""

from __future__ import annotations

from pathlib import Path

from oncohort.cli.cohort_info import show_findings, show_refused
from oncohort.cli.evaluation_record import show_odd, show_unscored
from oncohort.cli.output import Common, ExitCode, NotNegative, print_json, say, shown_progress
from oncohort.cli.ranking_table import show_leaderboard
from oncohort.leaderboard.shown import choose_structures
from oncohort.study import StudyResult, make_demo
from oncohort.study import run as run_study

_COMMON = Common()


def demo(
    *, out: Path = Path("oncohort-demo"), cases: NotNegative = 8, seed: NotNegative = 2026, common: Common = _COMMON
) -> int:
    """Make synthetic patients and a study file, and run it.

    Args:
        out: Folder for the patients, the study file and the results.
        cases: Number of synthetic patients.
        seed: Seed of the random numbers that make them.
    """
    with shown_progress() as progress:
        study = make_demo(out, cases=cases, seed=seed, overwrite=common.overwrite, jobs=common.jobs, progress=progress)
    code = run(study, common=common)
    say(f"edit {study} and run it again: oncohort run {study}")
    return code


def run(study: Path, *, common: Common = _COMMON) -> int:
    """Run a study file: ingest, steps, models, evaluation, ranking, report.

    Args:
        study: The study file (TOML).
    """
    with shown_progress() as progress:
        result = run_study(study, overwrite=common.overwrite, jobs=common.jobs, progress=progress)
    if common.json:
        print_json(_as_json(result))
    show_refused(result.cohort)
    show_findings(result.cohort)
    for note in result.notes:
        say(f"note: {note}")
    _show_failed(result)
    show_leaderboard(result.scores, choose_structures(result.scores).of(result.aggregates))
    say(f"report: {result.report}")
    return ExitCode.DONE if result.is_complete else ExitCode.REFUSED


def _show_failed(result: StudyResult) -> None:
    for model, cases in result.left_out.items():
        for case, reason in cases.items():
            say(f"{model} not trained on {case}: {reason}")
    for model, cases in result.failed.items():
        for case, reason in cases.items():
            say(f"no prediction of {model} for {case}: {reason}")
    for model, lacking in result.scores.run["missing"].items():
        elsewhere = [case for case in lacking if case not in result.failed.get(model, {})]
        if elsewhere:
            say(f"no prediction of {model} for {len(elsewhere)} cases: {', '.join(elsewhere[:10])}")
    show_unscored(result.scores.run)
    show_odd(result.scores.run)


def _as_json(result: StudyResult) -> dict[str, object]:
    return {
        "out": str(result.out),
        "report": str(result.report),
        "cases": len(result.cohort),
        "refused": result.cohort.tables.refused.height,
        "findings": result.cohort.tables.findings.to_dicts(),
        "missing": result.scores.run["missing"],
        "unscored": result.scores.run["unscored"],
        "evaluation_findings": result.scores.run["findings"],
        "left_out": {model: dict(cases) for model, cases in result.left_out.items()},
        "failed": {model: dict(cases) for model, cases in result.failed.items()},
        "notes": list(result.notes),
        "aggregates": result.aggregates.to_dicts(),
        "complete": result.is_complete,
    }
