"""Which predictions belong to which cases, and what was left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import MissingNeedError, OncohortError, PredictionError
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
    """

    cases: tuple[str, ...]
    unscored: tuple[Mapping[str, str], ...]
    predictions: Mapping[str, Mapping[str, Path | None]]
    unmatched: Mapping[str, tuple[Path, ...]]
    unread: Mapping[str, tuple[Path, ...]]

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


def plan_evaluation(cohort: Cohort, predictions: Mapping[str, Path], profile: Profile) -> EvaluationPlan:
    """Pair the cases of a cohort with the prediction files of every model.

    Args:
        cohort: The references.
        predictions: A folder per model.
        profile: Names the role of the reference and says whether predictions may be missing.

    Raises:
        MissingNeedError: No case has a reference, or a column is missing that says which metrics are measured.
        PredictionError: A folder is missing or holds no prediction for the cohort, a case has two predictions,
            or one is missing and the profile does not allow it.
    """
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
    files = {model: _find_all(Path(folder), scored, model) for model, folder in predictions.items()}
    plan = EvaluationPlan(
        cases=scored,
        unscored=tuple({"case": case.id, "reason": f"no {role}"} for case in cohort if role not in case),
        predictions=files,
        unmatched={model: _unmatched(Path(folder), cohort) for model, folder in predictions.items()},
        unread={model: list_unread(folder) for model, folder in predictions.items()},
    )
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
    named = ", ".join(others[:5])
    return f"{profile.name}: of {len(counts)} patients {len(others)} have no pair of scored cases ({named})."


def find_subsets(cohort: Cohort, profile: Profile) -> dict[str, Any]:
    """The subset of every case, by the columns that the profile names.

    Returns:
        `columns` (empty for one subset), `cases` (case to subset) and `note` (a sentence, or None).
    """
    columns = profile.subsets.columns
    table = cohort.tables.cases
    absent = [name for name in columns if name not in table.columns or table[name].null_count() == table.height]
    if absent or not columns:
        note = f"{profile.name}: the cohort has no {' and no '.join(absent)}, so all cases are one subset."
        return {"columns": [], "cases": {}, "note": note if absent else None}
    cases = {
        row["case"]: " | ".join("unknown" if row[name] is None else str(row[name]) for name in columns)
        for row in table.iter_rows(named=True)
    }
    return {"columns": list(columns), "cases": cases, "note": None}


def _find_all(folder: Path, cases: tuple[str, ...], model: str) -> dict[str, Path | None]:
    where = f"predictions of {model!r}: {folder}"
    if not folder.is_dir():
        raise _wrong("a folder of predictions", "no such folder", where, "run the model, or name its folder")
    found = {case: find_prediction(folder, case) for case in cases}
    if not any(found.values()):
        names = ", ".join(path.name for path in sorted(folder.iterdir())[:3]) or "an empty folder"
        expected = f"predictions such as {encode_stem(cases[0])}{PREDICTION_SUFFIXES[0]}"
        raise _wrong(expected, names, where, "name the files by the cases of the cohort")
    for case in cases:
        twins = [folder / f"{encode_stem(case)}{suffix}" for suffix in PREDICTION_SUFFIXES]
        if all(path.is_file() for path in twins):
            raise _wrong(
                "one prediction per case", " and ".join(path.name for path in twins), where, "keep one of them"
            )
    return found


def _unmatched(folder: Path, cohort: Cohort) -> tuple[Path, ...]:
    """Predictions for no case, or under a name that the case is not written with."""
    listed = list_predictions(folder).items()
    return tuple(path for case, path in listed if case not in cohort or path != find_prediction(folder, case))


def _require_columns(cohort: Cohort, profile: Profile) -> None:
    table = cohort.tables.cases
    absent = [name for name in profile.fact_columns if name not in table.columns]
    if absent:
        raise MissingNeedError(
            expected=f"columns {', '.join(profile.fact_columns)}, which say what {profile.name} measures",
            found=f"no {', '.join(absent)}",
            where=f"cases of cohort {cohort.name!r}",
            remedy="add the columns to cases.parquet",
        )


def _require_complete(plan: EvaluationPlan, profile: Profile) -> None:
    lacking = {model: cases for model, cases in plan.missing.items() if cases}
    if profile.missing == "worst" or not lacking:
        return
    found = "; ".join(f"{model} lacks {len(cases)} ({', '.join(cases[:3])})" for model, cases in lacking.items())
    raise _wrong(
        f"a prediction of every model for every case ({profile.name} allows none to be missing)",
        found,
        "predictions",
        "add the missing predictions",
    )


def _wrong(expected: str, found: str, where: str, remedy: str) -> OncohortError:
    return PredictionError(expected=expected, found=found, where=where, remedy=remedy)
