"""The scores of one model, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from oncohort.errors import InputError
from oncohort.results import Scores

Values = Mapping[tuple[str, str], float | None]
"""Value by structure and metric; None where undefined."""


def models_of(scores: Scores) -> tuple[str, ...]:
    """The models in the order of the scores.

    Raises:
        InputError: There are no scores.
    """
    models = tuple(scores.table["model"].unique(maintain_order=True))
    if not models:
        raise InputError(
            expected="scores", found="none", where="outputs", remedy="evaluate at least one model on one case"
        )
    return models


def whole_case_rows(scores: Scores) -> pl.DataFrame:
    """The rows that are of a whole case, not of one of its lesions or steps.

    Examples:
        >>> from oncohort.results import Score
        >>> rows = [Score("a", "A", "A", "lesion", "dice", 0.5, "1", "p", "1", lesion=lesion) for lesion in (None, "1")]
        >>> whole_case_rows(Scores.from_scores(rows, {})).height
        1
    """
    return scores.table.filter(pl.col("lesion").is_null() & pl.col("step").is_null())


def rows_by_case(scores: Scores, model: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a model by case, both in the order of the scores.

    Raises:
        InputError: The scores have no such model.
    """
    known = models_of(scores)
    if model not in known:
        raise InputError(
            expected=f"a model of the scores: {', '.join(known)}",
            found=repr(model),
            where="outputs",
            remedy="choose one of these",
        )
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in whole_case_rows(scores).filter(pl.col("model") == model).iter_rows(named=True):
        rows.setdefault(row["case"], []).append(row)
    return rows


def values_of(rows: list[dict[str, Any]]) -> Values:
    """Value by structure and metric of the rows of one case."""
    return {(row["structure"], row["metric"]): row["value"] for row in rows}


def missing_cases(scores: Scores, model: str) -> frozenset[str]:
    """The cases without a usable prediction."""
    return frozenset(scores.run.get("missing", {}).get(model, ()))
