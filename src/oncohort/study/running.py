"""Run a study: ingest, steps, split, training, models, evaluation, ranking, report; continue after an interruption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError
from oncohort.evaluation import evaluate, has_errors, read_scores
from oncohort.formats import open_cohort
from oncohort.formats.split_file import read_split
from oncohort.ingestion import ingest, is_intact
from oncohort.leaderboard import rank, read_aggregates, write_aggregates
from oncohort.recipes import harmonise
from oncohort.results import Scores
from oncohort.segmentation import segment
from oncohort.splits import Split
from oncohort.splitting import split_notes
from oncohort.storage import WORK_FILE, claim_folder, release_folder, require_apart
from oncohort.study.agreement import require_agreement
from oncohort.study.held_out import SPLIT_FILE, HeldOut, held_out_cases, keep_split, part_study
from oncohort.study.planning import StudyPlan, plan_study
from oncohort.study.report import write_study_report
from oncohort.study.settings import ModelSection, load_study
from oncohort.study.training import require_able, require_same_work, require_trainable, train_planned


@dataclass(frozen=True)
class StudyResult:
    """What a run of a study left behind.

    Args:
        out: Folder of the results.
        report: The HTML page.
        cohort: The cohort that was scored.
        scores: Every measured number, and the record of the evaluation.
        aggregates: The leaderboard, a table with the columns of `aggregates.parquet`.
        failed: Cases without prediction by model, with the reason.
        left_out: By model that was trained, cases that it could not be trained on, with the reason.
        notes: What the user of the split should know, in sentences.
    """

    out: Path
    report: Path
    cohort: Cohort
    scores: Scores
    aggregates: pl.DataFrame
    failed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether no image was refused, every case trained on or scored as planned, and nothing found wrong."""
        run = self.scores.run
        lacking = any(run["missing"].values()) or bool(run["unscored"]) or has_errors(run["findings"])
        return is_intact(self.cohort) and not (lacking or any((*self.failed.values(), *self.left_out.values())))


def run(
    study: str | Path,
    *,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> StudyResult:
    """The result of a study file: cohort, predictions, scores, leaderboard and report in its folder `out`.

    All settings are checked first. A killed run continues when it is run
    again: finished cases are not done twice, and what an edited setting
    touches is done anew; a finished training is replaced only with `overwrite`.
    Where models are trained, cases that none of them saw are scored.

    Args:
        study: The TOML file.
        overwrite: Replace other work of Oncohort in the output folder, also trainings with other settings.
        jobs: Processes.
        progress: Called after every item of every stage.

    Raises:
        SettingsError: The study file, its steps, models or profile are wrong, or what trains is not there:
            a package, a class of nnU-Net, the device.
        InputError: There is nothing that can be read or scored.
        OutputError: The output folder holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import write_phantom_cohort
        >>> text = '''
        ... study = { name = "one", out = "results" }
        ... cohort = { source = "nnunet", path = "phantoms/nnunet" }
        ... model = [{ name = "suv-4", segmenter = "threshold", suv = 4.0 }]
        ... evaluation = { profile = "autopet-iii" }
        ... ranking = { bootstrap = 0 }
        ... '''
        >>> with TemporaryDirectory() as there:
        ...     _ = write_phantom_cohort(f"{there}/phantoms", cases=1, form="nnunet")
        ...     _ = Path(f"{there}/study.toml").write_text(text)
        ...     result = run(f"{there}/study.toml")
        ...     result.is_complete, result.report.name, result.aggregates["model"][0]
        (True, 'report.html', 'suv-4')
    """
    plan = plan_study(load_study(study))
    settings = plan.study
    require_able(plan.trainings.values(), split_file=plan.out / SPLIT_FILE, overwrite=overwrite)
    for folder in plan.replaced:
        require_apart(folder, plan.inputs)
    own = {"verb": "run", "study": settings.study.name}
    claim_folder(plan.out, own, overwrite=overwrite, inputs=plan.inputs)
    cohort = _read(plan, jobs=jobs, progress=progress)
    split, held_out = _part(plan, cohort, overwrite=overwrite, progress=progress)
    chosen = None if held_out is None else held_out.cases
    part = cohort if chosen is None else cohort.only(chosen)
    others, trained = _models(plan, trained=False), _models(plan, trained=True)
    failed = _predict(plan, others, part, jobs=jobs, progress=progress)  # what is wrong is found before the training
    require_agreement(plan, cohort)
    left_out = _train(plan, cohort, split, overwrite=overwrite, jobs=jobs, progress=progress)
    failed |= _predict(plan, trained, part, jobs=jobs, progress=progress)
    predictions = {model.name: plan.prediction_folder(model) for model in settings.model}
    _forget_other_models(plan.out / "predictions", (*predictions.values(), *plan.inputs))
    scores = evaluate(
        cohort,
        predictions,
        profile=plan.profile,
        cases=chosen,
        out=plan.out / "scores",
        work=own,
        overwrite=True,
        resample_predictions=settings.evaluation.resample_predictions,
        jobs=jobs,
        progress=progress,
    )
    aggregates = _rank(plan, scores)
    report = write_study_report(
        plan,
        cohort,
        scores,
        aggregates,
        held_out=held_out,
        jobs=jobs,
        progress=progress,
    )
    notes = () if held_out is None else held_out.notes
    return StudyResult(plan.out, report, cohort, scores, aggregates, failed, left_out, notes)


def rebuild_report(study: str | Path, *, jobs: int = 1, progress: ProgressCallback | None = None) -> Path:
    """The page of a study, written anew from its finished results.

    Args:
        study: The TOML file of a study that has been run.
        jobs: Processes.
        progress: Called after every case that is drawn.

    Raises:
        FormatError: The study has not been run to its end.
        OutputError: The page cannot be written.
    """
    plan = plan_study(load_study(study), segments=False)
    scores = read_scores(plan.out / "scores")
    cohort = open_cohort(plan.out / ("harmonised" if plan.recipe.steps else "cohort"))
    held_out = None
    if plan.study.split is not None:
        split = read_split(plan.out / SPLIT_FILE)
        held_out = held_out_cases(split, plan.trained_folds, split_notes(cohort.tables.cases, split))
    _require_same_cases(plan, scores, held_out)
    return write_study_report(
        plan,
        cohort,
        scores,
        read_aggregates(plan.out / "scores" / "aggregates.parquet"),
        held_out=held_out,
        jobs=jobs,
        progress=progress,
    )


def _require_same_cases(plan: StudyPlan, scores: Scores, held_out: HeldOut | None) -> None:
    """Raise if the study file, edited since, asks for other cases than those that were scored."""
    asked = None if held_out is None else set(held_out.cases)
    found = set(scores.run["chosen"]["cases"]) if "chosen" in scores.run else None
    if asked != found:
        raise FormatError(
            expected="scores of the cases that the study file asks for",
            found="scores of others: [split] or the folds of a model were edited",
            where=str(plan.out / "scores"),
            remedy=f"run the study again: oncohort run {plan.study.file}",
        )


def _read(plan: StudyPlan, *, jobs: int, progress: ProgressCallback | None) -> Cohort:
    """The cohort, ingested and after the steps."""
    settings = plan.study
    cohort = ingest(
        settings.cohort.source,
        settings.resolve(settings.cohort.path),
        out=plan.out / "cohort",
        roi=settings.cohort.roi,
        name=settings.study.name,
        overwrite=True,
        jobs=jobs,
        progress=progress,
    )
    if not plan.recipe.steps:
        return cohort
    return harmonise(cohort, plan.recipe, out=plan.out / "harmonised", overwrite=True, jobs=jobs, progress=progress)


def _part(
    plan: StudyPlan, cohort: Cohort, *, overwrite: bool, progress: ProgressCallback | None
) -> tuple[Split | None, HeldOut | None]:
    """The split of the study, once every model can be trained by it, and what is then scored; None without a split."""
    if plan.study.split is None:
        (plan.out / SPLIT_FILE).unlink(missing_ok=True)
        return None, None
    split = part_study(cohort, plan.study.split.settings, out=plan.out, progress=progress)
    held_out = held_out_cases(split, plan.trained_folds, split_notes(cohort.tables.cases, split))
    require_trainable(plan.trainings.values(), cohort, split)
    if not overwrite:
        require_same_work(plan.trainings.values(), split)
    keep_split(split, cohort, plan.study.split.settings, out=plan.out)  # what stands is of the former one until here
    return split, held_out


def _train(
    plan: StudyPlan,
    cohort: Cohort,
    split: Split | None,
    *,
    overwrite: bool,
    jobs: int,
    progress: ProgressCallback | None,
) -> dict[str, Mapping[str, str]]:
    """Train every model of the study; cases that it could not be trained on by model."""
    if split is None:
        return {}
    runs = {
        name: train_planned(cohort, split, training, overwrite=overwrite, jobs=jobs, progress=progress)
        for name, training in plan.trainings.items()
    }
    return {name: dict(trained.left_out) for name, trained in runs.items()}


def _models(plan: StudyPlan, *, trained: bool) -> list[ModelSection]:
    """The models that make masks here, with or without a training."""
    return [
        model for model in plan.study.model if model.name in plan.segmenters and (model.train is not None) == trained
    ]


def _predict(
    plan: StudyPlan, models: Iterable[ModelSection], cohort: Cohort, *, jobs: int, progress: ProgressCallback | None
) -> dict[str, Mapping[str, str]]:
    """Predictions of these models; cases without one by model."""
    failed: dict[str, Mapping[str, str]] = {}
    for model in models:
        done = segment(
            cohort,
            plan.segmenters[model.name],
            out=plan.prediction_folder(model),
            work={"verb": "run", "study": plan.study.study.name, "model": model.name},
            overwrite=True,
            jobs=jobs,
            progress=progress,
        )
        failed[model.name] = done.failed
    return failed


def _forget_other_models(root: Path, wanted: Iterable[Path]) -> None:
    """Delete the predictions of models that the study no longer names; folders of other origin stay."""
    kept = [path.resolve() for path in wanted]
    for mark in root.glob(f"*/{WORK_FILE}"):
        folder = mark.parents[len(WORK_FILE.parts) - 1]
        if not any(path.is_relative_to(folder.resolve()) for path in kept):
            release_folder(folder)


def _rank(plan: StudyPlan, scores: Scores) -> pl.DataFrame:
    ranking = plan.study.ranking
    aggregates = rank(
        scores,
        bootstrap=ranking.bootstrap,
        seed=ranking.seed,
        profile=plan.profile,
        method=ranking.method,
        interval=ranking.interval,
    )
    write_aggregates(plan.out / "scores" / "aggregates.parquet", aggregates)
    return aggregates
