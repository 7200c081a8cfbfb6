import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import benjamini_hochberg, holm

FAMILIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def naive_holm(p):
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    for step, test in enumerate(order):
        adjusted[test] = max(min(1.0, (len(p) - earlier) * p[order[earlier]]) for earlier in range(step + 1))
    return adjusted


def naive_bh(p):
    return [min(min(1.0, q * len(p) / sum(r <= q for r in p)) for q in p if q >= own) for own in p]


@settings(deadline=None)
@given(p=FAMILIES)
def test_equal_their_definitions(p):
    assert holm(p) == pytest.approx(naive_holm(np.array(p)))
    assert benjamini_hochberg(p) == pytest.approx(naive_bh(p))
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@settings(deadline=None)
@given(p=FAMILIES)
def test_never_below_the_plain_ones_and_bh_never_above_holm(p):
    assert (holm(p) >= benjamini_hochberg(p) - 1e-15).all()
    assert (benjamini_hochberg(p) >= np.array(p) - 1e-15).all()


@settings(deadline=None)
@given(p=st.lists(st.floats(1e-300, 1), min_size=1, max_size=12))
def test_logarithms_give_the_same(p):
    for function in (holm, benjamini_hochberg):
        assert function(np.log10(p), log10=True) == pytest.approx(np.log10(function(p)), abs=1e-12)


def test_logarithms_reach_where_numbers_are_zero():
    assert holm([-1535.0, -2.0, -400.0], log10=True) == pytest.approx([-1535.0 + np.log10(3), -2.0, -400 + np.log10(2)])
    assert holm([-np.inf, -1.0], log10=True).tolist() == [-np.inf, -1.0]


def test_a_test_that_was_not_made_stays_so_and_does_not_count():
    for function in (holm, benjamini_hochberg):
        found = function([np.nan, 0.01, 0.04])
        assert np.isnan(found[0])
        assert found[1:].tolist() == function([0.01, 0.04]).tolist()
        assert function([]).size == 0
        assert np.isnan(function([np.nan])).all()


@pytest.mark.parametrize("p", [[1.5], [-0.1], [[0.5]]])
def test_other_numbers_are_refused(p):
    for function in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p-values"):
            function(p)
    with pytest.raises(ValueError, match="logarithms"):
        holm([0.5], log10=True)


def test_agree_with_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(3).random(40) ** 3
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1])
