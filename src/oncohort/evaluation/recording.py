"""The record of an evaluation, as `run.json` holds it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.evaluation.findings import Finding
from oncohort.evaluation.planning import EvaluationPlan, describe_pairs, describe_states, expected_name, find_subsets
from oncohort.evaluation.prediction_records import describe_records, known_to_training
from oncohort.evaluation.restricted import describe_unmeasured
from oncohort.evaluation.scoring import ScoreTask
from oncohort.evaluation.truth import Truth, find_truth, read_flags
from oncohort.profiles import Profile

_LIBRARIES = ("oncohort", "numpy", "numba", "connected-components-3d", "polars")
_Pair = tuple[ScoreTask, Mapping[str, Any]]  # a task and its result
_OF_REFERENCES = ("reference_label_unknown", "image_unusable")  # the same for every model


def record_run(
    cohort: Cohort, plan: EvaluationPlan, tasks: Sequence[ScoreTask], results: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """All that a reader of the scores must know, as JSON values.

    `missing` lists the cases without a usable prediction, `unreadable` those
    among them that have a file.
    """
    profile = tasks[0].profile
    subsets = find_subsets(cohort, profile)
    note = subsets.pop("note")
    pairs = list(zip(tasks, results, strict=True))
    truth = _truth(cohort, plan, profile, pairs)
    of_cases = (describe(cohort, plan.cases, profile) for describe in (describe_pairs, describe_unmeasured))
    of_models = describe_records(plan.records, tasks[0].structures, plan.cases)
    notes = (note, *of_cases, describe_states(plan.folders, profile), None if truth is None else truth.note, *of_models)
    known = {model: known_to_training(records, plan.cases) for model, records in plan.records.items()}
    lacking = [(task, result) for task, result in pairs if task.prediction is None or result["unreadable"]]
    return {
        "cohort": cohort.name,
        "models": list(plan.predictions),
        "cases": list(plan.cases),
        "structures": list(tasks[0].structures) or [profile.target.structure],
        "groups": _groups(cohort) if profile.target.group_means else {},
        "missing": _cases(plan, [task for task, _ in lacking]),
        "unreadable": _cases(plan, [task for task, result in lacking if result["unreadable"]]),
        "unmatched": _paths(plan.unmatched),
        "resampled": _cases(plan, [task for task, result in pairs if result["resampled"]]),
        "unscored": [dict(row) for row in plan.unscored],
        "findings": [asdict(each) for each in _find_all(plan, pairs)],
        "subsets": subsets,
        "notes": [each for each in notes if each is not None],
        "known_to_training": {model: cases for model, cases in known.items() if cases},
        **({} if truth is None else {"truth": truth.record()}),
        **describe_origin(profile),
    }


def describe_origin(profile: Profile) -> dict[str, Any]:
    """Protocol, versions of programs and time, as every run records them."""
    return {
        "profile": profile.name,
        "profile_version": profile.version,
        "profile_text": profile.text,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _truth(cohort: Cohort, plan: EvaluationPlan, profile: Profile, pairs: Sequence[_Pair]) -> Truth | None:
    """What a column says of the cases, if the profile takes its word."""
    column = profile.target.truth_column
    if column is None:
        return None
    rows = ((task.case, row["metric"], row["value"]) for task, result in pairs for row in result["scores"])
    return find_truth(read_flags(cohort, column, plan.cases), column, rows)


def _groups(cohort: Cohort) -> dict[str, list[str]]:
    return {name: list(members) for name, members in cohort.scheme.groups.items()}


def _cases(plan: EvaluationPlan, tasks: Iterable[ScoreTask]) -> dict[str, list[str]]:
    """The cases of `tasks` by model, with an empty list for models that have none."""
    found: dict[str, list[str]] = {model: [] for model in plan.predictions}
    for task in tasks:
        if task.case not in found[task.model]:
            found[task.model].append(task.case)
    return found


def _paths(files: Mapping[str, Iterable[Path]]) -> dict[str, list[str]]:
    return {model: [str(path) for path in paths] for model, paths in files.items()}


def _find_all(plan: EvaluationPlan, pairs: Sequence[_Pair]) -> Iterator[Finding]:
    yield from _of_models(plan, pairs)
    yield from _of_folders(plan)
    yield from _of_tasks(pairs)


def _of_models(plan: EvaluationPlan, pairs: Sequence[_Pair]) -> Iterator[Finding]:
    """Models that have no usable prediction at all, where another one has."""
    for model, folder in plan.folders.items():
        own = [(task, result) for task, result in pairs if task.model == model]
        files = [result for task, result in own if task.prediction is not None]
        if not all(result["unreadable"] for result in files):
            continue
        found = f"{len(files)} that cannot be used" if files else plan.unfilled[model]
        evidence = f"expected a prediction that can be scored, such as {expected_name(plan.cases)}, found {found}"
        remedy = "see the findings of its cases" if files else "name the files by the cases of the cohort"
        yield Finding("model_without_predictions", "error", evidence, remedy, model, path=str(folder))


def _of_folders(plan: EvaluationPlan) -> Iterator[Finding]:
    for model, cases in plan.twins.items():
        for case, paths in cases.items():
            evidence = f"two files: {' and '.join(path.name for path in paths)}"
            yield Finding("prediction_twice", "error", evidence, "keep one of them", model, case, str(paths[0]))
    remedy = "name the file by a case of the cohort"
    for model, paths in plan.unmatched.items():
        for path in paths:
            yield Finding("prediction_unmatched", "warning", "no such case", remedy, model, path=str(path))
    remedy = "save predictions as .nii.gz or .mha"
    for model, paths in plan.unread.items():
        for path in paths:
            yield Finding("prediction_unread", "warning", f"a file {path.suffix}", remedy, model, path=str(path))


def _of_tasks(pairs: Iterable[_Pair]) -> Iterator[Finding]:
    seen = set()
    for task, result in pairs:
        for row in result["findings"]:
            if row["rule"] not in _OF_REFERENCES:
                yield Finding(**{**row, "model": task.model, "case": task.case, "path": str(task.prediction)})
            elif (row["rule"], task.case) not in seen:
                seen.add((row["rule"], task.case))
                yield Finding(**{**row, "case": task.case})
