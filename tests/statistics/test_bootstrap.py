import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import bootstrap_means, draw_patients, percentile_interval, ratio_draws


def test_draws_are_reproducible_and_draw_as_many_as_there_are():
    draws = draw_patients(7, draws=50, seed=3)
    assert draws.shape == (50, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert np.array_equal(draws, draw_patients(7, draws=50, seed=3))
    assert not np.array_equal(draws, draw_patients(7, draws=50, seed=4))


def test_draws_are_those_of_version_0_1_to_the_bit():
    draws = draw_patients(7, draws=50, seed=3)
    assert draws.dtype == np.int32
    assert hashlib.sha256(draws.tobytes()).hexdigest().startswith("20392780e217a26e69ec4b931546e234")
    assert draw_patients(5, draws=3, seed=2026).tolist() == [[2, 1, 0, 1, 1], [1, 2, 1, 1, 0], [0, 0, 0, 3, 2]]


def test_every_patient_comes_up_once_on_average():
    assert draw_patients(5, draws=20_000, seed=1).mean(axis=0) == pytest.approx(1.0, abs=0.03)
    strata = ["b", "a", "b", "b", "a"]
    assert draw_patients(5, draws=20_000, seed=1, strata=strata).mean(axis=0) == pytest.approx(1.0, abs=0.03)


@settings(deadline=None)
@given(strata=st.lists(st.integers(-2, 2), min_size=1, max_size=20), seed=st.integers(0, 50))
def test_every_class_keeps_its_size(strata, seed):
    draws = draw_patients(len(strata), draws=5, seed=seed, strata=strata)
    for label in set(strata):
        members = np.array(strata) == label
        assert (draws[:, members].sum(axis=1) == members.sum()).all()
    if len(set(strata)) == 1:
        assert np.array_equal(draws, draw_patients(len(strata), draws=5, seed=seed))


def test_strata_are_one_per_patient():
    with pytest.raises(ValueError, match="4 patients"):
        draw_patients(4, draws=1, seed=1, strata=[0, 1, 1])


def test_patients_bring_all_their_cases():
    values = np.array([[1.0, 10.0], [2.0, np.nan], [4.0, 40.0], [8.0, 80.0]])
    patients = np.array([0, 0, 1, 2])
    draws = draw_patients(3, draws=40, seed=5)
    found = bootstrap_means(values, patients, draws)
    for draw, means in zip(draws, found, strict=True):
        rows = np.concatenate([np.repeat(np.flatnonzero(patients == p), n) for p, n in enumerate(draw)])
        assert means[0] == pytest.approx(values[rows, 0].mean())
        assert means[1] == pytest.approx(np.nanmean(values[rows, 1]))


def test_ratios_equal_the_ratio_of_sums_over_the_drawn_cases():
    random = np.random.default_rng(2)
    below = random.integers(0, 4, 30).astype(float)
    above = np.floor(below * random.random(30))
    above[3], below[7] = np.nan, np.nan
    patients = random.integers(0, 9, 30)
    draws = draw_patients(9, draws=50, seed=3)
    for draw, ratio in zip(draws, ratio_draws(above, below, patients, draws), strict=True):
        rows = np.repeat(np.arange(30), draw[patients])
        rows = rows[~np.isnan(above[rows] + below[rows])]
        assert ratio == pytest.approx(above[rows].sum() / below[rows].sum())


def test_a_ratio_of_nothing_is_undefined():
    found = ratio_draws([0, 1], [0, 2], [0, 1], np.array([[2, 0], [1, 1]]))
    assert np.isnan(found[0])
    assert found[1] == 0.5
    with pytest.raises(ValueError, match="one shape"):
        ratio_draws([0, 1], [0], [0, 1], np.array([[2, 0]]))


def test_a_draw_without_values_has_no_mean():
    found = bootstrap_means([np.nan, 2.0], [0, 1], np.array([[2, 0], [1, 1]]))
    assert np.isnan(found[0])
    assert found[1] == 2.0


def test_agrees_with_scipy_where_every_patient_has_one_case():
    values = np.random.default_rng(0).beta(5, 2, 60)
    draws = draw_patients(60, draws=20_000, seed=9)
    low, high = percentile_interval(bootstrap_means(values, np.arange(60), draws), confidence=0.95)
    peer = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert (low, high) == pytest.approx((peer.low, peer.high), abs=0.002)
