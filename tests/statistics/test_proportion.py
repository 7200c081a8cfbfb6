import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import clopper_pearson_interval, wilson_interval


@settings(deadline=None)
@given(total=st.integers(1, 400), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_where_the_score_test_turns(total, share, confidence):
    successes = round(total * share)
    low, high, method, _ = wilson_interval(successes, total, confidence=confidence)
    z = stats.norm.ppf((1 + confidence) / 2)
    p = successes / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    assert method == "wilson"
    assert (low, high) == pytest.approx((max(0.0, centre - reach), min(1.0, centre + reach)), abs=1e-12)


@settings(deadline=None)
@given(total=st.integers(1, 400), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_clopper_pearson_is_where_the_binomial_tails_are_used_up(total, share, confidence):
    successes = round(total * share)
    low, high, method, _ = clopper_pearson_interval(successes, total, confidence=confidence)
    tail = (1 - confidence) / 2
    assert method == "clopper-pearson"
    assert low == 0.0 if successes == 0 else stats.binom.sf(successes - 1, total, low) == pytest.approx(tail)
    assert high == 1.0 if successes == total else stats.binom.cdf(successes, total, high) == pytest.approx(tail)


def test_no_units_give_no_interval_and_wrong_counts_are_refused():
    assert wilson_interval(0, 0, confidence=0.95) is None
    assert clopper_pearson_interval(0, 0, confidence=0.95) is None
    for successes, total in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="successes"):
            wilson_interval(successes, total, confidence=0.95)


def test_agree_with_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for function, name in ((wilson_interval, "wilson"), (clopper_pearson_interval, "beta")):
        peer = proportion.proportion_confint(306, 330, method=name)
        assert function(306, 330, confidence=0.95)[:2] == pytest.approx(peer, abs=1e-12)
