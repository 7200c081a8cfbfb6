"""Cohort x predictions: scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import PredictionError, SettingsError
from oncohort.evaluation.boxes_evaluating import evaluate_boxes
from oncohort.evaluation.cohort_part import CohortPart
from oncohort.evaluation.lesion_lists import candidate_table, lesion_table
from oncohort.evaluation.planning import EvaluationPlan, plan_steps
from oncohort.evaluation.recording import record_run
from oncohort.evaluation.score_folder import write_scores
from oncohort.evaluation.scoring import ScoreTask, as_scores, score_course
from oncohort.evaluation.steps import scores_of_steps
from oncohort.evaluation.structures import find_structures
from oncohort.formats import fingerprint_volume, volume_files
from oncohort.kernels import warm_kernels
from oncohort.profiles import Profile, load_profile
from oncohort.results import Scores
from oncohort.storage import claim_folder, content_key, file_stamp, require_apart, sha256_files

_RESULT_VERSION = 3  # part of every key: raise it when a stored result means something else


def evaluate(  # noqa: PLR0913 - the keywords are the verb's flags
    cohort: Cohort,
    predictions: Mapping[str, str | Path],
    *,
    profile: str | Path | Profile,
    cases: Iterable[str] | None = None,
    out: str | Path | None = None,
    work: Mapping[str, Any] | None = None,
    resample_predictions: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Scores:
    """Scores of every model on every case that has a reference, or on those of `cases` that have one.

    Missing predictions, and those that cannot be used, are scored by the
    profile's rule and counted, never dropped. With `out`, finished cases are
    remembered there and not scored again unless reference, prediction or
    profile changed. One case at a time is in the memory of each process.

    Args:
        cohort: The references.
        predictions: A folder per model, with `<case>.nii.gz` or `<case>.mha`; for a profile of boxes with `boxes.csv`,
            `boxes.parquet` or `results.json`.
        profile: Name, file, or profile.
        cases: Ids of the cases to score, such as a test set; None means all. Predictions for others are passed over.
        out: Folder for `scores.parquet` and `run.json`: new, or one with the same work.
        work: What marks the folder as this work; None means the cohort, the cases, the models and the profile.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every scored prediction, or all states of one.

    Returns:
        Rows by model, case, structure and metric; the same for any number of jobs. `run` holds `missing`,
        `unreadable`, `findings`, `unmatched`, `resampled`, `unscored`, `subsets`, `notes`, `known_to_training`,
        `inputs` and `versions`, and `chosen` if only some cases were to be scored.

    Raises:
        InputError: `cases` names one that the cohort does not have, or none.
        PredictionError: A folder does not exist, no model has a prediction that can be scored, or the profile
            allows none to be missing and one is.
        MissingNeedError: No case has a reference.
        FormatError: A reference cannot be read, or the record of a segmentation beside predictions is damaged.
        LabelError: That record says that a mask would be scored as another structure than it is.
        SettingsError: There is no such profile, or it is wrong, or it names structures that the cohort does not.
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
    if out is not None:
        require_apart(out, [*cohort.inputs, *folders.values()])
    part = CohortPart.of(cohort, cases)
    own = _work(part, folders, protocol) if work is None else work
    if protocol.kind == "boxes":
        _require_no_resampling(protocol, is_asked=resample_predictions)
        if out is not None:
            claim_folder(out, own, overwrite=overwrite)
        found = part.record(evaluate_boxes(part, folders, protocol, jobs=jobs, progress=progress))
        if out is not None:
            write_scores(out, found)
        return found
    cohort = part.cohort
    plan, plans = plan_steps(cohort, folders, protocol, others=part.others)
    tasks = [
        replace(task, step=step)
        for step, each in plans.items()
        for task in make_tasks(cohort, each, protocol, is_resampling=resample_predictions)
    ]
    courses = _courses(tasks)
    tasks = [task for course in courses for task in course]
    keys = [_course_key([task_key(cohort, task) for task in course]) for course in courses]
    store = None
    if out is not None:
        folder = claim_folder(out, own, overwrite=overwrite)
        store = ResultStore(folder / ".oncohort" / "results")
    if jobs > 1:
        warm_kernels()
    scored = map_items(score_course, courses, keys=keys, store=store, jobs=jobs, progress=progress, label="scoring")
    results = [result for course in scored for result in course]
    require_usable(plan, folders, tasks, results)
    hashing = _Hashing.of(cohort, tasks)
    hashes = map_items(sha256_files, hashing.files, keys=hashing.keys, store=store, progress=progress, label="hash")
    run = record_run(cohort, plan, tasks, results)
    references = _references(cohort, tasks, dict(zip(hashing.cases, hashes, strict=True)))
    inputs = [*references, *prediction_inputs(tasks, results)]
    scores = part.record(_join(tasks, results, {**run, "inputs": inputs}, protocol))
    if out is not None and store is not None:
        write_scores(out, scores)
        store.prune({*keys, *hashing.keys})
    return scores


def _courses(tasks: Sequence[ScoreTask]) -> list[tuple[ScoreTask, ...]]:
    """The states of every model and case, which one worker scores; a single one without steps."""
    courses: dict[tuple[str, str], list[ScoreTask]] = {}
    for task in tasks:
        courses.setdefault((task.model, task.case), []).append(task)
    return [tuple(course) for course in courses.values()]


def _course_key(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else content_key("course", list(keys))


def _join(
    tasks: Sequence[ScoreTask], results: Sequence[Mapping[str, Any]], run: Mapping[str, Any], profile: Profile
) -> Scores:
    pairs = list(zip(tasks, results, strict=True))
    if profile.steps is not None:
        return Scores.from_scores(scores_of_steps(pairs), run)
    scores = Scores.from_scores([score for task, result in pairs for score in as_scores(task, result)], run)
    if not profile.has_lesion_table:
        return scores
    return Scores(scores.table, run, lesion_table(pairs), candidate_table(pairs))


def _require_no_resampling(profile: Profile, *, is_asked: bool) -> None:
    """Raise if boxes are to be resampled."""
    if is_asked:
        raise SettingsError(
            expected="predictions of masks, which can be resampled",
            found=f"{profile.name}, a profile of boxes",
            where="--resample-predictions",
            remedy="leave the flag out, and predict on the volumes of the cohort",
        )


def _work(part: CohortPart, folders: Mapping[str, Path], profile: Profile) -> dict[str, Any]:
    models = {model: str(folder.absolute()) for model, folder in folders.items()}
    work = {"verb": "evaluate", "cohort": part.cohort.identity, "models": models, "profile": profile.name}
    return work if part.is_whole else {**work, "cases": content_key(part.cohort.case_ids)}


def make_tasks(cohort: Cohort, plan: EvaluationPlan, profile: Profile, *, is_resampling: bool) -> list[ScoreTask]:
    """A task per model and case of the plan, model by model.

    Raises:
        SettingsError: The profile names structures that the cohort does not.
    """
    cases = {case: cohort[case] for case in plan.cases}
    structures = find_structures(profile, cohort.scheme)
    image = profile.target.image if profile.needs_image else None
    has_lesion_numbers = profile.components is not None and profile.components.instances
    known = frozenset[int]() if has_lesion_numbers else frozenset(cohort.scheme.labels.values())
    return [
        ScoreTask(
            model=model,
            case=case,
            patient=cases[case].patient,
            reference=cases[case].volumes[profile.target.role],
            prediction=path,
            profile=profile,
            structures=structures,
            known=known,
            image=None if image is None else cases[case].volumes.get(image),
            is_resampling=is_resampling,
            facts={column: cases[case].facts.get(column) for column in profile.fact_columns},
        )
        for model, case, path in plan.pairs()
    ]


def task_key(cohort: Cohort, task: ScoreTask) -> str:
    """What the result of a task depends on: both masks, the image, the profile and the labels."""
    rows = [_row(cohort, task.case, task.profile.target.role)]
    if task.image is not None:
        rows.append(_row(cohort, task.case, task.profile.target.image))
    volumes = [[row, None if cohort.root is None else fingerprint_volume(cohort, row)] for row in rows]
    prediction = None if task.prediction is None else (str(task.prediction), file_stamp(task.prediction))
    labels = [dict(task.structures), sorted(task.known)]
    settings = [task.profile.model_dump(mode="json"), labels, task.is_resampling, dict(task.facts)]
    return content_key("evaluate", _RESULT_VERSION, task.model, volumes, prediction, settings)


def _row(cohort: Cohort, case: str, role: str | None) -> dict[str, Any]:
    return next(row for row in cohort.volume_rows(case) if row["role"] == role)


def require_usable(
    plan: EvaluationPlan,
    folders: Mapping[str, Path],
    tasks: Sequence[ScoreTask],
    results: Sequence[Mapping[str, Any]],
) -> None:
    """Raise if no prediction of any model can be scored.

    Raises:
        PredictionError: Naming the models and what was found.
    """
    pairs = list(zip(tasks, results, strict=True))
    bad = [(task, result) for task, result in pairs if task.prediction is not None and result["unreadable"]]
    if len(bad) < sum(task.prediction is not None for task in tasks):
        return
    task, result = bad[0]
    found = next(row for row in result["findings"] if row["severity"] == "error")
    models = list(plan.predictions)
    whose = f"predictions of {models[0]!r}: {folders[models[0]]}" if len(models) == 1 else "predictions"
    raise PredictionError(
        expected=f"at least one prediction of {' or '.join(map(repr, models))} that can be scored",
        found=f"{len(bad)} that cannot; {task.case}: {found['evidence']}",
        where=str(task.prediction) if len(bad) == 1 else whose,
        remedy=found["remedy"],
    )


@dataclass(frozen=True)
class _Hashing:
    """References whose row has no hash yet, such as those that are referenced where they lie."""

    cases: list[str]
    files: list[list[Path]]
    keys: list[str]

    @staticmethod
    def of(cohort: Cohort, tasks: Sequence[ScoreTask]) -> _Hashing:
        rows = _reference_rows(cohort, tasks) if cohort.root is not None else {}
        lacking = {case: row for case, row in rows.items() if row["sha256"] is None}
        return _Hashing(
            cases=list(lacking),
            files=[volume_files(cohort, row) for row in lacking.values()],
            keys=[content_key("sha256", fingerprint_volume(cohort, row)) for row in lacking.values()],
        )


def _reference_rows(cohort: Cohort, tasks: Sequence[ScoreTask]) -> dict[str, dict[str, Any]]:
    return {task.case: _row(cohort, task.case, task.profile.target.role) for task in tasks}


def _references(cohort: Cohort, tasks: Sequence[ScoreTask], hashes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "model": None,
            "case": case,
            "path": row["path"],
            "bytes": row["bytes"],
            "sha256": row["sha256"] or hashes.get(case),
        }
        for case, row in _reference_rows(cohort, tasks).items()
    ]


def prediction_inputs(tasks: Sequence[ScoreTask], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of model, case, path, bytes and SHA-256 of every prediction that has a file."""
    return [
        {"model": task.model, "case": task.case, "path": str(task.prediction.absolute()), **result["input"]}
        for task, result in zip(tasks, results, strict=True)
        if task.prediction is not None
    ]
