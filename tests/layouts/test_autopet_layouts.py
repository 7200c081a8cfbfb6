"""The constants of the autoPET family against literals typed from the reference document."""

import re

import pytest

from oncohort.layouts import autopet, deep_psma, longitudinal_ct


def test_counts_of_the_two_subsets_add_up():
    fdg, psma = autopet.SUBSETS["fdg"], autopet.SUBSETS["psma"]
    assert (fdg.studies, fdg.patients, fdg.with_lesions, fdg.studies - fdg.with_lesions) == (1014, 900, 501, 513)
    assert (psma.studies, psma.patients, psma.with_lesions, psma.studies - psma.with_lesions) == (597, 378, 537, 60)
    assert autopet.STUDIES == 1611 == autopet.SHIPPED_PROMPT_FILES
    assert autopet.PROMPT_FILES_WITHOUT_TUMOUR == 573 == 513 + 60
    assert (fdg.subject_prefix, psma.subject_prefix) == ("PETCT_", "PSMA_")
    assert (fdg.centre, psma.centre) == ("UKT", "LMU")


def test_folds_hold_every_study_once():
    assert len(autopet.FOLD_SIZES) == autopet.FOLDS == 5
    assert autopet.FOLD_SIZES[0] == (1288, 323)
    assert {sum(sizes) for sizes in autopet.FOLD_SIZES} == {1611}
    assert sum(validation for _, validation in autopet.FOLD_SIZES) == 1611


def test_grids_are_those_of_all_studies():
    assert sum(grid.studies for grid in autopet.GRIDS) == 1611
    assert [grid.spacing_mm for grid in autopet.GRIDS if grid.tracer == "psma"] == [
        (4.0728, 4.0728, 2.0),
        (2.7344, 2.7344, 3.27),
        (4.0728, 4.0728, 5.0),
    ]


def test_published_names_are_matched():
    assert re.fullmatch(autopet.FDG_CASE_PATTERN, autopet.EXAMPLE_FDG_CASE)
    assert "  " in autopet.EXAMPLE_FDG_CASE
    for case in ("psma_ffcaa75377465b37_2018-03-04", "psma_95b833d46f153cd2_2018-04-16"):
        found = re.fullmatch(autopet.PSMA_CASE_PATTERN, case)
        assert found["year"] == "2018"
        assert re.fullmatch(autopet.CASE_PATTERN, case)["patient"] == found["patient"]
    assert sorted(autopet.LPS_CASES) == [
        "fdg_448225c237_01-16-2006",
        "fdg_7c1e6175e0_01-30-2005",
        "fdg_dd6165ae36_06-01-2006",
        "fdg_e664932bbc_06-09-2007",
    ]
    assert all(re.fullmatch(autopet.FDG_CASE_PATTERN, case) for case in autopet.LPS_CASES)


def test_columns_and_channels_are_those_of_the_reference():
    assert autopet.PSMA_COLUMNS == (
        "Subject ID", "Study Date", "age", "manufacturer_model_name", "pet_radionuclide", "ct_contrast_agent",
    )  # fmt: skip
    assert autopet.FDG_COLUMNS == ("Subject ID", "File Location", "diagnosis", "age", "sex")
    assert autopet.FDG_DIAGNOSES == ("MELANOMA", "LYMPHOMA", "LUNG_CANCER", "NEGATIVE")
    assert set(autopet.CHANNEL_NAMES_III.values()) == {"CT"}
    assert autopet.CHANNEL_NAMES_V == {"0": "CT", "1": "PET", "2": "FG", "3": "BG"}
    assert autopet.LABELS == {"background": 0, "tumor": 1}
    assert autopet.PROMPT_ENDINGS == ("_lesion-clicks.json", "_clicks.json")
    assert set(autopet.STUDY_FILES) == {f"{name}.nii.gz" for name in ("CT", "CTres", "PET", "SUV", "SEG")}
    assert {"10.57754/FDAT.rdkqd-wdh87", "10.57754/FDAT.6gjsg-zcg93", "10.57754/FDAT.wf9fy-txq84"} <= set(
        autopet.DOIS.values()
    )


def test_deep_psma_is_that_of_the_reference():
    assert re.fullmatch(deep_psma.PATIENT_PATTERN, "train_0001")["split"] == "train"
    assert set(deep_psma.VOLUMES) == {"CT.nii.gz", "PET.nii.gz", "TTB.nii.gz", "totseg_24.nii.gz"}
    assert deep_psma.PATIENTS == {"train": 100, "preliminary": 10, "test": 40}
    assert deep_psma.DOI == "10.5281/zenodo.15281784"
    assert deep_psma.PSMA_THRESHOLD_SUV == 3.0
    assert re.fullmatch(deep_psma.CONVERTED_CASE_PATTERN, "FDG_0001")["tracer"] == "FDG"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("0a1b2c3d4e_BL_img_00.nii.gz", ("0a1b2c3d4e", "BL", "img", "00", False)),
        ("0a1b2c3d4e_FU_mask_02.nii.gz", ("0a1b2c3d4e", "FU", "mask", "02", False)),
        ("022_BL_img_BL_img_00.nii.gz", ("022", "BL", "img", "00", True)),
        ("022_BL_mask_BL_img_00.nii.gz", ("022", "BL", "mask", "00", True)),
        ("022_FU_img_FU_img_00.nii.gz", ("022", "FU", "img", "00", True)),
        ("022_FU_mask_FU_img_01.nii.gz", ("022", "FU", "mask", "01", True)),
    ],
)
def test_old_and_new_names_of_scans(name, parts):
    found = re.fullmatch(longitudinal_ct.VOLUME_PATTERN, name)
    assert (found["patient"], found["side"], found["what"], found["number"], bool(found["old"])) == parts


@pytest.mark.parametrize(
    "name", ["a_BL_00.nii.gz", "a_BL_mask_FU_img_00.nii.gz", "a_BL_img_0.nii.gz", "_BL_img_00.nii"]
)
def test_other_names_are_no_scans(name):
    assert not re.fullmatch(longitudinal_ct.VOLUME_PATTERN, name)


def test_longitudinal_columns_are_those_of_the_reference():
    assert longitudinal_ct.OLD_COLUMNS == (
        "lesion_id", "cog_bl", "img_id_bl", "cog_propagated", "cog_fu", "img_id_fu", "lesion_type",
    )  # fmt: skip
    assert longitudinal_ct.NEW_COLUMNS == (
        "cog_backpropagated", "topology_class", "merged_into", "volume_bl", "volume_fu", "target_lesion",
        "use_for_challenge", "linking_unclear",
    )  # fmt: skip
    assert set(longitudinal_ct.TOPOLOGY_CLASSES) == {
        "DISAPPEARING", "MERGING", "NEWLYAPPEARING", "UNCHANGED", "SPLITTING",
    }  # fmt: skip
    assert len(longitudinal_ct.LESION_TYPES) == 12
    assert "Soft tissue / Skin" in longitudinal_ct.LESION_TYPES
    assert re.fullmatch(longitudinal_ct.CLICKS_PATTERN, "022_FU_00.json")["side"] == "FU"
