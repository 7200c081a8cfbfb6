"""Scored boxes of slices as COCO's files: a data set of the references, and the results of every model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from oncohort.errors import InputError
from oncohort.metrics import PredictedBoxes
from oncohort.outputs.coco_results import coco_results
from oncohort.results import Scores

_IMAGE = ["case", "volume", "k0"]


def coco_dataset(scores: Scores) -> dict[str, Any]:
    """The references as COCO's data set: `images`, `categories`, `annotations`.

    Images are the slices that hold a box of the reference or of any model; other
    images change no average precision. Beside COCO's keys each says which slice
    it is (`case`, `volume`, `k`), so that `evaluate` reads results by it.

    Raises:
        InputError: The scores hold no boxes of slices.

    Source: COCO, "Data format" (cocodataset.org).
    """
    boxes = _boxes(scores)
    images, classes = _image_ids(boxes), _class_ids(scores)
    drawn = boxes.filter(side="reference")
    protocol = {name: scores.run.get(name) for name in ("cohort", "profile", "profile_version")}
    return {
        "info": {"description": "Boxes of the reference that Oncohort scored", **protocol},
        "images": [
            {"id": number, "file_name": f"{case}/{volume}/{int(k)}", "case": case, "volume": volume, "k": int(k)}
            for (case, volume, k), number in images.items()
        ],
        "categories": [{"id": number, "name": name} for name, number in classes.items()],
        "annotations": [
            {
                "id": number,
                "image_id": images[row["case"], row["volume"], row["k0"]],
                "category_id": classes[row["class"]],
                "bbox": _bbox(row),
                "area": (row["i1"] - row["i0"]) * (row["j1"] - row["j0"]),
                "iscrowd": 0,
            }
            for number, row in enumerate(drawn.iter_rows(named=True), start=1)
        ],
    }


def coco_model_results(scores: Scores, model: str) -> list[dict[str, Any]]:
    """The boxes of a model as COCO results, with the ids of `coco_dataset`.

    Raises:
        InputError: The scores hold no boxes of slices.
    """
    boxes = _boxes(scores)
    images, classes = _image_ids(boxes), _class_ids(scores)
    own = boxes.filter(side="prediction", model=model)
    edges = own.select("i0", "i1", "j0", "j1").to_numpy().reshape(-1, 2, 2)
    only = next(iter(classes)) if scores.run.get("confusion") == {} else None
    places = [images[row] for row in own.select(_IMAGE).iter_rows()]
    kinds = [classes[only or name] for name in own["class"]]
    prediction = PredictedBoxes(
        edges, np.array(places, np.intp), np.array(kinds, np.intp), own["score"].to_numpy().astype(np.float64)
    )
    return coco_results(prediction, image_ids=range(len(images) + 1), category_ids=range(len(classes) + 1))


def _boxes(scores: Scores) -> pl.DataFrame:
    if scores.boxes is None or (scores.boxes["k1"] - scores.boxes["k0"] != 1).any():
        raise InputError(
            expected="scores of boxes on slices",
            found="masks" if scores.boxes is None else "boxes of several slices",
            where="COCO",
            remedy="evaluate with a profile of boxes whose dimension is 2; COCO has no third axis",
        )
    return scores.boxes


def _image_ids(boxes: pl.DataFrame) -> dict[tuple[str, str, float], int]:
    """Numbers from 1 of the slices that hold a box, in the order of case, volume and slice."""
    slices = boxes.select(_IMAGE).unique().sort(_IMAGE)
    return {(case, volume, k): number for number, (case, volume, k) in enumerate(slices.iter_rows(), start=1)}


def _class_ids(scores: Scores) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(scores.run["structures"], start=1)}


def _bbox(row: Mapping[str, Any]) -> list[float]:
    return [row["i0"], row["j0"], row["i1"] - row["i0"], row["j1"] - row["j0"]]
