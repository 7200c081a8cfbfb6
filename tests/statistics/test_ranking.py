import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import kendall_tau, kendall_taus, rank_distribution, rank_values

RANKING = st.lists(st.integers(0, 5), min_size=1, max_size=9)


def test_equal_values_share_the_better_place():
    assert rank_values([3.0, 1.0, 3.0, 2.0], ascending=True).tolist() == [3, 1, 3, 2]
    assert rank_values([3.0, 1.0, 3.0, 2.0], ascending=False).tolist() == [1, 4, 1, 3]


def test_no_value_comes_last_in_both_directions():
    nan = float("nan")
    for ascending in (True, False):
        assert rank_values([nan, 1.0, nan], ascending=ascending).tolist() == [2, 1, 2]


def test_ranks_along_the_last_axis():
    assert rank_values(np.array([[1.0, 2.0], [2.0, 1.0]]), ascending=True).tolist() == [[1, 2], [2, 1]]


def naive_tau(a, b):
    """(concordant - discordant) / sqrt(pairs untied in a * pairs untied in b)."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in pairs]
    untied = sum(s != 0 for s, _ in signs) * sum(t != 0 for _, t in signs)
    return sum(s * t for s, t in signs) / np.sqrt(untied) if untied else np.nan


@settings(deadline=None)
@given(a=RANKING, seed=st.integers(0, 99))
def test_tau_equals_its_definition_and_scipy(a, seed):
    b = np.random.default_rng(seed).integers(0, 4, len(a))
    found = kendall_tau(a, b)
    assert found == pytest.approx(naive_tau(a, b), nan_ok=True)
    if not np.isnan(found):
        assert found == pytest.approx(stats.kendalltau(a, b).statistic)
    assert kendall_tau(b, a) == pytest.approx(found, nan_ok=True)
    assert kendall_tau(a, [-value for value in b]) == pytest.approx(-found, nan_ok=True)


def test_tau_of_many_draws_is_that_of_each():
    draws = np.random.default_rng(1).integers(1, 7, (50, 6))
    expected = [kendall_tau(draw, [1, 2, 3, 4, 5, 6]) for draw in draws]
    assert kendall_taus(draws, [1, 2, 3, 4, 5, 6]) == pytest.approx(expected, nan_ok=True)


def test_tau_takes_infinite_values_and_knows_when_there_is_no_order():
    assert kendall_tau([np.inf, 1.0, -np.inf], [3, 2, 1]) == 1.0
    assert np.isnan(kendall_tau([1.0, np.nan], [1, 2]))
    assert np.isnan(kendall_tau([1.0, 2.0, np.nan], [1, 2, 3]))
    assert np.isnan(kendall_tau([np.nan, 1.0, 2.0], [1, 2, 3]))
    assert np.isnan(kendall_tau([1], [1]))
    with pytest.raises(ValueError, match="one length"):
        kendall_tau([1, 2], [1, 2, 3])


@settings(deadline=None)
@given(draws=st.integers(1, 60), models=st.integers(1, 6), seed=st.integers(0, 99))
def test_distribution_counts_places_and_cuts_no_more_than_its_share(draws, models, seed):
    values = np.random.default_rng(seed).integers(0, 4, (draws, models))
    places = rank_values(values, ascending=True)
    found = rank_distribution(places, confidence=0.9)
    assert found.shares.sum(axis=1) == pytest.approx(1.0)
    for model in range(models):
        column = places[:, model]
        assert found.shares[model].tolist() == [np.mean(column == place) for place in range(1, models + 1)]
        assert np.mean(column < found.low[model]) <= 0.05 + 1e-12
        assert np.mean(column <= found.low[model]) > 0.05 - 1e-12
        assert np.mean(column > found.high[model]) <= 0.05 + 1e-12
        assert {found.low[model], found.high[model]} <= set(column.tolist())
    assert (found.first == found.shares[:, 0]).all()


def test_distribution_of_a_thousand_draws_cuts_twenty_five():
    places = np.ones((1000, 3), int)
    places[:25, 0], places[:26, 1] = 3, 3
    found = rank_distribution(places)
    assert found.high.tolist() == [1, 3, 1]
    assert found.low.tolist() == [1, 1, 1]


@pytest.mark.parametrize("places", [[[0, 1]], [[1, 3]], [], [1, 2], np.zeros((0, 3))])
def test_places_that_are_none_are_refused(places):
    with pytest.raises(ValueError, match="places"):
        rank_distribution(places)
