"""Which predictions belong to which cases, and what was left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import MissingNeedError, OncohortError, PredictionError, SettingsError, shown
from oncohort.evaluation.prediction_records import Records, join_records, read_records
from oncohort.evaluation.truth import read_flags
from oncohort.formats.predictions import PREDICTION_SUFFIXES, find_prediction, list_predictions, list_unread
from oncohort.profiles import Profile
from oncohort.storage import encode_stem


@dataclass(frozen=True)
class EvaluationPlan:
    """What is scored with what.

    Args:
        cases: Ids of the cases with a reference, in the order of the cohort.
        unscored: Rows of case and reason: cases without a reference.
        predictions: File per model and case; None where the prediction is missing.
        unmatched: Per model, prediction files that belong to no case of the cohort.
        unread: Per model, volumes whose name ends in what is no prediction.
        twins: Per model, the files of cases that have two; which of them counts is not guessed.
        unfilled: By model without a prediction for any case: what lies in its folder.
        folders: Where the predictions of each model lie.
        records: What the segmentations that made them say of them.
    """

    cases: tuple[str, ...]
    unscored: tuple[Mapping[str, str], ...]
    predictions: Mapping[str, Mapping[str, Path | None]]
    unmatched: Mapping[str, tuple[Path, ...]]
    unread: Mapping[str, tuple[Path, ...]]
    twins: Mapping[str, Mapping[str, tuple[Path, ...]]]
    unfilled: Mapping[str, str]
    folders: Mapping[str, Path]
    records: Records

    @property
    def missing(self) -> dict[str, list[str]]:
        """Per model, the cases without prediction; models that are complete have an empty list."""
        return {
            model: [case for case, path in files.items() if path is None] for model, files in self.predictions.items()
        }

    def pairs(self) -> Iterator[tuple[str, str, Path | None]]:
        """Model, case and prediction file, model by model."""
        for model, files in self.predictions.items():
            for case, path in files.items():
                yield model, case, path


def plan_evaluation(
    cohort: Cohort, predictions: Mapping[str, Path], profile: Profile, *, others: Collection[str] = ()
) -> EvaluationPlan:
    """Pair the cases of a cohort with the prediction files of every model.

    Args:
        cohort: The references.
        predictions: A folder per model.
        profile: Names the role of the reference and says whether predictions may be missing.
        others: Ids of cases that exist and are not to be scored; their predictions are passed over.

    Raises:
        MissingNeedError: No case has a reference, or a column is missing that says which metrics are measured.
        PredictionError: A folder is missing, none holds a prediction for the cohort, or one is missing and
            the profile does not allow it.
        FormatError: The record of a segmentation is damaged.
        LabelError: The record says that a mask would be scored as another structure than it is.
        SettingsError: The profile has steps, which `plan_steps` plans, or its column of the truth does not say yes
            or no of every case.
    """
    refuse_steps(profile, where="evaluation")
    return _plan(cohort, predictions, profile, others)


def refuse_steps(profile: Profile, *, where: str) -> None:
    """Raise if a profile asks for predictions of several states.

    Raises:
        SettingsError: It does.
    """
    if profile.steps is not None:
        raise SettingsError(
            expected="a profile of one prediction per case",
            found=f"{profile.name}, which has steps",
            where=where,
            remedy="use evaluate on folders with step-<k>, or a profile without steps",
        )


def refuse_boxes(profile: Profile, *, where: str) -> None:
    """Raise if a profile is of boxes.

    Raises:
        SettingsError: It is.
    """
    if profile.kind == "boxes":
        raise SettingsError(
            expected="a profile of masks",
            found=f"{profile.name}, a profile of boxes",
            where=where,
            remedy="use evaluate on folders with boxes.csv, or a profile of masks",
        )


def _plan(cohort: Cohort, predictions: Mapping[str, Path], profile: Profile, others: Collection[str]) -> EvaluationPlan:
    refuse_boxes(profile, where="evaluation")
    _require_columns(cohort, profile)
    role = profile.target.role
    scored = tuple(case.id for case in cohort if role in case)
    if not scored:
        raise MissingNeedError(
            expected=f"cases with role {role!r}",
            found=f"none among {len(cohort)} cases",
            where=f"cohort {cohort.name!r}",
            remedy="ingest the masks with the images",
        )
    if not predictions:
        raise _wrong("the predictions of at least one model", "none", "evaluate", "name a folder of predictions")
    if profile.target.truth_column is not None:
        read_flags(cohort, profile.target.truth_column, scored)
    folders = {model: Path(folder) for model, folder in predictions.items()}
    _require_folders(folders)
    records = read_records(folders, cohort, profile)
    twins = {model: _find_twins(folder, cohort) for model, folder in folders.items()}
    files = {
        model: {case: None if case in twins[model] else find_prediction(folder, case) for case in scored}
        for model, folder in folders.items()
    }
    plan = EvaluationPlan(
        cases=scored,
        unscored=tuple({"case": case.id, "reason": f"no {role}"} for case in cohort if role not in case),
        predictions=files,
        unmatched={model: _unmatched(folder, cohort, {*twins[model], *others}) for model, folder in folders.items()},
        unread={model: list_unread(folder) for model, folder in folders.items()},
        twins=twins,
        unfilled={model: _describe(folders[model]) for model, found in files.items() if not any(found.values())},
        folders=folders,
        records=records,
    )
    _require_any(plan)
    _require_complete(plan, profile)
    return plan


def describe_pairs(cohort: Cohort, cases: Sequence[str], profile: Profile) -> str | None:
    """A sentence on the patients who have no pair of cases, if the profile is of pairs; else None."""
    if profile.unit != "pair":
        return None
    counts = Counter(cohort[case].patient for case in cases)
    others = sorted(patient for patient, count in counts.items() if count != 2)
    if not others:
        return None
    return f"{profile.name}: of {len(counts)} patients {len(others)} have no pair of scored cases ({shown(others)})."


def plan_steps(
    cohort: Cohort, predictions: Mapping[str, Path], profile: Profile, *, others: Collection[str] = ()
) -> tuple[EvaluationPlan, dict[int | None, EvaluationPlan]]:
    """The plan of every state of an interaction, from `MODEL/step-<k>`, and all of them in one.

    A profile without steps has a single plan, of the step None. Arguments as of `plan_evaluation`.

    Raises:
        MissingNeedError: As `plan_evaluation`.
        PredictionError: As `plan_evaluation`, for the folder of any state.
        FormatError: As `plan_evaluation`.
        LabelError: As `plan_evaluation`.
    """
    if profile.steps is None:
        plan = plan_evaluation(cohort, predictions, profile, others=others)
        return plan, {None: plan}
    plans: dict[int | None, EvaluationPlan] = {
        step: _plan(cohort, {model: Path(f) / f"step-{step}" for model, f in predictions.items()}, profile, others)
        for step in range(profile.steps.states)
    }
    every = list(plans.values())
    whole = replace(
        every[-1],
        unmatched={model: tuple(p for plan in every for p in plan.unmatched[model]) for model in predictions},
        unread={model: tuple(p for plan in every for p in plan.unread[model]) for model in predictions},
        twins={model: _twins_of(every, model) for model in predictions},
        folders={model: Path(folder) for model, folder in predictions.items()},
        records=join_records(plan.records for plan in every),
    )
    return whole, plans


def describe_states(folders: Mapping[str, Path], profile: Profile) -> str | None:
    """A sentence on folders of states that the profile does not have; None if there is none."""
    if profile.steps is None:
        return None
    known = {f"step-{step}" for step in range(profile.steps.states)}
    others = {
        model: sorted(entry.name for entry in folder.glob("step-*") if entry.is_dir() and entry.name not in known)
        for model, folder in folders.items()
    }
    named = [f"{len(names)} of {model} (such as {names[0]})" for model, names in others.items() if names]
    if not named:
        return None
    return f"{profile.name} has {profile.steps.states} states; not scored are further ones: {', '.join(named)}."


def _twins_of(plans: Sequence[EvaluationPlan], model: str) -> dict[str, tuple[Path, ...]]:
    """The files of cases that have two in any state."""
    found: dict[str, tuple[Path, ...]] = {}
    for plan in plans:
        for case, paths in plan.twins[model].items():
            found[case] = (*found.get(case, ()), *paths)
    return found


def find_subsets(cohort: Cohort, profile: Profile) -> dict[str, Any]:
    """The subset of every case, by the columns that the profile names.

    Returns:
        `columns` (empty for one subset), `cases` (case to subset) and `note` (a sentence, or None).
    """
    columns = profile.subsets.columns
    table = cohort.tables.cases
    absent = _unknown_columns(cohort, columns)
    if absent or not columns:
        note = f"{profile.name}: the cohort has no {' and no '.join(absent)}, so all cases are one subset."
        return {"columns": [], "cases": {}, "note": note if absent else None}
    cases = {
        row["case"]: " | ".join("unknown" if row[name] is None else str(row[name]) for name in columns)
        for row in table.iter_rows(named=True)
    }
    return {"columns": list(columns), "cases": cases, "note": None}


def expected_name(cases: Sequence[str]) -> str:
    """How the prediction for the first of the cases is called.

    Examples:
        >>> expected_name(["A", "B"])
        'A.nii.gz'
    """
    return f"{encode_stem(cases[0])}{PREDICTION_SUFFIXES[0]}"


def _require_folders(folders: Mapping[str, Path]) -> None:
    for model, folder in folders.items():
        if not folder.is_dir():
            where = f"predictions of {model!r}: {folder}"
            raise _wrong("a folder of predictions", "no such folder", where, "run the model, or name its folder")


def _find_twins(folder: Path, cohort: Cohort) -> dict[str, tuple[Path, ...]]:
    """The files of the cases that have two, by case."""
    found = {}
    for case in cohort:
        paths = tuple(folder / f"{encode_stem(case.id)}{suffix}" for suffix in PREDICTION_SUFFIXES)
        if all(path.is_file() for path in paths):
            found[case.id] = paths
    return found


def _describe(folder: Path) -> str:
    return ", ".join(path.name for path in sorted(folder.iterdir())[:3]) or "an empty folder"


def _unmatched(folder: Path, cohort: Cohort, passed_over: Collection[str]) -> tuple[Path, ...]:
    """Predictions for no case, or under a name that the case is not written with."""
    listed = list_predictions(folder).items()
    return tuple(
        path
        for case, path in listed
        if case not in passed_over and (case not in cohort or path != find_prediction(folder, case))
    )


def _require_any(plan: EvaluationPlan) -> None:
    """Raise if no model has a prediction for any case."""
    if len(plan.unfilled) < len(plan.predictions):
        return
    model, folder = next(iter(plan.folders.items()))
    if len(plan.unfilled) == 1:
        where, found = f"predictions of {model!r}: {folder}", plan.unfilled[model]
    else:
        where, found = "predictions", "; ".join(f"{name}: {what}" for name, what in plan.unfilled.items())
    twins = any(plan.twins.values())
    remedy = "keep one file per case" if twins else "name the files by the cases of the cohort"
    raise _wrong(f"predictions such as {expected_name(plan.cases)}", found, where, remedy)


def _require_columns(cohort: Cohort, profile: Profile) -> None:
    absent = _unknown_columns(cohort, profile.fact_columns)
    if absent:
        raise MissingNeedError(
            expected=f"columns {', '.join(profile.fact_columns)}, which say what {profile.name} measures",
            found=f"no {', '.join(absent)}",
            where=f"cases of cohort {cohort.name!r}",
            remedy="fill the columns of cases.parquet",
        )


def _unknown_columns(cohort: Cohort, columns: Sequence[str]) -> list[str]:
    """The columns that no case has a value in."""
    table = cohort.tables.cases
    return [name for name in columns if name not in table.columns or table[name].null_count() == table.height]


def _require_complete(plan: EvaluationPlan, profile: Profile) -> None:
    lacking = {model: cases for model, cases in plan.missing.items() if cases}
    if profile.missing != "error" or not lacking:
        return
    found = "; ".join(f"{model} lacks {len(cases)} ({', '.join(cases[:3])})" for model, cases in lacking.items())
    twins = [path.name for files in plan.twins.values() for paths in files.values() for path in paths]
    if twins:
        found += f"; two files for one case: {', '.join(twins[:6])}"
    raise _wrong(
        f"a prediction of every model for every case ({profile.name} allows none to be missing)",
        found,
        "predictions",
        "add the missing predictions",
    )


def _wrong(expected: str, found: str, where: str, remedy: str) -> OncohortError:
    return PredictionError(expected=expected, found=found, where=where, remedy=remedy)
