import numpy as np
import pytest

from oncohort.statistics import auc_draws, bootstrap_means, jackknife, jackknife_patients


def test_leaves_out_all_cases_of_a_patient():
    random = np.random.default_rng(0)
    values, owner = random.random(30), random.integers(0, 8, 30)
    found = jackknife_patients(lambda draws: bootstrap_means(values, owner, draws), patients=8)
    assert found == pytest.approx([values[owner != patient].mean() for patient in range(8)])


def test_works_in_blocks_for_columns_and_for_named_patients(monkeypatch):
    values = np.random.default_rng(1).random((12, 3))

    def statistic(draws):
        return bootstrap_means(values, np.arange(12), draws)

    plain = jackknife_patients(statistic, patients=12)
    monkeypatch.setattr(jackknife, "_BLOCK", 30)
    assert np.array_equal(jackknife_patients(statistic, patients=12), plain)
    assert np.array_equal(jackknife_patients(statistic, patients=12, members=[3, 5]), plain[[3, 5]])
    assert jackknife_patients(statistic, patients=12, members=[]).size == 0


def test_serves_the_area_under_the_curve():
    scores, truth = np.array([0.1, 0.6, 0.5, 0.9]), np.array([False, False, True, True])
    found = jackknife_patients(lambda draws: auc_draws(scores, truth, None, draws), patients=4)
    assert found.tolist() == [0.5, 1.0, 1.0, 0.5]
