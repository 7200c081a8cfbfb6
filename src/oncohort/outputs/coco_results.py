"""Predicted boxes as COCO results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oncohort.metrics.box_sets import PredictedBoxes
from oncohort.storage import write_json

_AXES = 2


def coco_results(
    prediction: PredictedBoxes, *, image_ids: Sequence[int], category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """One entry per box: `image_id`, `category_id`, `bbox` [x, y, width, height], `score`, in the order given.

    x is the first axis of the boxes (columns, i), y the second (rows, j);
    pixels count from 0 and boxes are half-open, so that width is stop - start.
    Boxes of inclusive corners come through `boxes.from_corners`.

    Args:
        prediction: Boxes of slices (2D).
        image_ids: COCO's id of each image index.
        category_ids: COCO's id of each class index.

    Raises:
        ValueError: Boxes of 3D scans, or an index without id.

    Source: COCO, "Results format" (cocodataset.org); pixel rule of the COCO row in
        docs/outputs.md.

    Examples:
        >>> from oncohort.boxes import from_corners
        >>> from oncohort.metrics.box_sets import predicted_boxes
        >>> boxes = from_corners([[298, 298, 335, 374]], pixel_rule="inclusive", pixel_base=0)
        >>> coco_results(predicted_boxes(boxes, images=0, scores=[0.95]), image_ids=[7], category_ids=[1])
        [{'image_id': 7, 'category_id': 1, 'bbox': [298.0, 298.0, 38.0, 77.0], 'score': 0.95}]
    """
    if len(prediction.boxes) and prediction.boxes.shape[1] != _AXES:
        raise ValueError("expected boxes of slices (2D), got boxes of scans (3D), which COCO does not know")
    for name, indices, ids in (
        ("image", prediction.images, image_ids),
        ("class", prediction.classes, category_ids),
    ):
        if len(indices) and indices.max() >= len(ids):
            raise ValueError(f"expected an id for {name} {indices.max()}, got {len(ids)} ids")
    starts, stops = prediction.boxes[..., 0], prediction.boxes[..., 1]
    return [
        {
            "image_id": int(image_ids[image]),
            "category_id": int(category_ids[kind]),
            "bbox": [*start, *size],
            "score": score,
        }
        for start, size, image, kind, score in zip(
            starts.tolist(),
            (stops - starts).tolist(),
            prediction.images.tolist(),
            prediction.classes.tolist(),
            prediction.scores.tolist(),
            strict=True,
        )
    ]


def write_coco_results(path: str | Path, results: Sequence[dict[str, Any]]) -> None:
    """Write what `coco_results` gave, whole or not at all; `COCO.loadRes` reads it.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_coco_results(f"{folder}/results.json", [])
        ...     Path(f"{folder}/results.json").read_text().strip()
        '[]'
    """
    write_json(path, list(results))
