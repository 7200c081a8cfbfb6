"""Scores put side by side: models, cases and patients as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.results import Scores

ALL = "all"
"""Name of the subset that holds every case."""


@dataclass(frozen=True, eq=False)
class ScoreGrid:
    """One value per case and model for every metric; NaN where there is none.

    Args:
        models: In the order of the scores.
        cases: In the order of the scores.
        patients: (cases,) index of the patient of each case.
        values: Per metric, (cases, models).
        is_missing: (cases, models): no prediction.
        subsets: Per subset, (cases,): who belongs to it.
    """

    models: tuple[str, ...]
    cases: tuple[str, ...]
    patients: NDArray[np.intp]
    values: Mapping[str, NDArray[np.float64]]
    is_missing: NDArray[np.bool_]
    subsets: Mapping[str, NDArray[np.bool_]]

    @property
    def patient_count(self) -> int:
        """How many patients there are."""
        return int(self.patients.max()) + 1 if self.patients.size else 0


def arrange_scores(scores: Scores) -> ScoreGrid:
    """The scores of whole cases as arrays.

    Rows of single lesions or steps are left aside.

    Examples:
        >>> from oncohort.results import Score
        >>> row = Score("suv-4", "A", "A", "lesion", "dice", 0.8, "1", "autopet-iii", "1")
        >>> arrange_scores(Scores.from_scores([row], {})).values["dice"].tolist()
        [[0.8]]
    """
    table = scores.table.filter(pl.col("lesion").is_null() & pl.col("step").is_null())
    models = tuple(table["model"].unique(maintain_order=True))
    whose = table.select("case", "patient").unique(subset="case", maintain_order=True)
    cases = tuple(whose["case"])
    names = {patient: index for index, patient in enumerate(sorted(set(whose["patient"])))}
    return ScoreGrid(
        models=models,
        cases=cases,
        patients=np.array([names[patient] for patient in whose["patient"]], dtype=np.intp),
        values={
            str(name): _spread(part, models, cases) for (name,), part in table.group_by(["metric"], maintain_order=True)
        },
        is_missing=_missing(scores.run, models, cases),
        subsets=_subsets(scores.run, cases),
    )


def _spread(part: pl.DataFrame, models: tuple[str, ...], cases: tuple[str, ...]) -> NDArray[np.float64]:
    columns = {model: index for index, model in enumerate(models)}
    rows = {case: index for index, case in enumerate(cases)}
    values = np.full((len(cases), len(models)), np.nan)
    i = [rows[case] for case in part["case"]]
    j = [columns[model] for model in part["model"]]
    values[i, j] = part["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values


def _missing(run: Mapping[str, Any], models: tuple[str, ...], cases: tuple[str, ...]) -> NDArray[np.bool_]:
    lacking = run.get("missing", {})
    return np.array([[case in set(lacking.get(model, ())) for model in models] for case in cases]).reshape(
        len(cases), len(models)
    )


def _subsets(run: Mapping[str, Any], cases: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    named: Mapping[str, str] = run.get("subsets", {}).get("cases", {})
    names = sorted({named[case] for case in cases if case in named})
    several = names if len(names) > 1 else []  # a single subset is the whole cohort, and is not said twice
    members = {name: np.array([named.get(case) == name for case in cases]) for name in several}
    return {**members, ALL: np.ones(len(cases), bool)}
