"""autoPET: FDG and PSMA PET/CT as one nnU-Net raw data set (2024 to 2026), or one folder per study (2022, 2023).

::

    PSMA-FDG-PET-CT-Lesions_v2/                   one folder per study:
      imagesTr/<case>_0000.nii.gz   CT, HU          PETCT_<10 hex>/<study>/CT.nii.gz     native CT, HU
      imagesTr/<case>_0001.nii.gz   PET, SUV                              CTres.nii.gz  CT on the grid of the PET
      labelsTr/<case>.nii.gz        tumour = 1                            PET.nii.gz    activity
      dataset.json  dataset_fingerprint.json                              SUV.nii.gz    SUV
      splits_final.json                                                   SEG.nii.gz    tumour = 1
      psma_metadata.csv  fdg_metadata.csv

A case is `fdg_<10 hex>_<date and free text>` or `psma_<16 hex>_<date>`; the second token is the patient.
"""

from __future__ import annotations

from dataclasses import dataclass

NAME = "autopet"
ROOT_FOLDER = "PSMA-FDG-PET-CT-Lesions_v2"
"""Name of the folder in the published archive."""

IMAGES_FOLDER = "imagesTr"
LABELS_FOLDER = "labelsTr"
FILE_ENDING = ".nii.gz"
DATASET_FILE = "dataset.json"
FINGERPRINT_FILE = "dataset_fingerprint.json"
SPLITS_FILE = "splits_final.json"
FDG_SHEET = "fdg_metadata.csv"
PSMA_SHEET = "psma_metadata.csv"

CT_CHANNEL = 0
PET_CHANNEL = 1
FOREGROUND_CHANNEL = 2
BACKGROUND_CHANNEL = 3
CHANNEL_ROLES = {
    CT_CHANNEL: "ct",
    PET_CHANNEL: "pet",
    FOREGROUND_CHANNEL: "foreground_prompts",
    BACKGROUND_CHANNEL: "background_prompts",
}
"""Role of each channel number, whatever `dataset.json` calls it; 2 and 3 are heat maps of prompts."""

SHIFTED_CHANNEL_ROLES = {0: "ct", 1: "pet", 2: "channel_2", 3: "foreground_prompts", 4: "background_prompts"}
"""The same in sets prepared for SW-FastEdit: a channel 4 shifts the heat maps by one."""

HEAT_MAP_SIGMAS = {"IV script": 3.0, "IV nnU-Net baseline": 3.0, "IV default": 2.0, "SW-FastEdit": 1.0, "V": 0.0}
"""Sigma in voxels of the Gaussian that the channels were drawn with; 0 stands for points without a filter."""
HEAT_MAP_PEAKS = {1.0: 0.0635, 2.0: 0.00794, 3.0: 0.00235}
"""Highest value of one point by sigma: the Gaussian is not scaled up again."""

CHANNEL_NAMES_III = {"0": "CT", "1": "CT"}
"""`channel_names` of 2024 and 2025: the PET is called CT too, so that nnU-Net clips it like one."""
CHANNEL_NAMES_V = {"0": "CT", "1": "PET", "2": "FG", "3": "BG"}
"""`channel_names` of the baseline of 2026."""

LABELS = {"background": 0, "tumor": 1}
LESION = "lesion"
"""Name of label 1 in cohorts; `tumor` is its alias."""

CASE_PATTERN = r"(?P<tracer>fdg|psma)_(?P<patient>[^_]+)_(?P<study>.+)"
"""Any case id: tracer, patient, study."""
FDG_CASE_PATTERN = r"fdg_(?P<patient>[0-9a-f]{10})_(?P<month>\d{2})-(?P<day>\d{2})-(?P<year>\d{4})(?P<text>-.*)?"
"""A published FDG case id; the free text may hold spaces, also two in a row."""
PSMA_CASE_PATTERN = r"psma_(?P<patient>[0-9a-f]{16})_(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?P<text>-.*)?"
"""A published PSMA case id."""

EXAMPLE_FDG_CASE = "fdg_0011f3deaf_03-23-2003-NA-PET-CT Ganzkoerper  primaer mit KM-10445"
EXAMPLE_PSMA_CASE = "psma_95b833d46f153cd2_2018-04-16"


@dataclass(frozen=True)
class Subset:
    """The studies of one tracer, all from one centre.

    Attributes:
        tracer: As `cases.parquet` names it.
        centre: University hospital: UKT (Tuebingen) or LMU (Munich).
        studies: How many are published.
        patients: How many people these are.
        with_lesions: Studies with tumour; the others are free of it.
        subject_prefix: Before the patient in the column `Subject ID` of the sheet.
        sheet: CSV file with facts of these studies.
    """

    tracer: str
    centre: str
    studies: int
    patients: int
    with_lesions: int
    subject_prefix: str
    sheet: str


SUBSETS = {
    "fdg": Subset("FDG", "UKT", 1014, 900, 501, "PETCT_", FDG_SHEET),
    "psma": Subset("PSMA", "LMU", 597, 378, 537, "PSMA_", PSMA_SHEET),
}
"""The two data sets by the first token of a case id."""

STUDIES = 1611
"""Studies of both."""

PSMA_COLUMNS = (
    "Subject ID",
    "Study Date",
    "age",
    "manufacturer_model_name",
    "pet_radionuclide",
    "ct_contrast_agent",
)
"""Columns of `psma_metadata.csv`."""

FDG_COLUMNS = ("Subject ID", "File Location", "diagnosis", "age", "sex")
"""Columns of `fdg_metadata.csv` that are confirmed; others may follow. One row per series."""

FDG_DIAGNOSES = ("MELANOMA", "LYMPHOMA", "LUNG_CANCER", "NEGATIVE")
"""Diagnoses of patients; 30 patients have several, and none says whether a study holds a lesion: the label does."""

RADIONUCLIDES = ("18F", "68Ga")

FOLDS = 5
FOLD_SIZES = ((1288, 323), (1289, 322), (1289, 322), (1289, 322), (1289, 322))
"""Studies to train and to validate with in each fold of `splits_final.json`; folds part patients, not studies."""


@dataclass(frozen=True)
class PublishedGrid:
    """A grid that many studies share.

    Attributes:
        tracer: First token of the case ids.
        spacing_mm: Along i, j, k.
        shape: Voxels along i, j; k differs.
        studies: How many have it.
    """

    tracer: str
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int] | None
    studies: int


GRIDS = (
    PublishedGrid("fdg", (2.0364, 2.0364, 3.0), (400, 400), 1014),
    PublishedGrid("psma", (4.0728, 4.0728, 2.0), None, 251),
    PublishedGrid("psma", (2.7344, 2.7344, 3.27), None, 230),
    PublishedGrid("psma", (4.0728, 4.0728, 5.0), None, 116),
)
FDG_SLICES = (200, 661)
"""Fewest and most slices of an FDG study."""

ORIENTATION = "LAS"
LPS_CASES = (
    "fdg_dd6165ae36_06-01-2006",
    "fdg_448225c237_01-16-2006",
    "fdg_e664932bbc_06-09-2007",
    "fdg_7c1e6175e0_01-30-2005",
)
"""Beginnings of the four case ids whose files are LPS with float64 voxels; all others are LAS."""

PROMPTS_IV_ENDING = "_clicks.json"
"""`<case>_clicks.json`: the dialect `simple`; copies in `gc/` are in the dialect `gc`."""
PROMPTS_V_ENDING = "_lesion-clicks.json"
"""`<case>_lesion-clicks.json`: the dialect `gc`."""
GC_FOLDER = "gc"
PROMPT_ENDINGS = (PROMPTS_V_ENDING, PROMPTS_IV_ENDING)

CLICK_BUDGET = 10
"""Foreground and as many background clicks of 2025."""
SHIPPED_PROMPT_FILES = 1611
PROMPT_FILES_WITHOUT_TUMOUR = 573
"""One file per study, both years; those of studies without lesion have no tumour points (513 FDG, 60 PSMA)."""

STUDY_FILES = {
    "CTres.nii.gz": ("ct", "HU"),
    "SUV.nii.gz": ("pet", "SUVbw"),
    "SEG.nii.gz": ("lesions", "label"),
    "CT.nii.gz": ("ct.2", "HU"),
    "PET.nii.gz": ("pet.2", "Bq/ml"),
}
"""Files of one study folder: role and unit. The plain roles are those on the grid of the PET."""
STUDY_FOLDER_PREFIX = "PETCT_"
STUDY_DATE_PATTERN = r"(?P<month>\d{2})-(?P<day>\d{2})-(?P<year>\d{4})(?:-.*)?"
"""Study folders of the FDG data begin with a date."""

DOIS = {
    "FDG+PSMA NIfTI, 2026": "10.57754/FDAT.rdkqd-wdh87",
    "FDG+PSMA NIfTI, 2025": "10.57754/FDAT.6gjsg-zcg93",
    "FDG NIfTI": "10.57754/FDAT.wf9fy-txq84",
    "FDG DICOM": "10.7937/gkr0-xv29",
    "PSMA DICOM": "10.7937/r7ep-3x37",
}
LICENCE = "CC-BY-NC-4.0"
"""Of the NIfTI files at FDAT; the rules page of 2024 says CC BY, and the FDG DICOM files at TCIA are restricted."""
