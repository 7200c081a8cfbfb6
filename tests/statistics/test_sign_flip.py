import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import sign_flip, sign_flip_test


def naive_p(differences, patients, alternative):
    """Share of all sign patterns of patients with a sum at least as extreme."""
    ids = sorted(set(patients))
    sign = {"greater": 1, "less": -1, "two-sided": None}[alternative]
    sums = [
        sum(d * signs[ids.index(p)] for d, p in zip(differences, patients, strict=True))
        for signs in itertools.product((1, -1), repeat=len(ids))
    ]
    extreme = np.abs(sums) if sign is None else np.array(sums) * sign
    return np.mean(extreme >= extreme[0] - 1e-9)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@settings(deadline=None)
@given(data=st.data())
def test_all_patterns_equal_the_definition(alternative, data):
    size = data.draw(st.integers(1, 7))
    differences = [n / 10 for n in data.draw(st.lists(st.integers(-5, 5), min_size=size, max_size=size))]
    patients = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    found = sign_flip_test(differences, patients, permutations=200, seed=1, alternative=alternative)
    assert found.p == pytest.approx(naive_p(differences, patients, alternative))
    assert found.test == "all sign patterns"
    assert found.n == len(set(patients))
    assert found.log10_p == pytest.approx(np.log10(found.p))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_drawn_patterns_come_near_all_patterns(alternative):
    differences = np.random.default_rng(3).normal(0.3, 1.0, 14)
    exact = sign_flip_test(differences, permutations=2**14, seed=1, alternative=alternative)
    drawn = sign_flip_test(differences, permutations=2**14 - 1, seed=1, alternative=alternative)
    assert (exact.test, drawn.test) == ("all sign patterns", "drawn sign patterns")
    assert drawn.p == pytest.approx(exact.p, abs=0.015)
    peer = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=2**14, alternative=alternative
    )
    assert exact.p == pytest.approx(peer.pvalue)


def test_the_observed_pattern_counts_as_one_of_the_drawn(monkeypatch):
    found = sign_flip_test(np.ones(40), permutations=999, seed=1)
    assert found.p == 1 / 1000
    monkeypatch.setattr(sign_flip, "_BLOCK", 400)
    assert sign_flip_test(np.ones(40), permutations=999, seed=1) == found


def test_blocks_do_not_change_the_draws(monkeypatch):
    differences = np.random.default_rng(5).normal(0.1, 1.0, 60)
    plain = sign_flip_test(differences, permutations=500, seed=7)
    monkeypatch.setattr(sign_flip, "_BLOCK", 60 * 64)
    assert sign_flip_test(differences, permutations=500, seed=7) == plain


def test_equal_models_and_no_cases():
    assert sign_flip_test([0.0] * 30, permutations=100, seed=1).p == 1.0
    none = sign_flip_test([], permutations=100, seed=1)
    assert np.isnan([none.p, none.log10_p, none.mean_difference]).all()


@pytest.mark.parametrize(("differences", "permutations"), [([np.nan], 9), ([np.inf], 9), ([1.0], 0)])
def test_what_cannot_be_flipped_is_refused(differences, permutations):
    with pytest.raises(ValueError, match="expected"):
        sign_flip_test(differences, permutations=permutations, seed=1)
