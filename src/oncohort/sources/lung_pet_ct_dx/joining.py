"""Annotation files of Lung-PET-CT-Dx joined to the cases over the whole collection."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.formats.dicom.values import FileIdentity, RefusedFile
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.dicom.studies import Study
from oncohort.sources.lung_pet_ct_dx.annotations import AnnotatedImage, DrawnBox, ImagePlace, Notes, boxes_of_image
from oncohort.sources.lung_pet_ct_dx.series import LungSeries, day_of

SCREENSHOT = ""
"""Instead of a role: boxes on a screenshot."""


@dataclass(frozen=True)
class Place:
    """An image of a case: its role, index along k, size (columns, rows), and whose it is."""

    case: str
    patient: str
    role: str
    k: int
    size: tuple[int, int] | None


@dataclass
class CaseBoxes:
    """What annotation files say of one case: boxes by role with the index of their slice, and the files."""

    drawn: dict[str, list[tuple[DrawnBox, int]]] = field(default_factory=lambda: defaultdict(list))
    files: list[Path] = field(default_factory=list)


@dataclass
class Joined:
    """All annotation files: by case, or refused."""

    cases: dict[str, CaseBoxes] = field(default_factory=lambda: defaultdict(CaseBoxes))
    refused: list[RefusedFile] = field(default_factory=list)


def find_places(
    cases: Mapping[str, Study], instances: Mapping[str, str], series: LungSeries
) -> tuple[dict[str, Place], dict[str, RefusedFile]]:
    """Where boxes may lie, by SOPInstanceUID, and the images that were refused.

    Args:
        cases: studies by case id.
        instances: SOPInstanceUID of every slice by its path.
        series: what no volume uses, and images that are there twice.
    """
    places: dict[str, Place] = {}
    days: dict[tuple[str, str], str] = {}
    for case, study in cases.items():
        for role, found in study.volumes.items():
            days[day_of(study.patient, study.date, found.header.study)] = case
            for k, one in enumerate(found.series.slices):
                places[instances[one.path]] = Place(case, study.patient, role, k, (one.columns, one.rows))
    aside: dict[str, RefusedFile] = {}
    places |= {twin: places[kept] for twin, kept in series.twins.items() if kept in places}
    for image in series.refused:
        if image.identity is None or image.identity.instance in places or image.reason == "duplicate":
            continue
        place = _screenshot(image, image.identity, days)
        if place is None:
            aside[image.identity.instance] = image
        else:
            places[image.identity.instance] = place
    return places, aside


def _screenshot(one: RefusedFile, identity: FileIdentity, days: Mapping[tuple[str, str], str]) -> Place | None:
    case = days.get(day_of(identity.patient, identity.date, identity.study))
    if one.reason != "secondary_capture" or case is None:
        return None
    return Place(case, identity.patient, SCREENSHOT, 0, None)


def join_annotations(
    images: Sequence[AnnotatedImage],
    places: Mapping[str, Place],
    aside: Mapping[str, RefusedFile],
    notes: Notes,
    named: Mapping[Path, str],
) -> Joined:
    """Every annotation file with the case of its image, or refused.

    Args:
        images: annotation files.
        places: images of cases, by SOPInstanceUID.
        aside: images that were refused.
        notes: gets what is odd.
        named: each path as the tables name it.
    """
    joined = Joined()
    by_sop: dict[str, list[AnnotatedImage]] = defaultdict(list)
    for image in images:
        by_sop[image.sop].append(image)
    for sop, files in by_sop.items():
        place = places.get(sop)
        if place is None:
            joined.refused += [_refusal(file, aside.get(sop), notes, named[file.path]) for file in files]
            continue
        found = layout.class_of(place.patient)
        letter = "" if found is None else found.letter
        folder = place.patient.removeprefix(layout.PATIENT_PREFIX)
        drawn = boxes_of_image(files, ImagePlace(place.case, letter, folder, place.size), notes, named)
        if place.role == SCREENSHOT:
            notes.add("box_on_screenshot", place.case, named[files[0].path], f"{sop}: {len(drawn)} boxes")
        case = joined.cases[place.case]
        case.drawn[place.role] += [(box, place.k) for box in drawn]
        case.files += [file.path for file in files]
    return joined


def _refusal(file: AnnotatedImage, aside: RefusedFile | None, notes: Notes, named: str) -> RefusedFile:
    if aside is not None:
        return RefusedFile(str(file.path), "reference refused", f"its image was refused: {aside.reason}")
    notes.add("sop_not_in_collection", "", named, f"{file.sop} in folder {file.folder}")
    return RefusedFile(str(file.path), "sop_not_in_collection", "no image of the folder has this SOPInstanceUID")


def note_folders(
    images: Sequence[AnnotatedImage],
    owners: Mapping[str, str],
    patients: Mapping[str, Sequence[str]],
    notes: Notes,
    named: Mapping[Path, str],
) -> None:
    """Note folders and patients that do not go together.

    Args:
        images: annotation files.
        owners: PatientID by SOPInstanceUID of every image met.
        patients: case ids by PatientID of every patient met.
        notes: gets what is odd.
        named: each path as the tables name it.
    """
    first: dict[str, str] = {}
    mixed: dict[str, set[str]] = defaultdict(set)
    for image in images:
        first.setdefault(image.folder, named[image.path])
        if image.sop in owners:
            mixed[image.folder].add(owners[image.sop])
    for folder, path in first.items():
        if len(mixed[folder]) > 1:
            notes.add("folder_mixes_patients", "", path, f"{folder}: {', '.join(sorted(mixed[folder]))}")
        if layout.PATIENT_PREFIX + folder not in patients and layout.SHORT_PATIENT_PATTERN.match(folder):
            notes.add("folder_without_subject", "", path, folder)
    for patient in patients if images else ():
        if patient.removeprefix(layout.PATIENT_PREFIX) not in first:
            notes.add("subject_without_folder", "", layout.ANNOTATION_FOLDER, patient)


def note_patients(joined: Joined, patients: Mapping[str, Sequence[str]], notes: Notes) -> None:
    """Note patients without a box on a CT slice, and those whose most boxed images are screenshots."""
    for patient, cases in patients.items():
        counts: Counter[tuple[str, str]] = Counter()
        for case in cases:
            if case in joined.cases:
                counts.update({(case, role): len(found) for role, found in joined.cases[case].drawn.items()})
        on_ct = [count for (_, role), count in counts.items() if role.startswith("ct")]
        if not sum(on_ct):
            notes.add("no_ct_box", cases[0], layout.ANNOTATION_FOLDER, patient)
        shots = sum(count for (_, role), count in counts.items() if role == SCREENSHOT)
        if shots > max(on_ct, default=0):
            evidence = f"{patient}: {shots} boxes on screenshots, {max(on_ct, default=0)} on the most boxed CT"
            notes.add("main_series_is_screenshot", cases[0], layout.ANNOTATION_FOLDER, evidence)
