import numpy as np
import pytest

from oncohort.kernels import weighted_auc as module
from oncohort.kernels.weighted_auc import weigh_ap, weigh_auc


def cases(seed, size=40, patients=12):
    random = np.random.default_rng(seed)
    scores = random.integers(0, 9, size) / 8.0
    scores[scores == 0.0] = -np.inf
    truth = random.random(size) < 0.4
    draws = random.integers(0, 4, (6, patients)).astype(np.int32)
    return scores, truth, random.integers(0, patients, size).astype(np.intp), draws


@pytest.mark.parametrize(("function", "name"), [(weigh_auc, "_weigh_auc"), (weigh_ap, "_weigh_ap")])
def test_is_the_same_with_the_jit_off(function, name, monkeypatch):
    compiled = [function(*cases(seed)) for seed in range(5)]
    monkeypatch.setattr(module, name, getattr(module, name).py_func)
    plain = [function(*cases(seed)) for seed in range(5)]
    assert np.array_equal(compiled, plain, equal_nan=True)


@pytest.mark.parametrize("function", [weigh_auc, weigh_ap])
def test_takes_any_memory_order_and_no_cases(function):
    scores, truth, patients, draws = cases(7)
    found = function(scores, truth, patients, np.asfortranarray(draws))
    assert np.array_equal(found, function(scores, truth, patients, draws), equal_nan=True)
    none = function(scores[:0], truth[:0], patients[:0], draws)
    assert np.isnan(none).all()
    assert none.shape == (6,)


def test_counts_of_a_million_patients_do_not_overflow():
    scores = np.repeat([0.0, 1.0], 2)
    truth = np.array([False, False, True, True])
    draws = np.full((1, 4), 2**28, np.int32)
    assert weigh_auc(scores, truth, np.arange(4), draws).tolist() == [1.0]
