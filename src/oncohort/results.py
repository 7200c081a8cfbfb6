"""Scores and aggregates: measured numbers with the reason where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

SCORE_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "case": pl.String,
    "patient": pl.String,
    "structure": pl.String,
    "lesion": pl.String,
    "step": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "undefined": pl.String,
    "profile": pl.String,
    "profile_version": pl.String,
}

LESION_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "case": pl.String,
    "patient": pl.String,
    "structure": pl.String,
    "side": pl.String,
    "lesion": pl.Int64,
    "volume_ml": pl.Float64,
    "size_class": pl.String,
    "suv_max": pl.Float64,
    "suv_mean": pl.Float64,
    "suv_peak": pl.Float64,
    "matched": pl.List(pl.Int64),
    "iou": pl.Float64,
}
"""Every lesion of every reference (once per model, with what the model made of it) and of every prediction."""

CANDIDATE_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "case": pl.String,
    "patient": pl.String,
    "structure": pl.String,
    "candidate": pl.Int64,
    "score": pl.Float64,
    "matched_lesion": pl.Int64,
    "iou": pl.Float64,
}
"""Every predicted lesion with how sure the model is of it and the reference lesion that it found."""

BOX_VIEW_SCHEMA: dict[str, Any] = {
    "image": pl.String,
    "hit": pl.String,
    "threshold": pl.Float64,
    "matching": pl.String,
    "outcome": pl.String,
}
"""Further columns of the candidates of profiles of boxes, which have a row per box and matching."""

SCORED_BOX_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "case": pl.String,
    "patient": pl.String,
    "side": pl.String,
    "number": pl.Int64,
    "class": pl.String,
    "score": pl.Float64,
    "volume": pl.String,
    "slice_uid": pl.String,
    **dict.fromkeys(("i0", "i1", "j0", "j1", "k0", "k1"), pl.Float64),
}
"""Every box in voxels: those of the reference once, without model and score, and those of every model."""

AGGREGATE_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "subset": pl.String,
    "metric": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "n_undefined": pl.Int64,
    "n_missing": pl.Int64,
    "rank": pl.Float64,
    "method": pl.String,
    "structure": pl.String,
    "rank_low": pl.Float64,
    "rank_high": pl.Float64,
    "first_share": pl.Float64,
    "place_shares": pl.List(pl.Float64),
    "tau": pl.Float64,
    "letters": pl.String,
    "profile": pl.String,
    "profile_version": pl.String,
}


@dataclass(frozen=True)
class Score:
    """One measured number.

    `undefined` names the reason when `value` is None; exactly one of the two is
    there.

    Examples:
        >>> Score(model="suv-4", case="A", patient="A", structure="lesion", metric="dice", value=0.8,
        ...       unit="1", profile="autopet-iii", profile_version="1").value
        0.8
    """

    model: str
    case: str
    patient: str
    structure: str
    metric: str
    value: float | None
    unit: str
    profile: str
    profile_version: str
    lesion: str | None = None
    step: int | None = None
    undefined: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.undefined is None):
            raise ValueError("a score has either a value or the reason why it has none")


@dataclass(frozen=True, eq=False)
class Scores:
    """The score table of one evaluation and the record of how it came about.

    Args:
        table: Columns of `SCORE_SCHEMA`.
        run: JSON values: models, cases, findings, the profile, inputs, versions.
        lesions: Columns of `LESION_SCHEMA`; None where the profile asks for no table of lesions.
        candidates: Columns of `CANDIDATE_SCHEMA`; None like `lesions`. Of profiles of boxes also those of
            `BOX_VIEW_SCHEMA`.
        boxes: Columns of `SCORED_BOX_SCHEMA`; None for profiles of masks.

    Examples:
        >>> Scores.from_scores([], {}).table.columns[:3]
        ['model', 'case', 'patient']
    """

    table: pl.DataFrame
    run: Mapping[str, Any]
    lesions: pl.DataFrame | None = None
    candidates: pl.DataFrame | None = None
    boxes: pl.DataFrame | None = None

    @staticmethod
    def from_scores(scores: Iterable[Score], run: Mapping[str, Any]) -> Scores:
        """The table of `scores`, in the order given."""
        return Scores(pl.DataFrame([asdict(score) for score in scores], schema=SCORE_SCHEMA), run)
