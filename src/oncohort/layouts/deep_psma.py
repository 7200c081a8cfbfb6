"""DEEP-PSMA (2025): PSMA and FDG PET/CT of the same patients, with the total tumour burden on both.

::

    train_0001/PSMA/  CT.nii.gz          HU, on its own grid
                      PET.nii.gz         SUV
                      TTB.nii.gz         total tumour burden on the grid of the PET
                      threshold.json     {"suv_threshold": 3.0}
                      totseg_24.nii.gz   24 groups of organs
                      rigid.tfm          ITK Euler3DTransform to the other tracer
               FDG/   the same
"""

from __future__ import annotations

NAME = "deep-psma"
PATIENT_PATTERN = r"(?P<split>train|test|preliminary)_(?P<number>\d{4})"
"""Name of a patient's folder; `train_0001` to `train_0100` are published."""
CONVERTED_CASE_PATTERN = r"(?P<tracer>PSMA|FDG)_(?P<patient>\d{4})"
"""Case id in the nnU-Net layout of autoPET V; the label is the TTB as it is."""

TRACERS = ("PSMA", "FDG")
"""Folders of a patient, and values of the column `tracer`."""

CT_FILE = "CT.nii.gz"
PET_FILE = "PET.nii.gz"
TTB_FILE = "TTB.nii.gz"
ORGANS_FILE = "totseg_24.nii.gz"
THRESHOLD_FILE = "threshold.json"
RIGID_FILE = "rigid.tfm"

VOLUMES = {
    CT_FILE: ("ct", "HU"),
    PET_FILE: ("pet", "SUVbw"),
    TTB_FILE: ("lesions", "label"),
    ORGANS_FILE: ("organs", "label"),
}
"""Images of one tracer: role and unit."""

THRESHOLD_KEY = "suv_threshold"
PSMA_THRESHOLD_SUV = 3.0
"""The same for every PSMA scan; FDG thresholds are about the liver's mean plus two standard deviations."""
EXAMPLE_FDG_THRESHOLD_SUV = 2.1165

LESION = "lesion"
LESION_VALUE = 1
ORGAN_GROUPS = 24
"""Integers 1 to 24 of `totseg_24.nii.gz`; the reference does not name them."""

RIGID_KIND = "Euler3DTransform_double_3_3"
"""The transform in `rigid.tfm`: PSMA is fixed and FDG moving in the folder PSMA; the folder FDG holds the inverse."""
REGISTRATION_FILE = "psma-to-fdg-registration.json"
REGISTRATION_KEY = "3d_affine_transform"
"""The 4 x 4 matrix of the containers: [:3, :3] rotation, [:3, 3] translation, [3, :3] centre of the rotation."""

PATIENTS = {"train": 100, "preliminary": 10, "test": 40}
CENTRE = "Peter Mac"
DOI = "10.5281/zenodo.15281784"
LICENCE = "CC-BY-NC"
"""As Zenodo states it; a version is not known."""
