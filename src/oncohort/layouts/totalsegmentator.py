"""TotalSegmentator 2: the names of task `total`, in the order of their integers."""

from __future__ import annotations

NAME = "totalsegmentator"
LICENCE = "Apache-2.0"
"""Of the program and its table of SNOMED CT codes; the masks belong to whoever made them."""

_ORGANS = (
    *("spleen", "kidney_right", "kidney_left", "gallbladder", "liver", "stomach", "pancreas"),
    *("adrenal_gland_right", "adrenal_gland_left"),
    *("lung_upper_lobe_left", "lung_lower_lobe_left"),
    *("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
    *("esophagus", "trachea", "thyroid_gland", "small_bowel", "duodenum", "colon", "urinary_bladder", "prostate"),
    *("kidney_cyst_left", "kidney_cyst_right"),
)
_SPINE = (
    *("sacrum", "vertebrae_S1"),
    *(f"vertebrae_L{number}" for number in range(5, 0, -1)),
    *(f"vertebrae_T{number}" for number in range(12, 0, -1)),
    *(f"vertebrae_C{number}" for number in range(7, 0, -1)),
)
_VESSELS = (
    *("heart", "aorta", "pulmonary_vein", "brachiocephalic_trunk"),
    *("subclavian_artery_right", "subclavian_artery_left"),
    *("common_carotid_artery_right", "common_carotid_artery_left"),
    *("brachiocephalic_vein_left", "brachiocephalic_vein_right", "atrial_appendage_left"),
    *("superior_vena_cava", "inferior_vena_cava", "portal_vein_and_splenic_vein"),
    *("iliac_artery_left", "iliac_artery_right", "iliac_vena_left", "iliac_vena_right"),
)
_LIMBS = (
    *("humerus_left", "humerus_right", "scapula_left", "scapula_right", "clavicula_left", "clavicula_right"),
    *("femur_left", "femur_right", "hip_left", "hip_right"),
)
_MUSCLES = (
    *("gluteus_maximus_left", "gluteus_maximus_right", "gluteus_medius_left", "gluteus_medius_right"),
    *("gluteus_minimus_left", "gluteus_minimus_right", "autochthon_left", "autochthon_right"),
    *("iliopsoas_left", "iliopsoas_right"),
)
_RIBS = tuple(f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 13))

TOTAL = (
    *_ORGANS,
    *_SPINE,
    *_VESSELS,
    *_LIMBS,
    "spinal_cord",
    *_MUSCLES,
    *("brain", "skull"),
    *_RIBS,
    *("sternum", "costal_cartilages"),
)
"""Names of task `total` of version 2: the integer is the place, from 1 to 117."""
