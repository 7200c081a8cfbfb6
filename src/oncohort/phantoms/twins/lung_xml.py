"""Annotation files of the twin of Lung-PET-CT-Dx: one VOC XML per boxed slice, named after its SOPInstanceUID."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oncohort.formats.dicom.study import WrittenSeries
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.phantoms.canvas import Axes
from oncohort.phantoms.lesions import LesionTruth
from oncohort.phantoms.shapes import Ellipsoid
from oncohort.phantoms.twins.protocol import WrittenCase
from oncohort.storage import write_bytes

PixelBox = tuple[int, int, int, int]
"""xmin, ymin, xmax, ymax: inclusive, the first pixel is 0."""

_LEAST_PIXELS = 1  # from the first to the last pixel: thinner sections are not boxed

_HEAD = """\
<annotation verified="no">
  <folder>Unknow</folder>
  <filename>Unknow</filename>
  <path>Unknow</path>
  <source>Unknow<database>Unknown</database>
  </source>
  <size>
    <width>{width}</width>
    <height>{height}</height>
    <depth>1</depth>
  </size>
  <segmented>0</segmented>
"""
_OBJECT = """\
  <object>
    <name>{name}</name>
    <pose>Unspecified</pose>
    <truncated>0</truncated>
    <Difficult>0</Difficult>
    <bndbox>
      <xmin>{xmin}</xmin>
      <ymin>{ymin}</ymin>
      <xmax>{xmax}</xmax>
      <ymax>{ymax}</ymax>
    </bndbox>
  </object>
"""


def voc_xml(boxes: Sequence[tuple[str, PixelBox]], size: tuple[int, int]) -> bytes:
    """One annotation file as the collection writes it, with named boxes on an image of (width, height)."""
    text = _HEAD.format(width=size[0], height=size[1])
    for name, (xmin, ymin, xmax, ymax) in boxes:
        text += _OBJECT.format(name=name, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    return f"{text}</annotation>".encode()


def annotate(
    written: WrittenCase, series: WrittenSeries | None, lesions: Sequence[LesionTruth], short: str, *, reading: int
) -> int:
    """Box the lesions on every slice of a series that they reach; a second reading is up to a pixel off.

    Returns:
        How many files were written.
    """
    if series is None:
        return 0
    boxes = _boxes(series, lesions)
    rng = np.random.default_rng(written.case.patient_seed + reading)
    width, height, _ = series.geometry.shape
    for k, found in sorted(boxes.items()):
        moved = [_moved(box, rng) if reading else box for box in found]
        path = written.root / layout.ANNOTATION_FOLDER / short / f"{series.sop_uids[k]}.xml"
        write_bytes(path, voc_xml([(short[0], box) for box in moved], (width, height)))
        written.add(path)
    if not reading:
        written.truth["boxed"] = [series.sop_uids[k] for k in sorted(boxes)]
    return sum(map(len, boxes.values()))


def _boxes(series: WrittenSeries, lesions: Sequence[LesionTruth]) -> dict[int, list[PixelBox]]:
    axes = Axes.of(series.geometry)
    found: dict[int, list[PixelBox]] = {}
    for lesion in lesions:
        body = Ellipsoid(lesion.centre_mm, lesion.radii_mm)
        box = axes.box(body)
        mask = axes.inside(body, box)
        for offset, plane in enumerate(mask):
            rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
            if min(rows.size, columns.size) > _LEAST_PIXELS:
                low = (box[2].start + columns[0], box[1].start + rows[0])
                high = (box[2].start + columns[-1], box[1].start + rows[-1])
                found.setdefault(box[0].start + offset, []).append(
                    (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
                )
    return found


def _moved(box: PixelBox, rng: np.random.Generator) -> PixelBox:
    """A second look: moved by up to a pixel, and up to a pixel larger."""
    xmin, ymin, xmax, ymax = box
    x, y, wider, higher = (int(value) for value in rng.integers((-1, -1, 0, 0), 2))
    return xmin + x, ymin + y, xmax + x + wider, ymax + y + higher


def annotation_files(written: WrittenCase) -> list[Path]:
    """The annotation files of a patient, sorted."""
    return sorted(written.root / name for name in written.files if name.endswith(".xml"))
