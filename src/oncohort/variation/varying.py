"""Cohort x predictions x variants of a profile: what the choices change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.evaluation.evaluating import make_tasks, prediction_inputs, require_usable, task_key
from oncohort.evaluation.planning import plan_evaluation
from oncohort.evaluation.recording import record_run
from oncohort.evaluation.restricted import require_measured
from oncohort.evaluation.scoring import as_scores
from oncohort.evaluation.truth import Truth, find_truth, read_flags
from oncohort.kernels import warm_kernels
from oncohort.leaderboard import RANK, rank
from oncohort.profiles import Profile, load_profile
from oncohort.results import Scores
from oncohort.storage import claim_folder, content_key, require_apart
from oncohort.variation.choices import Choices, Variant
from oncohort.variation.scoring import VariedTask, lesions_under, rows_under, score_variants
from oncohort.variation.tables import Board, choice_table, order_changes, range_table
from oncohort.variation.variants import Variation, touched_columns, vary_profile

_RESULT_VERSION = 2  # part of every key: raise it when a stored result means something else


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the choices of a protocol change.

    Args:
        choices: Columns of `CHOICE_SCHEMA`: every variant, metric and model.
        ranges: Columns of `RANGE_SCHEMA`: how far each number moves, per parameter and over all.
        run: JSON values: what `evaluate` records, and `variants`, `without_effect`, `impossible`, `order_changes`.
        variation: The variants.
    """

    choices: pl.DataFrame
    ranges: pl.DataFrame
    run: Mapping[str, Any]
    variation: Variation


def measure_sensitivity(  # noqa: PLR0913 - the keywords are the verb's flags
    cohort: Cohort,
    predictions: Mapping[str, str | Path],
    *,
    profile: str | Path | Profile,
    choices: Choices | None = None,
    out: str | Path | None = None,
    resample_predictions: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Sensitivity:
    """The same predictions under a profile and with one of its choices changed at a time.

    Each mask is read once; what variants have in common is counted once. With
    `out`, finished cases are remembered there and not scored again.

    Args:
        cohort: The references.
        predictions: A folder per model, with `<case>.nii.gz` or `<case>.mha`.
        profile: Name, file, or profile.
        choices: What is varied; None for all parameters with their usual values.
        out: Folder that remembers finished cases: new, or one with the same work.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every scored prediction.

    Raises:
        PredictionError: As `evaluate`.
        MissingNeedError: No case has a reference, or a metric with a weight is for none of the cases.
        FormatError: A reference cannot be read.
        SettingsError: There is no such profile, or the column of the truth is not there.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from oncohort import Geometry, LabelMap, LabelScheme, Unit, Volume, write_volume
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> diagonal = np.stack([np.eye(4, dtype=np.uint8)] * 4)
        >>> volume = Volume.from_array(diagonal, Geometry((4, 4, 4), np.eye(4)), Unit.LABEL)
        >>> scheme = LabelScheme("lesion", {"lesion": 1})
        >>> reference = LabelMap(volume.geometry, (volume,), scheme)
        >>> rows = {"cases": [{"case": "A", "patient": "A"}], "volumes": [{"case": "A", "role": "lesions"}]}
        >>> cohort = Cohort(CohortFacts("one", "python"), scheme, Tables.from_rows(rows), lambda row: reference)
        >>> first = Volume.from_array(diagonal * (np.arange(4) < 1).astype(np.uint8), volume.geometry, Unit.LABEL)
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_volume(f"{folder}/A.nii.gz", first)
        ...     found = measure_sensitivity(
        ...         cohort, {"part": folder}, profile="autopet-iii", choices=Choices(("connectivity",))
        ...     )
        >>> found.choices.filter(pl.col("metric") == "fnv_ml").select("variant", "value").rows()
        [('as written', 0.0), ('6 neighbours', 0.012), ('26 neighbours', 0.0)]
    """
    protocol = profile if isinstance(profile, Profile) else load_profile(profile)
    variation = vary_profile(protocol, choices or Choices())
    folders = {model: Path(folder) for model, folder in predictions.items()}
    if out is not None:
        require_apart(out, [*cohort.inputs, *folders.values()])
    plan = plan_evaluation(cohort, folders, protocol)
    require_measured(cohort, plan.cases, protocol)
    flags = {column: read_flags(cohort, column, plan.cases) for column in _truth_columns(variation)}
    tasks = make_tasks(cohort, plan, protocol, is_resampling=resample_predictions)
    keys = [_key(task_key(cohort, task), variation) for task in tasks]
    store = None
    if out is not None:
        folder = claim_folder(out, _work(cohort, folders, protocol), overwrite=overwrite)
        store = ResultStore(folder / ".oncohort" / "results")
    if jobs > 1:
        warm_kernels()
    items = [VariedTask(task, variation.variants) for task in tasks]
    results = map_items(score_variants, items, keys=keys, store=store, jobs=jobs, progress=progress, label="scoring")
    require_usable(plan, folders, tasks, results)
    if store is not None:
        store.prune(set(keys))
    run = {**record_run(cohort, plan, tasks, results), "inputs": prediction_inputs(tasks, results)}
    return _sensitivity(variation, list(zip(items, results, strict=True)), run, flags)


def _sensitivity(
    variation: Variation,
    pairs: Sequence[tuple[VariedTask, Mapping[str, Any]]],
    run: Mapping[str, Any],
    flags: Mapping[str, Mapping[str, bool]],
) -> Sensitivity:
    rows = [(v.task.case, row["metric"], row["value"]) for v, result in pairs for row in result["scores"]]
    truths = {column: find_truth(of_cases, column, rows) for column, of_cases in flags.items()}
    scores = [_scores(variant, pairs, run, truths) for variant in variation.variants]
    boards = [_board(variation.profile, *each) for each in zip(variation.variants, scores, strict=True)]
    table = choice_table(boards)
    notes = list(dict.fromkeys([*run["notes"], *(one.note for one in truths.values() if one.note)]))
    record = {**run, "notes": notes, **_record(variation), "order_changes": order_changes(table)}
    return Sensitivity(table, range_table(table), record, variation)


def _scores(
    variant: Variant,
    pairs: Sequence[tuple[VariedTask, Mapping[str, Any]]],
    run: Mapping[str, Any],
    truths: Mapping[str, Truth],
) -> Scores:
    """The scores under one variant."""
    rows = [
        score for varied, result in pairs for score in as_scores(varied.task, {"scores": rows_under(result, variant)})
    ]
    column = variant.profile.target.truth_column
    scores = Scores.from_scores(rows, {name: value for name, value in run.items() if name != "truth"})
    lesions, candidates = lesions_under([(varied.task, result) for varied, result in pairs], variant)
    scores = replace(scores, lesions=lesions, candidates=candidates)
    return scores if column is None else truths[column].on(scores)


def _board(profile: Profile, variant: Variant, scores: Scores) -> Board:
    aggregates = rank(scores, bootstrap=0, profile=variant.profile)
    is_written = variant.parameter is None
    touched = set(aggregates["metric"]) if is_written else {*touched_columns(profile, variant), RANK}
    return Board(variant, aggregates, touched)


def _truth_columns(variation: Variation) -> list[str]:
    columns = (variant.profile.target.truth_column for variant in variation.variants)
    return list(dict.fromkeys(column for column in columns if column is not None))


def _record(variation: Variation) -> dict[str, Any]:
    variants = [
        {"parameter": variant.parameter, "variant": variant.name, "without": list(variant.without)}
        for variant in variation.variants[1:]
    ]
    return {
        "variants": variants,
        "without_effect": dict(variation.without_effect),
        "impossible": dict(variation.impossible),
    }


def _work(cohort: Cohort, folders: Mapping[str, Path], profile: Profile) -> dict[str, Any]:
    models = {model: str(folder.absolute()) for model, folder in folders.items()}
    return {"verb": "sensitivity", "cohort": cohort.identity, "models": models, "profile": profile.name}


def _key(task: str, variation: Variation) -> str:
    """What a result depends on: the masks and everything that the variants say about them."""
    variants = [
        [variant.key, variant.profile.model_dump(mode="json"), sorted(variant.columns), str(variant.only_where)]
        for variant in variation.variants
    ]
    return content_key("sensitivity", _RESULT_VERSION, task, variants)
