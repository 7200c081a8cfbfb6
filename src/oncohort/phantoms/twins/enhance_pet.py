"""Twins of ENHANCE.PET 1.6k: seven label maps per case, two sheets and `labels.json`; both published layouts.

::

    CT-details.xlsx  PT-details.xlsx  labels.json
    imaging-data/images/{CT_0001-1000,CT_1001-1683,PT_0001-1683}/<id>.nii.gz     version 2; version 1 has CT and PT
    imaging-data/ground-truth/<group>/<id>.nii.gz

Version 2 has no head: CT is -1000 and PET 0 above the neck, and brain and skull have no voxels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats.spreadsheet import write_sheet
from oncohort.layouts import enhance_pet as layout
from oncohort.phantoms.twins.anatomy import REGIONS
from oncohort.phantoms.twins.enhance_faults import FAULTS
from oncohort.phantoms.twins.nifti_files import write_image
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase
from oncohort.phantoms.twins.scene import Scene, label_array, scene_of, strided, volume_of
from oncohort.storage import write_json
from oncohort.units import Unit
from oncohort.volume import Volume, reorient

_NECK_MM = 640.0
_SOURCES = (
    "AutoPET Challenge",
    "University Hospital Leipzig, Germany",
    "Azienda Ospedaliero Universitaria Careggi, Italy",
    "University of California Davis, USA",
)
_LESIONS = (3, 0, 6, 0)
_SECOND_FOLDER_FROM = 6  # every eighth case lies in the second folder of CT images

CT_COLUMNS = (
    *("Case ID", "Data-Source", "Manufacturer", "Manufacturer Model Name", "kVp", "Filter Type"),
    *("Convolution Kernel", "Pixel Size (mm)", "Slice Thickness (mm)", "Focal Spot"),
)
PT_COLUMNS = (
    *("Case ID", "Data-Source", "Indication", "Sex", "Age", "Weight (kg)", "Height (cm)", "Injected Activity (MBq)"),
    *("Acquisition Date", "Acquisition Time", "Injection Time", "Units", "Rescale Slope", "Rescale Intercept"),
    *("Manufacturer", "Manufacturer Model Name"),
)
"""The publication lists the columns in prose; these headers are made up from it."""


def write_case(case: TwinCase, version: str) -> WrittenCase:
    """Draw one patient and write CT, PET and the seven label maps."""
    number = _identity(case.number, version)
    name = f"{number:04d}"
    lesions = _LESIONS[(case.number - 1) % len(_LESIONS)]
    patient = case.draw(lesions)
    origin = _origin(case.number, version)
    headless = version in layout.ORIGINS[origin].head_removed
    ct, pet = strided(patient.ct, 2), patient.pet
    written = WrittenCase(case, name, {"source": _SOURCES[origin], "version": version, "head_removed": headless})
    images = layout.IMAGE_FOLDERS[version]
    ct_folder = images[int(number > 1000)] if version == "2" else "CT"
    for folder, volume, fill in ((ct_folder, ct, -1000), (images[-1], pet, 0)):
        shown = _without_head(volume, fill) if headless else volume
        path = case.root / layout.DATA_FOLDER / layout.IMAGES_FOLDER / folder / f"{name}.nii.gz"
        written.add(write_image(path, reorient(shown, "RAS")))
    written.truth["labels"] = _write_masks(written, scene_of(patient, 2), headless=headless)
    written.sheet = _sheet_row(written, patient.weight_kg, ct, pet)
    return written


def _identity(number: int, version: str) -> int:
    """Ids rise from 1; in version 2 every eighth case has one above 1000, in the second folder of CT images."""
    if version == "2" and number % 8 == _SECOND_FOLDER_FROM:
        return 1001 + number // 8
    return number


def _origin(number: int, version: str) -> int:
    return (number - 1) % (len(_SOURCES) if version == "2" else len(_SOURCES) - 1)


def _without_head(volume: Volume, fill: int) -> Volume:
    heights = volume.geometry.to_mm([(0, 0, k) for k in range(volume.geometry.shape[2])])[:, 2]
    array = volume.array.copy()
    array[:, :, heights > _NECK_MM] = fill
    return Volume.from_array(array, volume.geometry, volume.unit)


def _write_masks(written: WrittenCase, scene: Scene, *, headless: bool) -> dict[str, list[str]]:
    """Write one map per group; gives the labels with voxels. What is outside the phantom has none."""
    present: dict[str, list[str]] = {}
    held = layout.held_labels("1")
    head = np.asarray(scene.world.z > _NECK_MM)
    for group in layout.GROUPS.values():
        masks = [(value, scene.mask(REGIONS[name])) for value, name in held[group.name].items() if name in REGIONS]
        joined = label_array(masks, scene.tissues.shape)
        if headless:
            joined[head] = 0
            joined[np.isin(joined, [value for value, name in group.labels.items() if name in _HEAD])] = 0
        path = written.root / layout.DATA_FOLDER / layout.MASKS_FOLDER / group.folder / f"{written.name}.nii.gz"
        written.add(write_image(path, reorient(volume_of(joined, scene.grid, Unit.LABEL), "RAS")))
        present[group.folder] = [group.labels[int(value)] for value in np.unique(joined) if value]
    return present


_HEAD = layout.REMOVED_WITH_THE_HEAD


def _sheet_row(written: WrittenCase, weight_kg: float, ct: Volume, pet: Volume) -> dict[str, Any]:
    case = written.case
    shared = {"Case ID": written.name, "Data-Source": written.truth["source"]}
    maker = ("SYNTHETIC", "digital phantom")
    width, _, thickness = ct.geometry.spacing_mm
    of_ct = (*maker, 120, "NONE", "B30f", width, thickness, 1.2)
    of_pet = (
        *(
            ("lung cancer", "melanoma", "lymphoma", "healthy")[case.number % 4],
            case.sex,
            case.age_years,
            weight_kg,
            172,
        ),
        *(
            round(4.0 * weight_kg, 1),
            f"2016-{1 + case.number % 12:02d}-15",
            "10:30:00",
            "09:30:00",
            "SUV",
            1,
            0,
            *maker,
        ),
    )
    return {
        "ct": shared | dict(zip(CT_COLUMNS[2:], of_ct, strict=True)),
        "pet": shared | dict(zip(PT_COLUMNS[2:], of_pet, strict=True)),
    }


def write_cohort(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `labels.json` and the sheets of CT and PET."""
    labels = {
        group.model: {str(value): name for value, name in group.labels.items() if name not in layout.MODEL_ONLY}
        for group in layout.GROUPS.values()
    }
    write_json(root / layout.LABELS_FILE, labels)
    ordered = sorted((row for row in rows if row["sheet"]), key=lambda row: str(row["case"]))
    for kind, columns in (("ct", CT_COLUMNS), ("pet", PT_COLUMNS)):
        cells = [row["sheet"][kind] for row in ordered if row["sheet"].get(kind)]
        write_sheet(root / layout.SHEETS[kind], cells, columns)


def _twin(name: str, version: str, description: str) -> Twin:
    writer: Callable[[TwinCase], WrittenCase] = partial(write_case, version=version)
    return Twin(name, layout.NAME, description, writer, write_cohort, FAULTS if version == "2" else ())


TWIN = _twin("enhance-pet", "2", "PET/CT without head, seven label maps per case and two sheets (version 2)")
FIRST_TWIN = _twin("enhance-pet-v1", "1", "the same in the folders of version 1, with the heads of AutoPET")
