import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import PairedTest, auc_draws, delong, delong_paired, draw_patients


def kernel(p, n):
    return (p > n) + 0.5 * (p == n)


def naive_structure(truth, scores):
    """V10 and V01 of DeLong et al. (1988), pair by pair."""
    table = np.array([[kernel(p, n) for n in scores[~truth]] for p in scores[truth]])
    return table.mean(axis=1), table.mean(axis=0)


def naive_variance(v10, v01, owner10, owner01):
    """Obuchowski (1997), equations for one test; without clusters each case is one."""
    m, n, area = v10.size, v01.size, v10.mean()
    ids = sorted(set(owner10) | set(owner01))
    i10, i01, i = len(set(owner10)), len(set(owner01)), len(ids)
    above = np.array([(v10[owner10 == k] - area).sum() for k in ids])
    below = np.array([(v01[owner01 == k] - v01.mean()).sum() for k in ids])
    s10 = i10 / ((i10 - 1) * m) * (above**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (below**2).sum()
    s11 = i / (i - 1) * (above * below).sum()
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def cases(seed, size=60, patients=None):
    random = np.random.default_rng(seed)
    truth = random.random(size) < 0.4
    scores = np.round(random.normal(size=(2, size)) + truth, 1)
    owner = np.arange(size) if patients is None else random.integers(0, patients, size)
    return truth, scores, owner


@pytest.mark.parametrize("patients", [None, 15])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_pairwise_definition(seed, patients):
    truth, (a, b), owner = cases(seed, patients=patients)
    v10, v01 = naive_structure(truth, a)
    w10, w01 = naive_structure(truth, b)
    one = delong(truth, a, patients=owner if patients else None)
    assert one.auc == pytest.approx(v10.mean())
    assert one.se**2 == pytest.approx(naive_variance(v10, v01, owner[truth], owner[~truth]))
    assert (one.n_positive, one.n_negative) == (truth.sum(), (~truth).sum())
    both = delong_paired(truth, a, b, patients=owner if patients else None)
    variance = naive_variance(v10 - w10, v01 - w01, owner[truth], owner[~truth])
    assert both.difference == pytest.approx(v10.mean() - w10.mean())
    assert both.se**2 == pytest.approx(variance)
    assert both.p == pytest.approx(2 * stats.norm.sf(abs(both.difference) / np.sqrt(variance)))
    assert both.log10_p == pytest.approx(np.log10(both.p))


def test_without_clusters_it_is_the_sample_variance_of_delong():
    truth, (a, _), _ = cases(9)
    v10, v01 = naive_structure(truth, a)
    variance = v10.var(ddof=1) / v10.size + v01.var(ddof=1) / v01.size
    assert delong(truth, a).se == pytest.approx(np.sqrt(variance))


def test_covariance_form_of_the_paired_test():
    truth, (a, b), _ = cases(11)
    (v10, v01), (w10, w01) = naive_structure(truth, a), naive_structure(truth, b)
    s = np.cov(v10, w10) / v10.size + np.cov(v01, w01) / v01.size
    assert delong_paired(truth, a, b).se == pytest.approx(np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1]))


def test_clusters_agree_with_the_bootstrap_of_patients():
    random = np.random.default_rng(3)
    patients = np.repeat(np.arange(120), 3)
    truth = np.repeat(random.random(120) < 0.4, 3)
    scores = np.repeat(random.normal(size=120), 3) + random.normal(scale=0.4, size=360) + truth
    spread = auc_draws(scores, truth, patients, draw_patients(120, draws=4000, seed=1)).std()
    assert delong(truth, scores, patients=patients).se == pytest.approx(spread, rel=0.06)
    assert delong(truth, scores).se < 0.75 * spread


@settings(deadline=None)
@given(seed=st.integers(0, 99))
def test_turning_scores_and_order_do_not_matter(seed):
    truth, (a, b), owner = cases(seed, size=20, patients=8)
    if min(np.unique(owner[truth]).size, np.unique(owner[~truth]).size) < 2:
        return
    one, turned = delong(truth, a, patients=owner), delong(~truth, -a, patients=owner + 3)
    assert (one.auc, one.se) == pytest.approx((turned.auc, turned.se))
    order = np.random.default_rng(seed).permutation(20)
    again = delong(truth[order], np.exp(a[order]), patients=owner[order])
    assert (one.auc, one.se, one.low, one.high) == pytest.approx(
        (again.auc, again.se, again.low, again.high), nan_ok=True
    )
    forth, back = delong_paired(truth, a, b), delong_paired(truth, b, a)
    assert (forth.z, forth.p, forth.low) == pytest.approx((-back.z, back.p, -back.high), nan_ok=True)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_intervals_are_normal_on_their_scale(confidence):
    truth, (a, b), _ = cases(2)
    z = stats.norm.ppf((1 + confidence) / 2)
    one = delong(truth, a, confidence=confidence)
    assert (one.low, one.high) == pytest.approx((one.auc - z * one.se, one.auc + z * one.se))
    logits = [np.log(area / (1 - area)) for area in (one.logit_low, one.auc, one.logit_high)]
    assert np.diff(logits) == pytest.approx(z * one.se / (one.auc * (1 - one.auc)))
    both = delong_paired(truth, a, b, confidence=confidence)
    assert (both.low, both.high) == pytest.approx((both.difference - z * both.se, both.difference + z * both.se))


def test_the_default_confidence_is_95_percent():
    truth, (a, b), _ = cases(2)
    assert delong(truth, a) == delong(truth, a, confidence=0.95)
    assert delong_paired(truth, a, b) == delong_paired(truth, a, b, confidence=0.95)


def test_intervals_stay_within_their_range():
    found = delong([0] * 5 + [1] * 5, [1, 2, 3, 4, 6, 5, 7, 8, 9, 10])
    assert found.high == 1.0
    assert 0.0 < found.logit_low < found.low < found.auc < found.logit_high < 1.0


@pytest.mark.parametrize(
    ("truth", "scores", "auc", "reason"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], 1.0, "no spread"),
        ([0, 0, 1, 1], [3, 4, 1, 2], 0.0, "no spread"),
        ([0, 0, 1, 1], [1, 1, 1, 1], 0.5, "no spread"),
        ([0, 0, 1], [1, 3, 2], 0.5, "fewer than two"),
        ([1, 1, 1], [1, 3, 2], np.nan, "fewer than two"),
        ([], [], np.nan, "fewer than two"),
    ],
)
def test_where_there_is_no_interval_it_says_why(truth, scores, auc, reason):
    found = delong(truth, scores)
    assert found.auc == pytest.approx(auc, nan_ok=True)
    assert np.isnan([found.low, found.high, found.logit_low, found.logit_high]).all()
    assert reason in found.reason


def test_equal_models_have_p_one_and_others_without_spread_none():
    truth = [0, 0, 1, 1]
    same = delong_paired(truth, [1, 2, 3, 4], [10, 20, 30, 40])
    assert same == PairedTest(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, "the two never differ")
    nearly = delong_paired([*truth, 0, 1], [1, 2, 3, 4, 0, 0.5], [1, 2, 3, 4, 0, 3])
    assert nearly.difference < 0.0
    assert nearly.p < 1.0
    opposite = delong_paired(truth, [1, 2, 3, 4], [4, 3, 2, 1])
    assert opposite.difference == 1.0
    assert np.isnan(opposite.p)
    assert opposite.reason == "no spread"
    assert "fewer than two" in delong_paired([0, 0, 1], [1, 2, 3], [3, 2, 1]).reason


def test_infinite_scores_are_allowed_and_nan_is_not():
    assert delong([0, 0, 1, 1], [-np.inf, 2, 1, np.inf]).auc == 0.75
    with pytest.raises(ValueError, match="NaN"):
        delong([0, 1], [np.nan, 1.0])
    with pytest.raises(ValueError, match="one length"):
        delong_paired([0, 1], [0.0, 1.0], [0.0])


def test_no_p_value_is_too_small_for_its_logarithm():
    truth = np.repeat([0, 1], 50_000)
    good = np.random.default_rng(0).normal(size=100_000) + 3 * truth
    found = delong_paired(truth, good, -good)
    assert found.p == 0.0
    assert found.log10_p == pytest.approx((np.log(2) + stats.norm.logsf(found.z)) / np.log(10))
