import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics.box_comparison import ComparisonSettings
from oncohort.metrics.box_confusion import confuse_boxes
from oncohort.metrics.box_detection import DetectionSettings, detect_boxes, iou_range
from oncohort.metrics.box_froc import box_froc_curve, draw_box_sensitivities
from oncohort.metrics.box_matching import MatchSettings
from oncohort.metrics.box_precision import box_average_precision, draw_box_average_precision
from oncohort.metrics.box_ranking import RankedHits, image_draws, rank_hits
from oncohort.metrics.box_sets import predicted_boxes, reference_boxes

CLASSES = ("A", "B", "E", "G")
COCO = MatchSettings("coco", ignored_takes="any", maximum=100, cap="first")
SETTINGS = DetectionSettings(
    ComparisonSettings(3, "half-open", "iou", "class", "count"),
    COCO,
    thresholds=(0.1, 0.5),
    interpolation="all-point",
    pooling="macro",
)
INTERPOLATIONS = ("11-point", "all-point", "101-point")


def cube(place, *, shift=0.0):
    return [[20 * place + shift, 20 * place + shift + 10], [0, 10], [0, 10]]


def detect(reference, prediction, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    return detect_boxes(reference, prediction, images=4, classes=CLASSES, settings=settings)


REFERENCE = reference_boxes(
    [cube(0), cube(1), cube(2), cube(0), cube(1)],
    images=[0, 0, 0, 1, 2],
    classes=[0, 0, 1, 0, 3],
    ignored=[False, False, False, False, True],
)
PREDICTION = predicted_boxes(
    [cube(0), cube(1, shift=4.0), cube(2), cube(0), cube(1), cube(3)],
    images=[0, 0, 0, 1, 2, 3],
    classes=[0, 0, 0, 0, 3, 1],
    scores=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
)


def test_results_per_class_and_threshold():
    first, second, third, fourth = detect(REFERENCE, PREDICTION).per_class
    assert (first.references, first.predictions, first.hits, first.false, first.missed) == (
        3,
        4,
        (3, 2),
        (1, 2),
        (0, 1),
    )
    assert first.average_precision == pytest.approx([2 / 3 + 0.75 / 3, 1 / 3 + 0.5 / 3])
    assert (second.references, second.hits, second.false, second.average_precision) == (1, (0, 0), (1, 1), (0.0, 0.0))
    assert (third.references, third.predictions) == (0, 0)
    assert (fourth.references, fourth.ignored, fourth.predictions, fourth.false) == (0, 1, 1, (0, 0))
    assert all(math.isnan(value) for value in (*third.average_precision, *fourth.average_precision))


def test_macro_is_the_mean_over_classes_with_references_and_micro_one_ranking():
    macro, micro = detect(REFERENCE, PREDICTION), detect(REFERENCE, PREDICTION, pooling="micro")
    first = macro.per_class[0].average_precision
    assert macro.mean_average_precision == pytest.approx(np.mean([first[0], 0.0, first[1], 0.0]))
    assert micro.average_precisions.shape == (2, 1)
    # hits 1 1 0 1 0 and 1 0 0 1 0 of four references
    assert micro.average_precisions[:, 0] == pytest.approx([0.5 + 0.75 / 4, (1 + 0.5) / 4])


def test_no_reference_is_undefined_and_no_prediction_is_nothing_found():
    none = reference_boxes(np.empty((0, 3, 2)), images=[])
    assert math.isnan(detect(none, PREDICTION).mean_average_precision)
    empty = predicted_boxes(np.empty((0, 3, 2)), images=[], scores=[])
    assert detect(REFERENCE, empty).mean_average_precision == 0.0
    curve = box_froc_curve(rank_hits(detect(REFERENCE, empty).matchings[0], of_class=None))
    assert curve.sensitivity.tolist() == [0.0]


def test_froc_counts_every_image_and_per_class():
    found = detect(REFERENCE, PREDICTION)
    everything = box_froc_curve(rank_hits(found.matchings[0], of_class=None))
    assert everything.sensitivity.tolist() == [0.0, 0.25, 0.5, 0.5, 0.75, 0.75]
    assert everything.false_positives_per_case.tolist() == [0.0, 0.0, 0.0, 0.25, 0.25, 0.5]
    only = box_froc_curve(rank_hits(found.matchings[0], of_class=1))
    assert (only.lesions, only.cases, only.sensitivity[-1], only.false_positives[-1]) == (1, 4, 0.0, 1)


def test_skipped_images_are_no_cases():
    skip = dataclasses.replace(SETTINGS.comparison, images_without_reference="skip")
    found = detect(REFERENCE, PREDICTION, comparison=skip)
    curve = box_froc_curve(rank_hits(found.matchings[0], of_class=None))
    assert (curve.cases, curve.false_positives[-1]) == (3, 1)
    ranked = rank_hits(found.matchings[0], of_class=None)
    drawn = draw_box_sensitivities(
        ranked, patients=range(4), draws=[[1, 1, 1, 1], [1, 1, 0, 2]], rates=[0.4, 0.45], between="step"
    )
    assert drawn.tolist() == [[0.75, 0.75], [0.5, 0.5]]  # a false one in three images, and in two


def test_the_confusion_table_ignores_classes_when_matching():
    table = confuse_boxes(REFERENCE, PREDICTION, images=4, classes=CLASSES, settings=SETTINGS, minimum_score=0.45)
    assert table.counts.tolist() == [
        [3, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],  # a small-cell tumour called adenocarcinoma
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],  # ignored: neither missed nor found
        [0, 0, 0, 0, 0],
    ]
    loose = confuse_boxes(REFERENCE, PREDICTION, images=4, classes=CLASSES, settings=SETTINGS, minimum_score=0.0)
    assert loose.counts[-1].tolist() == [0, 1, 0, 0, 0]
    strict = confuse_boxes(REFERENCE, PREDICTION, images=4, classes=CLASSES, settings=SETTINGS, minimum_score=0.7)
    assert strict.counts[:, :2].sum(axis=1).tolist() == [2, 1, 0, 0, 0]
    assert strict.counts[:, -1].tolist() == [1, 0, 0, 0, 0]
    assert (strict.threshold, strict.minimum_score, strict.classes) == (0.1, 0.7, CLASSES)


def test_classes_and_words_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="class indices below 2"):
        detect_boxes(REFERENCE, PREDICTION, images=4, classes=["A", "B"], settings=SETTINGS)
    with pytest.raises(ValueError, match="class indices below 1"):
        confuse_boxes(REFERENCE, PREDICTION, images=4, classes=["A"], settings=SETTINGS, minimum_score=0.0)
    with pytest.raises(ValueError, match="thresholds and pooling"):
        dataclasses.replace(SETTINGS, thresholds=())
    with pytest.raises(ValueError, match="thresholds and pooling"):
        dataclasses.replace(SETTINGS, pooling="weighted")
    ranked = rank_hits(detect(REFERENCE, PREDICTION).matchings[0], of_class=None)
    with pytest.raises(ValueError, match="11-point, all-point, 101-point"):
        box_average_precision(ranked, interpolation="40-point")


def test_iou_ranges_are_the_decimals_that_one_writes():
    assert iou_range(0.5, 0.95, step=0.05) == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert iou_range(0.5, 0.5, step=0.05) == (0.5,)


# average precision, straight from its definition


def naive_average_precision(hits, references, interpolation):
    points = [(sum(hits[:n]) / references, sum(hits[:n]) / n) for n in range(1, len(hits) + 1)]
    best = lambda recall: max((precision for reached, precision in points if reached >= recall), default=0.0)  # noqa: E731
    if interpolation == "all-point":
        return sum(best(n / references) for n in range(1, references + 1)) / references
    levels = np.linspace(0, 1, 11 if interpolation == "11-point" else 101)
    return sum(map(best, levels)) / len(levels)


def ranking(hits, references, images=None):
    images = np.zeros(len(hits), np.intp) if images is None else np.asarray(images)
    number = len(references)
    return RankedHits(
        np.arange(len(hits))[::-1].astype(float),
        np.array(hits, bool),
        images,
        np.array(references),
        np.ones(number, bool),
    )


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@settings(deadline=None)
@given(hits=st.lists(st.booleans(), max_size=30), more=st.integers(0, 10))
def test_average_precision_is_its_definition(interpolation, hits, more):
    references = max(1, sum(hits) + more)
    found = box_average_precision(ranking(hits, [references]), interpolation=interpolation)
    assert found == pytest.approx(naive_average_precision(hits, references, interpolation))
    assert 0.0 <= found <= 1.0


@st.composite
def rankings_with_draws(draw):
    images = draw(st.integers(1, 5))
    hits = draw(st.lists(st.booleans(), max_size=15))
    where = draw(st.lists(st.integers(0, images - 1), min_size=len(hits), max_size=len(hits)))
    found = np.bincount(np.array(where, int)[np.array(hits, bool)], minlength=images)
    references = found + np.array(draw(st.lists(st.integers(0, 2), min_size=images, max_size=images)))
    patients = draw(st.lists(st.integers(0, 2), min_size=images, max_size=images))
    draws = draw(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=4))
    return ranking(hits, references, np.array(where, np.intp)), patients, np.array(draws)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@settings(deadline=None)
@given(given_ranking=rankings_with_draws())
def test_draws_are_those_of_repeated_rows(interpolation, given_ranking):
    ranked, patients, draws = given_ranking
    found = draw_box_average_precision(ranked, patients=patients, draws=draws, interpolation=interpolation)
    rates = draw_box_sensitivities(ranked, patients=patients, draws=draws, rates=[0.5, 2.0], between="linear")
    assert found.shape == (len(draws),) and rates.shape == (len(draws), 2)
    for row, value in zip(image_draws(draws, patients).astype(int), found, strict=True):
        hits = np.repeat(ranked.hits, row[ranked.images]).tolist()
        references = int(row @ ranked.references)
        if references:
            assert value == pytest.approx(naive_average_precision(hits, references, interpolation))
        else:
            assert np.isnan(value)
    assert np.array_equal(
        np.isnan(rates).all(axis=1), np.isnan(found) | (image_draws(draws, patients).sum(axis=1) == 0)
    )


def test_a_draw_of_everybody_once_is_the_estimate():
    found = detect(REFERENCE, PREDICTION)
    draws = found.draw_mean_average_precision(patients=[0, 1, 1, 2], draws=[[1, 1, 1], [0, 2, 1], [0, 0, 3]])
    assert draws[0] == pytest.approx(found.mean_average_precision)
    assert draws[1] == pytest.approx(1.0)  # the only class with references in this draw is found, twice
    assert np.isnan(draws[2])


def test_memory_is_cut_into_pieces(monkeypatch):
    monkeypatch.setattr("oncohort.metrics.box_precision._CELLS", 8)
    ranked = ranking([True, False, True], [2, 1], np.array([0, 1, 1]))
    draws = [[1, 1], [2, 0], [0, 2], [1, 3], [3, 1]]
    cut = draw_box_average_precision(ranked, patients=[0, 1], draws=draws, interpolation="all-point")
    assert cut[0] == pytest.approx(box_average_precision(ranked, interpolation="all-point"))
    assert len(cut) == 5


def test_draws_of_other_patients_are_refused():
    ranked = ranking([True], [1, 1], np.array([0]))
    for patients in ([0, 7], [0, -1]):
        with pytest.raises(ValueError, match="index below 2"):
            draw_box_average_precision(ranked, patients=patients, draws=[[1, 1]], interpolation="all-point")
    for patients in ([0], [0, 1, 1]):
        with pytest.raises(ValueError, match="each of 2 images"):
            draw_box_average_precision(ranked, patients=patients, draws=[[1, 1]], interpolation="all-point")
        with pytest.raises(ValueError, match="each of 2 images"):
            draw_box_sensitivities(ranked, patients=patients, draws=[[1, 1]], rates=[1.0], between="linear")
    with pytest.raises(ValueError, match="one image or more"):
        box_froc_curve(ranking([], []))
