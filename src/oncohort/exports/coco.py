"""Boxes on slices as COCO instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from oncohort.cohort import Cohort
from oncohort.exports.box_export import BoxExport
from oncohort.exports.boxes import SliceImage, class_names, slice_images
from oncohort.exports.case_files import write_record
from oncohort.splits import Split
from oncohort.storage import write_json


@dataclass(frozen=True)
class CocoExport(BoxExport):
    """Writes one JSON file of images (slices), categories (classes) and annotations (boxes), without pixels.

    `bbox` is [xmin, ymin, width, height] in pixels counted from 0, x along i and y along j of the volume. Ids count
    from 1, those of categories in the order of their names.

    Args:
        choice: Which boxes.
        slices: Slices with boxes, or all of every volume that has boxes.
        split: With one, `instances_train.json` and `instances_test.json` instead of `instances.json`.

    Examples:
        >>> from oncohort.exports.boxes import BoxChoice
        >>> CocoExport(BoxChoice("ct")).settings()["slices"]
        'boxed'
    """

    name: ClassVar[str] = "coco"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "COCO instances: boxes on slices, which are named and not written"

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Give the slices of a case; the file of all is written at the end.

        Raises:
            FormatError: A box reaches outside its volume.
            MissingNeedError: A box lies on a volume that is not there.
        """
        images, elsewhere = slice_images(cohort, case, self.choice, self.slices)
        return {"case": case, "images": [one.to_dict() for one in images], "elsewhere": elsewhere, "files": {}}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write the file of all boxes, or one for each part of the split, and the record."""
        names = class_names(cohort)
        written = []
        for ending, cases in _parts(self.split, [one["case"] for one in results]).items():
            images = [SliceImage.from_dict(i) for one in results if one["case"] in cases for i in one["images"]]
            write_json(folder / f"instances{ending}.json", coco_instances(images, names, cohort))
            written.append(f"instances{ending}.json")
        content = {
            "settings": self.settings(),
            "boxes_without_volume": {one["case"]: one["elsewhere"] for one in results if one["elsewhere"]},
            "cases": {one["case"]: {"images": len(one["images"])} for one in results},
        }
        return (*written, write_record(folder, self.name, cohort, content))


def coco_instances(images: Iterable[SliceImage], classes: Sequence[str], cohort: Cohort) -> dict[str, Any]:
    """The document of COCO's format "object detection" for slices.

    Source: COCO, "Data format" (cocodataset.org).
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        values = image.to_dict()
        entries.append({"id": number, **{name: value for name, value in values.items() if name != "boxes"}})
        for box in image.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": classes.index(box.class_name) + 1,
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": 0,
                    "segmentation": [],
                    "lesion": box.lesion,
                    "reader": box.reader,
                }
            )
    licences = cohort.facts.licences or ("not stated",)
    return {
        "info": {"description": cohort.name, "version": "1.0"},
        "licenses": [{"id": number, "name": name} for number, name in enumerate(licences, start=1)],
        "images": entries,
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
        "annotations": annotations,
    }


def _parts(split: Split | None, cases: Sequence[str]) -> dict[str, set[str]]:
    if split is None:
        return {"": set(cases)}
    test = set(split.test)
    return {"_train": set(cases) - test, "_test": set(cases) & test} if test else {"_train": set(cases)}
