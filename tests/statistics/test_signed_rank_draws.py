"""The signed-rank statistic of every draw equals the one of the drawn sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import draw_patients
from oncohort.statistics.signed_rank_draws import signed_rank_z


def naive(differences):
    """Straight from the definition, on a sample with repetitions."""
    kept = np.asarray([one for one in differences if one != 0])
    if kept.size == 0:
        return 0.0
    ranks = stats.rankdata(np.abs(kept))
    return float((np.sign(kept) * ranks).sum() / np.sqrt((ranks**2).sum()))


@given(
    st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=14),
    st.integers(0, 2**31),
)
def test_each_draw_is_the_test_of_its_sample(differences, seed):
    draws = draw_patients(len(differences), draws=5, seed=seed)
    found = signed_rank_z(differences, np.arange(len(differences)), draws)
    for counts, z in zip(draws, found, strict=True):
        assert z == pytest.approx(naive(np.repeat(differences, counts)), abs=1e-12)


def test_scipy_agrees_without_ties_and_zeros():
    differences = np.random.default_rng(3).normal(0.2, 1, 40)
    z = signed_rank_z(differences, np.arange(40), np.ones((1, 40), np.int32))[0]
    found = stats.wilcoxon(differences, correction=False, method="asymptotic")
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(found.pvalue, rel=1e-9)


def test_patients_enter_with_their_mean_and_incomplete_pairs_are_left_out():
    ones = np.ones((1, 3), np.int32)
    by_case = signed_rank_z([1.0, 3.0, -1.0, np.nan, 0.5], [0, 0, 1, 1, 2], ones)
    assert by_case[0] == pytest.approx(naive([2.0, -1.0, 0.5]))


def test_swapping_turns_the_sign_and_nothing_left_is_zero():
    values, patients, ones = np.array([0.3, -0.1, 0.7, 0.7]), np.arange(4), np.ones((2, 4), np.int32)
    assert signed_rank_z(values, patients, ones) == pytest.approx(-signed_rank_z(-values, patients, ones))
    assert signed_rank_z(np.zeros(4), patients, ones).tolist() == [0.0, 0.0]
    assert signed_rank_z(np.full(4, np.nan), patients, ones).tolist() == [0.0, 0.0]
