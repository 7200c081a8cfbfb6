"""Twin of Lung-PET-CT-Dx: a DICOM tree as the NBIA downloader leaves it, with annotations and clinical sheet.

::

    manifest-1600000000000/metadata.csv
    manifest-1600000000000/Lung-PET-CT-Dx/LICENSE
    manifest-1600000000000/Lung-PET-CT-Dx/<PatientID>/<MM-DD-YYYY>-NA-<study>-<5>/<number>-<series>-<5>/1-01.dcm
    Annotation/<A0001>/<SOPInstanceUID>.xml
    statistics-clinical-20201221.xlsx
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats.spreadsheet import write_sheet
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.phantoms.cohort import NOTICE
from oncohort.phantoms.patient import PhantomPatient, phantom_patient
from oncohort.phantoms.twins.lung_faults import FAULTS
from oncohort.phantoms.twins.lung_series import MANIFEST, Study, write_ct, write_pet, write_screenshots
from oncohort.phantoms.twins.lung_xml import annotate
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase
from oncohort.storage import write_bytes

_LEAST_RADIUS_MM = 8.0
_LESIONS = 8

METADATA_COLUMNS = (
    "Series UID",
    "Collection",
    "3rd Party Analysis",
    "Data Description URI",
    "Subject ID",
    "Study UID",
    "Study Description",
    "Study Date",
    "Series Description",
    "Manufacturer",
    "Modality",
    "SOP Class Name",
    "SOP Class UID",
    "Number of Images",
    "File Size",
    "File Location",
    "Download Timestamp",
)
"""Of `metadata.csv`, as the downloader writes it."""


@dataclass(frozen=True)
class _Plan:
    """What one patient of eight has; PET "apart" is another study of the same day with its own frame of reference."""

    letter: str
    kernels: tuple[str, ...] = ("B40f",)
    pet: str = ""
    screenshots: bool = False
    studies: int = 1


_PLANS = (
    _Plan("A", ("B70f", "B40f"), pet="with", screenshots=True),
    _Plan("B", ("B70f", "B40f")),
    _Plan("A", pet="apart"),
    _Plan("G", pet="with", screenshots=True),
    _Plan("A", ("B70f", "B40f"), studies=2),
    _Plan("E"),
    _Plan("A"),
    _Plan("G", ("B70f", "B40f")),
)


def _short_id(number: int) -> str:
    """Number of a patient in the collection: that many of its class come before.

    Examples:
        >>> [_short_id(number) for number in (1, 2, 3, 9)]
        ['A0001', 'B0001', 'A0002', 'A0005']
    """
    rounds, place = divmod(number - 1, len(_PLANS))
    letters = [plan.letter for plan in _PLANS]
    letter = letters[place]
    before = rounds * letters.count(letter) + letters[:place].count(letter)
    known = layout.patient_numbers(letter)
    more = before - len(known) + 1
    return f"{letter}{known[before] if more <= 0 else layout.LAST_NUMBERS[letter] + 1 + more:04d}"


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one patient with a lung tumour and write its series and annotations."""
    plan = _PLANS[(case.number - 1) % len(_PLANS)]
    short = _short_id(case.number)
    patient = _patient(case)
    truth = {"short": short, "histology": plan.letter, "weight_kg": patient.weight_kg}
    written = WrittenCase(case, f"{layout.PATIENT_PREFIX}{short}", truth)
    lesions = _lung_lesions(patient)[:1]
    series: list[dict[str, Any]] = []
    for visit in range(plan.studies):
        study = Study(written, visit)
        for number, kernel in enumerate(plan.kernels, start=2):
            scan = write_ct(study, patient, kernel, number)
            boxes = annotate(written, scan.series, lesions, short, reading=number - 2)
            series.append({**scan.row, "boxes": boxes})
    if plan.pet:
        series.append(write_pet(Study(written, apart=plan.pet == "apart"), patient).row)
    if plan.screenshots:
        series.append(write_screenshots(Study(written), patient).row)
    written.truth |= {"studies": plan.studies, "series": series, "lesions": [lesion.row() for lesion in lesions]}
    written.sheet = _clinical(case, short, patient)
    return written


def _patient(case: TwinCase) -> PhantomPatient:
    """The first body of this case, by seed, whose largest lung lesion spans several slices."""
    seed = case.patient_seed
    while True:
        patient = phantom_patient(seed, lesions=_LESIONS, voxel_mm=case.voxel_mm)
        found = _lung_lesions(patient)
        if found and min(found[0].radii_mm) >= _LEAST_RADIUS_MM:
            return patient
        seed += 1_000_000_007


def _lung_lesions(patient: PhantomPatient) -> list[Any]:
    found = [lesion for lesion in patient.truth if lesion.organ == "lung"]
    return sorted(found, key=lambda lesion: -lesion.volume_ml)


def _clinical(case: TwinCase, short: str, patient: PhantomPatient) -> dict[str, Any]:
    rng = np.random.default_rng(case.patient_seed)
    columns = layout.CLINICAL_COLUMNS
    t_stage = ("1a", "1b", "1c", 2, "2a", 3, 4)[int(rng.integers(7))]
    grade = (None, "G1", "G2", "G2-3", "G3", "G1-G2")[int(rng.integers(6))]
    cells = (
        *(case.number, short, case.sex, case.age_years, patient.weight_kg),
        *(t_stage, (0, 1, 3)[int(rng.integers(3))], (0, 1, "1a", "1b")[int(rng.integers(4))]),
        *(grade, int(rng.integers(2))),
    )
    return dict(zip(columns, cells, strict=True))


def write_cohort(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `metadata.csv`, the licence and the clinical sheet."""
    collection = root / MANIFEST / layout.COLLECTION_FOLDER
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, METADATA_COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerows(_metadata(row, series) for series in row["series"])
    write_bytes(root / MANIFEST / layout.METADATA_FILE, text.getvalue().encode())
    write_bytes(
        collection / "LICENSE", f"{NOTICE}. CC0 1.0: https://creativecommons.org/publicdomain/zero/1.0/\n".encode()
    )
    write_sheet(root / layout.CLINICAL_FILE, [row["sheet"] for row in rows], layout.CLINICAL_COLUMNS)


def _metadata(row: Mapping[str, Any], series: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Series UID": series["uid"],
        "Collection": layout.TITLE,
        "3rd Party Analysis": "null",
        "Data Description URI": f"https://doi.org/{layout.DOI_IN_METADATA}",
        "Subject ID": row["case"],
        "Study UID": series["study_uid"],
        "Study Description": series["study_description"],
        "Study Date": series["study_date"],
        "Series Description": series["description"],
        "Manufacturer": "Oncohort (synthetic)",
        "Modality": series["modality"],
        "SOP Class Name": series["sop_class_name"],
        "SOP Class UID": series["sop_class"],
        "Number of Images": series["images"],
        "File Size": f"{series['bytes'] / 1e6:.2f} MB",
        "File Location": f"./{layout.COLLECTION_FOLDER}/{row['case']}/{series['folder']}",
        "Download Timestamp": "2026-01-05T12:00:00.0",
    }


TWIN = Twin(
    layout.NAME,
    layout.NAME,
    "DICOM tree of the NBIA downloader with VOC XML boxes and the clinical sheet",
    write_case,
    write_cohort,
    FAULTS,
)
