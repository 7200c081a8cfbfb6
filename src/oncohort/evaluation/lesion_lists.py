"""Every lesion of every case, and what was matched with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import polars as pl

from oncohort.metrics import MaskPair
from oncohort.metrics.lesion_table import lesion_rows
from oncohort.profiles import Profile
from oncohort.results import CANDIDATE_SCHEMA, LESION_SCHEMA


class _Whose(Protocol):
    @property
    def model(self) -> str: ...

    @property
    def case(self) -> str: ...

    @property
    def patient(self) -> str: ...


Results = Sequence[tuple[_Whose, Mapping[str, Any]]]
"""Tasks with the result of `score_task`."""


def list_lesions(pairs: Mapping[str, MaskPair], profile: Profile) -> list[dict[str, Any]]:
    """Every lesion of reference and prediction of every structure, as JSON values.

    Args:
        pairs: Reference and prediction by structure.
        profile: Its `components` say what a lesion is and where size classes part.
    """
    edges = profile.components.size_edges_ml if profile.components is not None else ()
    return [
        {"structure": structure, **asdict(row), "matched": list(row.matched), "best": best.get((row.side, row.lesion))}
        for structure, pair in pairs.items()
        for best in [_best_matches(pair)]
        for row in lesion_rows(pair, size_edges_ml=edges)
    ]


def _best_matches(pair: MaskPair) -> dict[tuple[str, int], int]:
    """The reference lesion of the largest IoU among those that a predicted lesion matches."""
    ordered = sorted(pair.lesions.pairs, key=lambda match: (match[2], -match[0]))
    return {("prediction", prediction): reference for reference, prediction, _ in ordered}


def lesion_table(results: Results) -> pl.DataFrame:
    """The lesions of all results; columns of `LESION_SCHEMA`."""
    rows = [{**whose, **{name: row[name] for name in row if name in LESION_SCHEMA}} for whose, row in _rows(results)]
    return pl.DataFrame(rows, schema=LESION_SCHEMA)


def candidate_table(results: Results) -> pl.DataFrame:
    """The predicted lesions of all results with their score; columns of `CANDIDATE_SCHEMA`.

    From a mask alone, the larger candidate is the surer one: `score` is its volume in ml.
    """
    rows = [
        {
            **whose,
            "structure": row["structure"],
            "candidate": row["lesion"],
            "score": row["volume_ml"],
            "matched_lesion": row["best"],
            "iou": row["iou"],
        }
        for whose, row in _rows(results)
        if row["side"] == "prediction"
    ]
    return pl.DataFrame(rows, schema=CANDIDATE_SCHEMA)


def _rows(results: Results) -> Iterable[tuple[dict[str, str], dict[str, Any]]]:
    for task, result in results:
        whose = {"model": task.model, "case": task.case, "patient": task.patient}
        for row in result["lesions"]:
            yield whose, row
