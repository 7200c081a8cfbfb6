import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics.operating_points import operating_point
from oncohort.metrics.roc import accumulate, average_precision, interpolate, roc_auc, roc_curve

NAN = float("nan")


def truth_and_scores(seed, size, levels):
    random = np.random.default_rng(seed)
    truth = random.random(size) < 0.4
    return truth, np.round(random.normal(truth * 0.7, 1.0) * levels) / levels


CASES = st.tuples(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([1, 2, 1000]))


def naive_auc(truth, scores):
    pairs = [
        1.0 if positive > negative else 0.5 if positive == negative else 0.0
        for positive in scores[truth]
        for negative in scores[~truth]
    ]
    return np.mean(pairs) if pairs else NAN


def naive_precision(truth, scores):
    """A loop over the distinct scores, from the definition."""
    if not truth.any():
        return NAN
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = scores >= threshold
        now = (called & truth).sum() / truth.sum()
        total += (now - recall) * (called & truth).sum() / called.sum()
        recall = now
    return total


@given(case=CASES)
@settings(max_examples=100, deadline=None)
def test_auc_is_the_share_of_pairs_in_order(case):
    truth, scores = truth_and_scores(*case)
    assert roc_auc(truth, scores) == pytest.approx(naive_auc(truth, scores), rel=1e-14, nan_ok=True)


@given(case=CASES)
@settings(max_examples=100, deadline=None)
def test_average_precision_is_its_definition(case):
    truth, scores = truth_and_scores(*case)
    assert average_precision(truth, scores) == pytest.approx(naive_precision(truth, scores), rel=1e-12, nan_ok=True)


@given(case=CASES)
@settings(max_examples=60, deadline=None)
def test_each_point_counts_who_scores_at_least_the_threshold(case):
    truth, scores = truth_and_scores(*case)
    curve = roc_curve(truth, scores)
    assert curve.thresholds.tolist() == [np.inf, *sorted(set(scores), reverse=True)]
    for at, threshold in enumerate(curve.thresholds):
        assert curve.true_positives[at] == (truth & (scores >= threshold)).sum()
        assert curve.false_positives[at] == (~truth & (scores >= threshold)).sum()


@given(case=CASES)
@settings(max_examples=60, deadline=None)
def test_auc_is_the_area_under_the_curve_and_ignores_the_scale(case):
    truth, scores = truth_and_scores(*case)
    curve = roc_curve(truth, scores)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert roc_auc(truth, scores) == pytest.approx(area, rel=1e-12, nan_ok=True)
    assert roc_auc(truth, np.exp(scores / 3) - 9) == pytest.approx(roc_auc(truth, scores), nan_ok=True)
    assert roc_auc(truth, -scores) == pytest.approx(1 - roc_auc(truth, scores), nan_ok=True)
    assert roc_auc(~truth, scores) == pytest.approx(1 - roc_auc(truth, scores), nan_ok=True)


@given(case=CASES)
@settings(max_examples=60, deadline=None)
def test_weights_are_copies(case):
    truth, scores = truth_and_scores(*case)
    weights = np.random.default_rng(case[0]).integers(0, 4, truth.size)
    weighted = roc_curve(truth, scores, weights=weights)
    copied = roc_curve(np.repeat(truth, weights), np.repeat(scores, weights))
    kept = np.isin(weighted.thresholds, copied.thresholds)
    np.testing.assert_array_equal(weighted.true_positives[kept], copied.true_positives)
    np.testing.assert_array_equal(weighted.false_positives[kept], copied.false_positives)


def test_without_both_kinds_it_is_undefined():
    for truth in ([1, 1], [0, 0]):
        assert np.isnan(roc_auc(truth, [0.2, 0.3]))
    assert np.isnan(average_precision([0, 0], [0.2, 0.3]))
    assert average_precision([1, 1], [0.2, 0.3]) == 1.0
    assert np.isnan(roc_auc([], []))
    assert np.isnan(average_precision([], []))
    assert np.isnan(roc_curve([1, 1], [0.2, 0.3]).sensitivity_at([0.5])).all()
    assert np.isnan(roc_curve([0, 0], [0.2, 0.3]).sensitivity_at([0.5])).all()


def test_a_missing_prediction_scores_lowest():
    truth, scores = [1, 0, 1, 0], [0.7, 0.1, -np.inf, 0.4]
    assert roc_auc(truth, scores) == roc_auc(truth, [0.7, 0.1, -5.0, 0.4]) == 0.5


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([0, 1], [0.1, NAN], "NaN"),
        ([0, 1], [0.1, np.inf], "inf"),
        ([0, 1], [0.1], "one value per patient"),
        ([[0, 1]], [[0.1, 0.2]], "one value per patient"),
        ([0, 2], [0.1, 0.2], "0 and 1"),
        ([0, NAN], [0.1, 0.2], "0 and 1"),
    ],
)
def test_bad_input_is_refused(truth, scores, message):
    for function in (roc_curve, roc_auc, average_precision):
        with pytest.raises(ValueError, match=message):
            function(truth, scores)


@given(case=CASES)
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_scikit_learn(case):
    metrics = pytest.importorskip("sklearn.metrics")
    truth, scores = truth_and_scores(*case)
    if truth.all() or not truth.any():
        return
    assert roc_auc(truth, scores) == pytest.approx(metrics.roc_auc_score(truth, scores), rel=1e-13)
    assert average_precision(truth, scores) == pytest.approx(metrics.average_precision_score(truth, scores), rel=1e-12)
    false, true, thresholds = metrics.roc_curve(truth, scores, drop_intermediate=False)
    curve = roc_curve(truth, scores)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.sensitivity, true, rtol=1e-15)
    np.testing.assert_allclose(curve.false_positive_rate, false, rtol=1e-15)


def test_reading_a_curve_between_its_points():
    across, up = np.array([0.0, 0.0, 0.5, 0.5, 1.0]), np.array([0.0, 0.2, 0.4, 0.8, 1.0])
    assert interpolate(across, up, np.array([0.0, 0.25, 0.5, 0.75, 1.0, 3.0])).tolist() == pytest.approx(
        [0.2, 0.3, 0.8, 0.9, 1.0, 1.0]
    )


def test_accumulating_nothing():
    thresholds, (sums,) = accumulate(np.zeros(0), np.zeros(0))
    assert thresholds.tolist() == [np.inf]
    assert sums.tolist() == [0.0]


# operating points


def naive_points(truth, scores):
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        called = scores >= threshold
        yield threshold, (called & truth).sum() / truth.sum(), (~called & ~truth).sum() / (~truth).sum()


@given(case=CASES, value=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=80, deadline=None)
def test_operating_points_are_what_their_rules_say(case, value):
    truth, scores = truth_and_scores(*case)
    if truth.all() or not truth.any():
        return
    points = list(naive_points(truth, scores))
    by_sensitivity = operating_point(truth, scores, rule="sensitivity", value=value)
    assert by_sensitivity.sensitivity.value >= value
    assert by_sensitivity.specificity.value == max(spe for _, sen, spe in points if sen >= value)
    by_specificity = operating_point(truth, scores, rule="specificity", value=value)
    assert by_specificity.specificity.value >= value
    assert by_specificity.sensitivity.value == max(sen for _, sen, spe in points if spe >= value)
    youden = operating_point(truth, scores, rule="youden")
    best = max(sen + spe for _, sen, spe in points)
    assert youden.sensitivity.value + youden.specificity.value == pytest.approx(best)
    for point in (by_sensitivity, by_specificity, youden):
        again = operating_point(truth, scores, rule="threshold", value=point.threshold)
        assert again == point
        called = scores >= point.threshold
        assert point.sensitivity.successes == (called & truth).sum()
        assert point.specificity.successes == (~called & ~truth).sum()


def test_a_threshold_between_scores_and_beyond_them():
    truth, scores = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    middle = operating_point(truth, scores, rule="threshold", value=0.5)
    assert (middle.threshold, middle.sensitivity.value, middle.specificity.value) == (0.5, 0.5, 1.0)
    none = operating_point(truth, scores, rule="threshold", value=9.0)
    assert (none.threshold, none.sensitivity.value, none.specificity.value) == (9.0, 0.0, 1.0)
    everybody = operating_point(truth, scores, rule="threshold", value=-np.inf)
    assert (everybody.sensitivity.value, everybody.specificity.value) == (1.0, 0.0)


def test_youden_prefers_the_specific_point_of_equals():
    # 1/3 + 1 at 0.9 and 1 + 1/3 at 0.5; as 1/3 - 0 and 1 - 2/3 the second would be greater in floating point
    point = operating_point([1, 0, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], rule="youden")
    assert point.threshold == 0.9
    point = operating_point([1, 0, 1, 0, 1, 0], [0.8, 0.7, 0.3, 0.15, 0.2, 0.1], rule="youden")
    assert point.threshold == 0.2


@pytest.mark.parametrize(
    ("truth", "settings_", "message"),
    [
        ([0, 1], {"rule": "best"}, "expected one of"),
        ([0, 1], {"rule": "youden", "value": 0.5}, "no value"),
        ([0, 1], {"rule": "sensitivity"}, "a value"),
        ([0, 1], {"rule": "threshold", "value": NAN}, "a value"),
        ([0, 1], {"rule": "sensitivity", "value": 1.1}, "at most 1"),
        ([0, 0], {"rule": "sensitivity", "value": 0.5}, "got none"),
        ([1, 1], {"rule": "specificity", "value": 0.5}, "got none"),
        ([1, 1], {"rule": "youden"}, "got none"),
        ([0, 0], {"rule": "youden"}, "got none"),
    ],
)
def test_operating_points_that_cannot_be(truth, settings_, message):
    with pytest.raises(ValueError, match=message):
        operating_point(truth, [0.1, 0.2], **settings_)


def test_a_rule_needs_only_the_patients_it_goes_by():
    assert operating_point([1, 1], [0.1, 0.2], rule="sensitivity", value=0.5).threshold == 0.2
    assert operating_point([0, 0], [0.1, 0.2], rule="specificity", value=0.5).threshold == 0.2
    assert np.isnan(operating_point([0, 0], [0.1, 0.2], rule="threshold", value=0.5).sensitivity.value)


# golden numbers


@pytest.mark.real_data
def test_the_synthetic_cases_of_picai_eval(real_data):
    told = json.loads((real_data("detection_lists") / "output-expected" / "metrics-expected.json").read_text())
    cases = sorted(told["case_target"])
    truth = [told["case_target"][case] for case in cases]
    assert roc_auc(truth, [told["case_pred"][case] for case in cases]) == told["auroc"] == 0.75


def test_the_published_pancreas_tumour_scores():
    """SuPreM, `patientID_pr_gt_pos_flag.csv`: 660 positive and 330 negative patients, 108 distinct scores."""
    path = os.environ.get("ONCOHORT_GOLDEN_SUPREM")
    if not path:
        pytest.skip("ONCOHORT_GOLDEN_SUPREM does not name patientID_pr_gt_pos_flag.csv (not redistributable)")
    with Path(path).open(newline="") as stream:
        rows = list(csv.reader(stream))
    scores, truth = [float(row[1]) for row in rows], [row[2] == "True" for row in rows]
    assert round(roc_auc(truth, scores), 7) == 0.9649931
    assert round(average_precision(truth, scores), 6) == 0.977531
    point = operating_point(truth, scores, rule="threshold", value=0.5)
    assert (point.sensitivity.successes, point.sensitivity.total) == (621, 660)
    assert (point.specificity.successes, point.specificity.total) == (306, 330)
