"""PanTS: abdominal CT with 28 structures, one file each, and the same joined in one map.

::

    metadata.xlsx                                               one row per case
    ImageTr/PanTS_00000001/ct.nii.gz                            ImageTe/PanTS_00009001/ct.nii.gz
    LabelTr/PanTS_00000001/segmentations/<structure>.nii.gz     LabelTe/...
    LabelTr/PanTS_00000001/combined_labels.nii.gz               LabelTe/...; undocumented
    ReportTr/PanTS_00000001/report.pdf                          ReportTe/...; announced

The archive of the labels has the folders of the cases at its top. Numbers are those of the sheet with 9,901 rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "pants"
TITLE = "PanTS: The Pancreatic Tumor Segmentation Dataset"
ARXIV = "2507.01291"
REPOSITORY = "https://github.com/MrGiovanni/PanTS"
LICENCE = "CC-BY-NC-ND-4.0 (repository) or CC-BY-NC-SA-4.0 (data card)"
"""The two publications of the set name different licences."""

IMAGE_FOLDERS = {"train": "ImageTr", "test": "ImageTe"}
LABEL_FOLDERS = {"train": "LabelTr", "test": "LabelTe"}
REPORT_FOLDERS = {"train": "ReportTr", "test": "ReportTe"}
CT_FILE = "ct.nii.gz"
STRUCTURES_FOLDER = "segmentations"
FILE_ENDING = ".nii.gz"
COMBINED_FILE = "combined_labels.nii.gz"
REPORT_FILE = "report.pdf"
SHEET_FILE = "metadata.xlsx"
SHEET_NAME = "PanTS_metadata"

CASE_PATTERN = r"PanTS_(?P<number>\d{8})"
CASES = 9901
LAST_TRAINING_CASE = 9000
"""Cases up to this number are the training set, the others the test set."""

STRUCTURES = (
    "adrenal_gland_left",
    "adrenal_gland_right",
    "aorta",
    "bladder",
    "celiac_artery",
    "colon",
    "common_bile_duct",
    "duodenum",
    "femur_left",
    "femur_right",
    "gall_bladder",
    "kidney_left",
    "kidney_right",
    "liver",
    "lung_left",
    "lung_right",
    "pancreas",
    "pancreas_body",
    "pancreas_head",
    "pancreas_tail",
    "pancreatic_duct",
    "postcava",
    "prostate",
    "spleen",
    "stomach",
    "superior_mesenteric_artery",
    "veins",
    "pancreatic_lesion",
)
"""Published names, which are the file names too, in the order of the project's description."""

LESION = "pancreatic_lesion"
PANCREAS_PARTS = ("pancreas_head", "pancreas_body", "pancreas_tail", "pancreatic_duct", LESION)
"""What the file of the pancreas covers too, and the combined map gives numbers of their own."""

NUMBERINGS: Mapping[str, Mapping[str, int]] = {
    "A": {name: value for value, name in enumerate(STRUCTURES, start=1)},
    "B": {name: value for value, name in enumerate(sorted(STRUCTURES), start=1)},
}
"""Integers of the combined map: A as the project describes it, B (alphabetical) as public copies have it."""

AMBIGUOUS = tuple(name for name in STRUCTURES if len({numbering[name] for numbering in NUMBERINGS.values()}) > 1)
"""Structures whose integer depends on the numbering: 22 to 28."""

ID_COLUMN = "PanTS ID"
REPORT_COLUMN = "structured report"
COLUMNS = (
    ID_COLUMN,
    "shape",
    "spacing",
    "ct phase",
    "sex",
    "age",
    "manufacturer",
    "manufacturer model",
    "study type",
    "site",
    "site detail",
    "site nationality",
    "study year",
    "tumor?",
)
"""Columns of the sheet; a later one has `structured report` after them."""

RENAMED_COLUMNS = {"BDMAP ID": ID_COLUMN, "number of pancreatic lesion instances": "tumor?"}
"""Other names of columns, in copies of the sheet; the second is a flag (0 or 1) all the same."""

FACTS = {
    "shape": "listed_shape",
    "spacing": "listed_spacing_mm",
    "ct phase": "phase",
    "sex": "sex",
    "age": "age_years",
    "manufacturer": "manufacturer",
    "manufacturer model": "manufacturer_model",
    "study type": "study_description",
    "site": "centre",
    "site detail": "centre_detail",
    "site nationality": "country",
    "study year": "study_year",
    "tumor?": "tumour",
    REPORT_COLUMN: "report",
}
"""Column of a cohort's case table for each column of the sheet."""

PHASES = {"Non-contrast": 4487, "Venous": 2895, "Arterial": 2450, "Delay": 68}
"""Contrast phases and their numbers of cases; one case has none."""
SEXES = {"F": 2358, "M": 2923, "M ": 1}
"""Values of `sex` and their numbers of cases; the others have none."""
TUMOURS = {"train": 926, "test": 151}
"""Cases whose flag says tumour."""


@dataclass(frozen=True)
class KnownOddity:
    """What is known to be wrong in the published files.

    Attributes:
        what: In a few words.
        cases: Numbers of the cases concerned, as far as they are known.
    """

    what: str
    cases: tuple[int, ...]


ODDITIES: Mapping[str, KnownOddity] = {
    "missing_file": KnownOddity(
        "no file celiac_artery.nii.gz; every other absent structure has an empty file", (3188,)
    ),
    "no_phase": KnownOddity("no contrast phase in the sheet", (3188,)),
    "space_in_sex": KnownOddity("sex is 'M ' with a space", (9347,)),
    "other_grid": KnownOddity("labels whose affine is not that of the CT", (9232, 9357, 9362, 9452, 9480, 9515)),
    "wrong_phase": KnownOddity("said to be without contrast, with an aorta of contrast", (6, 7)),
    "tiny_lesion": KnownOddity(
        "a lesion of fewer than 50 voxels", (5043, 6927, 3059, 44, 7933, 5693, 7947, 3548, 1819)
    ),
    "slope": KnownOddity("whole numbers stored with a slope: 1 is read as 1.0001983", ()),
    "skewed_axes": KnownOddity("axes that are not perpendicular by about 0.0001", ()),
}


def split_of(number: int) -> str:
    """The official split of a case.

    Examples:
        >>> split_of(9000), split_of(9001)
        ('train', 'test')
    """
    return "train" if number <= LAST_TRAINING_CASE else "test"


def case_id(number: int) -> str:
    """The id of a case.

    Examples:
        >>> case_id(9901)
        'PanTS_00009901'
    """
    return f"PanTS_{number:08d}"
