"""COCO results: the boxes come back as they went in."""

import json

import numpy as np
import pytest

from oncohort.boxes import from_corners, to_corners
from oncohort.metrics.box_sets import predicted_boxes
from oncohort.outputs import coco_results, write_coco_results

# Lung-PET-CT-Dx, patient A0001, soft reconstruction, three lowest slices: corners inclusive, 0-based (x1, y1, x2, y2).
SOFT = [[304, 304, 337, 372], [292, 301, 338, 379], [287, 313, 349, 385]]


def prediction(boxes, **columns):
    return predicted_boxes(boxes, **{"images": [2, 0, 1], "scores": [0.95, 0.9, 0.85], **columns})


def test_inclusive_corners_become_x_y_width_height():
    boxes = from_corners(SOFT, pixel_rule="inclusive", pixel_base=0)
    found = coco_results(prediction(boxes), image_ids=[11, 12, 13], category_ids=[3])
    assert [entry["bbox"] for entry in found] == [[x1, y1, x2 - x1 + 1, y2 - y1 + 1] for x1, y1, x2, y2 in SOFT]
    assert [entry["image_id"] for entry in found] == [13, 11, 12]
    assert {entry["category_id"] for entry in found} == {3}
    assert [entry["score"] for entry in found] == [0.95, 0.9, 0.85]


def test_a_round_trip_through_the_file_keeps_every_box(tmp_path):
    rng = np.random.default_rng(3)
    starts = rng.uniform(0, 400, (50, 2))
    boxes = np.stack([starts, starts + rng.uniform(1, 90, (50, 2))], axis=2)
    given = predicted_boxes(boxes, images=rng.integers(0, 7, 50), classes=rng.integers(0, 4, 50), scores=rng.random(50))
    ids, categories = list(range(100, 107)), [5, 6, 7, 9]
    write_coco_results(tmp_path / "r.json", coco_results(given, image_ids=ids, category_ids=categories))
    read = json.loads((tmp_path / "r.json").read_text())
    x, y, w, h = np.array([entry["bbox"] for entry in read]).T
    np.testing.assert_allclose(
        np.stack([x, y, x + w, y + h], 1), to_corners(boxes, pixel_rule="half-open", pixel_base=0), atol=1e-12
    )
    assert [ids.index(entry["image_id"]) for entry in read] == given.images.tolist()
    assert [categories.index(entry["category_id"]) for entry in read] == given.classes.tolist()
    assert [entry["score"] for entry in read] == given.scores.tolist()


def test_no_boxes_are_an_empty_list():
    assert coco_results(predicted_boxes(np.zeros((0, 2, 2)), images=[], scores=[]), image_ids=[], category_ids=[]) == []


def test_what_coco_cannot_say_is_refused():
    volume = predicted_boxes(np.array([[[0, 1], [0, 1], [0, 1]]]), images=0, scores=[1.0])
    with pytest.raises(ValueError, match="3D"):
        coco_results(volume, image_ids=[1], category_ids=[1])
    flat = predicted_boxes(np.array([[[0, 1], [0, 1]]]), images=1, classes=1, scores=[1.0])
    with pytest.raises(ValueError, match="image 1"):
        coco_results(flat, image_ids=[1], category_ids=[1, 2])
    with pytest.raises(ValueError, match="class 1"):
        coco_results(flat, image_ids=[1, 2], category_ids=[1])


def test_pycocotools_reads_it(tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    boxes = from_corners(SOFT, pixel_rule="inclusive", pixel_base=0)
    write_coco_results(tmp_path / "r.json", coco_results(prediction(boxes), image_ids=[1, 2, 3], category_ids=[1]))
    images = [{"id": number, "width": 512, "height": 512} for number in (1, 2, 3)]
    annotations = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "A"}], "info": {}}
    (tmp_path / "gt.json").write_text(json.dumps(annotations))
    loaded = coco.COCO(str(tmp_path / "gt.json")).loadRes(str(tmp_path / "r.json"))
    assert [row["area"] for row in loaded.loadAnns(loaded.getAnnIds())] == [
        float((x2 - x1 + 1) * (y2 - y1 + 1)) for x1, y1, x2, y2 in SOFT
    ]
