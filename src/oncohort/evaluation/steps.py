"""Scores of an interaction: of every state, and what the profile derives from all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oncohort.evaluation.scoring import ScoreTask, as_scores
from oncohort.metrics.interaction import area_over_steps
from oncohort.profiles import Profile
from oncohort.results import Score


def scores_of_steps(pairs: Sequence[tuple[ScoreTask, Mapping[str, Any]]]) -> list[Score]:
    """Rows of every state, by the name of the metric, then rows of the whole course, by its column.

    The value of the last state is taken as it is. An area has no value if any
    state has none, for the reason of the first such state.

    Args:
        pairs: Tasks with their step, and the results of `score_task`.
    """
    rows = [replace(row, step=task.step) for task, result in pairs for row in as_scores(task, result)]
    profile = pairs[0][0].profile
    named = [
        replace(row, metric=profile.rule(row.metric).name, unit=profile.rule(row.metric).metric.unit) for row in rows
    ]
    return [*dict.fromkeys(named), *_courses(rows, profile)]


def _courses(rows: Sequence[Score], profile: Profile) -> Iterator[Score]:
    courses: dict[tuple[str, str, str, str], list[Score]] = {}
    for row in rows:
        courses.setdefault((row.model, row.case, row.structure, row.metric), []).append(row)
    for (*_, column), states in courses.items():
        last = replace(states[-1], step=None)
        if profile.rule(column).over_steps == "last":
            yield last
            continue
        absent = next((row.undefined for row in states if row.value is None), None)
        values = [math.nan if row.value is None else row.value for row in states]
        area = None if absent else area_over_steps(values, missing="undefined")
        yield replace(last, value=area, undefined=absent)
