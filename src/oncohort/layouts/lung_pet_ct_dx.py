"""Lung-PET-CT-Dx: a TCIA collection of lung cancer CT and PET with boxes drawn by radiologists.

Counts are those of the fifth version of the collection (22 December 2020) as it stands in public archives. What
the collection's own page says of pixel size, slice interval and series per study does not hold for the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NAME: Final = "lung-pet-ct-dx"
TITLE: Final = "Lung-PET-CT-Dx"
DOI: Final = "10.7937/TCIA.2020.NNC2-0461"
DOI_IN_METADATA: Final = "10.7937/TCIA.2020.NNC20461"
"""As `metadata.csv` of the downloader writes it."""

LICENCE: Final = "CC BY 4.0"
"""Of images, annotations and clinical sheet; cite, and never re-identify."""

FIRST_DATE: Final = "2004-07-01"
LAST_DATE: Final = "2011-06-09"
PATIENTS: Final = 355
STUDIES: Final = 436

COLLECTION_FOLDER: Final = "Lung-PET-CT-Dx"
ANNOTATION_FOLDER: Final = "Annotation"
METADATA_FILE: Final = "metadata.csv"
METADATA_COLUMNS: Final = ("Series UID", "Subject ID", "Number of Images")
"""Those of its columns that say what was downloaded."""

PATIENT_PREFIX: Final = "Lung_Dx-"
PATIENT_PATTERN: Final = re.compile(r"^Lung_Dx-([ABEG])(\d{4})$")
"""PatientID; the letter is the histology."""

SHORT_PATIENT_PATTERN: Final = re.compile(r"^([ABEG])(\d{4})$")
"""The same in names of annotation folders and in the clinical sheet."""


@dataclass(frozen=True, slots=True)
class HistologyClass:
    """One histology of the collection.

    Attributes:
        letter: first letter of a patient's number, and the name of a box.
        name: in words.
        sct: SNOMED CT code.
        patients: how many patients.
        pet_series: how many of their series are PET.
    """

    letter: str
    name: str
    sct: str
    patients: int
    pet_series: int


CLASSES: Final[dict[str, HistologyClass]] = {
    one.letter: one
    for one in (
        HistologyClass("A", "adenocarcinoma", "1187332001", 251, 95),
        HistologyClass("B", "small cell carcinoma", "74364000", 38, 9),
        HistologyClass("E", "large cell carcinoma", "22687000", 5, 0),
        HistologyClass("G", "squamous cell carcinoma", "1162767002", 61, 29),
    )
}
"""Histology by letter. Other sources write C for E, or A, B, D, G for all four: they are not followed."""

OTHER_SCT: Final = "108369006"
"""SNOMED CT code of a tumour that is none of these."""

MISSING_NUMBERS: Final[dict[str, tuple[int, ...]]] = {
    "A": (60, 67, 76, 79, 122, 151, 158, 172, 186, 207, 209, 215, 219, 245),
    "B": (10, 29, 30, 32, 35, 39),
    "E": (),
    "G": (61,),
}
"""Numbers that no patient of the class has."""

LAST_NUMBERS: Final[dict[str, int]] = {"A": 265, "B": 44, "E": 5, "G": 62}
"""The highest number of each class."""

MERGED_PATIENTS: Final[dict[str, str]] = {"A0266": "A0251"}
"""Patients that were merged into another; the annotation folder kept the old number."""


def person_of(patient: str) -> str:
    """The PatientID that a person has since the first version of the collection, in which one had two.

    Examples:
        >>> person_of("Lung_Dx-A0266"), person_of("Lung_Dx-A0002")
        ('Lung_Dx-A0251', 'Lung_Dx-A0002')
    """
    short = patient.removeprefix(PATIENT_PREFIX)
    return PATIENT_PREFIX + MERGED_PATIENTS[short] if short in MERGED_PATIENTS else patient


def patient_numbers(letter: str) -> tuple[int, ...]:
    """The numbers of all patients of a class, rising.

    Raises:
        KeyError: no such class.

    Examples:
        >>> len(patient_numbers("A")), patient_numbers("E")
        (251, (1, 2, 3, 4, 5))
    """
    missing = set(MISSING_NUMBERS[letter])
    return tuple(number for number in range(1, LAST_NUMBERS[letter] + 1) if number not in missing)


def class_of(patient: str) -> HistologyClass | None:
    """The histology that a PatientID says, also in its short form; None if it is of another form.

    Examples:
        >>> class_of("Lung_Dx-A0002").name, class_of("G0061").letter, class_of("P1")
        ('adenocarcinoma', 'G', None)
    """
    found = PATIENT_PATTERN.match(patient) or SHORT_PATIENT_PATTERN.match(patient)
    return None if found is None else CLASSES[found.group(1)]


XML_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "annotation": ("folder", "filename", "path", "source", "size", "segmented", "object"),
    "source": ("database",),
    "size": ("width", "height", "depth"),
    "object": ("name", "pose", "truncated", "Difficult", "bndbox"),
    "bndbox": ("xmin", "ymin", "xmax", "ymax"),
}
"""Children of each element of an annotation file, in order; `annotation` has the attribute verified="no", and
`Difficult` a capital letter."""

XML_UNKNOWN: Final = "Unknow"
"""What `folder`, `filename` and `path` of every annotation file say: the name of the file is the only link."""

XML_SIZE: Final = (512, 512, 1)
XML_ARCHIVE: Final = "Lung-PET-CT-Dx-Annotations-XML-Files-rev12222020.zip"
XML_FILES: Final = 31_562
XML_BOXES: Final = 31_659
XML_NAMES: Final = 31_400
XML_FOLDERS: Final = 358
XML_ON_CT: Final = 20_484
XML_ON_SCREENSHOTS: Final = 10_400
XML_NOT_IN_COLLECTION: Final = 677
PIXEL_RULE: Final = "inclusive"
PIXEL_BASE: Final = 0
"""Number of the first pixel: assumed, since no box touches 0 or 511 and nothing says it."""

READER: Final = "radiologist"
"""Who drew the boxes: one radiologist, verified by four; repeated drawings are no independent readers."""

CLINICAL_FILE: Final = "statistics-clinical-20201221.xlsx"
CLINICAL_COLUMNS: Final = (
    "No.",
    "NewPatientID",
    "Sex",
    "Age",
    "weight (kg)",
    "T-Stage",
    "N-Stage",
    "\uff2d-Stage",
    "Histopathological grading",
    "Smoking History",
)
"""As the sheet writes them; the M is full-width (U+FF2D), so names are compared after NFKC."""

T_STAGES: Final = ("1", "1a", "1b", "1c", "2", "2a", "2b", "3", "4", "is")
N_STAGES: Final = (0, 1, 2, 3)
M_STAGES: Final = ("0", "1", "1a", "1b", "1c")
"""The sheet also holds a 2 and two 3, which no edition of TNM has."""

GRADES: Final = ("G1", "G1-2", "G2", "G2-3", "G3")
GRADE_SPELLINGS: Final[dict[str, str]] = {"G1-G2": "G1-2", "G2-G3": "G2-3"}

SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
MOST_SLICE_THICKNESS_MM: Final = 20.0
"""A "slice" thicker than this is a scout; one patient has 410.5."""

FEWEST_SLICES: Final = 10
"""Series with fewer images are no scans of a chest."""

SERIES_KINDS: Final[dict[str, str]] = {
    "secondary_capture": "a screenshot: secondary capture, in colour, or without a position in the patient",
    "scout_or_single": "a localizer, one image alone, or slices thicker than 20 mm",
    "bolus_tracking": "two images or more, all at one position",
    "few_slices": "fewer than ten images",
    "ct": "a CT scan",
    "pet": "a PET scan",
}
"""What a series is; the first that fits."""

MIXED_UP_SERIES: Final = ("A0170", "A0204", "A0206", "A0265", "G0041", "G0044", "G0048", "G0058")
"""Patients whose most boxed series is a screenshot."""

LEAST_PET_COVER: Final = 0.8
"""Share of the extent of a CT along z that its PET must cover."""

LINK_IOU: Final = 0.2
LINK_STEPS: Final = 3
MERGE_IOU: Final = 0.3
"""Boxes of neighbouring slices are one lesion from an IoU of 0.2 within 3 steps; readings of several reconstructions
from an IoU of 0.3 in 3D."""

READER_IOU_2D: Final = 0.75
READER_IOU_3D: Final = 0.7
"""About what one reader repeats: thresholds near these measure the labels as much as a detector."""

FINDINGS: Final[dict[str, str]] = {
    "label_case": "the name of a box is a lower-case letter; upper case is meant",
    "label_unknown": "the name of a box is no class; the letter of the patient stands",
    "label_subject_conflict": "the name of a box is another class than the patient's, which stands; the name is kept",
    "zero_area": "a box from a pixel to itself; it is left out",
    "not_well_formed": "an annotation file that is no XML; the file is left out, not the patient",
    "sop_not_in_collection": "an annotation file whose name is no image of the folder; set aside",
    "name_in_two_folders": "one image is annotated in two folders; identical files count once, others are all kept",
    "folder_mixes_patients": "a folder of annotations that belong to several patients; the images decide",
    "folder_without_subject": "a folder of annotations named after a patient of whom there are no images",
    "subject_without_folder": "a patient without a folder of annotations",
    "multi_box_slice": "several boxes on one slice; identical ones count once",
    "box_on_screenshot": "boxes on a screenshot; kept apart, without place in a volume",
    "main_series_is_screenshot": "most boxes of a patient lie on screenshots; those on the CT decide",
    "no_ct_box": "a patient without a box on a CT slice: nothing to detect is known",
    "slice_gap": "slices without a box between boxed ones; more than two of them split a lesion",
    "box_outside": "a box reaches beyond its image",
}
"""What is known to be wrong in the annotations, and what is done about it."""

KNOWN_FILES: Final[dict[str, tuple[str, ...]]] = {
    "label_unknown": ("A0118", "A0192"),
    "label_subject_conflict": ("A0264", "B0033", "A0212"),
    "zero_area": ("A0188",),
    "not_well_formed": ("A0024",),
    "name_in_two_folders": ("A0212", "A0213", "A0019", "A0036", "A0003", "A0004"),
    "folder_mixes_patients": ("A0056", "A0057"),
    "folder_without_subject": ("A0060", "A0067", "A0076", "A0266"),
    "subject_without_folder": ("A0251", "A0058"),
    "main_series_is_screenshot": MIXED_UP_SERIES,
}
"""Folders or patients in which a finding is known."""
