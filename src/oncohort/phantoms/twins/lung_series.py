"""Series of the twin of Lung-PET-CT-Dx, in folders and under names that the NBIA downloader gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats.dicom.capture import write_captures
from oncohort.formats.dicom.study import DicomStudy, WrittenSeries, frame_uid
from oncohort.formats.dicom.writing import BedTiming, Injection, write_ct_series, write_pet_series
from oncohort.geometry import Geometry
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.phantoms.cohort import NOTICE, move_folder
from oncohort.phantoms.patient import PhantomPatient
from oncohort.phantoms.twins.protocol import WrittenCase
from oncohort.phantoms.twins.scene import strided
from oncohort.units import Unit
from oncohort.volume import Volume, reorient

MANIFEST = "manifest-1600000000000"
STUDY_DESCRIPTION = "SYNTHETIC^AThorax_Routine (Adult)"
HEIGHTS_MM = (300.0, 620.0)
"""The chest in the phantom."""

_FIRST_DAY = datetime(2006, 1, 5, 9, 30)
_F18_HALF_LIFE_S = 6586.2
_SLICE_MM = 4.0
_SHARP_NOISE_HU = 20.0
_UNNAMED = re.compile(r"[\^_()<>:]")


@dataclass(frozen=True)
class Study:
    """One study of a patient, or (`apart`) the PET of the same day with identifiers of its own."""

    written: WrittenCase
    visit: int = 0
    apart: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the patient."""
        return self.written.root / MANIFEST / layout.COLLECTION_FOLDER / self.written.name

    @cached_property
    def dicom(self) -> DicomStudy:
        """Identifiers and facts that all files of the study share."""
        case = self.written.case
        started = _FIRST_DAY + timedelta(days=9 * case.number + 120 * self.visit)
        facts = {
            "StudyDescription": STUDY_DESCRIPTION,
            "StudyID": "",
            "ImageComments": NOTICE,
            "PatientComments": NOTICE,
            "SyntheticData": "YES",
            "PatientIdentityRemoved": "YES",
            "PatientSex": case.sex,
            "PatientAge": f"{case.age_years:03d}Y",
            "PatientWeight": f"{self.written.truth['weight_kg']:g}",
            "Manufacturer": "Oncohort (synthetic)",
            "ManufacturerModelName": "digital phantom",
            "InstitutionName": "SYNTHETIC",
            "BodyPartExamined": "CHEST",
        }
        return DicomStudy(self.written.name, started, facts, f"lung twin {case.seed} {self.visit} {self.apart}")


@dataclass(frozen=True)
class Scan:
    """A series as it stands on disk: what was written, and what `metadata.csv` says of it."""

    series: WrittenSeries | None
    row: dict[str, Any]


def write_ct(study: Study, patient: PhantomPatient, kernel: str, number: int) -> Scan:
    """One reconstruction of the chest CT; instance numbers rise as z falls."""
    step = round(_SLICE_MM / patient.ct.geometry.spacing_mm[2])
    ct = _square(strided(patient.ct, (1, 1, step), HEIGHTS_MM), -1024)
    if kernel.startswith("B7"):
        rng = np.random.default_rng(study.written.case.patient_seed + number)
        noisy = ct.array + np.rint(_SHARP_NOISE_HU * rng.standard_normal(ct.array.shape, dtype=np.float32))
        ct = Volume.from_array(np.clip(noisy, -1024, 3071).astype(np.int16), ct.geometry, Unit.HU)
    description = f"ThoraxRoutine  {ct.geometry.spacing_mm[2]:.1f}  {kernel}"
    more = _facts(study, number, description) | {"ConvolutionKernel": kernel, "KVP": "120", "GantryDetectorTilt": "0"}
    stage = _stage(study, number)
    series = write_ct_series(stage, reorient(ct, "LPI"), study.dicom, more=more)
    return Scan(series, _published(study, stage, more, ("CT", "CT Image Storage", series.sop_class)))


def write_pet(study: Study, patient: PhantomPatient) -> Scan:
    """The attenuation-corrected PET of the trunk, every slice with its own slope."""
    pet = _square(strided(patient.pet, 1, (60.0, 640.0)), 0)
    started = study.dicom.started
    weight = patient.weight_kg
    injection = Injection(4.0e6 * weight, started - timedelta(minutes=60), _F18_HALF_LIFE_S, weight)
    number = 605
    more = _facts(study, number, "PET WB Corrected")
    stage = _stage(study, number)
    beds = BedTiming(slices=42, seconds=120.0)
    series = write_pet_series(stage, reorient(pet, "LPI"), study.dicom, injection=injection, beds=beds, more=more)
    kind = ("PT", "Positron Emission Tomography Image Storage", series.sop_class)
    return Scan(series, _published(study, stage, more, kind))


def write_screenshots(study: Study, patient: PhantomPatient) -> Scan:
    """Fused pictures in colour: secondary capture, called CT, without a position."""
    picture = strided(patient.ct_on_pet, (1, 1, 16), HEIGHTS_MM).array.T.astype(np.float32)
    grey = np.clip((picture + 135.0) / 350.0 * 255.0, 0, 255).astype(np.uint8)
    pictures = np.stack((grey, grey // 2, 255 - grey // 2), axis=-1)
    number = 1001
    more = _facts(study, number, "Fused Trans ALPHA Range 1 SYNTHETIC") | {"Modality": "CT"}
    del more["FrameOfReferenceUID"]
    stage = _stage(study, number)
    uids = write_captures(stage, pictures, study.dicom, more)
    kind = ("CT", "Secondary Capture Image Storage", "1.2.840.10008.5.1.4.1.1.7")
    row = _published(study, stage, more, kind) | {"sop_uids": list(uids), "pixels": list(pictures.shape[2:0:-1])}
    return Scan(None, row)


def write_few(study: Study, slices: int, step_mm: float, description: str, number: int) -> Scan:
    """A CT series of a few small slices: a scout, or pictures of the contrast's arrival."""
    affine = np.diag([-4.0, -4.0, step_mm, 1.0])
    affine[:3, 3] = (62.0, 62.0, 500.0)
    water = np.full((32, 32, slices), 20, dtype=np.int16)
    more = _facts(study, number, description)
    stage = _stage(study, number)
    series = write_ct_series(
        stage, Volume.from_array(water, Geometry(water.shape, affine), Unit.HU), study.dicom, more=more
    )
    return Scan(series, _published(study, stage, more, ("CT", "CT Image Storage", series.sop_class)))


def _square(volume: Volume, fill: int) -> Volume:
    """The volume with as many rows as columns, the new ones filled."""
    i, j, _ = volume.geometry.shape
    before = (i - j) // 2
    array = np.pad(volume.array, ((0, 0), (before, i - j - before), (0, 0)), constant_values=fill)
    affine = volume.geometry.affine.copy()
    affine[:3, 3] -= affine[:3, 1] * before
    return Volume.from_array(array, Geometry(array.shape, affine), volume.unit)


def _facts(study: Study, number: int, description: str) -> dict[str, Any]:
    return {
        "SeriesInstanceUID": study.dicom.uid("series", number),
        "SeriesNumber": number,
        "SeriesDescription": description,
        "FrameOfReferenceUID": frame_uid(study.dicom),
        "AcquisitionNumber": number,
    }


def _stage(study: Study, number: int) -> Path:
    root = study.written.root
    return root.parent / ".oncohort" / "partial" / f"{study.written.name}-{study.visit}-{number}"


def _published(study: Study, stage: Path, more: dict[str, Any], kind: tuple[str, str, str]) -> dict[str, Any]:
    """Move a finished series to its place, under the names of the downloader; gives its row of `metadata.csv`."""
    files = sorted(stage.glob("*.dcm"))
    digits = max(2, len(str(len(files))))
    for instance, path in enumerate(files, start=1):
        path.rename(path.with_name(f"1-{instance:0{digits}d}.dcm"))
    dicom = study.dicom
    date = dicom.started.strftime("%m-%d-%Y")
    described = _UNNAMED.sub("", STUDY_DESCRIPTION)
    place = (
        f"{date}-NA-{described}-{dicom.uid('study')[-5:]}/"
        f"{more['SeriesNumber']:.6f}-{_UNNAMED.sub('', more['SeriesDescription'])}-{more['SeriesInstanceUID'][-5:]}"
    )
    target = study.folder / place
    move_folder(stage, target)
    finished = sorted(target.glob("*.dcm"))
    for path in finished:
        study.written.add(path)
    modality, name, sop_class = kind
    return {
        "uid": more["SeriesInstanceUID"],
        "study_uid": dicom.uid("study"),
        "study_description": described,
        "study_date": date,
        "description": more["SeriesDescription"],
        "modality": modality,
        "sop_class_name": name,
        "sop_class": sop_class,
        "images": len(finished),
        "bytes": sum(path.stat().st_size for path in finished),
        "folder": place,
        "path": target.relative_to(study.written.root).as_posix(),
    }
