"""Cohort x predictions: scores."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.evaluation.planning import EvaluationPlan, find_subsets, plan_evaluation
from oncohort.evaluation.score_folder import write_scores
from oncohort.evaluation.scoring import ScoreTask, as_scores, score_task
from oncohort.formats import fingerprint_volume, volume_path
from oncohort.kernels import warm_kernels
from oncohort.profiles import Profile, load_profile
from oncohort.results import Scores
from oncohort.storage import claim_folder, content_key, file_stamp, sha256_file

_RESULT_VERSION = 1  # part of every key: raise it when a stored result means something else
_LIBRARIES = ("oncohort", "numpy", "numba", "connected-components-3d", "polars")


def evaluate(  # noqa: PLR0913 - the keywords are the verb's flags
    cohort: Cohort,
    predictions: Mapping[str, str | Path],
    *,
    profile: str | Path | Profile,
    out: str | Path | None = None,
    work: Mapping[str, Any] | None = None,
    resample_predictions: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Scores:
    """Scores of every model on every case that has a reference.

    Missing predictions are scored by the profile's rule and counted, never
    dropped. With `out`, finished cases are remembered there and not scored
    again unless reference, prediction or profile changed.

    Args:
        cohort: The references.
        predictions: A folder per model, with `<case>.nii.gz` or `<case>.mha`.
        profile: Name, file, or profile.
        out: Folder for `scores.parquet` and `run.json`: new, or one with the same work.
        work: What marks the folder as this work; None means the cohort, the models and the profile.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every scored prediction.

    Returns:
        Rows by model, case and metric; the same for any number of jobs. `run` holds `missing`,
        `unmatched`, `resampled`, `unscored`, `subsets`, `notes`, `inputs` and `versions`.

    Raises:
        PredictionError: A folder has no predictions for the cohort, or a prediction lies on another grid.
        MissingNeedError: No case has a reference.
        SettingsError: There is no such profile, or it is wrong.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from oncohort import Geometry, LabelMap, LabelScheme, Unit, Volume, write_volume
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> volume = Volume.from_array(np.ones((4, 4, 4), np.uint8), Geometry((4, 4, 4), np.eye(4)), Unit.LABEL)
        >>> scheme = LabelScheme("lesion", {"lesion": 1})
        >>> reference = LabelMap(volume.geometry, (volume,), scheme)
        >>> rows = {"cases": [{"case": "A", "patient": "A"}], "volumes": [{"case": "A", "role": "lesions"}]}
        >>> cohort = Cohort(CohortFacts("one", "python"), scheme, Tables.from_rows(rows), lambda row: reference)
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_volume(f"{folder}/A.nii.gz", volume)
        ...     scores = evaluate(cohort, {"copy": folder}, profile="autopet-iii")
        >>> scores.table["metric"][0], scores.table["value"][0]
        ('dice', 1.0)
    """
    protocol = profile if isinstance(profile, Profile) else load_profile(profile)
    folders = {model: Path(folder) for model, folder in predictions.items()}
    plan = plan_evaluation(cohort, folders, protocol)
    tasks = _tasks(cohort, plan, protocol, is_resampling=resample_predictions)
    keys = [_key(cohort, task) for task in tasks]
    store = None
    if out is not None:
        own = _work(cohort, folders, protocol)
        folder = claim_folder(out, own if work is None else work, overwrite=overwrite)
        store = ResultStore(folder / ".oncohort" / "results")
    if jobs > 1:
        warm_kernels()
    results = map_items(score_task, tasks, keys=keys, store=store, jobs=jobs, progress=progress, label="scoring")
    rows = [score for task, result in zip(tasks, results, strict=True) for score in as_scores(task, result)]
    hashing = _Hashing.of(cohort, tasks)
    hashes = map_items(sha256_file, hashing.paths, keys=hashing.keys, store=store, progress=progress, label="hash")
    inputs = [*_references(cohort, tasks, dict(zip(hashing.cases, hashes, strict=True))), *_predictions(tasks, results)]
    scores = Scores.from_scores(rows, {**_record(cohort, plan, tasks, results), "inputs": inputs})
    if out is not None and store is not None:
        write_scores(out, scores)
        store.prune({*keys, *hashing.keys})
    return scores


def _work(cohort: Cohort, folders: Mapping[str, Path], profile: Profile) -> dict[str, Any]:
    models = {model: str(folder.absolute()) for model, folder in folders.items()}
    return {"verb": "evaluate", "cohort": cohort.identity, "models": models, "profile": profile.name}


def _tasks(cohort: Cohort, plan: EvaluationPlan, profile: Profile, *, is_resampling: bool) -> list[ScoreTask]:
    cases = {case: cohort[case] for case in plan.cases}
    return [
        ScoreTask(
            model, case, cases[case].patient, cases[case].volumes[profile.target.role], path, profile, is_resampling
        )
        for model, case, path in plan.pairs()
    ]


def _key(cohort: Cohort, task: ScoreTask) -> str:
    row = _reference_row(cohort, task)
    reference = [row, None if cohort.root is None else fingerprint_volume(cohort, row)]
    prediction = None if task.prediction is None else (str(task.prediction), file_stamp(task.prediction))
    settings = task.profile.model_dump(mode="json")
    return content_key("evaluate", _RESULT_VERSION, task.model, reference, prediction, settings, task.is_resampling)


def _reference_row(cohort: Cohort, task: ScoreTask) -> dict[str, Any]:
    return next(row for row in cohort.volume_rows(task.case) if row["role"] == task.profile.target.role)


def _record(
    cohort: Cohort, plan: EvaluationPlan, tasks: Sequence[ScoreTask], results: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    profile = tasks[0].profile
    subsets = find_subsets(cohort, profile)
    note = subsets.pop("note")
    resampled: dict[str, list[str]] = {model: [] for model in plan.predictions}
    for task, result in zip(tasks, results, strict=True):
        if result["resampled"]:
            resampled[task.model].append(task.case)
    return {
        "cohort": cohort.name,
        "models": list(plan.predictions),
        "cases": list(plan.cases),
        "missing": plan.missing,
        "unmatched": {model: [str(path) for path in paths] for model, paths in plan.unmatched.items()},
        "resampled": resampled,
        "unscored": [dict(row) for row in plan.unscored],
        "subsets": subsets,
        "notes": [] if note is None else [note],
        "profile": profile.name,
        "profile_version": profile.version,
        "profile_text": profile.text,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@dataclass(frozen=True)
class _Hashing:
    """References whose row has no hash yet, such as those that are referenced where they lie."""

    cases: list[str]
    paths: list[Path]
    keys: list[str]

    @staticmethod
    def of(cohort: Cohort, tasks: Sequence[ScoreTask]) -> _Hashing:
        rows = {task.case: _reference_row(cohort, task) for task in tasks} if cohort.root is not None else {}
        lacking = {case: row for case, row in rows.items() if row["sha256"] is None}
        return _Hashing(
            cases=list(lacking),
            paths=[volume_path(cohort, row) for row in lacking.values()],
            keys=[content_key("sha256", fingerprint_volume(cohort, row)) for row in lacking.values()],
        )


def _references(cohort: Cohort, tasks: Sequence[ScoreTask], hashes: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = {task.case: _reference_row(cohort, task) for task in tasks}
    return [
        {
            "model": None,
            "case": case,
            "path": row["path"],
            "bytes": row["bytes"],
            "sha256": row["sha256"] or hashes.get(case),
        }
        for case, row in rows.items()
    ]


def _predictions(tasks: Sequence[ScoreTask], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"model": task.model, "case": task.case, "path": str(task.prediction.absolute()), **result["input"]}
        for task, result in zip(tasks, results, strict=True)
        if task.prediction is not None
    ]
