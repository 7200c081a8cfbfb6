"""Longitudinal CT of melanoma (autoPET IV, task 2): baseline and follow-up scans of 300 patients with lesions linked.

::

    inputsTr/   <id>.csv                              one row per lesion and pair of scans
                <id>_BL_00.json   <id>_FU_00.json     clicks
                <id>_BL_img_00.nii.gz  <id>_FU_img_00.nii.gz  <id>_BL_mask_00.nii.gz
    targetsTr/  <id>_FU_mask_00.nii.gz

Further scans are _01, _02. The old release doubles the middle of the names: `<id>_BL_mask_BL_img_00.nii.gz`.
"""

from __future__ import annotations

NAME = "longitudinal-ct"
INPUTS_FOLDER = "inputsTr"
TARGETS_FOLDER = "targetsTr"
TEST_INPUTS_FOLDER = "inputsTs"
"""Not published; by the custom of the other folders."""

PUBLISHED_PATIENT_PATTERN = r"[0-9a-f]{10}"
"""Patients of the training set; elsewhere any token (022)."""

_PATIENT = r"(?P<patient>(?:(?!_(?:BL|FU)_).)+)"
VOLUME_PATTERN = rf"{_PATIENT}_(?P<side>BL|FU)_(?P<what>img|mask)(?P<old>_(?P=side)_img)?_(?P<number>\d{{2}})\.nii\.gz"
"""An image or mask, with its new name or its old one."""
CLICKS_PATTERN = rf"{_PATIENT}_(?P<side>BL|FU)_(?P<number>\d{{2}})\.json"
SHEET_PATTERN = rf"{_PATIENT}\.csv"

LESION = "lesion"
"""Group of all labels; each label is one lesion by its number."""

SIDES = {"BL": "baseline", "FU": "follow-up"}

OLD_COLUMNS = ("lesion_id", "cog_bl", "img_id_bl", "cog_propagated", "cog_fu", "img_id_fu", "lesion_type")
"""Columns of the first release."""
NEW_COLUMNS = (
    "cog_backpropagated",
    "topology_class",
    "merged_into",
    "volume_bl",
    "volume_fu",
    "target_lesion",
    "use_for_challenge",
    "linking_unclear",
)
"""Columns that the present release adds; volumes are in cubic millimetres."""
SPLIT_COLUMN = "split_from"
"""Written by a script of the organisers beside `SPLITTING`."""

TOPOLOGY_CLASSES = ("DISAPPEARING", "MERGING", "NEWLYAPPEARING", "UNCHANGED", "SPLITTING")
"""What became of a lesion; the last one is known from a script only."""

LESION_TYPES = (
    "Adrenals",
    "CNS",
    "Heart",
    "Kidney",
    "Liver",
    "Lung",
    "Lymph node",
    "Others",
    "Skeleton",
    "Soft tissue / Skin",
    "Spleen",
    "unclear",
)

POINT_COLUMNS = ("cog_bl", "cog_propagated", "cog_fu", "cog_backpropagated")
"""Centres of gravity: three voxel coordinates "x y z" as decimal numbers; counted from 0 or from 1, untold."""

PATIENTS = {"train": 300, "test": 140}
EDGE_POINT_PATIENTS = 15
"""Patients with points on the edge of a scan, as a participant counted."""
DOI = "10.57754/FDAT.qwsry-7t837"
LICENCE = "CC-BY-NC"
"""As FDAT states it; a version is not known."""
