"""Small folders in the published layouts of ENHANCE.PET, written from its description and not from the reader."""

import json
from pathlib import Path

import nibabel
import numpy as np

from oncohort.formats.spreadsheet import write_sheet

HYPHENS = ("Organs", "Cardiac", "Muscles", "Ribs", "Peripheral-Bones", "Vertebrae", "Body-Composition")
SPACES = tuple(name.replace("-", " ") for name in HYPHENS)
MODELS = (
    "clin_ct_organs", "clin_ct_cardiac", "clin_ct_muscles", "clin_ct_ribs", "clin_ct_peripheral_bones",
    "clin_ct_vertebrae", "clin_ct_body_composition",
)  # fmt: skip
SHAPE, SPACING = (6, 6, 8), (2.0, 2.0, 3.0)
VALUES = {  # integers drawn per group in every case; one voxel column each, so that groups overlap
    "Organs": (1, 8, 18), "Cardiac": (6, 13), "Muscles": (3,), "Ribs": (1, 26, 27), "Peripheral-Bones": (5, 24, 31),
    "Vertebrae": (20, 28), "Body-Composition": (1, 3),
}  # fmt: skip
ORIGINS = {
    "0001": "AutoPET Challenge",
    "0002": "University Hospital Leipzig (Germany)",
    "0003": "Azienda Ospedaliero Universitaria Careggi (IT)",
    "0004": "AutoPET Challenge",
    "1600": "University of California Davis (USA)",
}
LABELS = {
    "clin_ct_cardiac": {"1": "heart_myocardium", "6": "aorta", "12": "portal_splenic_vein", "13": "pulmonary_artery"},
    "clin_ct_organs": {"1": "adrenal_gland_left", "3": "bladder", "8": "liver", "18": "thyroid_right"},
    "clin_ct_vertebrae": {"20": "vertebra_L1", "28": "sacrum"},
}


def write_image(path, array, *, spacing=SPACING):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, np.diag([*spacing, 1.0]))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def mask_of(group, *, values=None):
    array = np.zeros(SHAPE, np.uint8)
    for column, value in enumerate(VALUES[group] if values is None else values):
        array[column, :, 1:7] = value
    return array


def image_folders(version, case):
    if version == 1:
        return "CT", "PT"
    return ("CT_0001-1000" if case <= "1000" else "CT_1001-1683"), "PT_0001-1683"


def write_case(data, case, *, version=2, groups=HYPHENS):
    ct, pet = image_folders(version, case)
    write_image(data / "images" / ct / f"{case}.nii.gz", np.full(SHAPE, -1000, np.int16))
    write_image(data / "images" / pet / f"{case}.nii.gz", np.ones((3, 3, 4), np.float32), spacing=(4.0, 4.0, 6.0))
    for folder, group in zip(groups, HYPHENS, strict=True):
        write_image(data / "ground-truth" / folder / f"{case}.nii.gz", mask_of(group))


def sheet_rows(cases):
    ct = [
        {"Case-ID": case, "Data-Source": ORIGINS[case], "Manufacturer": "SIEMENS", "Model": "Biograph mCT", "kVp": 120,
         "Filter Type": "FLAT", "Convolution Kernel": "B30f", "Axial Pixel Size (mm)": 0.98,
         "Slice Thickness (mm)": 3, "Focal Spot": 1.2}
        for case in cases
    ]  # fmt: skip
    pet = [
        {"Case-ID": int(case), "Data-Source": ORIGINS[case], "Indication": "lung cancer", "Sex": "F", "Age": "061Y",
         "Weight (kg)": 70.5, "Height": 1.72, "Injected Activity (MBq)": 314, "Acquisition Date": "20150203",
         "Acquisition Time": "101500", "Injection Details": "FDG", "Image Units": "BQML", "Slope": 1.0,
         "Intercept": 0, "Manufacturer": "SIEMENS", "Model": "Biograph mCT"}
        for case in cases
    ]  # fmt: skip
    return ct, pet


def write_sheets(base, cases):
    for name, rows in zip(("CT-details.xlsx", "PT-details.xlsx"), sheet_rows(cases), strict=True):
        write_sheet(base / name, rows, list(rows[0]))


def write_set(base: Path, cases=("0001", "0002", "0003"), *, version=2, groups=HYPHENS, labels=LABELS):
    """A whole set; returns its folder."""
    for case in cases:
        write_case(base / "imaging-data", case, version=version, groups=groups)
    write_sheets(base, cases)
    (base / "labels.json").write_text(json.dumps(labels))
    return base
