import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.statistics import ap_draws, auc_draws, draw_patients


def naive_auc(scores, truth):
    """Share of (positive, negative) pairs in the right order; a tie is half a pair."""
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[truth] for n in scores[~truth]]
    return np.mean(pairs) if pairs else np.nan


def naive_ap(scores, truth):
    """Sum over thresholds of precision times the gain in recall; -inf is below every threshold."""
    total, area, recall = truth.sum(), 0.0, 0.0
    for threshold in sorted(set(scores[scores > -np.inf]), reverse=True):
        taken = scores >= threshold
        area += truth[taken].mean() * (truth[taken].sum() / total - recall) if total else 0.0
        recall = truth[taken].sum() / total if total else 0.0
    return area if total else np.nan


@st.composite
def drawn_cases(draw):
    patients = draw(st.integers(1, 6))
    size = draw(st.integers(1, 14))
    score = st.sampled_from([-np.inf, -1.0, 0.0, 0.25, 0.5, 1.0, np.inf])
    scores = np.array(draw(st.lists(score, min_size=size, max_size=size)))
    truth = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    owner = np.array(draw(st.lists(st.integers(0, patients - 1), min_size=size, max_size=size)))
    return scores, truth, owner, draw_patients(patients, draws=4, seed=draw(st.integers(0, 99)))


@pytest.mark.parametrize(("function", "naive"), [(auc_draws, naive_auc), (ap_draws, naive_ap)])
@settings(deadline=None)
@given(cases=drawn_cases())
def test_equal_their_definitions_on_the_drawn_cases(function, naive, cases):
    scores, truth, owner, draws = cases
    found = function(scores, truth, owner, draws)
    for row, area in zip(draws, found, strict=True):
        drawn = np.repeat(np.arange(scores.size), row[owner])
        assert area == pytest.approx(naive(scores[drawn], truth[drawn]), nan_ok=True, abs=1e-12)


@settings(deadline=None)
@given(cases=drawn_cases(), seed=st.integers(0, 99))
def test_do_not_depend_on_the_order_of_cases_or_the_scale_of_scores(cases, seed):
    scores, truth, owner, draws = cases
    order = np.random.default_rng(seed).permutation(scores.size)
    stretched = np.where(np.isfinite(scores), np.exp(3.0 * scores) - 7.0, scores)
    for function in (auc_draws, ap_draws):
        plain = function(scores, truth, owner, draws)
        assert np.array_equal(plain, function(stretched[order], truth[order], owner[order], draws), equal_nan=True)


@settings(deadline=None)
@given(cases=drawn_cases())
def test_turning_scores_and_classes_leaves_the_area(cases):
    scores, truth, owner, draws = cases
    found = auc_draws(scores, truth, owner, draws)
    assert np.allclose(found, auc_draws(-scores, ~truth, owner, draws), equal_nan=True)
    assert np.allclose(found, 1.0 - auc_draws(-scores, truth, owner, draws), equal_nan=True)


def test_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(4)
    truth = random.random(400) < 0.3
    scores = np.round(random.normal(size=400) + truth, 1)
    once = np.ones((1, 400), np.int32)
    assert auc_draws(scores, truth, None, once)[0] == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-14)
    assert ap_draws(scores, truth, None, once)[0] == pytest.approx(
        metrics.average_precision_score(truth, scores), abs=1e-14
    )


def test_stratified_draws_always_have_both_classes():
    truth = np.array([True] + [False] * 30)
    scores = np.linspace(1.0, 0.0, 31)
    plain = auc_draws(scores, truth, None, draw_patients(31, draws=200, seed=1))
    stratified = auc_draws(scores, truth, None, draw_patients(31, draws=200, seed=1, strata=truth))
    assert np.isnan(plain).any()
    assert (stratified == 1.0).all()


@pytest.mark.parametrize("function", [auc_draws, ap_draws])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": [0.1, np.nan, 0.3]}, "1 NaN"),
        ({"truth": [0, 1]}, "truth"),
        ({"truth": [0, 1, 2]}, "truth"),
        ({"patients": [0, 1, 3]}, "from 0 to 3"),
        ({"patients": [0, 1, -1]}, "indexes"),
        ({"patients": [0.0, 1.0, 2.0]}, "patient index"),
        ({"patients": [0, 1]}, "patient index"),
    ],
)
def test_wrong_cases_are_refused(function, changes, words):
    arguments = {"scores": [0.1, 0.2, 0.3], "truth": [0, 1, 1], "patients": [0, 1, 2], **changes}
    with pytest.raises(ValueError, match=words):
        function(*arguments.values(), np.ones((2, 3), np.int32))
