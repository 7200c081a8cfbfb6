"""Agreement with pycocotools on random 2D boxes."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools import coco, cocoeval

from oncohort.metrics.box_comparison import ComparisonSettings
from oncohort.metrics.box_detection import DetectionSettings, detect_boxes, iou_range
from oncohort.metrics.box_matching import MatchSettings
from oncohort.metrics.box_sets import predicted_boxes, reference_boxes

IMAGES, CLASSES = 12, 3
THRESHOLDS = iou_range(0.5, 0.95, step=0.05)


def corner_boxes(draw, number, whole):
    start = draw.uniform(0, 60, (number, 2))
    boxes = np.stack([start, start + draw.uniform(4, 40, (number, 2))], axis=2)
    return np.round(boxes) if whole else boxes


def random_sets(seed, *, whole):
    """References, and predictions of which most are moved references; scores with ties."""
    draw = np.random.default_rng(seed)
    number = int(draw.choice([7, 10, 20, 25, 50, 100]))
    first = corner_boxes(draw, number, whole)
    images, classes = draw.integers(0, IMAGES, number), draw.integers(0, CLASSES, number)
    picks = draw.integers(0, number, 2 * number)
    moved = first[picks] + (
        np.round(draw.normal(0, 3, (2 * number, 2, 1))) if whole else draw.normal(0, 3, (2 * number, 2, 1))
    )
    other = corner_boxes(draw, number, whole)
    scores = np.round(draw.uniform(0, 1, 3 * number), 1 if whole else 6)
    reference = reference_boxes(first, images=images, classes=classes)
    places = np.concatenate([images[picks], draw.integers(0, IMAGES, number)])
    kinds = np.concatenate([classes[picks], draw.integers(0, CLASSES, number)])
    order = np.argsort(places, kind="stable")  # pycocotools orders equal scores by image, we as they come
    boxes = np.concatenate([moved, other])[order]
    prediction = predicted_boxes(boxes, images=places[order], classes=kinds[order], scores=scores)
    return reference, prediction


def coco_boxes(boxes):
    return np.concatenate([boxes[..., 0], boxes[..., 1] - boxes[..., 0]], axis=1).tolist()


def by_pycocotools(reference, prediction, maximum, areas=None):
    """Precision (thresholds, classes) of the package: -1 where a class has no reference."""
    rows = zip(coco_boxes(reference.boxes), reference.images.tolist(), reference.classes.tolist(), strict=True)
    annotations = [
        {"id": n, "image_id": image + 1, "category_id": kind + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for n, (box, image, kind) in enumerate(rows, start=1)
    ]
    columns = (prediction.images.tolist(), prediction.classes.tolist(), prediction.scores.tolist())
    results = [
        {"image_id": image + 1, "category_id": kind + 1, "bbox": box, "score": score}
        for box, image, kind, score in zip(coco_boxes(prediction.boxes), *columns, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": n + 1} for n in range(IMAGES)],
            "categories": [{"id": n + 1} for n in range(CLASSES)],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array(THRESHOLDS)
        evaluation.params.maxDets = [maximum]
        if areas:
            evaluation.params.areaRng, evaluation.params.areaRngLbl = [list(areas)], ["chosen"]
        evaluation.evaluate()
        evaluation.accumulate()
    area = 0
    return evaluation.eval["precision"][:, :, :, area, -1].mean(axis=1)


def settings(maximum, ignored_takes="any"):
    return DetectionSettings(
        ComparisonSettings(2, "half-open", "iou", "class", "count"),
        MatchSettings("coco", ignored_takes=ignored_takes, maximum=maximum, cap="first"),
        thresholds=THRESHOLDS,
        interpolation="101-point",
        pooling="macro",
    )


def ours(reference, prediction, protocol):
    return detect_boxes(reference, prediction, images=IMAGES, classes=["A", "B", "G"], settings=protocol)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("maximum", [100, 3])
@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_that_of_pycocotools(seed, maximum, whole):
    reference, prediction = random_sets(seed, whole=whole)
    expected = by_pycocotools(reference, prediction, maximum)
    found = ours(reference, prediction, settings(maximum))
    assert np.abs(np.nan_to_num(found.average_precisions, nan=-1.0) - expected).max() < 1e-9
    assert found.mean_average_precision == pytest.approx(expected[expected > -1].mean(), abs=1e-9)
    assert 0.05 < found.mean_average_precision < 0.95


@pytest.mark.parametrize("seed", range(10))
def test_references_out_of_the_area_range_are_ignored_as_pycocotools_does(seed):
    """Every prediction is within the range, so only references are ignored, each taking one prediction."""
    reference, prediction = random_sets(seed, whole=False)
    small = np.prod(np.diff(reference.boxes, axis=2), axis=(1, 2)) < 400
    inside = np.prod(np.diff(prediction.boxes, axis=2), axis=(1, 2)) >= 400
    kept = predicted_boxes(
        prediction.boxes[inside],
        images=prediction.images[inside],
        classes=prediction.classes[inside],
        scores=prediction.scores[inside],
    )
    marked = reference_boxes(reference.boxes, images=reference.images, classes=reference.classes, ignored=small)
    expected = by_pycocotools(reference, kept, 100, areas=(400, 1e10))
    found = ours(marked, kept, settings(100, "one")).average_precisions
    assert np.abs(np.nan_to_num(found, nan=-1.0) - expected).max() < 1e-9
