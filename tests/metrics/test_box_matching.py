import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics.box_comparison import ComparisonSettings, compare_boxes
from oncohort.metrics.box_matching import MatchSettings, Outcome, match_boxes
from oncohort.metrics.box_ranking import rank_hits
from oncohort.metrics.box_sets import boxes_of_points, predicted_boxes, reference_boxes

HIT, FALSE, IGNORED, CAPPED, SKIPPED = Outcome.HIT, Outcome.FALSE, Outcome.IGNORED, Outcome.CAPPED, Outcome.SKIPPED


def rules(rule, *, ignored_takes="any", maximum=None, cap="first"):
    return MatchSettings(rule, ignored_takes=ignored_takes, maximum=maximum, cap=cap)


def comparison(**changes):
    words = {"measure": "iou", "within": "class", "images_without_reference": "count", "dimension": 2} | changes
    return ComparisonSettings(pixel_rule="half-open", **words)


def bar(*spans):
    """Boxes one pixel high along i."""
    return np.array([[span, (0, 1)] for span in spans], float).reshape(-1, 2, 2)


def match(reference, prediction, settings, threshold=0.5, images=1, **changes):
    compared = compare_boxes(reference, prediction, images=images, settings=comparison(**changes))
    return match_boxes(compared, threshold=threshold, settings=settings)


def outcomes(*args, **changes):
    return match(*args, **changes).outcome.tolist()


def falling(boxes, *, images=0, classes=0):
    return predicted_boxes(boxes, images=images, classes=classes, scores=0.9 - 0.1 * np.arange(len(boxes)))


def test_voc_lets_the_closest_reference_decide_and_coco_the_closest_free_one():
    reference = reference_boxes(bar((0, 10), (3, 13)), images=0)
    prediction = falling(bar((0, 10), (1, 11)))  # both are closest to the first; the second is near to the other too
    assert outcomes(reference, prediction, rules("voc"), threshold=0.5) == [HIT, FALSE]
    assert outcomes(reference, prediction, rules("coco"), threshold=0.5) == [HIT, HIT]
    assert outcomes(reference, prediction, rules("coco"), threshold=0.7) == [HIT, FALSE]


def test_luna_ignores_further_hits_and_lets_one_prediction_find_two():
    reference = reference_boxes(bar((0, 10), (3, 13)), images=0)
    found = match(reference, falling(bar((1, 11), (2, 12), (40, 50))), rules("luna"))
    assert found.outcome.tolist() == [HIT, IGNORED, FALSE]
    assert found.found_by.tolist() == [0, 0]
    assert rank_hits(found, of_class=None).hits.tolist() == [True, True, False]


def test_a_second_hit_is_false_by_voc_and_coco_alike():
    reference = reference_boxes(bar((0, 10)), images=0)
    for rule in ("voc", "coco"):
        assert outcomes(reference, falling(bar((0, 9), (0, 10))), rules(rule)) == [HIT, FALSE]


@pytest.mark.parametrize(
    ("rule", "ignored_takes", "expected"),
    [
        ("voc", "any", [IGNORED, IGNORED, FALSE]),
        ("coco", "any", [IGNORED, IGNORED, FALSE]),
        ("coco", "one", [IGNORED, FALSE, FALSE]),
        ("luna", "any", [IGNORED, IGNORED, FALSE]),
    ],
)
def test_ignored_references_count_neither_way(rule, ignored_takes, expected):
    reference = reference_boxes(bar((0, 10)), images=0, ignored=True)
    found = match(reference, falling(bar((0, 10), (1, 11), (30, 40))), rules(rule, ignored_takes=ignored_takes))
    assert found.outcome.tolist() == expected
    assert found.found_by.tolist() == [-1]
    assert found.counts_per_image().tolist() == [[0, expected.count(FALSE), 0]]
    assert rank_hits(found, of_class=None).references.tolist() == [0]


def test_coco_prefers_a_free_reference_that_counts_to_a_closer_ignored_one():
    reference = reference_boxes(bar((0, 10), (2, 12)), images=0, ignored=[True, False])
    assert match(reference, falling(bar((0, 10))), rules("coco")).matched.tolist() == [1]
    assert match(reference, falling(bar((0, 10))), rules("voc")).matched.tolist() == [0]


def test_of_two_equally_close_coco_takes_the_later_and_voc_the_first():
    reference = reference_boxes(bar((0, 10), (0, 10)), images=0)
    assert match(reference, falling(bar((0, 10))), rules("coco")).matched.tolist() == [1]
    assert match(reference, falling(bar((0, 10))), rules("voc")).matched.tolist() == [0]


def test_the_threshold_itself_is_a_hit_by_iou_and_none_by_centre():
    reference = reference_boxes(bar((0, 10)), images=0)
    assert outcomes(reference, falling(bar((0, 5))), rules("voc"), threshold=0.5) == [HIT]
    on_the_rim = falling(bar((5, 15), (4.99, 14.99)))
    assert outcomes(reference, on_the_rim, rules("luna"), threshold=0.5, measure="centre") == [FALSE, HIT]


def test_images_and_classes_are_matched_apart():
    reference = reference_boxes(bar((0, 10), (0, 10)), images=[0, 1], classes=[0, 1])
    prediction = falling(bar((0, 10), (0, 10), (0, 10)), images=[0, 1, 2], classes=[1, 1, 0])
    assert outcomes(reference, prediction, rules("voc"), images=3) == [FALSE, HIT, FALSE]
    assert outcomes(reference, prediction, rules("voc"), images=3, within="image") == [HIT, HIT, FALSE]


def test_images_without_reference_count_or_are_skipped():
    reference = reference_boxes(bar((0, 10)), images=0)
    prediction = falling(bar((0, 10), (0, 10)), images=[0, 1])
    assert outcomes(reference, prediction, rules("voc"), images=3) == [HIT, FALSE]
    skipped = match(reference, prediction, rules("voc"), images=3, images_without_reference="skip")
    assert skipped.outcome.tolist() == [HIT, SKIPPED]
    assert rank_hits(skipped, of_class=None).counted.tolist() == [True, False, False]


def test_the_cap_keeps_the_surest_of_each_image_and_class():
    boxes = bar(*[(20 * n, 20 * n + 10) for n in range(4)])
    reference = reference_boxes(boxes, images=0)
    tied = predicted_boxes(boxes, images=0, scores=[0.5, 0.5, 0.9, 0.5])
    assert outcomes(reference, tied, rules("coco", maximum=2)) == [HIT, CAPPED, HIT, CAPPED]
    assert outcomes(reference, tied, rules("coco", maximum=2, cap="strict")) == [CAPPED, CAPPED, HIT, CAPPED]
    assert outcomes(reference, tied, rules("coco", maximum=4, cap="strict")) == [HIT] * 4
    two = predicted_boxes(boxes, images=[0, 1, 0, 1], classes=[0, 0, 1, 0], scores=[0.5, 0.5, 0.9, 0.4])
    assert outcomes(reference, two, rules("coco", maximum=1), images=2) == [HIT, FALSE, FALSE, CAPPED]


def test_equal_scores_keep_their_order():
    reference = reference_boxes(bar((0, 10)), images=0)
    tied = predicted_boxes(bar((0, 9), (0, 10)), images=0, scores=[0.5, 0.5])
    assert outcomes(reference, tied, rules("voc")) == [HIT, FALSE]
    ranked = rank_hits(match(reference, tied, rules("voc")), of_class=None)
    assert ranked.hits.tolist() == [True, False]


def test_what_a_candidate_row_needs_is_kept():
    reference = reference_boxes(bar((0, 10), (50, 60)), images=[0, 0])
    found = match(
        reference, falling(bar((52, 62), (0, 4), (0, 10), (0, 1)), images=[0, 0, 0, 1]), rules("voc"), images=2
    )
    assert found.matched.tolist() == [1, -1, 0, -1]
    assert found.found_by.tolist() == [2, 0]
    assert found.closeness[:3] == pytest.approx([8 / 12, 0.4, 1.0])
    assert np.isnan(found.closeness[3])
    assert found.counts_per_image().tolist() == [[2, 1, 0], [0, 1, 0]]


def test_luna16_points_and_unknown_diameters():
    boxes = boxes_of_points([[0, 0, 0], [0, 0, 100]], [4.0, -1.0], unknown_diameter_mm=10.0)
    assert np.diff(boxes, axis=2)[:, 0, 0].tolist() == [4.0, 10.0]
    assert boxes_of_points([[1, 2, 3]], 0.0, unknown_diameter_mm=10.0).tolist() == [[[1, 1], [2, 2], [3, 3]]]
    reference = reference_boxes(boxes, images=0)
    points = boxes_of_points([[0, 0, 1.9], [0, 2.1, 0], [4.9, 0, 100], [3.0, 4.0, 100]], 0.0, unknown_diameter_mm=10.0)
    found = match(reference, falling(points), rules("luna"), threshold=0.5, dimension=3, measure="centre")
    assert found.outcome.tolist() == [HIT, FALSE, HIT, FALSE]


# naive oracles, straight from the words


def naive_voc(iou, ignored, threshold):
    used, found = set(), []
    for column in range(iou.shape[1]):
        row = max(range(iou.shape[0]), key=lambda n: iou[n, column])
        if iou[row, column] < threshold:
            found.append(FALSE)
        elif ignored[row]:
            found.append(IGNORED)
        else:
            found.append(FALSE if row in used else HIT)
            used.add(row)
    return found


def naive_luna(iou, ignored, threshold):
    """Nodule by nodule: its best mark, the marks that are left over, and the false ones."""
    left = set(range(iou.shape[1]))
    best = {}
    for row in range(iou.shape[0]):
        marks = [column for column in range(iou.shape[1]) if iou[row, column] >= threshold]
        left -= set(marks)
        if marks and not ignored[row]:
            best[row] = marks[0]
    return [HIT if n in best.values() else FALSE if n in left else IGNORED for n in range(iou.shape[1])]


@st.composite
def one_image(draw):
    spans = st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    reference = draw(st.lists(spans, min_size=1, max_size=6, unique=True))
    ignored = draw(st.lists(st.booleans(), min_size=len(reference), max_size=len(reference)))
    prediction = draw(st.lists(spans, min_size=1, max_size=8))
    return reference_boxes(bar(*reference), images=0, ignored=ignored), falling(bar(*prediction))


@pytest.mark.parametrize(("rule", "oracle"), [("voc", naive_voc), ("luna", naive_luna)])
@settings(deadline=None)
@given(sets=one_image(), threshold=st.sampled_from([0.1, 0.3, 0.5]))
def test_equals_the_naive_oracle(rule, oracle, sets, threshold):
    reference, prediction = sets
    found = match(reference, prediction, rules(rule), threshold=threshold)
    (group,) = found.comparison.groups
    assert found.outcome.tolist() == oracle(group.closeness, reference.ignored, threshold)


@pytest.mark.parametrize("rule", ["voc", "coco", "luna"])
@settings(deadline=None)
@given(sets=one_image(), seed=st.integers(0, 10**6), shift=st.integers(-50, 50))
def test_order_and_place_do_not_matter(rule, sets, seed, shift):
    reference, prediction = sets
    found = match(reference, prediction, rules(rule), threshold=0.3)
    order = np.random.default_rng(seed).permutation(len(prediction.boxes))
    moved = predicted_boxes(prediction.boxes[order] + shift, images=0, scores=prediction.scores[order])
    still = reference_boxes(reference.boxes + shift, images=0, ignored=reference.ignored)
    again = match(still, moved, rules(rule), threshold=0.3)
    assert again.outcome.tolist() == found.outcome[order].tolist()
    assert rank_hits(again, of_class=None).hits.tolist() == rank_hits(found, of_class=None).hits.tolist()


@pytest.mark.parametrize("rule", ["voc", "coco"])
@settings(deadline=None)
@given(sets=one_image())
def test_every_reference_is_found_once_at_most_and_everything_is_accounted_for(rule, sets):
    reference, prediction = sets
    found = match(reference, prediction, rules(rule), threshold=0.3)
    finders = found.found_by[found.found_by >= 0]
    assert len(set(finders.tolist())) == len(finders) == (found.outcome == HIT).sum()
    assert (found.closeness[found.matched >= 0] >= 0.3).all()
    hits, false, missed = found.counts_per_image()[0]
    assert hits + missed == (~reference.ignored).sum()
    assert hits + false + (found.outcome == IGNORED).sum() == len(prediction.boxes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"rule": "pascal"}, "words of MatchSettings"),
        ({"rule": "coco", "maximum": 0}, "maximum"),
        ({"rule": "coco", "cap": "last"}, "words of MatchSettings"),
        ({"rule": "voc", "ignored_takes": "one"}, "ignored_takes"),
    ],
)
def test_contradictory_rules_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        rules(**words)


@pytest.mark.parametrize(
    "words", [{"measure": "dice"}, {"within": "slice"}, {"dimension": 4}, {"images_without_reference": "drop"}]
)
def test_unknown_words_are_refused(words):
    with pytest.raises(ValueError, match="words of ComparisonSettings"):
        comparison(**words)


def test_columns_that_do_not_fit_are_refused():
    boxes = bar((0, 10), (20, 30))
    with pytest.raises(ValueError, match="2 values in images"):
        reference_boxes(boxes, images=[0])
    with pytest.raises(ValueError, match="from 0 in classes"):
        reference_boxes(boxes, images=0, classes=[0, -1])
    with pytest.raises(ValueError, match="finite scores"):
        predicted_boxes(boxes, images=0, scores=[0.1, np.nan])
    with pytest.raises(ValueError, match="below 1"):
        match(reference_boxes(boxes, images=[0, 1]), falling(boxes), rules("voc"))
    with pytest.raises(ValueError, match="3 axes"):
        match(reference_boxes(boxes, images=0), falling(boxes), rules("voc"), dimension=3)
    for threshold in (0.0, 1.1):
        with pytest.raises(ValueError, match="threshold above 0"):
            match(reference_boxes(boxes, images=0), falling(boxes), rules("voc"), threshold=threshold)


def test_nothing_at_all():
    none = np.empty((0, 2, 2))
    found = match(reference_boxes(none, images=[]), predicted_boxes(none, images=[], scores=[]), rules("coco"))
    assert found.counts_per_image().tolist() == [[0, 0, 0]]
