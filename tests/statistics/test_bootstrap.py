import numpy as np
import pytest
from scipy import stats

from oncohort.statistics import bootstrap_means, draw_patients, percentile_interval


def test_draws_are_reproducible_and_draw_as_many_as_there_are():
    draws = draw_patients(7, draws=50, seed=3)
    assert draws.shape == (50, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert np.array_equal(draws, draw_patients(7, draws=50, seed=3))
    assert not np.array_equal(draws, draw_patients(7, draws=50, seed=4))


def test_every_patient_comes_up_once_on_average():
    assert draw_patients(5, draws=20_000, seed=1).mean(axis=0) == pytest.approx(1.0, abs=0.03)


def test_patients_bring_all_their_cases():
    values = np.array([[1.0, 10.0], [2.0, np.nan], [4.0, 40.0], [8.0, 80.0]])
    patients = np.array([0, 0, 1, 2])
    draws = draw_patients(3, draws=40, seed=5)
    found = bootstrap_means(values, patients, draws)
    for draw, means in zip(draws, found, strict=True):
        rows = np.concatenate([np.repeat(np.flatnonzero(patients == p), n) for p, n in enumerate(draw)])
        assert means[0] == pytest.approx(values[rows, 0].mean())
        assert means[1] == pytest.approx(np.nanmean(values[rows, 1]))


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


def test_interval_cuts_equal_tails_and_leaves_nan_out():
    samples = np.append(np.arange(1001.0), [np.nan] * 5)
    assert percentile_interval(samples, confidence=0.95) == pytest.approx((25.0, 975.0))
    assert percentile_interval([np.nan], confidence=0.95) is None
    assert percentile_interval([], confidence=0.95) is None
