"""The tables of docs/evaluate.md and docs/profiles.md are what the code does."""

import re
from pathlib import Path

import pytest

from oncohort.evaluation import FINDING_RULES
from oncohort.metrics import METRICS, Presence
from oncohort.profiles import (
    COHORT_METRICS,
    CohortMetric,
    Components,
    MetricRule,
    Profile,
    Target,
    list_profiles,
    load_profile,
)

DOCS = Path(__file__).parents[2] / "docs"
EVALUATE, PROFILES = ((DOCS / name).read_text() for name in ("evaluate.md", "profiles.md"))


def words(pattern, text):
    return set(re.findall(pattern, text, re.M))


def test_every_rule_of_a_finding_is_listed():
    section = EVALUATE.split("## Findings")[1]
    assert words(r"^\| `(\w+)`", section) == set(FINDING_RULES)


def test_every_reason_of_a_metric_is_listed():
    section = EVALUATE.split("## Why a score has no value")[1].split("\n## ")[0]
    listed = words(r"^\| `(\w+)`", section)
    own = {"reference_empty", "prediction_empty", "prediction_missing", "prediction_unreadable", "image_missing"}
    assert listed == own | {metric.nan_reason for metric in METRICS.values() if metric.nan_reason}


def test_every_direction_is_the_one_of_the_registry():
    better = {"higher": "higher", "lower": "lower", "zero": "nearer 0", "none": "neither"}
    section = EVALUATE.split("## Metrics")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([a-z0 ]+) \|", section, re.M))
    assert rows == {name: better[metric.direction] for name, metric in METRICS.items()}


@pytest.mark.parametrize(
    ("part", "prefix"), [(Profile, ""), (Target, "target."), (Components, "components."), (MetricRule, "")]
)
def test_every_key_of_a_profile_is_listed(part, prefix):
    listed = words(r"`([a-z_.\[\]]+)`", PROFILES)
    nested = {"target", "metric", "cohort_metric", "subsets", "ranking"}
    assert {prefix + name for name in part.model_fields if name not in nested} <= listed
    assert {"[[metric]]", "[[cohort_metric]]"} <= listed


def test_every_metric_of_cohorts_is_listed_with_its_keys():
    section = PROFILES.split("Each `[[cohort_metric]]`")[1]
    assert set(COHORT_METRICS) | set(CohortMetric.model_fields) <= words(r"`(\w+)`", section)


def shown(rule, presence):
    """What the page may say of a rule: a measured value may be given as the number that it always is."""
    decision = rule.rule_for(presence)
    metric = rule.name
    if decision == "measured" and presence is Presence.BOTH_EMPTY:
        return {"measured", "0"}
    if decision == "measured" and metric in ("dice", "nsd", "lesion_precision", "lesion_recall"):
        return {"measured", "0"}
    if decision == "measured" and metric == "fnv_ml":
        return {"measured", "volume of R"}
    return {decision if isinstance(decision, str) else f"{decision:g}"}


@pytest.mark.parametrize("name", list_profiles())
def test_the_table_of_a_profile_is_its_rules(name):
    section = EVALUATE.split(f"## Profile `{name}`")[1].split("\n## ")[0]
    rules = {rule.column: rule for rule in load_profile(name).metric}
    seen = []
    for line in re.findall(r"^\| (`.+) \|$", section, re.M):
        metrics, *cells, missing = line.split(" | ")
        for column in re.findall(r"`(\w+)`", metrics):
            rule = rules[column]
            seen.append(column)
            presences = (Presence.REFERENCE_EMPTY, Presence.PREDICTION_EMPTY, Presence.BOTH_EMPTY)
            for cell, presence in zip(cells, presences, strict=True):
                assert cell in shown(rule, presence), (column, presence)
            as_empty = {"as P empty", *shown(rule, Presence.PREDICTION_EMPTY)}
            assert missing in (as_empty if rule.missing == "as-empty" else {rule.missing}), column
    assert sorted(seen) == sorted(rules)
