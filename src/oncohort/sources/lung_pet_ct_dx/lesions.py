"""Boxes of one case of Lung-PET-CT-Dx as rows: where they lie in its volumes, and which of them are one lesion."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from oncohort.boxes import (
    BoxLesion,
    LinkSettings,
    MergeSettings,
    SliceBox,
    SliceStack,
    link_boxes,
    merge_readings,
    slice_positions_mm,
)
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.dicom.studies import Study
from oncohort.sources.lung_pet_ct_dx.annotations import DrawnBox

Row = dict[str, Any]
_LINKING = LinkSettings(layout.LINK_IOU, layout.LINK_STEPS)
_MERGING = MergeSettings(layout.MERGE_IOU)


@dataclass(frozen=True)
class LungBoxes:
    """The boxes of one case.

    Attributes:
        boxes: rows of `boxes.parquet`; those on screenshots have neither volume nor place along k.
        structures: rows of `structures.parquet`: readings of each lesion, and how well they agree.
        gaps: evidence of slices without a box between boxed ones, by role.
    """

    boxes: tuple[Row, ...]
    structures: tuple[Row, ...]
    gaps: tuple[str, ...]


def place_boxes(case: str, letter: str, study: Study, drawn: Mapping[str, Sequence[tuple[DrawnBox, int]]]) -> LungBoxes:
    """Rows of the boxes of a case.

    Boxes of neighbouring slices of a series become lesions; lesions of several reconstructions become one with several
    readings (see `oncohort.boxes`). All boxes get the class of the patient; `raw_class` keeps what the file says.

    Args:
        case: its id.
        letter: class of the patient.
        study: its volumes.
        drawn: boxes by role with the index of their slice along k; those on screenshots under "".
    """
    stacks, positions = {}, {}
    for role in drawn:
        if role:
            found = study.volumes[role]
            frame = found.header.frame or found.header.study
            stacks[role] = SliceStack.of_grid(found.series.geometry, series=role, frame=frame)
            positions[role] = slice_positions_mm(found.series.geometry)
    slice_boxes = [
        SliceBox(role, one.sop, float(positions[role][k]), one.box, letter, one.reader)
        for role, members in drawn.items()
        if role
        for one, k in members
    ]
    readings = link_boxes(slice_boxes, stacks=stacks, settings=_LINKING)
    lesions = merge_readings(readings, settings=_MERGING)
    names = _lesion_names(lesions)
    rows = [
        _row(case, letter, role, one, k, names)
        for role, members in sorted(drawn.items(), key=lambda entry: (not entry[0], entry[0]))
        for one, k in sorted(members, key=lambda member: (member[1], member[0].sop, member[0].reader, member[0].box))
    ]
    structures = [row for number, lesion in enumerate(lesions, 1) for row in _agreement(case, str(number), lesion)]
    gaps = [gap for role in stacks for gap in _gaps(role, slice_boxes, stacks[role])]
    return LungBoxes(tuple(rows), tuple(structures), tuple(gaps))


def _lesion_names(lesions: Iterable[BoxLesion]) -> dict[tuple[str, str, str, Any], str]:
    return {
        (box.series, box.slice_uid, box.reader, box.box): str(number)
        for number, lesion in enumerate(lesions, start=1)
        for reading in lesion.readings
        for box in reading.boxes
    }


def _row(
    case: str, letter: str, role: str, one: DrawnBox, k: int, names: Mapping[tuple[str, str, str, Any], str]
) -> Row:
    (i0, i1), (j0, j1) = one.box
    return {
        "case": case,
        "volume": role or None,
        "lesion": names.get((role, one.sop, one.reader, one.box)),
        "class": letter,
        "i0": i0,
        "i1": i1,
        "j0": j0,
        "j1": j1,
        "k0": k if role else None,
        "k1": k + 1 if role else None,
        "slice_uid": one.sop,
        "reader": one.reader,
        "state": "original",
        "version": 1,
        "parent": None,
        "raw_class": one.raw_class,
    }


def _agreement(case: str, lesion: str, found: BoxLesion) -> list[Row]:
    """Rows of one lesion: its readings, and the agreement of each pair of them."""
    rows = [
        _measure(case, lesion, reading.stack.series, "boxed_slices", len(reading.boxes)) for reading in found.readings
    ]
    for pair in found.agreement:
        one, other = (found.readings[place].stack.series for place in (pair.first, pair.second))
        values = {"reading_iou_3d": pair.iou_3d, "reading_iou_stacked": pair.iou_stacked, "reading_iou_2d": pair.iou_2d}
        rows += [
            {**_measure(case, lesion, one, name, value), "other_volume": other}
            for name, value in values.items()
            if not math.isnan(value)
        ]
    return rows


def _measure(case: str, lesion: str, role: str, measure: str, value: float) -> Row:
    unit = "slices" if measure == "boxed_slices" else "1"
    return {
        "case": case,
        "volume": role,
        "structure": "lesion",
        "lesion": lesion,
        "measure": measure,
        "value": float(value),
        "unit": unit,
        "other_volume": None,
    }


def _gaps(role: str, boxes: Iterable[SliceBox], stack: SliceStack) -> list[str]:
    by_reader: dict[str, set[float]] = defaultdict(set)
    for box in boxes:
        if box.series == role:
            by_reader[box.reader].add(box.position_mm)
    missing = [
        round((upper - lower) / stack.step_mm) - 1
        for positions in by_reader.values()
        for lower, upper in pairwise(sorted(positions))
    ]
    wide = [str(count) for count in missing if count > 0]
    return [f"{role}: {', '.join(wide)} slices without a box between boxed ones"] if wide else []
