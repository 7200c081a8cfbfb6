"""ENHANCE.PET 1.6k: FDG-PET/CT of the whole body with 130 structures on CT, in seven label maps per case.

::

    CT-details.xlsx  PT-details.xlsx  labels.json
    imaging-data/images/CT/<id>.nii.gz                 version 1; version 2 has CT_0001-1000 and CT_1001-1683
    imaging-data/images/PT/<id>.nii.gz                 version 1; version 2 has PT_0001-1683
    imaging-data/ground-truth/<group>/<id>.nii.gz      seven groups

An id of four digits is one case in every folder. The paper writes the names of the groups with spaces, the release
with hyphens. Every group has integers of its own from 1, with gaps; `offset` makes them unique in a cohort and keeps
them in a byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "enhance-pet"
SHEETS = {"ct": "CT-details.xlsx", "pet": "PT-details.xlsx"}
LABELS_FILE = "labels.json"
DATA_FOLDER = "imaging-data"
IMAGES_FOLDER = "images"
MASKS_FOLDER = "ground-truth"
CASE_FILE_PATTERN = r"(?P<case>\d{4})\.nii\.gz"
IMAGE_FOLDER_PATTERN = r"(?P<kind>CT|PT)(?:_(?P<first>\d{4})-(?P<last>\d{4}))?"
"""Folders of images: `CT` and `PT`, or with the first and last id in them."""
IMAGE_ROLES = {"CT": "ct", "PT": "pet"}
TRACER = "FDG"

CASES = {"1": 1597, "2": 1683}
"""Number of cases by version; ids run from 0001 without a gap. Whether both give a case the same id is not known."""
IMAGE_FOLDERS = {"1": ("CT", "PT"), "2": ("CT_0001-1000", "CT_1001-1683", "PT_0001-1683")}
"""Folders of images by version; the data card of version 2 still says `CT` and `PT` in one place."""
ROOT_FOLDERS = {"1": "enhance-pet-1-6k", "2": "ENHANCE-PET_1.6k"}
"""What the folder above the sheets is called where they are downloaded from."""


@dataclass(frozen=True)
class LabelGroup:
    """One of the seven label maps of a case.

    Attributes:
        name: As cohorts call it.
        folder: As the release calls its folder.
        model: Name of the MOOSE model, which is its key in `labels.json`.
        offset: What a cohort adds to the published integers.
        labels: Published name of every integer of the model.
    """

    name: str
    folder: str
    model: str
    offset: int
    labels: Mapping[int, str]


def _number(names: tuple[str, ...], first: int = 1) -> dict[int, str]:
    return dict(enumerate(names, start=first))


def _pairs(names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in names.split() for side in ("left", "right"))


_ORGANS = _number(
    (
        *("adrenal_gland_left", "adrenal_gland_right", "bladder", "brain", "gallbladder", "kidney_left"),
        *("kidney_right", "liver", "lung_lower_lobe_left", "lung_lower_lobe_right", "lung_middle_lobe_right"),
        *("lung_upper_lobe_left", "lung_upper_lobe_right", "pancreas", "spleen", "stomach"),
        *("thyroid_left", "thyroid_right", "trachea"),
    )
)
_CARDIAC = _number(
    (
        *("heart_myocardium", "heart_atrium_left", "heart_atrium_right"),
        *("heart_ventricle_left", "heart_ventricle_right", "aorta", "iliac_artery_left", "iliac_artery_right"),
        *("iliac_vena_left", "iliac_vena_right", "inferior_vena_cava", "portal_splenic_vein", "pulmonary_artery"),
    )
)
_MUSCLES = _number(_pairs("autochthon gluteus_maximus gluteus_medius gluteus_minimus iliopsoas"))
_RIBS = _number((*(f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 14)), "sternum"))
_PERIPHERAL_BONES = {
    **_number(_pairs("carpal clavicle femur fibula fingers humerus metacarpal metatarsal patella radius scapula")),
    23: "skull",
    **_number(_pairs("tarsal tibia toes ulna"), first=24),
}
_VERTEBRAE = _number(
    (
        *(f"vertebra_C{number}" for number in range(1, 8)),
        *(f"vertebra_T{number}" for number in range(1, 13)),
        *(f"vertebra_L{number}" for number in range(1, 7)),
        *("hip_left", "hip_right", "sacrum"),
    )
)
_BODY_COMPOSITION = _number(("skeletal_muscle", "subcutaneous_fat", "visceral_fat"))

GROUPS = {
    group.name: group
    for group in (
        LabelGroup("organs", "Organs", "clin_ct_organs", 0, _ORGANS),
        LabelGroup("cardiac", "Cardiac", "clin_ct_cardiac", 19, _CARDIAC),
        LabelGroup("muscles", "Muscles", "clin_ct_muscles", 32, _MUSCLES),
        LabelGroup("ribs", "Ribs", "clin_ct_ribs", 42, _RIBS),
        LabelGroup("peripheral_bones", "Peripheral-Bones", "clin_ct_peripheral_bones", 69, _PERIPHERAL_BONES),
        LabelGroup("vertebrae", "Vertebrae", "clin_ct_vertebrae", 100, _VERTEBRAE),
        LabelGroup("body_composition", "Body-Composition", "clin_ct_body_composition", 128, _BODY_COMPOSITION),
    )
}
"""The seven label maps; their integers and offsets together are 1 to 131."""

MODEL_ONLY = frozenset({"trachea"})
"""Labels that MOOSE's models know and no published mask holds."""
REMOVED_WITH_THE_HEAD = frozenset({"brain", "skull"})
"""Labels 4 of the organs and 23 of the peripheral bones: gone wherever the head was removed."""
NOT_IN_EVERYBODY = frozenset({"vertebra_L6", "rib_left_13", "rib_right_13"})
"""Structures that few people have; their absence is anatomy, not an omission."""
ONLY_AROUND_L3 = frozenset({"skeletal_muscle", "subcutaneous_fat", "visceral_fat"})
"""Labels drawn only in the slices of the third lumbar vertebra."""


def held_labels(version: str) -> dict[str, dict[int, str]]:
    """Published names by integer that masks of a version can hold, by group.

    Examples:
        >>> {version: sum(map(len, held_labels(version).values())) for version in CASES}
        {'1': 130, '2': 128}
    """
    never = MODEL_ONLY | (REMOVED_WITH_THE_HEAD if version == "2" else frozenset())
    return {
        group.name: {value: name for value, name in group.labels.items() if name not in never}
        for group in GROUPS.values()
    }


@dataclass(frozen=True)
class Origin:
    """A hospital or data set that cases come from.

    Attributes:
        name: As cohorts call the centre.
        begins: How the cell `Data-Source` begins, in lower case.
        cases: How many are published.
        patients: How many people these are; None where nothing says that a person has several studies.
        licence: Of these cases.
        head_removed: Versions without the head.
        lesions: How lesions were taken out of the organs.
        scanner: As the paper names it.
    """

    name: str
    begins: str
    cases: int
    patients: int | None
    licence: str
    head_removed: tuple[str, ...]
    lesions: str
    scanner: str


_BY_HAND = "by hand on the PET, abdominal organs"

ORIGINS = (
    Origin(
        "AutoPET",
        "autopet",
        1014,
        900,
        "CC-BY-NC-4.0",
        ("2",),
        "lesion masks of autoPET",
        "Siemens Biograph mCT",
    ),
    Origin(
        "Leipzig",
        "university hospital leipzig",
        384,
        None,
        "CC-BY-4.0",
        ("1", "2"),
        _BY_HAND,
        "Siemens Biograph mCT",
    ),
    Origin(
        "Careggi",
        "azienda ospedaliero universitaria careggi",
        199,
        None,
        "CC-BY-4.0",
        ("1", "2"),
        _BY_HAND,
        "Philips Gemini TF, GE Discovery MI",
    ),
    Origin(
        "UC Davis",
        "university of california davis",
        86,
        None,
        "CC-BY-4.0",
        ("2",),
        _BY_HAND,
        "United Imaging uEXPLORER",
    ),
)
"""Where cases come from, by the column `Data-Source` of both sheets; cells may end in a country."""

PAPER_DOI = "10.1038/s41597-026-07218-y"
DOIS = {"2": "10.57760/sciencedb.34150"}
SLICE_THICKNESS_MM = (1.0, 5.0)
"""Smallest and largest thickness of the CT slices."""

CASE_COLUMNS = ("Case-ID", "ID", "Case", "Image-ID", "File-ID", "File", "Filename", "File-Name", "Study-ID")
"""Names that the column with the case id may have."""
ORIGIN_COLUMN = "Data-Source"

COLUMNS = {
    "ct": {
        "data_source": (ORIGIN_COLUMN,),
        "ct_manufacturer": ("Manufacturer",),
        "ct_model": ("Manufacturer-Model-Name", "Model", "Manufacturer-Model", "Scanner-Model"),
        "ct_kvp": ("kVp", "KVP", "Tube-Voltage", "Peak-Kilovoltage"),
        "ct_filter": ("Filter-Type", "Filter"),
        "ct_kernel": ("Convolution-Kernel", "Kernel"),
        "ct_pixel_size_mm": ("Pixel-Size", "Axial-Pixel-Size", "Pixel-Spacing"),
        "ct_slice_thickness_mm": ("Slice-Thickness",),
        "ct_focal_spot": ("Focal-Spot", "Focal-Spots", "Focal-Spot-Size"),
    },
    "pet": {
        "data_source": (ORIGIN_COLUMN,),
        "patient": ("Patient-ID", "Patient", "Subject-ID", "Subject"),
        "indication": ("Indication", "Diagnosis", "Clinical-Indication"),
        "sex": ("Sex", "Patient-Sex", "Patients-Sex", "Gender"),
        "age_years": ("Age", "Patient-Age", "Patients-Age"),
        "weight_kg": ("Weight", "Patient-Weight", "Patients-Weight"),
        "height_m": ("Height", "Patient-Height", "Patient-Size", "Patients-Size"),
        "injected_activity_mbq": ("Injected-Activity", "Injected-Dose", "Radionuclide-Total-Dose", "Activity"),
        "study_date": ("Acquisition-Date", "Study-Date", "Date"),
        "acquisition_time": ("Acquisition-Time", "Time"),
        "injection_time": ("Injection-Time", "Radiopharmaceutical-Start-Time", "Radiopharmaceutical-Start"),
        "pet_units": ("Image-Units", "Units", "Unit"),
        "pet_slope": ("Rescale-Slope", "Slope"),
        "pet_intercept": ("Rescale-Intercept", "Intercept"),
        "pet_manufacturer": ("Manufacturer",),
        "pet_model": ("Manufacturer-Model-Name", "Model", "Manufacturer-Model", "Scanner-Model"),
    },
}
"""Facts of each sheet and the names that their columns may have.

The documents tell in prose what the sheets hold, but not their header rows. Capitals, spaces, hyphens and a unit in
brackets make no difference. The first name of each is what this project writes.
"""

PET_UNITS = {"bqml": "Bq/ml", "gml": "SUVbw", "suv": "SUVbw", "suvbw": "SUVbw"}
"""Unit of the PET by the cell of `pet_units` in lower-case letters; counts (CNTS) and others are no activity."""
