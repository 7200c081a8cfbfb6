"""Cohorts of synthetic patients on disk, as DICOM or as an nnU-Net raw data set."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError, OutputError
from oncohort.formats.case_sheet import CASE_SHEET, write_case_sheet
from oncohort.formats.dicom.rtstruct_writing import write_contours
from oncohort.formats.dicom.study import DicomStudy
from oncohort.formats.dicom.writing import BedTiming, Injection, write_ct_series, write_pet_series
from oncohort.formats.nifti import write_label_map, write_nifti
from oncohort.formats.nnunet_raw import RawDataset, image_path, label_path, write_dataset
from oncohort.layouts.phantom import TRUTH_FILE
from oncohort.phantoms.patient import PhantomPatient, phantom_patient
from oncohort.storage import claim_folder, content_key, write_json

Form = Literal["dicom", "nnunet"]

NOTICE = "SYNTHETIC digital phantom, not a person"
MOST_CASES = 999

LESION_COUNTS = (5, 1, 12, 0, 8, 3, 20, 0)
"""Lesions of the first patients; the row repeats. Two in eight have none."""

_VERSION = 1  # of what is written; part of every key
_FIRST_DAY = datetime(2026, 1, 5, 9, 30)
_UPTAKE_TIME = timedelta(minutes=60)
_BEDS = BedTiming(slices=42, seconds=120.0)
_F18_HALF_LIFE_S = 6586.2


@dataclass(frozen=True)
class PhantomCohort:
    """A phantom cohort on disk.

    Attributes:
        folder: Holds the data and the truth.
        data: The folder to ingest.
        truth: `phantom.json`: every patient and lesion.
        source: Name of the source that reads `data`, such as "dicom".
        cases: The case ids, in order.
    """

    folder: Path
    data: Path
    truth: Path
    source: str
    cases: tuple[str, ...]


def write_phantom_cohort(  # noqa: PLR0913 - the keywords are the verb's flags
    out: str | Path,
    *,
    cases: int = 8,
    seed: int = 2026,
    form: Form = "dicom",
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> PhantomCohort:
    """A cohort of synthetic patients written to the folder `out`.

    `out/dicom` holds CT, PET (Bq/ml, decay-corrected to the start of the scan)
    and an RTSTRUCT on the PET per patient; `out/nnunet` holds CT on the PET
    grid, PET in SUV and masks. `out/phantom.json` is written last and says what
    is true. The same arguments give the same bytes, and a larger cohort starts
    with the patients of a smaller one. Every file says that it is synthetic.

    Args:
        out: A new folder, or one with the same work, which is then continued.
        cases: Patients, 1 to 999.
        seed: Chooses the patients.
        form: "dicom" or "nnunet".
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every patient.

    Raises:
        InputError: The number of cases or the form is not known here.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     written = write_phantom_cohort(f"{there}/phantoms", cases=1, form="nnunet")
        ...     written.cases, sorted(path.name for path in written.data.iterdir())
        (('SYNTHETIC-001',), ['cases.csv', 'dataset.json', 'imagesTr', 'labelsTr'])
    """
    _check(cases, form)
    work = {"verb": "phantom", "cases": cases, "seed": seed, "form": form, "version": _VERSION}
    folder = claim_folder(out, work, overwrite=overwrite)
    tasks = [_Task(seed, number, form, folder.absolute() / form) for number in range(1, cases + 1)]
    rows = map_items(
        _write_patient,
        tasks,
        keys=[content_key(_VERSION, seed, task.number, form) for task in tasks],
        store=ResultStore(folder / ".oncohort" / "results"),
        is_valid=FilesStand(folder),
        jobs=jobs,
        progress=progress,
        label="phantoms",
    )
    if form == "nnunet":
        _write_dataset_files(folder / form, rows)
    patients = [{name: value for name, value in row.items() if name != "files"} for row in rows]
    truth = {"type": "oncohort.phantom_cohort", "format_version": "1.0", "synthetic": True, "notice": NOTICE}
    write_json(folder / TRUTH_FILE, {**truth, "seed": seed, "form": form, "data": form, "patients": patients})
    return PhantomCohort(folder, folder / form, folder / TRUTH_FILE, form, tuple(task.case for task in tasks))


def patient_seed(seed: int, number: int) -> int:
    """Seed of the patient `number` (from 1) of the cohort `seed`.

    Examples:
        >>> patient_seed(2026, 3)
        2026003
    """
    return seed * (MOST_CASES + 1) + number


def patient_sex(number: int) -> str:
    """Sex of the patient `number` (from 1): women have odd numbers, men even ones."""
    return "F" if number % 2 else "M"


def patient_age(number: int) -> int:
    """A plausible age of the patient `number`, in years."""
    return 41 + number * 17 % 40


def _check(cases: int, form: str) -> None:
    if not 1 <= cases <= MOST_CASES:
        raise InputError(
            expected=f"1 to {MOST_CASES} cases", found=str(cases), where="phantom cohort", remedy="change the number"
        )
    if form not in get_args(Form):
        raise InputError(
            expected=f"one of {', '.join(get_args(Form))}",
            found=repr(form),
            where="phantom cohort",
            remedy="change form",
        )


@dataclass(frozen=True)
class _Task:
    seed: int
    number: int
    form: Form
    data: Path

    @property
    def case(self) -> str:
        return f"SYNTHETIC-{self.number:03d}"

    @property
    def sex(self) -> str:
        return patient_sex(self.number)

    @property
    def age_years(self) -> int:
        return patient_age(self.number)


@dataclass(frozen=True)
class FilesStand:
    """Whether all files of a remembered patient are still there, with the size that they had."""

    folder: Path

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """Whether the files of `row` stand."""
        files = ((self.folder / name, size) for name, size in row["files"].items())
        return all(path.is_file() and path.stat().st_size == size for path, size in files)


def _write_patient(task: _Task) -> dict[str, Any]:
    lesions = LESION_COUNTS[(task.number - 1) % len(LESION_COUNTS)]
    patient = phantom_patient(patient_seed(task.seed, task.number), lesions=lesions)
    written = _write_dicom(task, patient) if task.form == "dicom" else _write_nifti(task, patient)
    return {
        "case": task.case,
        "seed": patient.seed,
        "sex": task.sex,
        "age_years": task.age_years,
        "weight_kg": patient.weight_kg,
        "tracer": "FDG",
        "lesions": [lesion.row() for lesion in patient.truth],
        "files": {path.relative_to(task.data.parent).as_posix(): path.stat().st_size for path in written},
    }


def _write_dicom(task: _Task, patient: PhantomPatient) -> list[Path]:
    started = _FIRST_DAY + timedelta(days=task.number - 1, minutes=7 * (task.number % 5))
    study = DicomStudy(task.case, started, _dicom_facts(task, patient), f"phantom {_VERSION} {task.seed}")
    injection = Injection(4.0e6 * patient.weight_kg, started - _UPTAKE_TIME, _F18_HALF_LIFE_S, patient.weight_kg)
    folder = task.data.parent / ".oncohort" / "partial" / task.case
    write_ct_series(folder / "CT", patient.ct, study)
    series = write_pet_series(folder / "PET", patient.pet, study, injection=injection, beds=_BEDS)
    write_contours(folder / "RTSTRUCT" / "0001.dcm", {"lesion": patient.lesions.mask("lesion")}, series, study)
    move_folder(folder, task.data / task.case)
    return sorted((task.data / task.case).rglob("*.dcm"))


def move_folder(finished: Path, target: Path) -> None:
    """Put a finished folder in the place of an unfinished or absent one."""
    try:
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        finished.rename(target)
    except OSError as error:
        raise OutputError(
            expected="a folder that can be written",
            found=error.strerror or str(error),
            where=str(target),
            remedy="make it writable or choose another --out",
        ) from error


def _dicom_facts(task: _Task, patient: PhantomPatient) -> dict[str, Any]:
    return {
        "StudyDescription": NOTICE,
        "ImageComments": NOTICE,
        "PatientComments": NOTICE,
        "SyntheticData": "YES",
        "QualityControlImage": "YES",
        "PatientSex": task.sex,
        "PatientAge": f"{task.age_years:03d}Y",
        "PatientWeight": f"{patient.weight_kg:g}",
        "Manufacturer": "Oncohort (synthetic)",
        "ManufacturerModelName": "digital phantom",
        "InstitutionName": "SYNTHETIC",
    }


def _write_nifti(task: _Task, patient: PhantomPatient) -> list[Path]:
    volumes = {image_path(task.data, task.case, 0): patient.ct_on_pet, image_path(task.data, task.case, 1): patient.pet}
    for path, volume in volumes.items():
        write_nifti(path, volume)
    mask = label_path(task.data, task.case)
    write_label_map(mask, patient.lesions)
    return [*volumes, mask]


def _write_dataset_files(folder: Path, rows: list[dict[str, Any]]) -> None:
    facts = {
        "name": "SYNTHETIC phantoms",
        "description": f"{NOTICE}: FDG-PET (SUVbw) and CT (HU) on the PET grid, lesions known exactly",
        "reference": "oncohort phantom",
        "licence": "CC0-1.0",
        "synthetic": True,
    }
    write_dataset(folder, RawDataset({0: "CT", 1: "PET"}, {"lesion": (1,)}, facts=facts), training_cases=len(rows))
    columns = ("case", "sex", "age_years", "weight_kg", "tracer")
    sheet = [{**{name: row[name] for name in columns}, "patient": row["case"], "centre": "synthetic"} for row in rows]
    write_case_sheet(folder / CASE_SHEET, sheet)
