"""Headings of every metric are words."""

import re

import pytest

from oncohort.leaderboard import COHORT_FORMULAS
from oncohort.leaderboard.columns import leaderboard_columns
from oncohort.metrics import METRICS
from oncohort.profiles import list_profiles, load_profile
from oncohort.reporting.data import METRIC_LABELS, Column

MADE_UP = re.compile(r"^(Fnv|Fpv|Suv|Tlg|Mtv|Nsd|Iou|Auc|Ap)\b|\b(ml|mm|percent)$|_")


def test_every_metric_has_a_heading_of_its_own():
    assert set(METRIC_LABELS) == set(METRICS)
    shared = {name for name in METRICS if list(METRIC_LABELS.values()).count(METRIC_LABELS[name]) > 1}
    assert shared == {"volume_difference_ml", "volume_difference_percent"}  # the unit stands beside them


@pytest.mark.parametrize("name", METRICS)
def test_headings_are_words_and_no_names_of_columns(name):
    label = Column.of_metric(METRICS[name]).label
    assert label[0].isupper()
    assert not MADE_UP.search(label), label


def test_headings_of_cohort_metrics_are_words():
    for formula in COHORT_FORMULAS.values():
        assert not MADE_UP.search(formula.label) or formula.label in ("AUC", "AP")


@pytest.mark.parametrize("name", list_profiles())
def test_no_leaderboard_has_the_name_of_a_column_for_a_heading(name):
    columns = leaderboard_columns(load_profile(name))
    assert [column.label for column in columns if re.search(r"[a-z]_[a-z]", column.label.split(" (")[0])] == []
