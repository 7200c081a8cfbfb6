"""Twins of autoPET: the nnU-Net layout with sheets, splits, prompts and heat maps, and the folders per study.

::

    imagesTr/<case>_0000.nii.gz (CT)  _0001 (PET, SUV)  _0002 _0003 (prompts)     labelsTr/<case>.nii.gz
    dataset.json  splits_final.json  fdg_metadata.csv  psma_metadata.csv
    clicks/<case>_clicks.json  clicks/gc/<case>_clicks.json  scribbles/<case>_lesion-clicks.json

The folders of the prompts have no published name. Of eight studies the seventh and eighth are later studies of the
patients of the fifth and sixth.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.layouts import autopet as layout
from oncohort.phantoms.cohort import NOTICE
from oncohort.phantoms.patient import PhantomPatient
from oncohort.phantoms.twins.autopet_faults import FAULTS, STUDY_FAULTS
from oncohort.phantoms.twins.clicks import choose_clicks, gc_json, simple_json
from oncohort.phantoms.twins.nifti_files import write_image
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase, no_cohort_files
from oncohort.phantoms.twins.scene import Mask, strided, volume_of
from oncohort.storage import write_bytes, write_json
from oncohort.units import Unit
from oncohort.volume import Volume, reorient

LESIONS = (5, 1, 0, 12, 3, 0, 8, 20)
"""Lesions of the first studies; the row repeats."""

_FDG_TEXT = "NA-PET-CT Ganzkoerper  primaer mit KM"
_BQML_PER_SUV = 4321.5


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one study and write images, label, prompts and heat maps."""
    tracer = "fdg" if case.number % 2 else "psma"
    owner = _owner(case.number)
    subset = layout.SUBSETS[tracer]
    day = date(2004, 2, 3) + timedelta(days=37 * case.number)
    if tracer == "fdg":
        patient = case.token(10, of=owner)
        study = f"{day:%m-%d-%Y}-{_FDG_TEXT}-{10000 + case.number:05d}"
    else:
        patient, study = case.token(16, of=owner), f"{day:%Y-%m-%d}"
    name = f"{tracer}_{patient}_{study}"
    phantom, lesions = _draw(case, subset.tracer)
    written = WrittenCase(case, name, {"patient": patient, "tracer": subset.tracer, "split": "train"})
    written.truth["lesions"] = [lesion.row() for lesion in phantom.truth]
    _write_images(written, phantom, lesions)
    _write_prompts(written, phantom, lesions)
    written.sheet = _sheet_row(written, subset.subject_prefix + patient, study, f"{day:%Y-%m-%d}")
    return written


def _owner(number: int) -> int:
    """Number of the case whose patient this study is of."""
    return number - 2 if (number - 1) % 8 >= 6 else number


def _draw(case: TwinCase, tracer: str) -> tuple[PhantomPatient, Mask]:
    count = LESIONS[(case.number - 1) % len(LESIONS)]
    patient = case.draw(count, "PSMA" if tracer == "PSMA" else "FDG")
    return patient, np.ascontiguousarray(patient.lesions.layers[0].array.T) > 0


def _write_images(written: WrittenCase, patient: PhantomPatient, lesions: Mask) -> None:
    root, codes = written.root, layout.ORIENTATION
    ct, pet = patient.ct_on_pet, patient.pet
    for channel, volume in ((layout.CT_CHANNEL, ct), (layout.PET_CHANNEL, pet)):
        path = root / layout.IMAGES_FOLDER / f"{written.name}_{channel:04d}{layout.FILE_ENDING}"
        written.add(write_image(path, reorient(volume, codes)))
    label = reorient(volume_of(lesions, pet.geometry), codes)
    written.truth |= {"lesion_ml": round(float(lesions.sum()) * pet.geometry.voxel_ml, 6)}
    written.add(write_image(root / layout.LABELS_FOLDER / f"{written.name}{layout.FILE_ENDING}", label))


def _write_prompts(written: WrittenCase, patient: PhantomPatient, lesions: Mask) -> None:
    """Clicks on the written files: their indices i, j, k are those of the reoriented arrays."""
    root = written.root
    pet = patient.pet
    label = reorient(volume_of(lesions, pet.geometry), layout.ORIENTATION)
    pet = reorient(pet, layout.ORIENTATION)
    clicks = choose_clicks(label.array > 0, pet.array, seed=42)
    for path, text in (
        (Path("clicks") / f"{written.name}{layout.PROMPTS_IV_ENDING}", simple_json(clicks)),
        (Path("clicks") / layout.GC_FOLDER / f"{written.name}{layout.PROMPTS_IV_ENDING}", gc_json(clicks)),
        (Path("scribbles") / f"{written.name}{layout.PROMPTS_V_ENDING}", gc_json(clicks)),
    ):
        write_json(root / path, text)
        written.add(root / path)
    for channel, points in ((layout.FOREGROUND_CHANNEL, clicks.tumor), (layout.BACKGROUND_CHANNEL, clicks.background)):
        heat = np.zeros(pet.geometry.shape, dtype=np.uint8)
        for i, j, k in points:
            heat[i, j, k] = 1
        path = root / layout.IMAGES_FOLDER / f"{written.name}_{channel:04d}{layout.FILE_ENDING}"
        written.add(write_image(path, Volume.from_array(heat, pet.geometry, Unit.NONE)))
    written.truth |= {"clicks": {"tumor": len(clicks.tumor), "background": len(clicks.background)}}


def _sheet_row(written: WrittenCase, subject: str, study: str, day: str) -> dict[str, Any]:
    case = written.case
    owner = TwinCase(_owner(case.number), case.seed, case.size, case.root)
    if written.truth["tracer"] == "PSMA":
        values: tuple[Any, ...] = (subject, day, owner.age_years, "SYNTHETIC phantom")
        return dict(zip(layout.PSMA_COLUMNS, (*values, layout.RADIONUCLIDES[case.number // 2 % 2], "no"), strict=True))
    diagnoses = layout.FDG_DIAGNOSES
    diagnosis = diagnoses[owner.number // 2 % 3] if written.truth["lesions"] else "NEGATIVE"
    location = f"./FDG-PET-CT-Lesions/{subject}/{study}"
    return dict(
        zip(layout.FDG_COLUMNS, (subject, location, diagnosis, f"{owner.age_years:03d}Y", owner.sex), strict=True)
    )


def write_cohort(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `dataset.json`, the folds and both sheets; an FDG study has one row per series (CT, PET, SEG)."""
    planted = {fault["fault"] for row in rows for fault in row["planted"]}
    channels = {**layout.CHANNEL_NAMES_V, "1": "CT"} if "pet_called_ct" in planted else layout.CHANNEL_NAMES_V
    write_json(
        root / layout.DATASET_FILE,
        {
            "name": "SYNTHETIC twin of autoPET",
            "description": NOTICE,
            "licence": "CC0-1.0",
            "channel_names": channels,
            "labels": layout.LABELS,
            "numTraining": len(rows),
            "file_ending": layout.FILE_ENDING,
        },
    )
    write_json(root / layout.SPLITS_FILE, _folds(rows))
    psma = [row["sheet"] for row in rows if row["tracer"] == "PSMA" and row["sheet"]]
    series = [
        row["sheet"] | {"File Location": f"{row['sheet']['File Location']}/{number}.000000-{name}"}
        for row in rows
        if row["tracer"] == "FDG" and row["sheet"]
        for number, name in ((2, "CT WB"), (605, "PET WB Corrected"), (300, "Segmentation"))
    ]
    _write_csv(root / layout.PSMA_SHEET, layout.PSMA_COLUMNS, psma)
    _write_csv(root / layout.FDG_SHEET, layout.FDG_COLUMNS, series)


def _folds(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    patients = sorted({row["patient"] for row in rows})
    fold_of = {row["case"]: patients.index(row["patient"]) % layout.FOLDS for row in rows}
    for row in rows:
        if "patient_in_two_folds" in {fault["fault"] for fault in row["planted"]}:
            fold_of[row["case"]] = (fold_of[row["case"]] + 1) % layout.FOLDS
    return [
        {
            "train": [case for case, own in sorted(fold_of.items()) if own != fold],
            "val": [case for case, own in sorted(fold_of.items()) if own == fold],
        }
        for fold in range(layout.FOLDS)
    ]


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def write_study(case: TwinCase) -> WrittenCase:
    """Draw one FDG study and write its five files into a folder of its own."""
    subject = f"{layout.STUDY_FOLDER_PREFIX}{case.token(10, of=_owner(case.number))}"
    day = date(2004, 2, 3) + timedelta(days=37 * case.number)
    study = f"{day:%m-%d-%Y}-{_FDG_TEXT}-{10000 + case.number:05d}"
    patient, lesions = _draw(case, "FDG")
    pet = patient.pet
    activity = Volume.from_array(pet.array * np.float32(_BQML_PER_SUV), pet.geometry, Unit.NONE)
    images = {
        "CT.nii.gz": strided(patient.ct, 2),
        "CTres.nii.gz": patient.ct_on_pet,
        "PET.nii.gz": activity,
        "SUV.nii.gz": pet,
        "SEG.nii.gz": volume_of(lesions, pet.geometry),
    }
    written = WrittenCase(case, f"{subject}/{study}", {"patient": subject, "study": study, "tracer": "FDG"})
    written.truth["lesions"] = [lesion.row() for lesion in patient.truth]
    for file, volume in images.items():
        written.add(write_image(case.root / subject / study / file, reorient(volume, layout.ORIENTATION)))
    return written


TWIN = Twin(
    "autopet",
    layout.NAME,
    "FDG and PSMA PET/CT in the nnU-Net layout with sheets, folds, prompts and heat maps",
    write_case,
    write_cohort,
    FAULTS,
)
STUDY_TWIN = Twin(
    "autopet-tcia",
    layout.NAME,
    "FDG PET/CT with one folder per study, as the converter writes it",
    write_study,
    no_cohort_files,
    STUDY_FAULTS,
)
