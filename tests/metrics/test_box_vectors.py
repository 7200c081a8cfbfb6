"""Golden numbers of lung_pet_ct_dx.md, section 5 (vectors 1 and 2) and section 4 (A0001)."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from box_vectors import PREDICTION, REFERENCE, parse
from lung_dx_boxes import A0001
from oncohort.boxes import from_corners
from oncohort.metrics.box_comparison import ComparisonSettings, compare_boxes
from oncohort.metrics.box_detection import DetectionSettings, detect_boxes
from oncohort.metrics.box_froc import box_froc_curve, draw_box_sensitivities
from oncohort.metrics.box_matching import MatchSettings, match_boxes
from oncohort.metrics.box_precision import box_average_precision, draw_box_average_precision
from oncohort.metrics.box_ranking import RankedHits, rank_hits
from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
from oncohort.metrics.froc import CPM_RATES, froc_cpm, froc_sensitivities

VOC = MatchSettings("voc", ignored_takes="any", maximum=None, cap="first")
COCO = MatchSettings("coco", ignored_takes="any", maximum=100, cap="first")


def x2_is_x_plus_w(rows):
    corners = np.array([(x, y, x + w, y + h) for *_, x, y, w, h in rows])
    return corners.reshape(-1, 2, 2).transpose(0, 2, 1)


@cache
def vector_1(pixel_rule):
    """The seven images; the corners stand in the arrays as they are, and the pixel rule says what they mean."""
    first, second = list(parse(REFERENCE)), list(parse(PREDICTION))
    return compare_boxes(
        reference_boxes(x2_is_x_plus_w(first), images=[row[0] for row in first]),
        predicted_boxes(x2_is_x_plus_w(second), images=[row[0] for row in second], scores=[row[1] for row in second]),
        images=7,
        settings=ComparisonSettings(2, pixel_rule, "iou", "class", "count"),
    )


def ranked(pixel_rule, threshold, rules=VOC):
    return rank_hits(match_boxes(vector_1(pixel_rule), threshold=threshold, settings=rules), of_class=None)


def test_the_vector_was_read_whole():
    comparison = vector_1("inclusive")
    assert (len(comparison.reference.boxes), len(comparison.prediction.boxes)) == (15, 24)


TABLE = [
    (0.1, "inclusive", 9, 0.333333, 0.337198, 0.340651),
    (0.1, "half-open", 8, 0.302454, 0.280133, 0.282564),
    (0.3, "inclusive", 7, 0.268398, 0.245687, 0.248160),
    (0.3, "half-open", 6, 0.268398, 0.225397, 0.230080),
    (0.5, "inclusive", 1, 0.030303, 0.022222, 0.023102),
    (0.5, "half-open", 1, 0.030303, 0.022222, 0.023102),
]


@pytest.mark.parametrize(("threshold", "pixel_rule", "hits", "eleven", "area", "hundred"), TABLE)
def test_vector_1(threshold, pixel_rule, hits, eleven, area, hundred):
    found = ranked(pixel_rule, threshold)
    assert found.hits.sum() == hits
    assert box_average_precision(found, interpolation="11-point") == pytest.approx(eleven, abs=5e-7)
    assert box_average_precision(found, interpolation="all-point") == pytest.approx(area, abs=5e-7)
    by_coco = ranked(pixel_rule, threshold, COCO)
    assert box_average_precision(by_coco, interpolation="101-point") == pytest.approx(hundred, abs=5e-7)


def test_converted_corners_and_the_inclusive_rule_are_the_same():
    first, second = list(parse(REFERENCE)), list(parse(PREDICTION))
    boxes = [
        from_corners([(x, y, x + w, y + h) for *_, x, y, w, h in rows], pixel_rule="inclusive", pixel_base=0)
        for rows in (first, second)
    ]
    comparison = compare_boxes(
        reference_boxes(boxes[0], images=[row[0] for row in first]),
        predicted_boxes(boxes[1], images=[row[0] for row in second], scores=[row[1] for row in second]),
        images=7,
        settings=ComparisonSettings(2, "half-open", "iou", "class", "count"),
    )
    for one, other in zip(comparison.groups, vector_1("inclusive").groups, strict=True):
        assert np.array_equal(one.closeness, other.closeness)


def test_vector_1_froc():
    curve = box_froc_curve(ranked("inclusive", 0.1))
    expected = [0.058333, 0.133333, 0.133333, 0.466667, 0.6, 0.6, 0.6]
    assert froc_sensitivities(curve, rates=CPM_RATES, between="linear") == pytest.approx(expected, abs=5e-7)
    assert froc_cpm(curve) == pytest.approx(0.370238, abs=5e-7)
    assert froc_cpm(curve, between="step") == pytest.approx(0.361905, abs=5e-7)
    assert froc_cpm(curve, rates=CPM_RATES[1:]) == pytest.approx(0.422222, abs=5e-7)
    assert froc_cpm(box_froc_curve(ranked("half-open", 0.1))) == pytest.approx(0.313095, abs=5e-7)


def given_draws():
    picks = np.random.default_rng(0).integers(0, 7, (2000, 7))
    return np.stack([np.bincount(row, minlength=7) for row in picks])


def test_vector_1_bootstrap_over_images():
    draws = draw_box_average_precision(
        ranked("inclusive", 0.1), patients=range(7), draws=given_draws(), interpolation="all-point"
    )
    assert draws.mean() == pytest.approx(0.3618, abs=0.01)
    assert np.percentile(draws, [2.5, 97.5]) == pytest.approx([0.2059, 0.5839], abs=0.01)


def copied(side, row):
    """The boxes of a draw as a set of its own: a patient that came up twice has two images."""
    picks = np.repeat(np.arange(7), row)
    places = [np.flatnonzero(side.images == image) for image in picks]
    images = np.repeat(np.arange(7), [len(rows) for rows in places])
    return np.concatenate(places), images


@pytest.mark.parametrize("interpolation", ["11-point", "all-point", "101-point"])
def test_a_draw_is_the_same_as_a_set_with_copied_images(interpolation):
    comparison, multiplicities = vector_1("inclusive"), given_draws()[:20]
    reference, prediction = comparison.reference, comparison.prediction
    apart = dataclasses.replace(prediction, scores=prediction.scores + 1e-6 * np.arange(24))  # no ties but of copies
    everything = dataclasses.replace(comparison, prediction=apart)
    found = rank_hits(match_boxes(everything, threshold=0.1, settings=VOC), of_class=None)
    at = {"patients": range(7), "draws": multiplicities}
    draws = draw_box_average_precision(found, interpolation=interpolation, **at)
    rates = draw_box_sensitivities(found, rates=CPM_RATES, between="linear", **at)
    for row, value, sensitivities in zip(multiplicities, draws, rates, strict=True):
        (first, images), (second, others) = copied(reference, row), copied(apart, row)
        copies = compare_boxes(
            reference_boxes(reference.boxes[first], images=images),
            predicted_boxes(apart.boxes[second], images=others, scores=apart.scores[second]),
            images=7,
            settings=comparison.settings,
        )
        again = rank_hits(match_boxes(copies, threshold=0.1, settings=VOC), of_class=None)
        assert value == pytest.approx(box_average_precision(again, interpolation=interpolation))
        expected = froc_sensitivities(box_froc_curve(again), rates=CPM_RATES, between="linear")
        assert sensitivities == pytest.approx(expected)


# flags by rank; 12 references; 11-point, all-point, 101-point
@pytest.mark.parametrize(
    ("flags", "expected"),
    [("111111110111", (0.886364, 0.895833, 0.890264)), ("101011110101", (0.492424, 0.509722, 0.509241))],
)
def test_vector_2(flags, expected):
    hits = np.array([flag == "1" for flag in flags])
    one = RankedHits(np.arange(12.0)[::-1], hits, np.zeros(12, np.intp), np.array([12]), np.array([True]))
    found = [box_average_precision(one, interpolation=name) for name in ("11-point", "all-point", "101-point")]
    assert found == pytest.approx(expected, abs=5e-7)


A0001_SETTINGS = DetectionSettings(
    ComparisonSettings(2, "half-open", "iou", "class", "count"),
    VOC,
    thresholds=(0.5, 0.75),
    interpolation="all-point",
    pooling="macro",
)


@pytest.mark.parametrize("rule", [VOC, COCO])
@pytest.mark.parametrize(
    ("interpolation", "expected"), [("all-point", (0.818182, 0.556818)), ("101-point", (0.811881, 0.554455))]
)
def test_the_soft_reading_of_a0001_as_detections_of_the_sharp_one(rule, interpolation, expected):
    slices = sorted(A0001["sharp"])
    corners = {
        series: from_corners([boxes[z] for z in sorted(boxes)], pixel_rule="half-open", pixel_base=0)
        for series, boxes in A0001.items()
    }
    found = detect_boxes(
        reference_boxes(corners["sharp"], images=range(11)),
        predicted_boxes(
            corners["soft"],
            images=[slices.index(z) for z in sorted(A0001["soft"])],
            scores=0.95 - 0.05 * np.arange(9),
        ),
        images=11,
        classes=["A"],
        settings=dataclasses.replace(A0001_SETTINGS, matching=rule, interpolation=interpolation),
    )
    (only,) = found.per_class
    assert (only.references, only.predictions, only.hits, only.missed) == (11, 9, (9, 7), (2, 4))
    assert only.average_precision == pytest.approx(expected, abs=5e-7)
    assert found.mean_average_precision == pytest.approx(np.mean(expected), abs=1e-6)
