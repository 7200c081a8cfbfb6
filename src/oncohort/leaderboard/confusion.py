"""Which class was taken for which, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oncohort.leaderboard.protocol import profile_of
from oncohort.reporting.leaderboard_tables import TextTable
from oncohort.results import Scores

MISSED, FALSE = "missed", "none"
"""The column of reference boxes that nothing found, and the row of predicted boxes without a reference."""


def confusion_rows(scores: Scores) -> list[dict[str, Any]]:
    """Counts of matched, missed and false boxes, row by row; none where classes are not told apart.

    Examples:
        >>> import polars as pl
        >>> run = {"confusion": {"classes": ["A"], "counts": {"m": [[3, 1], [2, 0]]}}}
        >>> confusion_rows(Scores(pl.DataFrame(), run))[1]
        {'model': 'm', 'reference': 'A', 'prediction': 'missed', 'boxes': 1}
    """
    found: Mapping[str, Any] = scores.run.get("confusion") or {}
    classes = list(found.get("classes", ()))
    return [
        {"model": model, "reference": reference, "prediction": prediction, "boxes": count}
        for model, counts in found.get("counts", {}).items()
        for reference, row in zip([*classes, FALSE], counts, strict=True)
        for prediction, count in zip([*classes, MISSED], row, strict=True)
        if (reference, prediction) != (FALSE, MISSED)
    ]


def confusion_tables(scores: Scores) -> tuple[TextTable, ...]:
    """A table per model, class of the reference by class of the prediction.

    Args:
        scores: From `evaluate`.
    """
    found: Mapping[str, Any] = scores.run.get("confusion") or {}
    if not found:
        return ()
    classes = list(found["classes"])
    heads = ("Reference", *(f"as {name}" for name in classes), MISSED)
    numeric = (False, *(True for _ in heads[1:]))
    note = _note(scores)
    return tuple(
        TextTable(
            f"Confusion of classes, {model}",
            heads,
            numeric,
            tuple(
                (name, *map(str, row[:-1]), "" if name == FALSE else str(row[-1]))
                for name, row in zip([*classes, FALSE], counts, strict=True)
            ),
            note,
        )
        for model, counts in found["counts"].items()
    )


def _note(scores: Scores) -> str:
    boxes = profile_of(scores, None).boxes
    if boxes is None:
        return ""
    near = f"IoU {boxes.threshold:g}" if boxes.hit == "iou" else f"centres within {boxes.threshold:g} edge"
    lowest = (
        "all predictions" if boxes.confusion_score is None else f"predictions from score {boxes.confusion_score:g} on"
    )
    return f"Boxes matched whatever their class at {near}, {lowest}; row {FALSE}: predicted without a reference."
