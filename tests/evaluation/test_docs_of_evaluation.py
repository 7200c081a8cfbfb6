"""The tables of docs/evaluate.md and docs/profiles.md are what the code does."""

import re
from pathlib import Path

import pytest

from oncohort.evaluation import FINDING_RULES
from oncohort.metrics import METRICS
from oncohort.profiles import (
    COHORT_METRICS,
    BoxMetric,
    BoxProtocol,
    CohortMetric,
    Components,
    Linking,
    MetricRule,
    Profile,
    Steps,
    Target,
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
    own |= {"prediction_skipped", "reference_not_annotated"}
    assert listed == own | {metric.nan_reason for metric in METRICS.values() if metric.nan_reason}


def test_every_direction_is_the_one_of_the_registry():
    better = {"higher": "higher", "lower": "lower", "zero": "nearer 0", "none": "neither"}
    section = EVALUATE.split("## Metrics")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([a-z0 ]+) \|", section, re.M))
    assert rows == {name: better[metric.direction] for name, metric in METRICS.items()}


@pytest.mark.parametrize(
    ("part", "prefix"),
    [
        (Profile, ""),
        (Target, "target."),
        (Components, "components."),
        (Steps, "steps."),
        (MetricRule, ""),
        (BoxProtocol, "boxes."),
        (Linking, "boxes.linking."),
        (BoxMetric, ""),
    ],
)
def test_every_key_of_a_profile_is_listed(part, prefix):
    listed = words(r"`([a-z_.\[\]]+)`", PROFILES)
    nested = {"steps", "target", "metric", "cohort_metric", "box_metric", "subsets", "ranking", "linking"}
    assert {prefix + name for name in part.model_fields if name not in nested} <= listed
    assert {"[[metric]]", "[[cohort_metric]]", "[[box_metric]]"} <= listed


def test_every_metric_of_cohorts_is_listed_with_its_keys():
    section = PROFILES.split("Each `[[cohort_metric]]`")[1]
    assert set(COHORT_METRICS) | set(CohortMetric.model_fields) <= words(r"`(\w+)`", section)
