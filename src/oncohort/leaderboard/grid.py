"""Scores put side by side: models, cases and patients as arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.leaderboard.candidates import CandidateTable, candidates_of
from oncohort.leaderboard.samples import mean_of_known
from oncohort.results import Scores

ALL = "all"
"""Name of the subset that holds every case."""

MACRO = "macro mean"
"""Name of the structure that stands for the mean over all structures."""

FAILURES = frozenset({"prediction_missing", "prediction_unreadable", "prediction_empty", "no_predicted_lesion"})
"""Reasons that are the prediction's fault: such a value counts as the worst, not as none."""

SKIPPED = "prediction_skipped"
"""Reason of a profile that leaves out what has no usable prediction: no value, and nobody's fault."""

Measure = tuple[str, str]
"""Structure and metric."""


@dataclass(frozen=True, eq=False)
class ScoreGrid:
    """One value per case and model for every structure and metric; NaN where there is none.

    Args:
        models: In the order of the scores.
        cases: In the order of the scores.
        patients: (cases,) index of the patient of each case.
        values: Per structure and metric, (cases, models).
        is_failed: The same keys, (cases, models): no value by the fault of the prediction, where a better one could
            have had a value.
        is_missing: (cases, models): no prediction.
        subsets: Per subset, (cases,): who belongs to it.
        groups: Structures of each group that is reported by its mean.
        candidates: Candidates by falling score; None where the scores hold none.
        flags: (cases,): who is positive by a column of the cases; None where the masks say it.
    """

    models: tuple[str, ...]
    cases: tuple[str, ...]
    patients: NDArray[np.intp]
    values: Mapping[Measure, NDArray[np.float64]]
    is_failed: Mapping[Measure, NDArray[np.bool_]]
    is_missing: NDArray[np.bool_]
    subsets: Mapping[str, NDArray[np.bool_]]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: NDArray[np.bool_] | None = None
    candidates: CandidateTable | None = None

    @property
    def patient_count(self) -> int:
        """How many patients there are."""
        return int(self.patients.max()) + 1 if self.patients.size else 0

    @property
    def structures(self) -> tuple[str, ...]:
        """The structures that were scored, in the order of the scores."""
        return tuple(dict.fromkeys(structure for structure, _ in self.values))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that were measured, in the order of the scores."""
        return tuple(dict.fromkeys(metric for _, metric in self.values))

    def structures_of(self, metric: str) -> tuple[str, ...]:
        """The structures that have this metric."""
        return tuple(structure for structure, name in self.values if name == metric)

    def with_subsets(self, subsets: Mapping[str, NDArray[np.bool_]]) -> ScoreGrid:
        """The same scores, divided otherwise."""
        return replace(self, subsets=subsets)

    def case_values(self, metric: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Values of a metric per case, averaged over its structures, and where any structure failed; (cases, models).

        A structure without a value in a case is left out of the case's mean; where one failed there is no mean.
        """
        measures = [(structure, metric) for structure in self.structures_of(metric)]
        values = np.stack([self.values[measure] for measure in measures])
        failed = np.asarray(np.stack([self.is_failed[measure] for measure in measures]).any(axis=0))
        return np.where(failed, np.nan, mean_of_known(values)), failed


def arrange_scores(scores: Scores) -> ScoreGrid:
    """The scores of whole cases as arrays.

    Rows of single lesions or steps are left aside.

    Examples:
        >>> from oncohort.results import Score
        >>> row = Score("suv-4", "A", "A", "lesion", "dice", 0.8, "1", "autopet-iii", "1")
        >>> arrange_scores(Scores.from_scores([row], {})).values["lesion", "dice"].tolist()
        [[0.8]]
    """
    table = scores.table.filter(pl.col("lesion").is_null() & pl.col("step").is_null())
    models = tuple(table["model"].unique(maintain_order=True))
    whose = table.select("case", "patient").unique(subset="case", maintain_order=True)
    cases = tuple(whose["case"])
    names = {patient: index for index, patient in enumerate(sorted(set(whose["patient"])))}
    parts = {
        (str(structure), str(metric)): part
        for (structure, metric), part in table.group_by(["structure", "metric"], maintain_order=True)
    }
    spread = {measure: _spread(part, models, cases) for measure, part in parts.items()}
    is_missing = _missing(scores.run, models, cases)
    return ScoreGrid(
        models=models,
        cases=cases,
        patients=np.array([names[patient] for patient in whose["patient"]], dtype=np.intp),
        values={measure: values for measure, (values, *_) in spread.items()},
        is_failed={
            measure: _failures(values, failed, there, is_missing) for measure, (values, failed, there) in spread.items()
        },
        is_missing=is_missing,
        subsets=_subsets(scores.run, cases),
        groups={name: tuple(members) for name, members in scores.run.get("groups", {}).items()},
        flags=_flags(scores.run, cases),
        candidates=candidates_of(scores, cases),
    )


def _spread(
    part: pl.DataFrame, models: tuple[str, ...], cases: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Values, where they failed, and where there is a row that counts; all (cases, models)."""
    columns = {model: index for index, model in enumerate(models)}
    rows = {case: index for index, case in enumerate(cases)}
    values = np.full((len(cases), len(models)), np.nan)
    failed, there = np.zeros((2, *values.shape), bool)
    i = [rows[case] for case in part["case"]]
    j = [columns[model] for model in part["model"]]
    values[i, j] = part["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    failed[i, j] = _is_one_of(part["undefined"], FAILURES)
    there[i, j] = ~_is_one_of(part["undefined"], (SKIPPED,))
    return values, failed, there


def _failures(
    values: NDArray[np.float64], failed: NDArray[np.bool_], there: NDArray[np.bool_], is_missing: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(cases, models): who has no value by the fault of the prediction.

    A case counts for nobody if no model has a value in it and any of them has none by another reason, such as an
    empty reference: a prediction that is missing there has lost nothing.
    """
    none = np.isnan(values)
    counts = ~none.all(axis=1, keepdims=True) | (failed | ~there).all(axis=1, keepdims=True)
    return np.asarray(none & (failed | (is_missing & there)) & counts)


def _is_one_of(reasons: pl.Series, names: Collection[str]) -> NDArray[np.bool_]:
    return np.array([reason in names for reason in reasons], dtype=bool)


def _missing(run: Mapping[str, Any], models: tuple[str, ...], cases: tuple[str, ...]) -> NDArray[np.bool_]:
    lacking = {model: set(names) for model, names in run.get("missing", {}).items()}
    return np.array([[case in lacking.get(model, ()) for model in models] for case in cases]).reshape(
        len(cases), len(models)
    )


def _flags(run: Mapping[str, Any], cases: tuple[str, ...]) -> NDArray[np.bool_] | None:
    said: Mapping[str, bool] | None = run.get("truth", {}).get("flags")
    return None if said is None else np.array([said[case] for case in cases], dtype=bool)


def _subsets(run: Mapping[str, Any], cases: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    named: Mapping[str, str] = run.get("subsets", {}).get("cases", {})
    names = sorted({named[case] for case in cases if case in named})
    several = names if len(names) > 1 else []  # a single subset is the whole cohort, and is not said twice
    members = {name: np.array([named.get(case) == name for case in cases]) for name in several}
    return {**members, ALL: np.ones(len(cases), bool)}
