import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics.froc import froc_cpm, froc_curve, froc_sensitivities, lesion_average_precision
from oncohort.metrics.roc import average_precision

# Seven images with boxes x, y, width, height: rafaelpadilla/review_object_detection_metrics (MIT)
REFERENCE = {
    1: [(25, 16, 38, 56), (129, 123, 41, 62)],
    2: [(123, 11, 43, 55), (38, 132, 59, 45)],
    3: [(16, 14, 35, 48), (123, 30, 49, 44), (99, 139, 47, 47)],
    4: [(53, 42, 40, 52), (154, 43, 31, 34)],
    5: [(59, 31, 44, 51), (48, 128, 34, 52)],
    6: [(36, 89, 52, 76), (62, 58, 44, 67)],
    7: [(28, 31, 55, 63), (58, 67, 50, 58)],
}
PREDICTION = {
    1: [(0.88, 5, 67, 31, 48), (0.70, 119, 111, 40, 67), (0.80, 124, 9, 49, 67)],
    2: [(0.71, 64, 111, 64, 58), (0.54, 26, 140, 60, 47), (0.74, 19, 18, 43, 35)],
    3: [
        (0.18, 109, 15, 77, 39),
        (0.67, 86, 63, 46, 45),
        (0.38, 160, 62, 36, 53),
        (0.91, 105, 131, 47, 47),
        (0.44, 18, 148, 40, 44),
    ],
    4: [(0.35, 83, 28, 28, 26), (0.78, 28, 68, 42, 67), (0.45, 87, 89, 25, 39), (0.14, 10, 155, 60, 26)],
    5: [(0.62, 50, 38, 28, 46), (0.44, 95, 11, 53, 28), (0.95, 29, 131, 72, 29), (0.23, 29, 163, 72, 29)],
    6: [(0.45, 43, 48, 74, 38), (0.84, 17, 155, 29, 35), (0.43, 95, 110, 25, 42)],
    7: [(0.48, 16, 20, 101, 88), (0.95, 33, 116, 37, 49)],
}


def box_iou(first, second, edge):
    """Intersection over union of boxes x, y, w, h; corner x + w is a pixel of the box if `edge` is 1."""
    sides = [min(first[a] + first[a + 2], second[a] + second[a + 2]) + edge - max(first[a], second[a]) for a in (0, 1)]
    both = max(0, sides[0]) * max(0, sides[1])
    areas = [(box[2] + edge) * (box[3] + edge) for box in (first, second)]
    return both / (sum(areas) - both)


def matched_boxes(threshold, edge):
    """The VOC rule: the best reference box decides."""
    rows = []
    for image, boxes in PREDICTION.items():
        for score, *box in boxes:
            overlaps = [box_iou(reference, box, edge) for reference in REFERENCE[image]]
            best = int(np.argmax(overlaps))
            rows.append((f"image {image}", score, best + 1 if overlaps[best] >= threshold else 0))
    return tuple(zip(*rows, strict=True))


def curve_of(threshold, edge):
    return froc_curve(matched_boxes(threshold, edge), lesions=15, cases=7, repeated_hits="false")


@pytest.mark.parametrize(
    ("threshold", "edge", "hits"), [(0.1, 1, 9), (0.1, 0, 8), (0.3, 1, 7), (0.3, 0, 6), (0.5, 1, 1), (0.5, 0, 1)]
)
def test_published_hits(threshold, edge, hits):
    curve = curve_of(threshold, edge)
    assert (curve.true_positives[-1], curve.false_positives[-1]) == (hits, 24 - hits)


def test_published_froc():
    curve = curve_of(0.1, 1)
    sensitivities = froc_sensitivities(curve, rates=[0.125, 0.25, 0.5, 1, 2, 4, 8], between="linear")
    expected = [0.058333, 0.133333, 0.133333, 0.466667, 0.6, 0.6, 0.6]
    assert sensitivities.tolist() == pytest.approx(expected, abs=6e-7)
    assert froc_cpm(curve) == pytest.approx(0.370238, abs=6e-7)
    assert froc_cpm(curve, between="step") == pytest.approx(0.361905, abs=6e-7)
    assert froc_cpm(curve, rates=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0)) == pytest.approx(0.422222, abs=6e-7)
    assert froc_cpm(curve_of(0.1, 0)) == pytest.approx(0.313095, abs=6e-7)


def detection_lists(told):
    """Candidates (case, score, lesion), and a row for every lesion that no candidate met, as picai_eval lists them."""
    candidates, rows, lesions = [], [], 0
    for case, results in told["lesion_results"].items():
        for is_lesion, score, _ in results:
            rows.append((is_lesion, score))
            lesions += is_lesion
            if score > 0:
                candidates.append((case, score, lesions if is_lesion else 0))
    return candidates, rows, lesions


@pytest.mark.real_data
def test_the_synthetic_cases_of_picai_eval(real_data):
    folder = real_data("detection_lists") / "output-expected"
    told = json.loads((folder / "metrics-full-expected.json").read_text())
    candidates, rows, lesions = detection_lists(told)
    curve = froc_curve(
        tuple(zip(*candidates, strict=True)), lesions=lesions, cases=told["num_cases"], repeated_hits="ignored"
    )
    assert lesions == told["num_lesions"] == 10
    # 10 cases, TP 5, FP 4, FN 5 (DIAGNijmegen/picai_eval, Apache-2.0)
    assert (curve.true_positives[-1], curve.false_positives[-1], curve.cases) == (5, 4, 10)
    assert lesion_average_precision(curve) == pytest.approx(told["AP"], rel=1e-15)
    assert round(lesion_average_precision(curve), 6) == 0.277778
    assert curve.thresholds.tolist()[1:] == told["thresholds"][:-1]
    assert curve.sensitivity.tolist()[1:] == told["lesion_TPR"][:-1]
    assert curve.false_positives_per_case.tolist()[1:] == pytest.approx(told["lesion_FPR"][:-1], rel=1e-7)
    # the older figure counts a missed lesion as found once the threshold falls to 0
    older = json.loads((folder / "metrics-main-expected.json").read_text())["AP"]
    truth, scores = zip(*rows, strict=True)
    assert average_precision(truth, scores) == pytest.approx(older, rel=1e-15)
    assert round(older, 4) == 0.6349


def drawn(seed, size):
    """Candidates on up to four lesions in each of five cases; scores with ties."""
    random = np.random.default_rng(seed)
    cases = random.integers(0, 5, size)
    lesions = random.integers(0, 5, size)
    return cases, random.integers(0, 8, size) / 8, lesions


def naive_counts(candidates, repeated_hits, threshold):
    """A loop over the candidates of at least that score, the highest first."""
    met, alarms = set(), 0
    for score, case, lesion in sorted(zip(candidates[1], candidates[0], candidates[2], strict=True), reverse=True):
        if score < threshold:
            continue
        if lesion == 0:
            alarms += 1
        elif (case, lesion) in met:
            alarms += repeated_hits == "false"
        else:
            met.add((case, lesion))
    return len(met), alarms


DRAWN = {"seed": st.integers(0, 10**6), "size": st.integers(0, 30)}


@given(**DRAWN, repeated_hits=st.sampled_from(["ignored", "false"]))
@settings(max_examples=100, deadline=None)
def test_each_point_counts_lesions_and_alarms(seed, size, repeated_hits):
    candidates = drawn(seed, size)
    curve = froc_curve(candidates, lesions=20, cases=5, repeated_hits=repeated_hits)
    assert curve.thresholds.tolist() == [np.inf, *sorted(set(candidates[1].tolist()), reverse=True)]
    for at, threshold in enumerate(curve.thresholds):
        expected = naive_counts(candidates, repeated_hits, threshold)
        assert (curve.true_positives[at], curve.false_positives[at]) == expected


@given(**DRAWN)
@settings(max_examples=60, deadline=None)
def test_weights_are_copies_of_cases(seed, size):
    cases, scores, lesions = drawn(seed, size)
    times = np.random.default_rng(seed + 1).integers(0, 4, 5)
    weighted = froc_curve(
        (cases, scores, lesions), lesions=20, cases=5, repeated_hits="false", weights=np.minimum(times[cases], 1)
    )
    assert weighted.true_positives[-1] <= 20
    copies = [
        (f"{case}.{n}", s, m) for case, s, m in zip(cases, scores, lesions, strict=True) for n in range(times[case])
    ]
    columns = tuple(zip(*copies, strict=True)) if copies else ([], [], [])
    total = max(1, int(times.sum()))
    copied = froc_curve(columns, lesions=4 * total, cases=total, repeated_hits="false")
    drawn_twice = froc_curve(
        (cases, scores, lesions), lesions=4 * total, cases=total, repeated_hits="false", weights=times[cases]
    )
    kept = np.isin(drawn_twice.thresholds, copied.thresholds)
    np.testing.assert_array_equal(drawn_twice.true_positives[kept], copied.true_positives)
    np.testing.assert_array_equal(drawn_twice.false_positives[kept], copied.false_positives)
    assert froc_cpm(drawn_twice) == pytest.approx(froc_cpm(copied), rel=1e-12)
    assert lesion_average_precision(drawn_twice) == pytest.approx(lesion_average_precision(copied), rel=1e-12)


@given(**DRAWN)
@settings(max_examples=60, deadline=None)
def test_order_of_the_rows_and_names_of_the_cases_change_nothing(seed, size):
    candidates = drawn(seed, size)
    turn = np.random.default_rng(seed).permutation(size)
    names = np.array(["c", "a", "e", "b", "d"])[candidates[0]] if size else np.zeros(0, "U1")
    first = froc_curve(candidates, lesions=20, cases=5, repeated_hits="ignored")
    second = froc_curve(
        (names[turn], candidates[1][turn], candidates[2][turn]), lesions=20, cases=5, repeated_hits="ignored"
    )
    np.testing.assert_array_equal(first.true_positives, second.true_positives)
    np.testing.assert_array_equal(first.false_positives, second.false_positives)


@given(**DRAWN)
@settings(max_examples=60, deadline=None)
def test_average_precision_is_its_definition(seed, size):
    curve = froc_curve(drawn(seed, size), lesions=20, cases=5, repeated_hits="false")
    steps = sum(
        (curve.true_positives[at] - curve.true_positives[at - 1]) / 20 * curve.precision[at]
        for at in range(1, curve.thresholds.size)
    )
    assert lesion_average_precision(curve) == pytest.approx(steps)


def test_perfect_and_useless_candidates():
    perfect = froc_curve(([1, 2], [0.9, 0.8], [1, 1]), lesions=2, cases=3, repeated_hits="false")
    useless = froc_curve(([1, 2], [0.9, 0.8], [0, 0]), lesions=2, cases=3, repeated_hits="false")
    silent = froc_curve(([], [], []), lesions=2, cases=3, repeated_hits="false")
    assert [lesion_average_precision(curve) for curve in (perfect, useless, silent)] == [1.0, 0.0, 0.0]
    assert [froc_cpm(curve) for curve in (perfect, useless, silent)] == [1.0, 0.0, 0.0]


def test_without_lesions_it_is_undefined():
    curve = froc_curve((["a"], [0.9], [0]), lesions=0, cases=1, repeated_hits="ignored")
    assert np.isnan(froc_cpm(curve))
    assert np.isnan(lesion_average_precision(curve))
    assert curve.false_positives_per_case.tolist() == [0.0, 1.0]
    assert np.isnan(curve.precision[0])


@pytest.mark.parametrize(
    ("candidates", "changed", "message"),
    [
        ((["a"], [0.9, 0.8], [1, 0]), {}, "one length"),
        ((["a"], [float("nan")], [1]), {}, "NaN"),
        ((["a"], [0.9], [-1]), {}, "lesion numbers"),
        ((["a", "b"], [0.9, 0.8], [1, 1]), {"lesions": 1}, "at least the 2 lesions"),
        ((["a"], [0.9], [1]), {"cases": 0}, "one case"),
        ((["a"], [0.9], [1]), {"repeated_hits": "maybe"}, "ignored or false"),
        ((["a"], [0.9], [1]), {"weights": [1, 2]}, "one length"),
    ],
)
def test_bad_input_is_refused(candidates, changed, message):
    with pytest.raises(ValueError, match=message):
        froc_curve(candidates, **({"lesions": 3, "cases": 2, "repeated_hits": "ignored"} | changed))
