import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import kruskal_wallis, log10_p_normal, mann_whitney
from oncohort.statistics.groups import _deviate

SIDES = ["two-sided", "greater", "less"]
VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=12)


def naive_u(a, b):
    return sum((x > y) + 0.5 * (x == y) for x in a for y in b)


@settings(deadline=None)
@given(a=VALUES, b=VALUES)
def test_u_and_effect_count_pairs(a, b):
    found = mann_whitney(a, b)
    assert found.statistic == naive_u(a, b)
    assert found.effect == pytest.approx(2 * naive_u(a, b) / (len(a) * len(b)) - 1)
    assert found.n == (len(a), len(b))
    other = mann_whitney(b, a)
    assert other.p == pytest.approx(found.p)
    assert other.effect == pytest.approx(-found.effect)


@pytest.mark.parametrize("alternative", SIDES)
@settings(deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(1, 4), m=st.integers(1, 4))
def test_small_groups_equal_going_through_all_divisions(alternative, seed, n, m):
    pooled = np.random.default_rng(seed).random(n + m)
    observed = naive_u(pooled[:n], pooled[n:])
    all_u = np.array(
        [
            naive_u(pooled[list(chosen)], np.delete(pooled, list(chosen)))
            for chosen in itertools.combinations(range(n + m), n)
        ]
    )
    above, below = np.mean(all_u >= observed), np.mean(all_u <= observed)
    p = {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}[alternative]
    found = mann_whitney(pooled[:n], pooled[n:], alternative=alternative)
    assert found.p == pytest.approx(p)
    assert "exact" in found.test


@pytest.mark.parametrize("alternative", SIDES)
@pytest.mark.parametrize("continuity", [True, False])
@pytest.mark.parametrize("shift", [0.0, 3.0, 50.0])
def test_the_logarithm_is_that_of_p_also_where_p_has_no_digits(alternative, continuity, shift):
    random = np.random.default_rng(2)
    a, b = np.round(random.normal(shift, 1, 400), 1), np.round(random.normal(0, 1, 300), 1)
    peer = stats.mannwhitneyu(a, b, use_continuity=continuity, alternative=alternative, method="asymptotic")
    found = mann_whitney(a, b, continuity=continuity, alternative=alternative)
    assert found.p == pytest.approx(peer.pvalue, rel=1e-12)
    assert found.log10_p == pytest.approx(np.log10(peer.pvalue), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("alternative", SIDES)
@pytest.mark.parametrize("continuity", [True, False])
@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.4])
def test_the_normal_deviate_behind_the_logarithm_gives_the_p_of_scipy(alternative, continuity, shift):
    random = np.random.default_rng(6)
    a, b = np.round(random.normal(shift, 1, 40), 1), np.round(random.normal(0, 1, 30), 1)
    found = stats.mannwhitneyu(a, b, use_continuity=continuity, alternative=alternative, method="asymptotic")
    z = _deviate(float(found.statistic), np.concatenate([a, b]), 40, continuity, alternative)
    assert log10_p_normal(z, alternative=alternative) == pytest.approx(np.log10(found.pvalue), rel=1e-9)


def test_far_tails_of_large_groups():
    a, b = np.repeat([0.0, 1.0], [100, 4000]), np.repeat([0.0, 1.0], [4000, 200])
    found = mann_whitney(a, b, continuity=False)
    pooled, n, m = np.concatenate([a, b]), a.size, b.size
    ties = sum(count**3 - count for count in np.unique(pooled, return_counts=True)[1].tolist())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    z = (found.statistic - n * m / 2) / np.sqrt(variance)
    assert found.p == 0.0
    assert found.log10_p == pytest.approx((np.log(2) + stats.norm.logsf(z)) / np.log(10), rel=1e-12)
    assert kruskal_wallis([a, b]).log10_p == pytest.approx(found.log10_p, rel=1e-10)
    assert mann_whitney(a, b, alternative="less").log10_p == pytest.approx(0.0, abs=1e-12)
    assert mann_whitney(b, a, alternative="less").log10_p < -400


@settings(deadline=None)
@given(groups=st.lists(VALUES, min_size=2, max_size=4))
def test_kruskal_wallis_equals_its_definition(groups):
    pooled = np.concatenate(groups)
    found = kruskal_wallis(groups)
    if len(set(pooled)) == 1:
        assert (found.p, found.log10_p, found.effect, found.reason) == (1.0, 0.0, 0.0, "all values are equal")
        assert (found.statistic, found.df) == (0.0, len(groups) - 1)
        return
    ranks = stats.rankdata(pooled)
    size, centre = pooled.size, (pooled.size + 1) / 2
    parts = np.split(ranks, np.cumsum([len(group) for group in groups])[:-1])
    between = sum(part.size * (part.mean() - centre) ** 2 for part in parts)
    h = (size - 1) * between / ((ranks - centre) ** 2).sum()
    assert found.statistic == pytest.approx(h, abs=1e-9)
    assert found.effect == pytest.approx(h / (size - 1), abs=1e-9)
    assert found.p == pytest.approx(stats.chi2.sf(h, len(groups) - 1), abs=1e-9)
    assert found.log10_p == pytest.approx(np.log10(found.p))


def test_infinite_values_are_the_greatest():
    assert mann_whitney([1.0, np.inf, np.inf], [2.0, 3.0]).statistic == 4.0
    assert kruskal_wallis([[1.0, np.inf], [2.0, 3.0]]).p == kruskal_wallis([[1.0, 9.0], [2.0, 3.0]]).p


def test_equal_values_and_empty_groups():
    equal = mann_whitney([1, 1, 1], [1, 1])
    assert (equal.statistic, equal.p, equal.effect, equal.reason) == (3.0, 1.0, 0.0, "all values are equal")
    for found in (mann_whitney([], [1.0]), kruskal_wallis([[1.0], [], [2.0]])):
        assert np.isnan([found.p, found.log10_p, found.statistic, found.effect]).all()
        assert found.reason == "a group is empty"
    with pytest.raises(ValueError, match="NaN"):
        mann_whitney([np.nan], [1.0])
    with pytest.raises(ValueError, match="two groups"):
        kruskal_wallis([[1.0]])


def test_large_groups_are_not_enumerated():
    random = np.random.default_rng(1)
    assert "normal" in mann_whitney(random.random(8), random.random(1001)).test
    assert "exact" in mann_whitney(random.random(8), random.random(1000)).test
