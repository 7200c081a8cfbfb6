"""Annotation files of Lung-PET-CT-Dx, joined to images by their names alone."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.compute import Progress, ProgressCallback
from oncohort.errors import FormatError, shown
from oncohort.formats.dicom.values import RefusedFile
from oncohort.formats.voc_xml import VocAnnotation, read_voc
from oncohort.layouts import lung_pet_ct_dx as layout

_FILES_PER_REPORT = 500
_EXAMPLES = 3
_INFO = frozenset({"label_case", "multi_box_slice", "box_on_screenshot", "slice_gap", "rare_n_stage", "patch_applied"})
_REMEDIES = {
    "label_case": "nothing: upper case is meant",
    "label_unknown": "nothing: the letter of the patient stands",
    "label_subject_conflict": "ask the authors; the letter of the patient stands, raw_class keeps the name",
    "zero_area": "correct the box with a patch record, or leave it out",
    "box_outside": "correct the box with a patch record, or leave it out",
    "xml_size_mismatch": "check that the file belongs to this image",
    "not_well_formed": "fetch the file again, or mend it by hand",
    "broken annotation": "correct the file that the evidence names",
    "sop_not_in_collection": "fetch the series with this image, if it is still published",
    "name_in_two_folders": "compare the two readings",
    "folder_mixes_patients": "nothing: the images decide",
    "folder_without_subject": "nothing: the images decide, where they are there",
    "subject_without_folder": "look for the boxes in other folders",
    "no_ct_box": "leave the patient out of detection",
    "main_series_is_screenshot": "nothing: boxes on the CT decide",
    "box_on_screenshot": "use them in 2D only; they have no place in a volume",
    "multi_box_slice": "check whether one lesion is boxed twice",
    "slice_gap": "check the slices between",
    "invalid_t_stage": "ask the authors; the stage is left empty",
    "invalid_m_stage": "ask the authors; the stage is left empty",
    "rare_n_stage": "nothing: N2 is rare in this sheet, so look twice",
    "clinical_mismatch": "believe neither before it is clear which is true",
    "odd_patient_facts": "find out which study is whose; all stay under the PatientID",
    "clinical_row_unknown": "correct the number of the patient",
    "series_incomplete": "fetch the series again",
    "patch_stale": "compare the patch record with the file; it was not applied",
    "patch_applied": "nothing: the file stays as it is, the record holds",
    "patch_broken": "correct the record; it was not applied",
}


@dataclass(frozen=True)
class AnnotatedImage:
    """One annotation file that can be read.

    Attributes:
        path: the file.
        sop: its name, which is the SOPInstanceUID of its image.
        folder: name of the folder it lies in.
        content: its boxes.
    """

    path: Path
    sop: str
    folder: str
    content: VocAnnotation


@dataclass
class Notes:
    """Findings as they come up, given as one row per rule and case with a few examples."""

    found: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, rule: str, case: str, path: str, evidence: str) -> None:
        """Note that a rule applies to a case ("" for the whole collection)."""
        self.found[rule, case].append((path, evidence))

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `findings.parquet`, by case and rule."""
        return [self._row(rule, case, noted) for (rule, case), noted in sorted(self.found.items(), key=_by_case)]

    def _row(self, rule: str, case: str, noted: Sequence[tuple[str, str]]) -> dict[str, Any]:
        examples = shown((evidence for _, evidence in noted), _EXAMPLES, between="; ")
        return {
            "rule": rule,
            "severity": "info" if rule in _INFO else "warning",
            "case": case or None,
            "path": noted[0][0],
            "evidence": f"{len(noted)}: {examples}",
            "remedy": _REMEDIES[rule],
        }


def _by_case(entry: tuple[tuple[str, str], object]) -> tuple[str, str]:
    (rule, case), _ = entry
    return case, rule


def read_annotations(
    paths: Sequence[Path], notes: Notes, named: Mapping[Path, str], progress: ProgressCallback | None
) -> tuple[list[AnnotatedImage], list[RefusedFile]]:
    """Annotation files that can be read, in order of path, and those that cannot.

    Args:
        paths: the files.
        notes: gets what is wrong.
        named: each path as the tables name it.
        progress: called every few hundred files.
    """
    started = time.monotonic()
    read, refused = [], []
    for done, path in enumerate(paths, start=1):
        try:
            read.append(AnnotatedImage(path, path.stem, path.parent.name, read_voc(path)))
        except FormatError as error:
            reason = "not_well_formed" if error.found.startswith("not well-formed") else "broken annotation"
            refused.append(RefusedFile(str(path), reason, error.found))
            notes.add(reason, "", named[path], f"{path.name}: {error.found}")
        if progress is not None and (done % _FILES_PER_REPORT == 0 or done == len(paths)):
            progress(Progress(done, len(paths), "reading annotations", time.monotonic() - started))
    return read, refused


@dataclass(frozen=True)
class DrawnBox:
    """One box that counts, in pixels of its image.

    Attributes:
        source: the file it stands in.
        sop: its image.
        reader: who drew it.
        raw_class: its name as written.
        box: half-open pixels (i0, i1), (j0, j1).
    """

    source: Path
    sop: str
    reader: str
    raw_class: str
    box: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class ImagePlace:
    """An image that boxes may lie on.

    Attributes:
        case: whose image it is.
        letter: class of the patient.
        folder: the folder of annotations that is named after the patient.
        size: pixels (columns, rows); None for a screenshot, whose size is not known.
    """

    case: str
    letter: str
    folder: str
    size: tuple[int, int] | None


def boxes_of_image(
    files: Sequence[AnnotatedImage], place: ImagePlace, notes: Notes, named: Mapping[Path, str]
) -> list[DrawnBox]:
    """The boxes that count of all annotation files of one image; what is odd about them is noted.

    Of identical files one counts; others are readings of their own, named after their folder, but for the one in the
    patient's folder.
    """
    drawn: list[DrawnBox] = []
    if len(files) > 1:
        folders = ", ".join(file.folder for file in files)
        notes.add("name_in_two_folders", place.case, named[files[0].path], f"{files[0].sop} in {folders}")
    different: list[AnnotatedImage] = []
    for file in sorted(files, key=lambda one: one.folder != place.folder):
        if all(file.content.boxes != other.content.boxes for other in different):
            different.append(file)
    for number, file in enumerate(different):
        reader = layout.READER if number == 0 else f"{layout.READER} ({file.folder})"
        drawn += _boxes_of_file(file, place, reader, notes, named[file.path])
    return drawn


def _boxes_of_file(file: AnnotatedImage, place: ImagePlace, reader: str, notes: Notes, path: str) -> list[DrawnBox]:
    size = (file.content.width, file.content.height)
    if place.size is not None and size != place.size:
        notes.add("xml_size_mismatch", place.case, path, f"{file.sop}: {size} for an image of {place.size}")
    kept: dict[tuple[tuple[int, int], tuple[int, int]], str] = {}
    if len(file.content.boxes) > 1:
        notes.add("multi_box_slice", place.case, path, f"{file.sop}: {len(file.content.boxes)} boxes")
    for box in file.content.boxes:
        corners = f"{file.sop}: ({box.xmin}, {box.ymin}, {box.xmax}, {box.ymax})"
        for rule in _name_rules(box.name, place.letter):
            notes.add(rule, place.case, path, f"{file.sop}: {box.name!r} for {place.letter}")
        limits = place.size or size
        if box.xmin == box.xmax or box.ymin == box.ymax:
            notes.add("zero_area", place.case, path, corners)
        elif box.xmax >= limits[0] or box.ymax >= limits[1]:
            notes.add("box_outside", place.case, path, f"{corners} on {limits[0]} x {limits[1]} pixels")
        else:
            kept.setdefault(((box.xmin, box.xmax + 1), (box.ymin, box.ymax + 1)), box.name)
    return [DrawnBox(file.path, file.sop, reader, name, box) for box, name in kept.items()]


def _name_rules(name: str, letter: str) -> list[str]:
    upper = name.upper()
    if upper not in layout.CLASSES:
        return ["label_unknown"]
    return [
        *(["label_case"] if name != upper else []),
        *(["label_subject_conflict"] if upper != letter else []),
    ]
