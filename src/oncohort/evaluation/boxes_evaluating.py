"""Cohort x predicted boxes: scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, map_items
from oncohort.errors import PredictionError
from oncohort.evaluation.boxes_predictions import BoxPredictions, read_model
from oncohort.evaluation.boxes_reference import (
    ReferenceCase,
    box_structures,
    reference_cases,
    unscored_boxes,
)
from oncohort.evaluation.boxes_scoring import BoxTask, score_boxes
from oncohort.evaluation.cohort_part import CohortPart
from oncohort.evaluation.findings import Finding
from oncohort.evaluation.planning import find_subsets
from oncohort.evaluation.recording import describe_origin
from oncohort.profiles import Profile
from oncohort.results import BOX_VIEW_SCHEMA, CANDIDATE_SCHEMA, SCORED_BOX_SCHEMA, Score, Scores
from oncohort.storage import sha256_file

_Pairs = Sequence[tuple[BoxTask, Mapping[str, Any]]]


def evaluate_boxes(
    part: CohortPart,
    predictions: Mapping[str, Path],
    profile: Profile,
    *,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Scores:
    """Scores of every model on every case whose boxes a profile of boxes scores.

    Args:
        part: The references, in the table of boxes of its cohort.
        predictions: A folder per model, with one file of boxes.
        profile: A profile of boxes.
        jobs: Processes.
        progress: Called after every case of a model.

    Returns:
        Rows by model, case, class and metric; candidates by matching; all boxes in voxels. `run` holds what an
        evaluation of masks records, and `images` (how many take part, by case) and `confusion` (classes, and counts by
        model).

    Raises:
        PredictionError: A folder does not exist, no model has a file of boxes that can be used, or the profile allows
            no prediction to be missing and one is.
        MissingNeedError: No case has anything to score.
        SettingsError: The profile asks for classes that the cohort does not name.
    """
    if not predictions:
        raise _wrong("the predictions of at least one model", "none", "evaluate")
    cohort = part.cohort
    references, unscored = reference_cases(cohort, profile)
    structures = box_structures(cohort, profile)
    scored = [one.case for one in references]
    models = [read_model(model, folder, scored, part.known) for model, folder in predictions.items()]
    _require_usable(models)
    tasks = [
        BoxTask(model.model, one, model.rows.get(one.case), profile, structures)
        for model in models
        for one in references
    ]
    _require_complete(tasks, profile)
    keys = [f"{number}" for number in range(len(tasks))]
    results = map_items(score_boxes, tasks, keys=keys, jobs=jobs, progress=progress, label="scoring")
    pairs = list(zip(tasks, results, strict=True))
    run = {**_record(cohort, references, models, pairs), "unscored": unscored, "inputs": _inputs(cohort, models)}
    return Scores(
        Scores.from_scores([score for task, result in pairs for score in _scores(task, result)], {}).table,
        run,
        candidates=pl.DataFrame(
            [row for task, result in pairs for row in _whose(task, result["candidates"])],
            schema={**CANDIDATE_SCHEMA, **BOX_VIEW_SCHEMA},
        ),
        boxes=pl.DataFrame([*_drawn(references), *_predicted(pairs)], schema=SCORED_BOX_SCHEMA),
    )


def _scores(task: BoxTask, result: Mapping[str, Any]) -> Iterator[Score]:
    for row in result["scores"]:
        yield Score(
            model=task.model,
            case=task.reference.case,
            patient=task.reference.patient,
            unit=task.profile.rule(row["metric"]).unit,
            profile=task.profile.name,
            profile_version=task.profile.version,
            **row,
        )


def _whose(task: BoxTask, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    whose = {"model": task.model, "case": task.reference.case, "patient": task.reference.patient}
    return ({**whose, **row} for row in rows)


def _drawn(references: Sequence[ReferenceCase]) -> Iterator[dict[str, Any]]:
    for one in references:
        whose = {"case": one.case, "patient": one.patient, "side": "reference"}
        for number, box in enumerate(one.boxes, start=1):
            for row in box.rows:
                yield {**whose, "number": number, "class": box.class_name, **row}


def _predicted(pairs: _Pairs) -> Iterator[dict[str, Any]]:
    for task, result in pairs:
        yield from _whose(task, [{"side": "prediction", **row} for row in result["predicted"]])


def _record(
    cohort: Cohort, references: Sequence[ReferenceCase], models: Sequence[BoxPredictions], pairs: _Pairs
) -> dict[str, Any]:
    profile, structures = pairs[0][0].profile, pairs[0][0].structures
    subsets = find_subsets(cohort, profile)
    note = subsets.pop("note")
    absent = {model.model: _absent(pairs, model.model) for model in models}
    return {
        "cohort": cohort.name,
        "models": [model.model for model in models],
        "cases": [one.case for one in references],
        "structures": list(structures),
        "groups": {},
        "missing": {model: list(cases) for model, cases in absent.items()},
        "unreadable": {
            model: [case for case, why in cases.items() if why == "prediction_unreadable"]
            for model, cases in absent.items()
        },
        "unmatched": {model.model: [] for model in models},
        "resampled": {model.model: [] for model in models},
        "findings": [asdict(each) for each in _findings(references, models, pairs)],
        "subsets": subsets,
        "notes": [*([] if note is None else [note]), *_notes(cohort, references, profile)],
        "images": {one.case: one.images for one in references},
        "confusion": _confusion(pairs),
        **describe_origin(profile),
    }


def _notes(cohort: Cohort, references: Sequence[ReferenceCase], profile: Profile) -> Iterator[str]:
    """What was left aside, and how well the labels repeat themselves."""
    for why, count in unscored_boxes(cohort, profile).items():
        yield f"{profile.name}: boxes {why} are not scored ({count})."
    pairs = [iou for one in references for iou in one.agreement]
    if pairs:
        yield (
            f"Readings of one lesion in several reconstructions have a median IoU3D of {np.median(pairs):.2f} "
            f"(pairs: {len(pairs)}): thresholds near it measure the labels as much as a model."
        )


def _absent(pairs: _Pairs, model: str) -> dict[str, str]:
    return {
        task.reference.case: str(result["absent"])
        for task, result in pairs
        if task.model == model and result["absent"] is not None
    }


def _findings(
    references: Sequence[ReferenceCase], models: Sequence[BoxPredictions], pairs: _Pairs
) -> Iterator[Finding]:
    for model in models:
        yield from model.findings
    for one in references:
        yield from (Finding(**{**asdict(each), "case": one.case}) for each in one.findings)
    paths = {model.model: str(model.path) for model in models}
    for task, result in pairs:
        for row in result["findings"]:
            yield Finding(**{**row, "model": task.model, "case": task.reference.case, "path": paths[task.model]})


def _confusion(pairs: _Pairs) -> dict[str, Any]:
    """Classes, and the counts of every model over all cases; nothing where all classes are one."""
    counts: dict[str, Any] = {}
    for task, result in pairs:
        if result["confusion"] is not None:
            counts[task.model] = counts.get(task.model, 0) + np.array(result["confusion"], np.int64)
    if not counts:
        return {}
    return {"classes": list(pairs[0][0].structures), "counts": {model: one.tolist() for model, one in counts.items()}}


def _inputs(cohort: Cohort, models: Sequence[BoxPredictions]) -> list[dict[str, Any]]:
    files: list[tuple[str | None, Path]] = [(model.model, model.path) for model in models if model.path is not None]
    if cohort.root is not None:
        files.insert(0, (None, cohort.root / "boxes.parquet"))
    return [
        {
            "model": model,
            "case": None,
            "path": str(path.absolute()),
            "bytes": path.stat().st_size,
            "sha256": sha256_file(path),
        }
        for model, path in files
        if path.is_file()
    ]


def _require_usable(models: Sequence[BoxPredictions]) -> None:
    """Raise if no model has boxes, or none for any case that is scored."""
    if any(model.rows for model in models):
        return
    words = [finding.evidence for model in models for finding in model.findings[:1]]
    found = "; ".join(words) or "rows of no case that is scored"
    raise _wrong("predicted boxes of the cases of the cohort", found, "predictions")


def _require_complete(tasks: Sequence[BoxTask], profile: Profile) -> None:
    lacking = [f"{task.model} lacks {task.reference.case}" for task in tasks if task.rows is None]
    if lacking and profile.missing == "error":
        expected = f"a prediction of every model for every case ({profile.name} allows none to be missing)"
        raise _wrong(expected, "; ".join(lacking[:5]), "predictions")


def _wrong(expected: str, found: str, where: str) -> PredictionError:
    remedy = "save the boxes of a model as boxes.csv, with a row for every case that was looked at"
    return PredictionError(expected=expected, found=found, where=where, remedy=remedy)
