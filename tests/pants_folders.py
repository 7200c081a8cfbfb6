"""Small PanTS folders with literal names, and the account of their files."""

import gzip
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np

from oncohort.formats.spreadsheet import write_sheet
from oncohort.sources import SOURCES

AS_DESCRIBED = (
    "adrenal_gland_left adrenal_gland_right aorta bladder celiac_artery colon common_bile_duct duodenum femur_left "
    "femur_right gall_bladder kidney_left kidney_right liver lung_left lung_right pancreas pancreas_body "
    "pancreas_head pancreas_tail pancreatic_duct postcava prostate spleen stomach superior_mesenteric_artery veins "
    "pancreatic_lesion"
)
AS_IN_THE_SHEET = (
    "PanTS ID|shape|spacing|ct phase|sex|age|manufacturer|manufacturer model|study type|site|site detail|"
    "site nationality|study year|tumor?"
)
STRUCTURES = AS_DESCRIBED.split()
COLUMNS = AS_IN_THE_SHEET.split("|")
SHAPE = (6, 5, 4)
AFFINE = np.diag([-0.75, -0.75, 5.0, 1.0])
TRAIN, TEST = "PanTS_00000001", "PanTS_00009001"
SOURCE = SOURCES["pants"]


def blob(array, *, affine=AFFINE, slope=None, intercept=0):
    image = nib.Nifti1Image(array, affine)
    if slope:
        image.header.set_slope_inter(slope, intercept)
    return gzip.compress(image.to_bytes(), 1, mtime=0)


def scaled_blob(labels):
    """Labels up to 28 spread over int16, as four of five public maps have them: 1 is read as 1.0001983."""
    slope = 28 / 65535
    return blob((np.rint(labels / slope) - 32768).astype(np.int16), slope=slope, intercept=32768 * slope)


def mask(name):
    """Structure n is voxel n; veins lie over the liver, the pancreas covers its parts, the postcava is empty."""
    array = np.zeros(SHAPE, np.uint8)
    covered = {
        "veins": ["veins", "liver"],
        "pancreas": [one for one in STRUCTURES if one.startswith("pancrea")],
        "postcava": [],
    }
    for one in covered.get(name, [name]):
        array.ravel()[STRUCTURES.index(one)] = 1
    return array


def combined(numbering):
    order = STRUCTURES if numbering == "A" else sorted(STRUCTURES)
    array = np.zeros(SHAPE, np.int16)
    for name in STRUCTURES:
        array.ravel()[STRUCTURES.index(name)] = 0 if name == "postcava" else order.index(name) + 1
    return array


BLOBS = {name: blob(mask(name)) for name in STRUCTURES}
CT = blob(np.arange(120, dtype=np.int16).reshape(SHAPE))
MAPS = {numbering: blob(combined(numbering)) for numbering in "AB"}


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def row(case, **changes):
    values = [case, "(6, 5, 4)", "(0.75, 0.75, 5.0)", "Venous", "F", 61, "SIEMENS", "Force", "ABDOMEN", "A", "B", "US"]
    return {**dict(zip(COLUMNS, [*values, "2012; 2016", 1], strict=True)), **changes}


def write_case(root, case, *, image="Image", label="Label", split=None, numbering="A"):
    end = split or ("Tr" if int(case[-8:]) <= 9000 else "Te")
    put(root / f"{image}{end}" / case / "ct.nii.gz", CT)
    for name in STRUCTURES:
        put(root / f"{label}{end}" / case / "segmentations" / f"{name}.nii.gz", BLOBS[name])
    put(root / f"{label}{end}" / case / "combined_labels.nii.gz", MAPS[numbering])


def write_folder(root):
    """Two cases, one in either numbering, a report and the sheet."""
    write_case(root, TRAIN)
    write_case(root, TEST, numbering="B")
    put(root / "ReportTe" / TEST / "report.pdf", b"%PDF-1.4 synthetic")
    rows = [row(TRAIN), row(TEST, sex="M ", **{"ct phase": None, "tumor?": 0})]
    write_sheet(root / "metadata.xlsx", rows, COLUMNS, sheet="PanTS_metadata")
    return root


def met(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def accounted(root):
    """Files used by what was made of every case, and files refused; the plan and the conversions together."""
    plan = SOURCE.plan(root)
    results = [SOURCE.convert(case, root.parent / "out") for case in plan.cases]
    refused = {entry["path"] for entry in (*plan.refused, *(one for result in results for one in result["refused"]))}
    used = {os.path.relpath(stamp.path, root) for case in plan.cases for stamp in case.files} - refused
    kept = set()
    for result in results:
        for volume in result["volumes"]:
            files = json.loads(volume["scale"]).get("files")
            path = Path(os.path.relpath(volume["path"], root)).as_posix()
            kept |= {path} if files is None else {f"{path}/{name}" for name in files.values()}
    return plan, results, used, refused, kept


def rules(results, plan):
    rows = [finding for result in results for finding in result["findings"]]
    return {finding["rule"] for finding in (*rows, *(one for case in plan.cases for one in case.findings))}
