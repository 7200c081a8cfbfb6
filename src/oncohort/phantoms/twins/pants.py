"""Twin of PanTS: 28 structures one file each, the combined map in either numbering, and the sheet.

::

    metadata.xlsx
    ImageTr/PanTS_00000001/ct.nii.gz                             ImageTe/PanTS_00009001/ct.nii.gz
    LabelTr/PanTS_00000001/segmentations/<structure>.nii.gz      LabelTe/...
    LabelTr/PanTS_00000001/combined_labels.nii.gz                LabelTe/...

The axes of the files differ from case to case, four of five combined maps and the parts of the pancreas are stored
with a slope, and one combined map of four counts as the project describes it (numbering A), the others as the public
copies do (B).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats.spreadsheet import write_sheet
from oncohort.layouts import pants as layout
from oncohort.phantoms.twins.anatomy import ABDOMEN
from oncohort.phantoms.twins.nifti_files import write_image, write_scaled
from oncohort.phantoms.twins.pancreas import Abdomen, draw_abdomen
from oncohort.phantoms.twins.pants_faults import FAULTS
from oncohort.phantoms.twins.pants_report import structured_report
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase
from oncohort.phantoms.twins.scene import Mask, label_array, volume_of
from oncohort.units import Unit
from oncohort.volume import reorient

AXES = ("RAS", "LAS", "LPS", "LAI", "IPL")
_OTHER_NAMES = {"gall_bladder": "gallbladder"}
_SCALED_PARTS = frozenset({"pancreas_head", "pancreas_body", "pancreas_tail"})
_YEARS = ("2012; 2016; 2020", "2018", "06.2016-04.2021", None)
_TEST_EVERY = 4  # the second case of four is a test case


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one abdomen and write CT, structures and combined map."""
    number, split = _identity(case.number)
    name = layout.case_id(number)
    abdomen = draw_abdomen(case)
    codes = AXES[(case.number - 1) % len(AXES)]
    masks = structures(abdomen, case.sex)
    numbering = "A" if case.number % 4 == 3 else "B"
    truth = {
        "split": split,
        "phase": abdomen.phase,
        "axes": codes,
        "numbering": numbering,
        "lesions": list(abdomen.truth),
        "structures_ml": {name: round(int(mask.sum()) * abdomen.grid.voxel_ml, 6) for name, mask in masks.items()},
    }
    written = WrittenCase(case, name, truth)
    image = reorient(volume_of(abdomen.ct, abdomen.grid, Unit.HU), codes)
    written.add(write_image(case.root / layout.IMAGE_FOLDERS[split] / name / layout.CT_FILE, image))
    _write_labels(written, abdomen, masks, codes, numbering)
    written.sheet = _sheet_row(written, image.geometry.shape, image.geometry.spacing_mm, abdomen)
    return written


def structures(abdomen: Abdomen, sex: str) -> dict[str, Mask]:
    """Every structure by its published name; women have no prostate."""
    masks: dict[str, Mask] = {}
    for name in layout.STRUCTURES:
        if name == layout.LESION:
            masks[name] = abdomen.lesion
        elif name == "pancreas":
            masks[name] = abdomen.pancreas
        elif name in _SCALED_PARTS:
            masks[name] = abdomen.part(name.removeprefix("pancreas_"))
        elif name == "prostate" and sex == "F":
            masks[name] = abdomen.scene.empty()
        else:
            masks[name] = abdomen.scene.mask(ABDOMEN[_OTHER_NAMES.get(name, name)])
    return masks


def _write_labels(
    written: WrittenCase, abdomen: Abdomen, masks: Mapping[str, Mask], codes: str, numbering: str
) -> None:
    folder = written.root / layout.LABEL_FOLDERS[written.truth["split"]] / written.name
    for name, mask in masks.items():
        path = folder / layout.STRUCTURES_FOLDER / f"{name}{layout.FILE_ENDING}"
        volume = reorient(volume_of(mask, abdomen.grid), codes)
        if name in _SCALED_PARTS:
            write_scaled(path, volume.array, volume.geometry, largest=1, dtype=np.int8)
        else:
            write_image(path, volume)
        written.add(path)
    integers = layout.NUMBERINGS[numbering]
    joined = label_array(((integers[name], masks[name]) for name in layout.STRUCTURES), abdomen.ct.shape)
    combined = reorient(volume_of(joined, abdomen.grid), codes)
    path = folder / layout.COMBINED_FILE
    if written.case.number % 5:
        write_scaled(path, combined.array, combined.geometry, largest=len(integers), dtype=np.int16)
    else:
        write_image(path, combined)
    written.add(path)


def _identity(number: int) -> tuple[int, str]:
    """Number in the data set and split of the case `number`."""
    tests = (number + 2) // _TEST_EVERY
    return (layout.LAST_TRAINING_CASE + tests, "test") if number % _TEST_EVERY == 2 else (number - tests, "train")


def _sheet_row(
    written: WrittenCase, shape: tuple[int, ...], spacing: tuple[float, ...], abdomen: Abdomen
) -> dict[str, Any]:
    case = written.case
    known = case.number % 4 != 0  # nearly half of the real cases have neither sex nor age
    cells = (
        *(written.name, str(tuple(shape)), str(tuple(spacing)), abdomen.phase),
        *((case.sex, case.age_years) if known else (None, None)),
        *("SYNTHETIC", "digital phantom", "SYNTHETIC abdomen", "SYNTHETIC", None, "none"),
        *(_YEARS[case.number % len(_YEARS)], int(bool(abdomen.truth))),
    )
    return dict(zip(layout.COLUMNS, cells, strict=True)) | {layout.REPORT_COLUMN: structured_report(abdomen)}


def write_cohort(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `metadata.xlsx` with 15 columns, rows in the order of the ids."""
    cells = sorted((row["sheet"] for row in rows if row["sheet"]), key=lambda row: str(row[layout.ID_COLUMN]))
    columns = (*layout.COLUMNS, layout.REPORT_COLUMN)
    write_sheet(root / layout.SHEET_FILE, cells, columns, sheet=layout.SHEET_NAME)


TWIN = Twin(
    layout.NAME,
    layout.NAME,
    "CT with 28 structures one file each, combined maps and metadata.xlsx",
    write_case,
    write_cohort,
    FAULTS,
)
