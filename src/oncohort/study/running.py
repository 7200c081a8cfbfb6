"""Run a study: ingest, steps, models, evaluation, ranking, report; continue after an interruption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback
from oncohort.errors import InputError, SettingsError
from oncohort.evaluation import evaluate, has_errors, read_scores
from oncohort.formats import open_cohort
from oncohort.ingestion import ingest, is_intact
from oncohort.leaderboard import rank, read_aggregates, write_aggregates
from oncohort.profiles import Profile, load_profile
from oncohort.recipes import Recipe, harmonise, make_recipe
from oncohort.results import Scores
from oncohort.segmentation import segment
from oncohort.segmenters import Segmenter, make_segmenter
from oncohort.storage import WORK_FILE, claim_folder, encode_stem, release_folder
from oncohort.study.report import write_study_report
from oncohort.study.settings import ModelSection, Study, load_study


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
    """

    out: Path
    report: Path
    cohort: Cohort
    scores: Scores
    aggregates: pl.DataFrame
    failed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether no image was refused, every case segmented and scored, and nothing found wrong."""
        run = self.scores.run
        lacking = any(run["missing"].values()) or bool(run["unscored"]) or has_errors(run["findings"])
        return is_intact(self.cohort) and not (lacking or any(self.failed.values()))


@dataclass(frozen=True)
class _Plan:
    """A study whose every setting has been understood before the first file is read."""

    study: Study
    out: Path
    recipe: Recipe
    profile: Profile
    segmenters: Mapping[str, Segmenter]


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
    touches is done anew.

    Args:
        study: The TOML file.
        overwrite: Replace other work of Oncohort in the output folder.
        jobs: Processes.
        progress: Called after every item of every stage.

    Raises:
        SettingsError: The study file, its steps, models or profile are wrong.
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
    plan = _plan(load_study(study))
    settings = plan.study
    claim_folder(plan.out, {"verb": "run", "study": settings.study.name}, overwrite=overwrite)
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
    if plan.recipe.steps:
        harmonised = plan.out / "harmonised"
        cohort = harmonise(cohort, plan.recipe, out=harmonised, overwrite=True, jobs=jobs, progress=progress)
    predictions, failed = _predict(plan, cohort, jobs=jobs, progress=progress)
    scores = evaluate(
        cohort,
        predictions,
        profile=plan.profile,
        out=plan.out / "scores",
        work={"verb": "run", "study": settings.study.name},
        overwrite=True,
        resample_predictions=settings.evaluation.resample_predictions,
        jobs=jobs,
        progress=progress,
    )
    aggregates = _rank(plan, scores)
    report = write_study_report(
        plan.out,
        plan.study,
        plan.profile,
        cohort,
        scores,
        aggregates,
        predictions=predictions,
        jobs=jobs,
        progress=progress,
    )
    return StudyResult(plan.out, report, cohort, scores, aggregates, failed)


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
    plan = _plan(load_study(study))
    return write_study_report(
        plan.out,
        plan.study,
        plan.profile,
        open_cohort(plan.out / ("harmonised" if plan.recipe.steps else "cohort")),
        read_scores(plan.out / "scores"),
        read_aggregates(plan.out / "scores" / "aggregates.parquet"),
        predictions={model.name: _prediction_folder(plan, model) for model in plan.study.model},
        jobs=jobs,
        progress=progress,
    )


def _prediction_folder(plan: _Plan, model: ModelSection) -> Path:
    if model.predictions is not None:
        return plan.study.resolve(model.predictions)
    return plan.out / "predictions" / encode_stem(model.name)


def _plan(study: Study) -> _Plan:
    _require_folders(study)
    named = study.evaluation.profile
    file = study.resolve(named)
    return _Plan(
        study=study,
        out=study.resolve(study.study.out),
        recipe=make_recipe(study.step, str(study.file)),
        profile=load_profile(file if named.endswith(".toml") else named),
        segmenters={model.name: _segmenter(study, model) for model in study.model if model.segmenter is not None},
    )


def _require_folders(study: Study) -> None:
    """Check what the study reads before anything is made."""
    needed = {"cohort.path": study.cohort.path}
    needed.update({f"predictions of {model.name!r}": model.predictions for model in study.model if model.predictions})
    for setting, path in needed.items():
        if not study.resolve(path).is_dir():
            raise InputError(
                expected=f"a folder ({setting})",
                found="a file" if study.resolve(path).is_file() else "nothing there",
                where=str(study.resolve(path)),
                remedy="correct the path, which is relative to the study file; unpack archives first",
            )


def _segmenter(study: Study, model: ModelSection) -> Segmenter:
    try:
        return make_segmenter({"segmenter": model.segmenter, **model.parameters})
    except SettingsError as error:
        where = f"{study.file}, model {model.name!r}"
        raise SettingsError(
            expected=error.expected, found=error.found, where=where, remedy="docs/segment.md lists the settings"
        ) from error


def _predict(
    plan: _Plan, cohort: Cohort, *, jobs: int, progress: ProgressCallback | None
) -> tuple[dict[str, Path], dict[str, Mapping[str, str]]]:
    folders = {model.name: _prediction_folder(plan, model) for model in plan.study.model}
    failed: dict[str, Mapping[str, str]] = {}
    for model in plan.study.model:
        if model.name not in plan.segmenters:
            continue
        done = segment(
            cohort,
            plan.segmenters[model.name],
            out=folders[model.name],
            work={"verb": "run", "study": plan.study.study.name, "model": model.name},
            overwrite=True,
            jobs=jobs,
            progress=progress,
        )
        failed[model.name] = done.failed
    _forget_other_models(plan.out / "predictions", folders)
    return folders, failed


def _forget_other_models(root: Path, folders: Mapping[str, Path]) -> None:
    """Delete the predictions of models that the study no longer names; folders of other origin stay."""
    wanted = set(folders.values())
    for mark in root.glob(f"*/{WORK_FILE}"):
        folder = mark.parents[len(WORK_FILE.parts) - 1]
        if folder not in wanted:
            release_folder(folder)


def _rank(plan: _Plan, scores: Scores) -> pl.DataFrame:
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
