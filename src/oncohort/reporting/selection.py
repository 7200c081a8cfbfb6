"""Which cases to show first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

MAX_PICTURES = 30


def worst_cases(scores: Iterable[Mapping[str, Any]], *, metric: str = "dice", limit: int = MAX_PICTURES) -> list[str]:
    """Cases in order of their mean value over all models, lowest first.

    Cases where no model has a value (lesion-free ones, say) come last; ties keep the
    order of the rows.

    Args:
        scores: Score rows: model, case, metric, value.
        metric: The metric that decides, higher being better.
        limit: How many cases to name.

    Examples:
        >>> rows = [{"case": "a", "metric": "dice", "value": 0.9}, {"case": "b", "metric": "dice", "value": 0.2},
        ...         {"case": "c", "metric": "dice", "value": None}]
        >>> worst_cases(rows, limit=2)
        ['b', 'a']
    """
    values: dict[str, list[float]] = {}
    for row in scores:
        found = values.setdefault(row["case"], [])
        if row["metric"] == metric and row["value"] is not None and math.isfinite(row["value"]):
            found.append(float(row["value"]))
    means = {case: sum(found) / len(found) if found else math.inf for case, found in values.items()}
    return sorted(means, key=means.__getitem__)[:limit]
