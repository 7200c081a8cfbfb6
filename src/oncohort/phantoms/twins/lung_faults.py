"""Known faults of Lung-PET-CT-Dx: of the annotations, of series, and of the clinical sheet."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.phantoms.twins.damage import Plant, cell
from oncohort.phantoms.twins.lung_copies import copy_image, copy_scan
from oncohort.phantoms.twins.lung_series import Study, write_few
from oncohort.phantoms.twins.lung_xml import annotation_files, voc_xml
from oncohort.phantoms.twins.nifti_files import cut
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.storage import write_bytes

_UNKNOWN_UID = "2.25.999999999999999999999999999999999999"
_FEMALE, _MALE = (b"\x10\x00\x40\x00CS\x02\x00" + letter for letter in (b"F ", b"M "))  # PatientSex
_NAME = re.compile(rb"<name>.*?</name>")
_BOX = re.compile(rb"<bndbox>.*?</bndbox>", re.DOTALL)
_OBJECT = re.compile(rb"  <object>.*?</object>\n", re.DOTALL)


def _edited(place: int, edit: Callable[[bytes], bytes]) -> Plant:
    """Change the annotation file at this place of the patient's list."""

    def plant(written: WrittenCase) -> Path:
        path = annotation_files(written)[place]
        write_bytes(path, edit(path.read_bytes()))
        return path

    return plant


def _named(name: str, place: int = 0) -> Plant:
    return _edited(place, lambda text: _NAME.sub(f"<name>{name}</name>".encode(), text))


def _boxed(xmin: int, ymin: int, xmax: int, ymax: int, place: int = 0) -> Plant:
    box = f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"
    return _edited(place, lambda text: _BOX.sub(box.encode(), text))


def _of_512(text: bytes) -> bytes:
    return re.sub(rb"<(width|height)>\d+<", rb"<\1>512<", text)


def _cut_annotation(written: WrittenCase) -> Path:
    return cut(annotation_files(written)[0])


def _unknown_image(written: WrittenCase) -> Path:
    source = annotation_files(written)[0]
    path = source.with_name(f"{_UNKNOWN_UID}.xml")
    write_bytes(path, source.read_bytes())
    return written.add(path)


def _in_two_folders(written: WrittenCase) -> Path:
    """One more reading in the folder of the patient A0001, which thereby mixes patients."""
    source = annotation_files(written)[0]
    path = source.parent.parent / "A0001" / source.name
    write_bytes(
        path,
        _BOX.sub(b"<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>", source.read_bytes()),
    )
    return written.add(path)


def _folder_of_removed_patient(written: WrittenCase) -> Path:
    """The whole folder stands under a number that was removed from the collection."""
    moved = [(path, path.parent.parent / "A0060" / path.name) for path in annotation_files(written)]
    for old, new in moved:
        write_bytes(new, old.read_bytes())
        written.remove(old)
        written.add(new)
    moved[0][0].parent.rmdir()
    return moved[0][1]


def _box_twice(written: WrittenCase) -> Path:
    path = annotation_files(written)[1]
    write_bytes(path, _OBJECT.sub(lambda found: found[0] * 2, path.read_bytes(), count=1))
    return path


def _box_on_screenshot(written: WrittenCase) -> Path:
    series = next(one for one in written.truth["series"] if one["sop_class"] == layout.SECONDARY_CAPTURE)
    path = annotation_files(written)[0].with_name(f"{series['sop_uids'][0]}.xml")
    write_bytes(path, voc_xml([(written.truth["short"][0], (5, 5, 15, 15))], tuple(series["pixels"])))
    return written.add(path)


def _most_boxes_on_screenshots(written: WrittenCase) -> Path:
    """Ten boxes on each screenshot, more than the CT has."""
    series = next(one for one in written.truth["series"] if one["sop_class"] == layout.SECONDARY_CAPTURE)
    folder = annotation_files(written)[0].parent
    boxes = [(written.truth["short"][0], (2 * place, 3, 2 * place + 5, 9)) for place in range(10)]
    for uid in series["sop_uids"]:
        path = folder / f"{uid}.xml"
        write_bytes(path, voc_xml(boxes, tuple(series["pixels"])))
        written.add(path)
    return folder


def _no_box_on_ct(written: WrittenCase) -> Path:
    for path in annotation_files(written):
        written.remove(path)
        last = path
    last.parent.rmdir()
    return last.parent


def _series_folder(written: WrittenCase, modality: str) -> Path:
    """The folder of the patient's first series of a modality."""
    first = next(one for one in written.truth["series"] if one["modality"] == modality)
    return written.root / str(first["path"])


def _lost_slices(modality: str, choose: Callable[[list[Path]], list[Path]]) -> Plant:
    """Remove the chosen files of a series; the answer is about its folder."""

    def plant(written: WrittenCase) -> Path:
        folder = _series_folder(written, modality)
        for path in choose(sorted(folder.glob("*.dcm"))):
            written.remove(path)
        return folder

    return plant


def _slice_twice(written: WrittenCase) -> Path:
    source = sorted(_series_folder(written, "CT").glob("*.dcm"))[10]
    copy = source.with_name("1-999.dcm")
    shutil.copyfile(source, copy)
    return written.add(copy)


def _slice_under_another_uid(written: WrittenCase) -> Path:
    return copy_image(written, _series_folder(written, "CT")).parent


def _second_acquisition(written: WrittenCase) -> Path:
    return copy_scan(written, _series_folder(written, "CT"))


def _other_sex(written: WrittenCase) -> Path:
    """The last study of a woman says that she is a man."""
    series = [one for one in written.truth["series"] if one["study_uid"] == written.truth["series"][-1]["study_uid"]]
    for path in (path for one in series for path in sorted((written.root / str(one["path"])).glob("*.dcm"))):
        write_bytes(path, path.read_bytes().replace(_FEMALE, _MALE))
    return written.root / str(series[0]["path"])


def _cut_slice(written: WrittenCase) -> Path:
    return cut(sorted(_series_folder(written, "CT").glob("*.dcm"))[0])


def _boxes_between(written: WrittenCase) -> Path:
    """Remove the box on a slice in the middle of the lesion."""
    boxed: list[str] = written.truth["boxed"]
    named = {path.stem: path for path in annotation_files(written)}
    path: Path = written.remove(named[boxed[len(boxed) // 2]])
    return path


def _annotation_folder(written: WrittenCase) -> Path:
    """What the fault before this one also leads to."""
    return written.root / layout.ANNOTATION_FOLDER


def _few(slices: int, step_mm: float, description: str, number: int) -> Plant:
    def plant(written: WrittenCase) -> Path:
        row = write_few(Study(written), slices, step_mm, description, number).row
        return written.root / str(row["path"]) / "1-01.dcm"

    return plant


FAULTS: tuple[Fault, ...] = (
    Fault("label_case", 1, "finding", "label_case", _named("a")),
    Fault("multi_box_slice", 1, "finding", "multi_box_slice", _box_twice),
    Fault("box_on_screenshot", 1, "finding", "box_on_screenshot", _box_on_screenshot),
    Fault("label_unknown", 2, "finding", "label_unknown", _named("Q")),
    Fault(
        "m_stage_of_no_edition",
        2,
        "finding",
        "invalid_m_stage",
        cell(layout.CLINICAL_FILE, layout.CLINICAL_COLUMNS[7], 3),
    ),
    Fault("slice_gap", 2, "finding", "slice_gap", _boxes_between),
    Fault("slice_under_another_uid", 2, "finding", "duplicate_slice", _slice_under_another_uid),
    Fault("scout", 3, "refused", "scout_or_single", _few(1, 400.0, "Topogram  0.6  T20s", 1)),
    Fault("bolus_tracking", 3, "refused", "bolus_tracking", _few(4, 1e-4, "Smart Prep Series", 90)),
    Fault("few_slices", 3, "refused", "few_slices", _few(6, 5.0, "PreMonitoring  10.0  B30f", 91)),
    Fault("label_subject_conflict", 3, "finding", "label_subject_conflict", _named("B")),
    Fault("size_of_other_images", 3, "finding", "xml_size_mismatch", _edited(1, _of_512)),
    Fault("main_series_is_screenshot", 4, "finding", "main_series_is_screenshot", _most_boxes_on_screenshots),
    Fault("zero_area", 4, "finding", "zero_area", _boxed(21, 28, 21, 28)),
    Fault("half_a_pet", 4, "finding", "pet_ct_low_overlap", _lost_slices("PT", lambda files: files[: len(files) // 2])),
    Fault("not_well_formed", 5, "finding", "not_well_formed", _cut_annotation),
    Fault("sex_of_another_study", 5, "finding", "odd_patient_facts", _other_sex),
    Fault("n_stage_2", 5, "finding", "rare_n_stage", cell(layout.CLINICAL_FILE, layout.CLINICAL_COLUMNS[6], 2)),
    Fault("sex_of_somebody_else", 6, "finding", "clinical_mismatch", cell(layout.CLINICAL_FILE, "Sex", "F")),
    Fault("no_ct_box", 6, "finding", "no_ct_box", _no_box_on_ct),
    Fault("name_in_two_folders", 7, "finding", "name_in_two_folders", _in_two_folders),
    Fault("folder_mixes_patients", 7, "finding", "folder_mixes_patients", _in_two_folders),
    Fault("second_acquisition", 7, "finding", "overlapping_stacks", _second_acquisition),
    Fault("box_outside", 7, "finding", "box_outside", _boxed(100, 100, 5000, 5000, place=1)),
    Fault("missing_slice", 5, "finding", "missing_slices", _lost_slices("CT", lambda files: files[40:41])),
    Fault("sop_not_in_collection", 7, "finding", "sop_not_in_collection", _unknown_image),
    Fault("folder_without_subject", 8, "finding", "folder_without_subject", _folder_of_removed_patient),
    Fault("subject_without_folder", 8, "finding", "subject_without_folder", _annotation_folder),
    Fault("truncated_slice", 6, "refused", "truncated", _cut_slice),
    Fault("slice_twice", 8, "refused", "duplicate", _slice_twice),
)
