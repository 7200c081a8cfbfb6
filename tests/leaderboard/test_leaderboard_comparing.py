"""Models in pairs: effects, tests, adjustment."""

import numpy as np
import pytest
from board_rows import MISSING, NO_REFERENCE, profile_of, random_values, scores_of
from scipy import stats

from oncohort.leaderboard import COMPARISON_SCHEMA, compare_models
from oncohort.profiles import load_profile


def pairs_of(table):
    return {(row["first"], row["second"]): row for row in table.to_dicts()}


def test_every_pair_has_the_numbers_of_scipy_and_of_a_loop():
    values = random_values(("a", "b", "c"), 25, seed=11)
    table = compare_models(scores_of(values, profile=profile_of("dice")))
    assert table.columns == list(COMPARISON_SCHEMA)
    found = pairs_of(table)
    assert list(found) == [("a", "b"), ("a", "c"), ("b", "c")]
    columns = {model: np.array(list(values[model, "dice"].values())) for model in "abc"}
    p = {}
    for (first, second), row in found.items():
        differences = columns[first] - columns[second]
        walsh = [(one + two) / 2 for i, one in enumerate(differences) for two in differences[i:]]
        ranks = stats.rankdata(np.abs(differences))
        p[first, second] = stats.wilcoxon(differences).pvalue
        assert row["n"] == 25
        assert row["mean_difference"] == pytest.approx(differences.mean())
        assert row["median_difference"] == pytest.approx(np.median(differences))
        assert row["hodges_lehmann"] == pytest.approx(np.median(walsh))
        assert row["rank_biserial"] == pytest.approx((ranks * np.sign(differences)).sum() / ranks.sum())
        assert row["p"] == pytest.approx(p[first, second])
        assert row["log10_p"] == pytest.approx(np.log10(p[first, second]))
        assert row["low"] < row["mean_difference"] < row["high"]
    ordered = sorted(p, key=p.get)
    holm = np.maximum.accumulate([min(1.0, p[pair] * (3 - place)) for place, pair in enumerate(ordered)])
    assert [found[pair]["p_holm"] for pair in ordered] == pytest.approx(list(holm))


def test_the_interval_of_the_difference_shrinks_with_more_patients_and_needs_draws():
    wide, narrow = (
        compare_models(scores_of(random_values("ab", cases, seed=1), profile=profile_of("dice"))).row(0, named=True)
        for cases in (20, 320)
    )
    assert (wide["high"] - wide["low"]) > 2.5 * (narrow["high"] - narrow["low"])
    none = compare_models(scores_of(random_values("ab", 9, seed=1), profile=profile_of("dice")), bootstrap=0)
    assert none.row(0, named=True)["low"] is None


def test_better_names_the_better_model_whichever_way_that_is():
    low = {str(case): float(case) for case in range(20)}
    high = {case: value + 1 for case, value in low.items()}
    for metric, best in (("dice", "high"), ("fpv_ml", "low")):
        scores = scores_of({("low", metric): low, ("high", metric): high}, profile=profile_of(metric))
        row = compare_models(scores).row(0, named=True)
        assert (row["first"], row["mean_difference"], row["better"]) == ("low", -1.0, best)
    scores = scores_of(random_values("ab", 6, seed=2), profile=profile_of("dice"))
    assert compare_models(scores)["better"].to_list() == [None]


def test_identical_models_differ_by_nothing():
    same = {"1": 0.5, "2": 0.6, "3": 0.7}
    row = compare_models(scores_of({("a", "dice"): same, ("b", "dice"): same}, profile=profile_of("dice"))).row(
        0, named=True
    )
    assert (row["p"], row["log10_p"], row["rank_biserial"], row["mean_difference"]) == (1.0, 0.0, 0.0, 0.0)


def test_a_failed_prediction_counts_as_the_worst_value_that_anybody_has():
    values = {
        ("a", "hd95_mm"): {"1": 2.0, "2": MISSING, "3": 4.0, "4": NO_REFERENCE},
        ("b", "hd95_mm"): {"1": 3.0, "2": 1.0, "3": 9.0, "4": NO_REFERENCE},
    }
    row = compare_models(scores_of(values, profile=profile_of("hd95_mm"))).row(0, named=True)
    assert row["n"] == 3
    assert row["mean_difference"] == pytest.approx(((2 - 3) + (9 - 1) + (4 - 9)) / 3)


def test_patients_are_compared_and_not_their_cases():
    values = {("a", "dice"): {"1": 0.9, "2": 0.5, "3": 0.5}, ("b", "dice"): {"1": 0.6, "2": 0.4, "3": 0.6}}
    scores = scores_of(values, profile=profile_of("dice"), patients={"1": "P", "2": "P", "3": "Q"})
    row = compare_models(scores).row(0, named=True)
    assert row["n"] == 2
    assert row["mean_difference"] == pytest.approx(((0.3 + 0.1) / 2 - 0.1) / 2)


def test_metrics_without_a_better_direction_are_not_compared():
    metrics = ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")
    values = {(model, metric): {"1": 0.5, "2": 0.6} for model in "ab" for metric in metrics}
    table = compare_models(scores_of(values, profile=load_profile("autopet-iii")))
    assert table["metric"].to_list() == list(metrics[:3])


def test_p_values_do_not_underflow():
    cases = {f"{case:04}": case / 4000 for case in range(4000)}
    ahead = {case: value + 0.1 + value / 1000 for case, value in cases.items()}
    row = compare_models(scores_of({("a", "dice"): ahead, ("b", "dice"): cases}, profile=profile_of("dice"))).row(
        0, named=True
    )
    assert row["p"] == 0.0
    assert -670 < row["log10_p"] < -640  # z = sqrt(3n / 4 ...) = 54.8
    assert row["better"] == "a"
