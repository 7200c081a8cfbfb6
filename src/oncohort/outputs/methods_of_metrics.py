"""What a profile measures, in running words: metrics, their rules for empty and missing masks, cohort metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from oncohort.leaderboard.cohort_metrics import COHORT_FORMULAS
from oncohort.leaderboard.columns import metric_names
from oncohort.metrics import Presence
from oncohort.outputs.words import grouped, listed, lowered, verb
from oncohort.profiles import PRESENCE_METRICS, CohortMetric, MetricRule, Profile

_EMPTY: Final = {
    Presence.REFERENCE_EMPTY: "Where only the reference is empty",
    Presence.PREDICTION_EMPTY: "Where only the prediction is empty",
    Presence.BOTH_EMPTY: "Where both {kind} are empty",
}

_POLICIES = {
    "worst": "A case without a usable prediction is counted and stays in the scores: there, {rules}",
    "error": "Every case needs a usable prediction; otherwise nothing is scored",
    "skip": "A case without a usable prediction is counted and has no value in any metric, which costs nothing",
}

_AGGREGATES = {"mean": "the mean over the cases that have a value"}

_OVER_STEPS = {None: "", "last": ", of the last state", "area": ", area over the states by trapezoids of unit width"}

_OF_AREAS, _OF_SHARES = ("auc", "ap"), ("patient_sensitivity", "specificity")


def metric_sentences(profile: Profile) -> Iterator[str]:
    """The sentences about metrics, in order.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> list(metric_sentences(load_profile("autopet-iii")))[2]
        'Where only the prediction is empty, Dice and False positive volume are 0; False negative volume ...'
    """
    names = metric_names(profile)
    yield "Measured in every case: " + "; ".join(_metric(rule, names[rule.column]) for rule in profile.metric)
    for presence, words in _EMPTY.items():
        groups = grouped((rule.rule_for(presence), names[rule.column]) for rule in profile.metric)
        yield f"{words.format(kind=profile.kind)}, {_rules(groups)}"
    missing = _rules(grouped((rule.missing, names[rule.column]) for rule in profile.metric))
    yield _POLICIES[profile.missing].format(rules=missing)
    yield from _aggregates(profile, names)
    if profile.cohort_metric:
        entries = (_cohort_metric(entry, names) for entry in profile.cohort_metric)
        yield f"Computed from all cases together: {'; '.join(entries)}"
    if any(entry.name in PRESENCE_METRICS for entry in profile.cohort_metric):
        column = profile.target.truth_column
        says = "its reference holds a voxel" if column is None else f'the column "{column}" of the cases says so'
        yield f"There, a case has the structure if {says}"


def _metric(rule: MetricRule, name: str) -> str:
    unit = "" if rule.metric.unit == "1" else f", in {rule.metric.unit}"
    where = "" if rule.structures is None else f", of {listed(rule.structures)} only"
    if rule.only:
        where += f", where {listed(f'{column} is {value}' for column, value in rule.only.items())} only"
    where += _OVER_STEPS[rule.over_steps]
    at = "" if rule.tolerance_mm is None else f", tolerance {rule.tolerance_mm:g} mm"
    at += "" if rule.matching is None else f", lesions matched {rule.matching.words}"
    return f'{name} ("{rule.column}"{unit}{where}{at}: {lowered(rule.metric.description)})'


def _rules(groups: Mapping[Any, Sequence[str]]) -> str:
    return "; ".join(_rule(rule, names) for rule, names in groups.items())


def _rule(rule: str | float, names: Sequence[str]) -> str:
    """What becomes of the metrics called `names`."""
    subject = listed(names)
    if rule == "measured":
        return f"{subject} {verb(names, 'is', 'are')} computed as always"
    if rule == "undefined":
        return f"{subject} {verb(names, 'has', 'have')} no value"
    if rule == "as-empty":
        return f"{subject} {verb(names, 'is', 'are')} scored as if nothing had been predicted"
    return f"{subject} {verb(names, 'is', 'are')} {rule:g}"


def _aggregates(profile: Profile, names: Mapping[str, str]) -> Iterator[str]:
    groups = grouped((rule.aggregate, names[rule.column]) for rule in profile.metric)
    for aggregate, metrics in groups.items():
        of_what = "" if len(groups) == 1 else f" of {listed(metrics)}"
        yield f"The result{of_what} of a model is {_AGGREGATES[aggregate]}; how many have none is stated"
    structures = profile.target.structures
    if structures == "each" or len(structures or ()) > 1:
        yield "Over several structures it is the mean of their means, each structure weighing the same"


def _cohort_metric(entry: CohortMetric, names: Mapping[str, str]) -> str:
    where = "" if entry.structure is None else f", of {entry.structure}"
    details = ""
    if entry.name in _OF_AREAS:
        details = f"; the cases in the order of {names.get(entry.score, entry.score)}"
    if entry.name in _OF_SHARES:
        details = f"; predicted means more than {entry.positive_ml:g} ml"
    counts = entry.model_dump(include={"found", "missed", "false"}, exclude_defaults=True)
    if counts:
        details = "; " + ", ".join(f"{key} lesions counted by {names.get(name, name)}" for key, name in counts.items())
    words = lowered(COHORT_FORMULAS[entry.name].description)
    return f'{names[entry.column]} ("{entry.column}"{where}: {words}{details})'
