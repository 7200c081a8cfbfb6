"""Numbers of a whole cohort against loops over its cases."""

from pathlib import Path

import numpy as np
import pytest
from board_rows import MISSING, profile_of, scores_of

from oncohort.errors import InputError
from oncohort.leaderboard import COHORT_FORMULAS, arrange_scores, compare_models, rank
from oncohort.profiles.metric_rules import COHORT_METRICS

NEEDED = (
    "dice",
    "reference_volume_ml",
    "prediction_volume_ml",
    "lesion_tp",
    "lesion_fp",
    "lesion_fn",
    "prediction_lesions",
)
LESION_METRICS = ("tumour_sensitivity", "lesion_recall", "lesion_precision", "lesion_f1")
VOLUME = {  # reference volume, then predicted by a and b
    "1": (5.0, 4.0, 9.0),
    "2": (2.0, 0.0, 1.0),
    "3": (7.0, 3.0, 8.0),
    "4": (0.0, 0.0, 2.0),
    "5": (0.0, 1.0, 0.0),
    "6": (0.0, 0.0, 0.5),
}
COUNTS = {"a": {"1": (1, 0, 1), "2": (0, 0, 2), "3": (2, 1, 0)}, "b": {"1": (2, 1, 0), "2": (1, 3, 1), "3": (2, 0, 0)}}


def entry(name, **settings):
    lines = "".join(
        f'{key} = "{value}"\n' if isinstance(value, str) else f"{key} = {value}\n" for key, value in settings.items()
    )
    return f'[[cohort_metric]]\nname = "{name}"\n{lines}'


def values_and_profile(entries):
    values = {}
    for number, model in enumerate("ab"):
        volumes = {case: row[1 + number] for case, row in VOLUME.items()}
        values[model, "dice"] = {case: 0.5 for case in VOLUME}
        values[model, "reference_volume_ml"] = {case: row[0] for case, row in VOLUME.items()}
        values[model, "prediction_volume_ml"] = volumes
        for column, name in enumerate(("lesion_tp", "lesion_fp", "lesion_fn")):
            values[model, name] = {case: COUNTS[model].get(case, (0, 0, 0))[column] for case in VOLUME}
        drawn = {case: sum(COUNTS[model].get(case, (0, 0, 0))[:2]) for case in VOLUME}
        values[model, "prediction_lesions"] = drawn
    return values, profile_of(*NEEDED, cohort=[entry(name, **settings) for name, settings in entries])


def table_of(entries, missing=(), **options):
    values, profile = values_and_profile(entries)
    for model, case in missing:
        values[model, "prediction_volume_ml"][case] = MISSING
    scores = scores_of(values, profile=profile)
    return scores, rank(scores, **{"bootstrap": 0, **options})


def estimates(table, metric, column="estimate"):
    return dict(table.filter(metric=metric).select("model", column).rows())


def test_the_profile_and_the_leaderboard_know_the_same_metrics():
    assert set(COHORT_FORMULAS) == set(COHORT_METRICS)
    assert all(formula.label and formula.description for formula in COHORT_FORMULAS.values())


def test_rates_of_patients_are_counts():
    _, table = table_of([("patient_sensitivity", {}), ("specificity", {})])
    assert estimates(table, "patient_sensitivity") == pytest.approx({"a": 2 / 3, "b": 1.0})
    assert estimates(table, "specificity") == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert estimates(table, "specificity", "n") == {"a": 3, "b": 3}
    assert estimates(table, "specificity", "n_undefined") == {"a": 3, "b": 3}


def test_positive_ml_moves_the_threshold():
    _, table = table_of([("specificity", {"positive_ml": 1.0}), ("patient_sensitivity", {"positive_ml": 3.0})])
    assert estimates(table, "specificity") == pytest.approx({"a": 1.0, "b": 2 / 3})
    assert estimates(table, "patient_sensitivity") == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_a_missing_prediction_is_wrong_either_way():
    missing = [("a", "1"), ("a", "4")]
    _, table = table_of([("patient_sensitivity", {}), ("specificity", {}), ("auc", {})], missing)
    assert estimates(table, "patient_sensitivity")["a"] == pytest.approx(1 / 3)
    assert estimates(table, "specificity")["a"] == pytest.approx(1 / 3)
    # the missing positive is behind all cases, the missing negative ahead of all
    assert estimates(table, "auc")["a"] == pytest.approx((0 + 0.5 + 2) / 9)


def test_a_share_of_patients_has_an_interval_even_where_all_count():
    _, table = table_of([("patient_sensitivity", {})], bootstrap=100)
    low, high = (estimates(table, "patient_sensitivity", column) for column in ("low", "high"))
    assert (low["b"], high["b"]) == pytest.approx((0.025 ** (1 / 3), 1.0))  # Clopper and Pearson, 3 of 3
    assert 0 < low["a"] < 2 / 3 < high["a"] < 1
    method = estimates(table, "patient_sensitivity", "method")
    assert "Clopper and Pearson" in method["b"]
    assert "Wilson" in method["a"]


def test_lesions_are_pooled_over_cases():
    labels = {name: {"label": f"pooled_{name}"} for name in ("lesion_recall", "lesion_precision", "lesion_f1")}
    _, table = table_of([*labels.items(), ("tumour_sensitivity", {})])
    for model, cases in COUNTS.items():
        tp, fp, fn = (sum(row[column] for row in cases.values()) for column in range(3))
        assert estimates(table, "pooled_lesion_recall")[model] == pytest.approx(tp / (tp + fn))
        assert estimates(table, "tumour_sensitivity")[model] == pytest.approx(tp / (tp + fn))
        assert estimates(table, "pooled_lesion_precision")[model] == pytest.approx(tp / (tp + fp))
        assert estimates(table, "pooled_lesion_f1")[model] == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_false_lesions_that_nobody_could_count_improve_no_place():
    labels = {name: {"label": f"pooled_{name}"} for name in ("lesion_recall", "lesion_precision", "lesion_f1")}
    values, profile = values_and_profile(labels.items())
    for metric, lost in (
        ("lesion_tp", 0.0),
        ("lesion_fn", 2.0),
        ("lesion_fp", MISSING),
        ("prediction_lesions", MISSING),
    ):
        values["b", metric]["2"] = lost  # the case with three of its four false lesions
    table = rank(scores_of(values, profile=profile), bootstrap=40)
    for metric in ("pooled_lesion_precision", "pooled_lesion_f1"):
        found = estimates(table, metric)
        assert found["b"] > found["a"], metric
        assert estimates(table, metric, "rank") == {"a": 1.0, "b": 2.0}, metric


def test_areas_are_those_of_all_pairs():
    scores, table = table_of([("auc", {}), ("ap", {})], bootstrap=200)
    for number, model in enumerate("ab"):
        inside = [row[1 + number] for row in VOLUME.values() if row[0] > 0]
        outside = [row[1 + number] for row in VOLUME.values() if row[0] == 0]
        area = np.mean([(one > two) + 0.5 * (one == two) for one in inside for two in outside])
        assert estimates(table, "auc")[model] == pytest.approx(area)
    assert estimates(table, "ap")["b"] == pytest.approx((1 / 1 + 2 / 2 + 3 / 4) / 3)  # 9, 8, then 2 (none), 1
    assert all(0 <= value <= 1 for value in estimates(table, "auc", "low").values())
    areas = compare_models(scores).filter(metric="auc").row(0, named=True)
    assert areas["mean_difference"] == pytest.approx(estimates(table, "auc")["a"] - estimates(table, "auc")["b"])
    assert areas["test"] == "DeLong, paired"
    assert set(estimates(table, "auc", "letters").values()) == {"a"}


def test_a_weighted_area_takes_part_in_the_ranking():
    profile_text = [("auc", {"weight": 0.5})]
    values = {}
    for model, column in (("a", 1), ("b", 2)):
        values[model, "dice"] = {case: 0.5 + 0.1 * (model == "a") for case in VOLUME}
        values[model, "reference_volume_ml"] = {case: row[0] for case, row in VOLUME.items()}
        values[model, "prediction_volume_ml"] = {case: row[column] for case, row in VOLUME.items()}
    profile = profile_of(
        *NEEDED[:3], weights=[0.5, 0.0, 0.0], cohort=[entry(name, **settings) for name, settings in profile_text]
    )
    for method in ("profile", "rank-then-mean", "test-based"):
        table = rank(scores_of(values, profile=profile), bootstrap=0, method=method)
        areas = estimates(table, "auc")
        better = max(areas, key=areas.get)
        assert better == "b"
        assert "(0.5 Dice; 0.5 AUC), ties by Dice" in table.filter(metric="rank")["method"][0]
        assert "cases by prediction volume" in table.filter(metric="auc")["method"][0]
        if method == "profile":  # each is ahead once, and Dice decides
            assert estimates(table, "rank") == {"a": 1.5, "b": 1.5}
            assert estimates(table, "rank", "rank") == {"a": 1.0, "b": 2.0}


def test_one_kind_of_case_leaves_the_area_undefined():
    values = {
        ("a", "dice"): {"1": 0.5},
        ("a", "reference_volume_ml"): {"1": 3.0},
        ("a", "prediction_volume_ml"): {"1": 3.0},
    }
    table = rank(scores_of(values, profile=profile_of(*NEEDED[:3], cohort=[entry("auc")])), bootstrap=10)
    assert estimates(table, "auc") == {"a": None}
    assert estimates(table, "auc", "rank") == {"a": None}


def test_scores_that_lack_what_a_metric_needs_are_refused():
    full = profile_of(*NEEDED[:3], cohort=[entry("auc")])
    scores = scores_of({("a", "dice"): {"1": 0.5}}, profile=full)
    with pytest.raises(InputError, match="no reference_volume_ml, prediction_volume_ml"):
        rank(scores)


def test_the_guide_lists_the_metrics_of_cohorts_as_the_code_has_them():
    guide = (Path(__file__).parents[2] / "docs" / "rank.md").read_text(encoding="utf-8")
    section = guide.split("## Metrics of the cohort")[1].split("## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    assert [row[0].strip("`") for row in rows] == list(COHORT_FORMULAS)
    for name, _, unit, better, undefined in rows:
        formula = COHORT_FORMULAS[name.strip("`")]
        assert (unit, better, undefined) == (formula.unit, formula.direction.value, formula.undefined), name


OF_CASES = tuple(name for name in COHORT_FORMULAS if name != "froc_cpm")
"""The metrics that come from scores of cases; CPM comes from candidates."""


def test_there_is_no_value_exactly_where_the_formula_says_so():
    there, free = {"1": 3.0, "2": 2.0}, {"1": 0.0, "2": 0.0}
    nothing = ("lesion_tp", "lesion_fp", "lesion_fn", "prediction_lesions")
    without = {  # metrics without value by what the cohort holds
        "only cases with it": (there, {"auc", "specificity", *LESION_METRICS}),
        "only cases without it": (free, {"auc", "ap", "patient_sensitivity", *LESION_METRICS}),
    }
    for words, (volumes, expected) in without.items():
        values = {("a", metric): dict.fromkeys(volumes, 0) for metric in ("dice", *nothing)}
        values |= {("a", metric): volumes for metric in ("reference_volume_ml", "prediction_volume_ml")}
        entries = [entry(name, label=f"cohort_{name}") for name in OF_CASES]
        table = rank(scores_of(values, profile=profile_of(*NEEDED, cohort=entries)), bootstrap=0)
        found = {name for name in OF_CASES if estimates(table, f"cohort_{name}")["a"] is None}
        assert found == expected, words


def test_quantities_have_the_direction_of_their_formula():
    values, profile = values_and_profile([(name, {"label": f"cohort_{name}"}) for name in OF_CASES])
    grid = arrange_scores(scores_of(values, profile=profile))
    for rule in profile.cohort_metric:
        assert COHORT_FORMULAS[rule.name].build(grid, rule).direction is COHORT_FORMULAS[rule.name].direction
