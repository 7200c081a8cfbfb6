"""Three ways from values to places, each against a loop straight from its definition."""

import numpy as np
import pytest
from board_rows import EMPTY, MISSING, NO_REFERENCE, profile_of, random_values, scores_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.errors import SettingsError
from oncohort.leaderboard import RANK, rank
from oncohort.leaderboard.places import aligned_values, combine_places, order_means, order_models, rank_cases
from oncohort.leaderboard.quantities import CaseMean, Sample
from oncohort.metrics import Direction
from oncohort.statistics import draw_patients

CELLS = st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, np.nan, "failed"])
TABLES = st.integers(1, 7).flatmap(
    lambda cases: st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=cases, max_size=cases)
)


def arrays(table):
    failed = np.array([[cell == "failed" for cell in row] for row in table])
    return np.array([[np.nan if cell == "failed" else float(cell) for cell in row] for row in table]), failed


def places(table, metric="dice"):
    rows = table.filter(metric=metric, subset="all")
    return dict(zip(rows["model"], rows["rank"], strict=True))


def naive_case_rank(row, failed):
    """1 + number of better models; failed ones are behind all others."""
    costs = [np.inf if bad else -value for value, bad in zip(row, failed, strict=True)]
    return [np.nan if np.isnan(cost) else 1 + sum(other < cost for other in costs) for cost in costs]


@given(TABLES)
def test_ranks_of_cases_are_those_of_a_loop(table):
    values, failed = arrays(table)
    expected = [naive_case_rank(row, bad) for row, bad in zip(values, failed, strict=True)]
    assert np.array_equal(rank_cases(values, failed, ascending=False), np.array(expected), equal_nan=True)
    assert np.array_equal(
        rank_cases(-values, failed, ascending=True), rank_cases(values, failed, ascending=False), equal_nan=True
    )


@settings(max_examples=60)
@given(TABLES, st.sampled_from(["mean-then-rank", "rank-then-mean", "test-based"]), st.integers(0, 999))
def test_a_draw_gives_the_order_of_the_drawn_cases(table, method, seed):
    """Weights of patients do what repeating their cases does."""
    values, failed = arrays(table)
    cases = len(table)
    quantity = CaseMean("lesion", "dice", Direction.HIGHER, values, failed)
    (weights,) = draw_patients(cases, draws=1, seed=seed)
    sample = Sample(np.ones(cases, bool), np.arange(cases))
    found = order_models(quantity, sample, weights[None], method=method)
    again = np.repeat(np.arange(cases), weights)
    repeated = CaseMean("lesion", "dice", Direction.HIGHER, values[again], failed[again])
    ones = np.ones((1, cases), np.int32)
    if method == "test-based":  # the worst value that anybody has is that of all cases, not of the draw
        fixed = aligned_values(values, failed, ascending=False)
        repeated = CaseMean("lesion", "dice", Direction.HIGHER, fixed[again], np.zeros_like(failed))
    expected = order_models(repeated, Sample(np.ones(cases, bool), np.arange(cases)), ones, method=method)
    assert found.places.tolist() == expected.places.tolist()
    assert found.rank_scores == pytest.approx(expected.rank_scores, nan_ok=True)


def test_means_come_before_failures_and_fewer_failures_before_more():
    means, failures = np.array([0.2, 0.9, 0.8, np.nan, 0.9]), np.array([0.0, 0.5, 0.25, 0.0, 0.5])
    assert order_means(means, failures, ascending=False).tolist() == [1, 3, 2, 5, 3]
    assert combine_places(np.array([1, 1, 1]), np.array([1, 1, 3])).tolist() == [1, 1, 3]


def test_the_three_methods_on_values_that_part_them():
    # a is best by mean because of one case; b wins two of three cases
    profile = profile_of("dice")
    values = {("a", "dice"): {"1": 1.0, "2": 0.4, "3": 0.4}, ("b", "dice"): {"1": 0.5, "2": 0.5, "3": 0.5}}
    scores = scores_of(values, profile=profile)
    assert places(rank(scores, bootstrap=0)) == {"a": 1.0, "b": 2.0}
    assert places(rank(scores, bootstrap=0, method="mean-then-rank")) == {"a": 1.0, "b": 2.0}
    by_rank = rank(scores, bootstrap=0, method="rank-then-mean")
    assert places(by_rank) == {"a": 2.0, "b": 1.0}
    overall = dict(zip(*by_rank.filter(metric=RANK)[["model", "estimate"]], strict=True))
    assert overall == pytest.approx({"a": 5 / 3, "b": 4 / 3})
    assert places(rank(scores, bootstrap=0, method="test-based")) == {"a": 1.0, "b": 1.0}  # nothing is significant


def test_test_based_counts_the_significant_wins_of_scipy():
    models = ("a", "b", "c", "d")
    values = random_values(models, 30, seed=5)
    for shift, model in zip((0.0, 0.12, 0.3, 0.31), models, strict=True):
        values[model, "dice"] = {case: value + shift for case, value in values[model, "dice"].items()}
    columns = {model: np.array(list(values[model, "dice"].values())) for model in models}
    wins = {
        one: sum(
            stats.wilcoxon(columns[one] - columns[two], alternative="greater", correction=False, method="approx").pvalue
            < 0.05
            for two in models
            if two != one
        )
        for one in models
    }
    assert len(set(wins.values())) > 1
    found = places(rank(scores_of(values, profile=profile_of("dice")), bootstrap=0, method="test-based"))
    assert found == {one: 1.0 + sum(wins[two] > wins[one] for two in models) for one in models}


@pytest.mark.parametrize("method", ["mean-then-rank", "rank-then-mean", "test-based"])
def test_predicting_nothing_never_improves_a_place(method):
    """`hd95_mm` has no value for an empty or missing prediction, and yet that is the worst."""
    full = {str(case): float(case + 1) for case in range(12)}
    for reason in (EMPTY, MISSING, "prediction_unreadable"):
        lazy = {case: value if value < 3 else reason for case, value in full.items()}
        values = {("full", "hd95_mm"): full, ("lazy", "hd95_mm"): lazy}
        table = rank(scores_of(values, profile=profile_of("hd95_mm")), bootstrap=50, method=method)
        assert places(table, "hd95_mm") == {"full": 1.0, "lazy": 2.0}, reason
        assert places(table, RANK) == {"full": 1.0, "lazy": 2.0}, reason


def test_a_case_that_nobody_can_have_a_value_for_changes_nothing():
    values = {("a", "dice"): {"1": 0.9, "2": NO_REFERENCE}, ("b", "dice"): {"1": 0.5, "2": NO_REFERENCE}}
    for method in ("mean-then-rank", "rank-then-mean"):
        table = rank(scores_of(values, profile=profile_of("dice")), bootstrap=0, method=method)
        assert places(table) == {"a": 1.0, "b": 2.0}
        assert table.filter(metric="dice")["n"].to_list() == [1, 1]


@pytest.mark.parametrize(
    "wrong",
    [{"method": "median"}, {"interval": "t"}, {"bootstrap": -1}, {"seed": -1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_settings_are_refused(wrong):
    scores = scores_of(random_values("ab", 3, seed=1), profile=profile_of("dice"))
    with pytest.raises(SettingsError):
        rank(scores, **wrong)
