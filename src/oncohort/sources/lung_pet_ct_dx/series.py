"""Series of Lung-PET-CT-Dx: what each one is, and which make a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats.dicom.header import DicomHeader, identity_of
from oncohort.formats.dicom.index import DicomIndex
from oncohort.formats.dicom.series import stack_series
from oncohort.formats.dicom.values import FileIdentity, RefusedFile, Unusable
from oncohort.geometry import POSITION_TOLERANCE_MM, Geometry
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.dicom.facts import finding
from oncohort.sources.dicom.studies import SeriesFound, Study
from oncohort.sources.lung_pet_ct_dx.stacks import part_stacks
from oncohort.suv.header import parse_number

SET_ASIDE = ("secondary_capture", "scout_or_single", "bolus_tracking", "few_slices")
"""Reasons of refusal of series that are no scan."""


@dataclass
class LungSeries:
    """The series of a folder.

    Attributes:
        scans: CT and PET series that form a volume.
        refused: all other files, with whose they are where that is known.
        findings: of series that miss slices or hold positions twice: rule, path, evidence, remedy.
        twins: SOPInstanceUID of an image that is there twice under two of them, with the one that was kept.
    """

    scans: list[SeriesFound] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    findings: list[Mapping[str, Any]] = field(default_factory=list)
    twins: dict[str, str] = field(default_factory=dict)


def sort_series(index: DicomIndex) -> LungSeries:
    """Every series of an index as a scan, or refused by what it is; the first kind of the layout that fits.

    Pixels are read only of images that share a position with another one of their series.
    """
    found = LungSeries()
    found.refused += [_as_kind(one) for one in index.refused]
    found.refused += [RefusedFile(one.path, "not part of the layout", "a mask") for one in index.structures]
    for headers in index.series.values():
        try:
            _check_kind(headers)
            found.scans.append(SeriesFound(headers[0], stack_series(headers)))
        except Unusable as unusable:
            if unusable.reason == "same position":
                _add_parted(found, headers)
            else:
                _refuse(found, headers, unusable)
    return found


def _refuse(found: LungSeries, headers: Sequence[DicomHeader], why: Unusable) -> None:
    found.refused += [RefusedFile(one.path, why.reason, why.detail, identity_of(one)) for one in headers]
    found.findings += _missing_slices(headers, why)


def _add_parted(found: LungSeries, headers: Sequence[DicomHeader]) -> None:
    try:
        parted = part_stacks(headers)
    except Unusable as unusable:
        _refuse(found, headers, unusable)
        return
    for twin, kept in parted.twins:
        detail = f"position and pixels of {Path(kept.path).name}"
        found.refused.append(RefusedFile(twin.path, "duplicate_slice", detail, identity_of(twin)))
        found.twins[twin.instance] = kept.instance
    if parted.twins:
        found.findings.append(_doubled(headers, len(parted.twins)))
    if len(parted.stacks) > 1:
        found.findings.append(_overlapping(headers, parted.stacks))
    for stack in parted.stacks:
        try:
            _check_kind(stack)
            found.scans.append(SeriesFound(stack[0], stack_series(stack)))
        except Unusable as unusable:
            _refuse(found, stack, unusable)


def _doubled(headers: Sequence[DicomHeader], count: int) -> dict[str, Any]:
    evidence = f"series {headers[0].series}: {count} of {len(headers)} images have position and pixels of another one"
    return finding("duplicate_slice", "", headers[0].path, evidence, "nothing: one of each counts")


def _overlapping(headers: Sequence[DicomHeader], stacks: Sequence[Sequence[DicomHeader]]) -> dict[str, Any]:
    sizes = " + ".join(str(len(stack)) for stack in stacks)
    evidence = f"series {headers[0].series}: {sizes} images of several acquisitions or image types at one place"
    return finding("overlapping_stacks", "", headers[0].path, evidence, "look at each; they became scans of their own")


def _as_kind(refused: RefusedFile) -> RefusedFile:
    if refused.reason == "localizer":
        return RefusedFile(refused.path, "scout_or_single", refused.detail, refused.identity)
    if refused.identity is not None and _is_screenshot(refused, refused.identity):
        return RefusedFile(refused.path, "secondary_capture", refused.detail, refused.identity)
    return refused


def _is_screenshot(refused: RefusedFile, identity: FileIdentity) -> bool:
    placeless = refused.reason == "no geometry" and refused.detail.startswith("ImagePositionPatient is missing")
    return identity.sop_class == layout.SECONDARY_CAPTURE or refused.reason == "not grey" or placeless


def _check_kind(headers: Sequence[DicomHeader]) -> None:
    patient = headers[0].patient
    if layout.class_of(patient) is None:
        raise Unusable("not of this collection", f"PatientID {patient!r} is not like Lung_Dx-A0001")
    thickness = max(parse_number(one.facts.get("SliceThickness", "")) or 0.0 for one in headers)
    if len(headers) == 1 or thickness > layout.MOST_SLICE_THICKNESS_MM:
        raise Unusable("scout_or_single", f"{len(headers)} images, slice thickness {thickness:g} mm")
    positions = np.array([one.image.position_mm for one in headers if one.image is not None])
    if np.ptp(positions, axis=0).max() <= POSITION_TOLERANCE_MM:
        raise Unusable("bolus_tracking", f"{len(headers)} images at one position")
    if len(headers) < layout.FEWEST_SLICES:
        raise Unusable("few_slices", f"{len(headers)} images")


def _missing_slices(headers: Sequence[DicomHeader], unusable: Unusable) -> list[dict[str, Any]]:
    if unusable.reason != "uneven gaps":
        return []
    images = [one.image for one in headers if one.image is not None]
    normal = np.cross(images[0].row_direction, images[0].column_direction)
    gaps = np.diff(np.sort([float(np.dot(image.position_mm, normal)) for image in images]))
    missing = int((np.round(gaps / np.median(gaps)) - 1).clip(0).sum())
    if not missing:
        return []
    evidence = f"series {headers[0].series}: {missing} of {len(headers) + missing} slices are not there"
    remedy = "fetch the series again; no spacing is averaged over a gap"
    return [finding("missing_slices", "", headers[0].path, evidence, remedy)]


def pair_days(scans: Sequence[SeriesFound], known: Mapping[str, str]) -> list[Study]:
    """Scans of one patient and day as one study each, in order of patient, date and UID.

    A third of the PET of the collection has a study of its own beside its CT, so the study UID does not decide. The CT
    that goes best with the PET is `ct`: same frame of reference, more overlap along z, same study, finer slices.

    Args:
        scans: series that form volumes.
        known: StudyInstanceUIDs that an earlier ingestion used for a day.
    """
    days: dict[tuple[str, str], list[SeriesFound]] = {}
    for found in scans:
        header = found.header
        days.setdefault(day_of(header.patient, header.facts.get("StudyDate", ""), header.study), []).append(found)
    studies = [_study(patient, members, known) for (patient, _), members in days.items()]
    return sorted(studies, key=lambda study: (study.patient, study.date, study.uid))


def day_of(patient: str, date: str, study: str) -> tuple[str, str]:
    """What scans of one day share: the patient and the date; without a date the study."""
    return patient, date or study


def _study(patient: str, members: Sequence[SeriesFound], known: Mapping[str, str]) -> Study:
    uids = sorted({found.header.study for found in members})
    uid = next((one for one in uids if one in known), uids[0])
    pets = sorted((one for one in members if one.header.modality == "PT"), key=lambda one: one.order)
    cts = sorted((one for one in members if one.header.modality == "CT"), key=lambda one: one.order)
    if pets and cts:
        partner = max(cts, key=lambda one: _fit(pets[0], one))
        cts = [partner, *(one for one in cts if one is not partner)]
    volumes = {**_roles("pet", pets), **_roles("ct", cts)}
    frame = (cts or pets)[0].header.frame
    others = [role for role in volumes if role not in ("pet", "ct")]
    apart = tuple(role for role in others if volumes[role].header.frame != frame)
    return Study(patient, uid, volumes, {}, apart)


def _roles(base: str, found: Iterable[SeriesFound]) -> dict[str, SeriesFound]:
    return {base if number == 1 else f"{base}.{number}": one for number, one in enumerate(found, start=1)}


def _fit(pet: SeriesFound, ct: SeriesFound) -> tuple[bool, float, bool, float]:
    same_frame = bool(ct.header.frame) and ct.header.frame == pet.header.frame
    shared = _shared_mm(pet.series.geometry, ct.series.geometry)
    return same_frame, round(shared, 1), ct.header.study == pet.header.study, -ct.order[0]


def extent_mm(geometry: Geometry) -> tuple[float, float]:
    """Where a volume begins and ends along z, from the outer faces of its first and last slice."""
    ends = [float(geometry.to_mm([(0.0, 0.0, k)])[0][2]) for k in (-0.5, geometry.shape[2] - 0.5)]
    return min(ends), max(ends)


def _shared_mm(one: Geometry, other: Geometry) -> float:
    (low, high), (start, stop) = extent_mm(one), extent_mm(other)
    return max(0.0, min(high, stop) - max(low, start))


def pairing_findings(case: str, study: Study) -> list[dict[str, Any]]:
    """What a person should look at where a PET goes with a CT."""
    pet, ct = study.volumes.get("pet"), study.volumes.get("ct")
    if pet is None or ct is None:
        return []
    rows = []
    low, high = extent_mm(ct.series.geometry)
    cover = _shared_mm(pet.series.geometry, ct.series.geometry) / (high - low)
    if cover < layout.LEAST_PET_COVER:
        evidence = f"the PET covers {cover:.0%} of the CT along z"
        rows.append(finding("pet_ct_low_overlap", case, pet.header.path, evidence, "check that they are of one scan"))
    if not pet.header.frame or pet.header.frame != ct.header.frame:
        evidence = f"PET in frame {pet.header.frame or 'none'}, CT in {ct.header.frame or 'none'}"
        rows.append(finding("for_mismatch", case, pet.header.path, evidence, "look at both, one over the other"))
    return rows
