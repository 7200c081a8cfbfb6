import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import compare_paired

SIDES = ["two-sided", "greater", "less"]
NAN, INF = float("nan"), float("inf")


def naive_signed_rank(differences, zero, alternative):
    """W+, W+ + W- and p by going through all signs."""
    kept = [d for d in differences if d or zero == "pratt"]
    ranks = [1 + sum(abs(e) < abs(d) for e in kept) + (sum(abs(e) == abs(d) for e in kept) - 1) / 2 for d in kept]
    pairs = [(rank, d) for rank, d in zip(ranks, kept, strict=True) if d]
    observed = sum(rank for rank, d in pairs if d > 0)
    totals = np.array([sum(r for (r, _), on in zip(pairs, signs, strict=True) if on) for signs in all_signs(pairs)])
    above, below = np.mean(totals >= observed), np.mean(totals <= observed)
    p = {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}[alternative]
    return observed, sum(rank for rank, _ in pairs), p


def all_signs(pairs):
    return itertools.product((False, True), repeat=len(pairs))


@pytest.mark.parametrize("zero", ["wilcox", "pratt"])
@pytest.mark.parametrize("alternative", SIDES)
@settings(deadline=None)
@given(differences=st.lists(st.integers(-4, 4), min_size=1, max_size=8))
def test_equals_going_through_all_signs(zero, alternative, differences):
    found = compare_paired(differences, np.zeros(len(differences)), zero=zero, alternative=alternative)
    positive, total, p = naive_signed_rank(differences, zero, alternative)
    assert found.statistic == positive
    assert found.rank_biserial == pytest.approx((2 * positive - total) / total if total else 0.0)
    assert found.p == pytest.approx(p if total else 1.0)
    assert found.log10_p == pytest.approx(np.log10(found.p))
    assert found.n_zero == differences.count(0)
    assert found.mean_difference == pytest.approx(np.mean(differences))
    assert found.median_difference == np.median(differences)


@pytest.mark.parametrize("alternative", SIDES)
@pytest.mark.parametrize("size", [5, 30, 50, 51, 400])
def test_equals_scipy_without_ties(size, alternative):
    random = np.random.default_rng(size)
    a, b = random.random(size), random.random(size)
    found = compare_paired(a, b, alternative=alternative)
    assert found.p == pytest.approx(stats.wilcoxon(a, b, alternative=alternative).pvalue, rel=1e-12)
    assert ("exact" in found.test) == (size <= 50)


@pytest.mark.parametrize("zero", ["wilcox", "pratt"])
@pytest.mark.parametrize("alternative", SIDES)
def test_equals_scipy_with_ties_and_zeros_where_both_are_normal(zero, alternative):
    a = np.random.default_rng(8).integers(-3, 5, 200)
    found = compare_paired(a, np.zeros(200), zero=zero, alternative=alternative)
    peer = stats.wilcoxon(a, zero_method=zero, alternative=alternative, method="asymptotic")
    assert found.p == pytest.approx(peer.pvalue, rel=1e-12)


def test_no_p_value_is_too_small_for_its_logarithm():
    ranks = np.arange(1, 26_490)
    z = ranks.sum() / 2 / np.sqrt(26_489 * 26_490 * 52_979 / 24)
    for alternative, sides in (("two-sided", 2.0), ("greater", 1.0)):
        found = compare_paired(ranks / 1e5, np.zeros(26_489), alternative=alternative)
        assert found.p == 0.0
        assert found.log10_p == pytest.approx((stats.norm.logsf(z) + np.log(sides)) / np.log(10), rel=1e-12)
    assert compare_paired(ranks, np.zeros(26_489), alternative="less").log10_p == 0.0


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=70))
def test_a_model_does_not_differ_from_itself(values):
    found = compare_paired(values, values)
    assert (found.p, found.log10_p, found.rank_biserial, found.hodges_lehmann) == (1.0, 0.0, 0.0, 0.0)
    assert found.n == found.n_zero == len(values)


@settings(deadline=None)
@given(seed=st.integers(0, 99), size=st.integers(1, 70), zero=st.sampled_from(["wilcox", "pratt"]))
def test_exchanging_the_models_turns_the_signs(seed, size, zero):
    a, b = np.random.default_rng(seed).integers(0, 6, (2, size)) / 5.0
    one, other = compare_paired(a, b, zero=zero), compare_paired(b, a, zero=zero)
    assert other.p == pytest.approx(one.p)
    for name in ("mean_difference", "median_difference", "hodges_lehmann", "rank_biserial"):
        assert getattr(other, name) == pytest.approx(-getattr(one, name), abs=1e-12)


def test_the_unit_is_the_patient():
    a, b = np.array([0.9, 0.5, 0.8, 0.1, 0.4]), np.array([0.1, 0.3, 0.9, 0.3, 0.0])
    found = compare_paired(a, b, patients=[5, 5, 2, 2, 9])
    alone = compare_paired([-0.15, 0.5, 0.4], [0.0, 0.0, 0.0])
    assert found.n == 3
    assert found.p == alone.p
    assert found.mean_difference == pytest.approx(0.25)
    assert found.hodges_lehmann == pytest.approx(alone.hodges_lehmann)


def test_what_is_undefined_for_both_is_left_out_and_counted():
    found = compare_paired([0.9, NAN, NAN, 0.5], [0.8, NAN, NAN, 0.1], patients=[0, 0, 1, 2])
    assert (found.n, found.n_left_out) == (2, 1)
    none = compare_paired([NAN], [NAN])
    assert (none.n, none.n_left_out, none.n_zero) == (0, 1, 0)
    assert all(np.isnan([none.p, none.log10_p, none.mean_difference, none.median_difference, none.hodges_lehmann]))


def test_what_is_undefined_for_one_is_refused():
    with pytest.raises(ValueError, match="1 cases with one; give a missing one the worst"):
        compare_paired([0.9, NAN], [0.8, 0.1])
    with pytest.raises(ValueError, match="one length"):
        compare_paired([0.9, 0.7], [0.8])
    with pytest.raises(ValueError, match="inf and -inf"):
        compare_paired([INF, 0.0], [0.0, INF], patients=[0, 0])


def test_an_infinite_distance_is_the_worst_and_ranks_as_such():
    distances = np.array([3.0, 5.0, INF, 2.0, INF, 1.0])
    others = np.array([2.0, 7.0, 4.0, 1.5, INF, 0.0])
    found = compare_paired(distances, others)
    finite = compare_paired(np.minimum(distances, 1e6), np.minimum(others, 1e6))
    assert (found.p, found.statistic, found.n_zero) == (finite.p, finite.statistic, 1)
    assert found.median_difference == finite.median_difference
    assert np.isnan([found.mean_difference, found.hodges_lehmann]).all()
    assert compare_paired([INF], [0.0]).median_difference == INF
    assert np.isnan(compare_paired([INF, 0.0], [0.0, INF]).median_difference)
