"""Boxes on slices in the XML form of PASCAL VOC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from oncohort.cohort import Cohort
from oncohort.errors import FormatError
from oncohort.exports.box_export import BoxExport
from oncohort.exports.boxes import SliceBoxOfClass, SliceImage, slice_images
from oncohort.exports.case_files import case_files, write_record
from oncohort.storage import write_bytes


@dataclass(frozen=True)
class VocExport(BoxExport):
    """Writes `Annotations/<case>_<role>_<slice>.xml`, one file per slice, and `ImageSets/Main`, without pixels.

    Corners are inclusive pixels counted from 0, x along i and y along j of the volume; the devkit of VOC counts from
    1. Every box is written with `difficult` 0.

    Args:
        choice: Which boxes.
        slices: Slices with boxes, or all of every volume that has boxes; a slice without boxes has a file without
            object.
        split: With one, its test set is `ImageSets/Main/test.txt`.

    Examples:
        >>> VocExport().settings()["export"]
        'voc'
    """

    name: ClassVar[str] = "voc"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "PASCAL VOC: an XML file of boxes per slice, which is named and not written"

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the file of every slice.

        Raises:
            FormatError: A box reaches outside its volume, or a class has characters that XML does not allow.
            MissingNeedError: A box lies on a volume that is not there.
        """
        images, elsewhere = slice_images(cohort, case, self.choice, self.slices)
        with case_files(folder) as files:
            for image in images:
                files.write_text(f"Annotations/{image.stem}.xml", voc_xml(image))
        return {
            "case": case,
            "images": {one.stem: one.volume_file for one in images},
            "elsewhere": elsewhere,
            "files": files.sizes,
        }

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write the lists of images and the record, which says where the volume of every slice lies."""
        test = set(self.split.test) if self.split is not None else set()
        sets = {
            "trainval": [stem for one in results if one["case"] not in test for stem in one["images"]],
            "test": [stem for one in results if one["case"] in test for stem in one["images"]],
        }
        written = []
        for part, stems in sets.items():
            if stems or part == "trainval":
                written.append(f"ImageSets/Main/{part}.txt")
                write_bytes(folder / written[-1], "".join(f"{stem}\n" for stem in stems).encode())
        content = {
            "settings": self.settings(),
            "boxes_without_volume": {one["case"]: one["elsewhere"] for one in results if one["elsewhere"]},
            "cases": {one["case"]: {"images": one["images"]} for one in results},
        }
        return (*written, write_record(folder, self.name, cohort, content))


def voc_xml(image: SliceImage) -> str:
    """The document of one slice.

    Raises:
        FormatError: A name with characters that XML does not allow.

    Source: PASCAL VOC devkit, "Annotation file format".

    Examples:
        >>> box = SliceBoxOfClass("A", 3, 4, 7, 2)
        >>> image = SliceImage("s", "1.2.dcm", "c", "p", "ct", "ct.nii.gz", 0, "1.2", 512, 512, (box,))
        >>> "<xmin>3</xmin><ymin>4</ymin><xmax>9</xmax><ymax>5</ymax>" in voc_xml(image)
        True
    """
    size = f"<width>{image.width}</width><height>{image.height}</height><depth>1</depth>"
    lines = [
        "<annotation>",
        f"  <folder>{_text(image.case, image)}</folder>",
        f"  <filename>{_text(image.file_name, image)}</filename>",
        f"  <path>{_text(image.volume_file, image)}</path>",
        f"  <size>{size}</size>",
        "  <segmented>0</segmented>",
        *(f"  {_object(box, image)}" for box in image.boxes),
        "</annotation>",
    ]
    return "\n".join(lines) + "\n"


def _object(box: SliceBoxOfClass, image: SliceImage) -> str:
    corners = {"xmin": box.x, "ymin": box.y, "xmax": box.x + box.width - 1, "ymax": box.y + box.height - 1}
    within = "".join(f"<{name}>{value}</{name}>" for name, value in corners.items())
    head = "<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
    return f"<object><name>{_text(box.class_name, image)}</name>{head}<bndbox>{within}</bndbox></object>"


def _text(value: str, image: SliceImage) -> str:
    if not value.isprintable():
        raise FormatError(
            expected="names of characters that XML allows",
            found=repr(value)[:80],
            where=f"case {image.case}",
            remedy="correct the class of the box or the name of the case",
        )
    return escape(value, quote=False)
