"""statsmodels: intervals of proportions and corrections for many tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from oncohort.statistics import benjamini_hochberg, clopper_pearson_interval, holm, wilson_interval

COUNTS = st.integers(1, 3000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_and_clopper_pearson(counts, confidence):
    for ours, method in ((wilson_interval, "wilson"), (clopper_pearson_interval, "beta")):
        found = ours(*counts, confidence=confidence)
        low, high = proportion_confint(*counts, alpha=1 - confidence, method=method)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("number", [1, 2, 7, 40])
def test_holm_and_benjamini_hochberg(number):
    p_values = np.random.default_rng(number).random(number).round(2) ** 3  # some are equal
    for ours, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        expected = multipletests(p_values, method=method)[1]
        assert np.asarray(ours(p_values)) == pytest.approx(expected, abs=1e-12)
