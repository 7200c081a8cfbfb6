"""`metrics.json` as an evaluation container of Grand Challenge writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.errors import InputError
from oncohort.outputs.case_rows import missing_cases, rows_by_case
from oncohort.results import Scores
from oncohort.storage import write_json


def grand_challenge_metrics(scores: Scores, aggregates: pl.DataFrame, model: str) -> dict[str, Any]:
    """Aggregates and results per case of one model, as JSON values; what is undefined is null.

    A leaderboard of Grand Challenge names numbers by dotted keys:
    `aggregates.all.lesion.dice.estimate`, with `half_width` of the 95 %
    interval for its one "±" number. Characters other than letters, digits and
    `_` become `_` in keys. A ranked number must not be null, or the platform
    drops the submission.

    Args:
        scores: From `evaluate`.
        aggregates: From `rank` of the same scores.
        model: One of the scores' models: a submission.

    Raises:
        InputError: The scores have no such model, or two subsets, structures or metrics would have the same key.

    Examples:
        >>> from oncohort.results import AGGREGATE_SCHEMA, Score
        >>> row = Score("suv-4", "A", "A", "lesion", "dice", 0.8, "1", "autopet-iii", "1")
        >>> mean = {"model": "suv-4", "subset": "all", "structure": "lesion", "metric": "dice", "estimate": 0.8}
        >>> board = pl.DataFrame([mean], schema=AGGREGATE_SCHEMA)
        >>> metrics = grand_challenge_metrics(Scores.from_scores([row], {}), board, "suv-4")
        >>> metrics["aggregates"]["all"]["lesion"]["dice"]["estimate"], metrics["results"][0]["metrics"]
        (0.8, {'lesion': {'dice': 0.8}})
    """
    missing = missing_cases(scores, model)
    results = [
        {
            "case": case,
            "patient": rows[0]["patient"],
            "prediction_missing": case in missing,
            "metrics": _nested((row["structure"], row["metric"], row["value"]) for row in rows),
            "undefined": _nested(
                (row["structure"], row["metric"], row["undefined"]) for row in rows if row["undefined"] is not None
            ),
        }
        for case, rows in rows_by_case(scores, model).items()
    ]
    own = aggregates.filter((pl.col("model") == model) & pl.col("structure").is_not_null())
    return {
        "aggregates": _aggregates(own.to_dicts()),
        "results": results,
        "model": model,
        "profile": scores.table["profile"][0],
        "profile_version": scores.table["profile_version"][0],
    }


def write_grand_challenge_metrics(path: str | Path, metrics: Mapping[str, Any]) -> None:
    """Write what `grand_challenge_metrics` gave as strict JSON, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
        ValueError: A number is NaN or infinite.
    """
    write_json(path, metrics)


def dotted_key(name: str) -> str:
    """`name` as a key that a dotted path can hold.

    Examples:
        >>> dotted_key("macro mean")
        'macro_mean'
    """
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _aggregates(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for row in rows:
        keys = [dotted_key(row[part]) for part in ("subset", "structure", "metric")]
        path, name = ".".join(keys), " / ".join(row[part] for part in ("subset", "structure", "metric"))
        if names.setdefault(path, name) != name:
            raise InputError(
                expected="names that differ in letters, digits or _",
                found=f"{names[path]!r} and {name!r}, both {path!r} as a dotted path",
                where="metrics.json",
                remedy="rename one of them",
            )
        found.setdefault(keys[0], {}).setdefault(keys[1], {})[keys[2]] = _aggregate(row)
    return found


def _aggregate(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = row["low"], row["high"]
    return {
        "estimate": row["estimate"],
        "low": low,
        "high": high,
        "half_width": None if low is None or high is None else (high - low) / 2.0,
        "n": row["n"],
        "n_undefined": row["n_undefined"],
        "n_missing": row["n_missing"],
    }


def _nested(rows: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for structure, metric, value in rows:
        found.setdefault(dotted_key(structure), {})[dotted_key(metric)] = value
    return found
