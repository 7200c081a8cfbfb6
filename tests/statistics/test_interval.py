import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import (
    Interval,
    bca_interval,
    bootstrap_means,
    draw_patients,
    jackknife_patients,
    median_interval,
    percentile_interval,
)


def test_percentiles_cut_equal_tails_and_leave_nan_out():
    samples = np.append(np.arange(1001.0), [np.nan] * 5)
    assert percentile_interval(samples, confidence=0.95) == pytest.approx((25.0, 975.0))
    assert percentile_interval([np.nan], confidence=0.95) is None
    assert percentile_interval([], confidence=0.95) is None


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("seed", range(4))
def test_bca_equals_scipy_on_the_same_draws(confidence, seed):
    values = np.random.default_rng(seed).lognormal(size=35)
    owner = np.arange(35)
    peer = stats.bootstrap((values,), np.mean, n_resamples=999, confidence_level=confidence, method="BCa", rng=seed)
    jackknife = jackknife_patients(lambda draws: bootstrap_means(values, owner, draws), patients=35)
    found = bca_interval(peer.bootstrap_distribution, values.mean(), jackknife, confidence=confidence)
    assert found.method == "bca"
    assert found[:2] == pytest.approx(tuple(peer.confidence_interval), rel=1e-12)


def test_bca_equals_scipy_where_many_draws_equal_the_estimate():
    values = np.random.default_rng(2).integers(0, 2, 25)
    peer = stats.bootstrap((values,), np.mean, n_resamples=999, method="BCa", rng=1)
    jackknife = [np.delete(values, n).mean() for n in range(25)]
    assert (peer.bootstrap_distribution == values.mean()).mean() > 0.1
    found = bca_interval(peer.bootstrap_distribution, values.mean(), jackknife, confidence=0.95)
    assert found[:2] == pytest.approx(tuple(peer.confidence_interval), rel=1e-12)


def test_bca_leaves_out_patients_and_not_cases():
    random = np.random.default_rng(5)
    owner = np.repeat(np.arange(20), 4)
    values = np.repeat(random.lognormal(size=20), 4) + random.normal(scale=0.01, size=80)
    draws = draw_patients(20, draws=2000, seed=1)
    samples = bootstrap_means(values, owner, draws)

    def interval(owner, patients):
        jackknife = jackknife_patients(lambda draws: bootstrap_means(values, owner, draws), patients=patients)
        return bca_interval(samples, values.mean(), jackknife, confidence=0.95)

    assert interval(owner, 20).high > interval(np.arange(80), 80).high


def test_bca_does_not_change_with_nan_draws_and_needs_a_number():
    samples = np.random.default_rng(1).gamma(3.0, size=500)
    plain = bca_interval(samples, 3.0, [2.9, 3.0, 3.3], confidence=0.9)
    assert bca_interval(np.append(samples, np.nan), 3.0, [2.9, np.nan, 3.0, 3.3], confidence=0.9) == plain
    assert bca_interval([np.nan], 3.0, [2.9, 3.0], confidence=0.9) is None


@pytest.mark.parametrize(
    ("samples", "estimate", "jackknife", "reason"),
    [
        ([1.0, 1.0], 1.0, [1.0, 1.0], "does not change"),
        ([1.0, 2.0], 1.5, [], "does not change"),
        ([1.0, 2.0], 0.5, [0.4, 0.6], "one side"),
        ([1.0, 2.0], 2.5, [0.4, 0.6], "one side"),
        (np.arange(1e6), 999_998.9, [0.0] * 1000 + [-1e9], "range of the draws"),
    ],
)
def test_where_bca_has_no_answer_it_says_so_and_gives_percentiles(samples, estimate, jackknife, reason):
    found = bca_interval(samples, estimate, jackknife, confidence=0.95)
    assert found.method == "percentile"
    assert reason in found.reason
    assert found[:2] == percentile_interval(samples, confidence=0.95)


@settings(deadline=None)
@given(
    samples=st.lists(st.floats(-5, 5), min_size=1, max_size=30),
    jackknife=st.lists(st.floats(-5, 5), max_size=10),
    estimate=st.floats(-5, 5),
)
def test_bca_stays_within_the_draws_and_in_order(samples, jackknife, estimate):
    found = bca_interval(samples, estimate, jackknife, confidence=0.95)
    assert min(samples) <= found.low <= found.high <= max(samples)
    assert bool(found.reason) == (found.method == "percentile")


def coverage(n, low, high):
    """Probability that the median lies between two of n values, by all signs of the values less the median."""
    below = [sum(signs) for signs in itertools.product((0, 1), repeat=n)]
    return np.mean([low + 1 <= count <= high for count in below])


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", range(1, 13))
def test_median_interval_is_the_narrowest_that_covers(n, confidence):
    found = median_interval(np.random.default_rng(n).permutation(n), confidence=confidence)
    possible = [k for k in range((n + 1) // 2) if coverage(n, k, n - 1 - k) >= confidence]
    if not possible:
        assert found is None
    else:
        assert found == Interval(max(possible), n - 1 - max(possible), "order statistics")


def test_median_interval_uses_its_confidence_up():
    assert median_interval([1, 2, 3], confidence=0.75)[:2] == (1.0, 3.0)
    assert median_interval([1, 2, 3], confidence=0.7501) is None


def test_median_interval_of_conover():
    # n 100, 95 %: the 40th and the 61st value (tables of the binomial distribution)
    assert median_interval(np.arange(1, 101), confidence=0.95)[:2] == (40.0, 61.0)
    assert median_interval([], confidence=0.95) is None
    with pytest.raises(ValueError, match="NaN"):
        median_interval([1.0, np.nan], confidence=0.95)
