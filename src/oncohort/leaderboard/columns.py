"""The columns of a leaderboard as a reader sees them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from oncohort.leaderboard.box_metrics import box_column
from oncohort.leaderboard.cohort_metrics import COHORT_FORMULAS
from oncohort.metrics import METRICS
from oncohort.profiles import CohortMetric, MetricRule, Profile
from oncohort.reporting import Column
from oncohort.reporting.data import better_of

MOST_MAIN = 6
"""Metrics of a profile whose overview leaves none out."""


def leaderboard_columns(profile: Profile) -> tuple[Column, ...]:
    """A column for every metric of the profile, in its order; metrics of the whole cohort come last.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> [column.label for column in leaderboard_columns(load_profile("autopet-iii"))][:2]
        ['Dice', 'False positive volume']
    """
    of_boxes = () if profile.boxes is None else (box_column(entry, profile.boxes) for entry in profile.box_metric)
    return (*case_columns(profile), *(_cohort_column(entry, profile) for entry in profile.cohort_metric), *of_boxes)


def case_columns(profile: Profile) -> tuple[Column, ...]:
    """A column for every metric that each case has."""
    return tuple(_column(rule) for rule in profile.metric)


def main_columns(profile: Profile) -> tuple[Column, ...]:
    """The columns of an overview: all of a short profile, else those with a weight and those of the cohort.

    Facts that are neither good nor bad, such as a volume, are left out.
    """
    columns = tuple(column for column in leaderboard_columns(profile) if column.better)
    if len(columns) <= MOST_MAIN:
        return columns
    kept = {rule.column for rule in profile.metric if rule.weight}
    kept |= {entry.column for entry in profile.of_cohort}
    return tuple(column for column in columns if column.name in kept)


def metric_names(profile: Profile) -> dict[str, str]:
    """Name in running words of every metric by its column in the scores; each has its own.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> metric_names(load_profile("autopet-iii"))["fpv_ml"]
        'False positive volume'
    """
    columns = leaderboard_columns(profile)
    often = Counter(column.label for column in columns)
    return {
        column.name: column.label if often[column.label] == 1 else f"{column.label} ({column.name})"
        for column in columns
    }


def _column(rule: MetricRule) -> Column:
    column = Column.of_metric(METRICS[rule.name])
    at = f" at {rule.tolerance_mm:g} mm" if rule.tolerance_mm is not None else ""
    at += "" if rule.matching is None else f" ({rule.matching.words})"
    over = {None: "", "last": ", last step", "area": ", area over steps"}[rule.over_steps]
    return replace(column, name=rule.column, label=f"{column.label}{at}{over}", unit=rule.unit)


def _cohort_column(entry: CohortMetric, profile: Profile) -> Column:
    formula = COHORT_FORMULAS[entry.name]
    own = [rule.matching for rule in profile.metric if rule.column in entry.needs and rule.matching is not None]
    of = [entry.structure] if entry.structure else []
    words = "; ".join([*of, *(one.words for one in own[:1])])
    where = f" ({words})" if words else ""
    better = better_of(formula.direction)
    return Column(entry.column, f"{formula.label}{where}", formula.unit, better, formula.description)
