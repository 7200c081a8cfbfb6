import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import log10_p_chi2, log10_p_normal
from oncohort.statistics.log_p import log10_of


@settings(deadline=None)
@given(x=st.floats(0, 300), df=st.integers(1, 60))
def test_chi2_equals_scipy_where_scipy_has_digits(x, df):
    assert log10_p_chi2(x, df) == pytest.approx(math.log10(stats.chi2.sf(x, df)), rel=1e-10, abs=1e-12)


@settings(deadline=None)
@given(z=st.floats(-30, 30))
def test_normal_equals_scipy_where_scipy_has_digits(z):
    expected = {"two-sided": 2 * stats.norm.sf(abs(z)), "greater": stats.norm.sf(z), "less": stats.norm.cdf(z)}
    for alternative, p in expected.items():
        assert log10_p_normal(z, alternative=alternative) == pytest.approx(math.log10(p), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("z", [0.0, 1.0, 40.0, 1000.0, 1e8])
def test_one_degree_of_freedom_is_the_square_of_a_normal_deviate(z):
    assert log10_p_chi2(z * z, 1) == pytest.approx(log10_p_normal(z), rel=1e-14)
    assert log10_p_chi2(z * z, 2) == pytest.approx(-z * z / 2 / math.log(10), rel=1e-14)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 10, 31])
def test_far_tails_lie_between_their_classical_bounds(df):
    # Gamma(a, y) = y^(a-1) e^-y (1 + (a-1)/y + (a-1)(a-2)/y^2 + ...): the next term is far below the printed digits
    y = 5e5
    a = df / 2
    terms = 1 + (a - 1) / y + (a - 1) * (a - 2) / y**2 + (a - 1) * (a - 2) * (a - 3) / y**3
    expected = ((a - 1) * math.log(y) - y - math.lgamma(a) + math.log(terms)) / math.log(10)
    assert log10_p_chi2(2 * y, df) == pytest.approx(expected, rel=1e-13)


def test_ends_and_refusals():
    assert log10_p_chi2(0.0, 3) == 0.0
    assert log10_p_chi2(math.inf, 3) == -math.inf
    assert log10_p_normal(0.0) == 0.0
    for x, df in ((-1.0, 1), (np.nan, 1), (1.0, 0)):
        with pytest.raises(ValueError, match="degree"):
            log10_p_chi2(x, df)


@settings(deadline=None)
@given(x=st.floats(0, 1e6), more=st.floats(0, 1e3), df=st.integers(1, 40))
def test_falls_with_the_statistic_and_rises_with_the_degrees(x, more, df):
    assert log10_p_chi2(x + more, df) <= log10_p_chi2(x, df) + 1e-12
    assert log10_p_chi2(x, df) <= log10_p_chi2(x, df + 1) + 1e-12


def test_a_number_with_digits_wins():
    assert log10_of(1e-5, -4.9) == -5.0
    assert log10_of(1e-300, -301.5) == -301.5
    assert math.isnan(log10_of(math.nan, -1.0))
