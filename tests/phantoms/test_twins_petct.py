"""Twins of autoPET, DEEP-PSMA and the longitudinal CT set: names, columns and forms typed from the publications."""

import csv
import json
import re

import numpy as np
import pytest

from oncohort.formats import read_nifti


def listing(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def centre(volume, mask):
    return volume.geometry.to_mm(np.argwhere(mask)).mean(axis=0)


@pytest.fixture(scope="module")
def autopet(twin):
    return twin("autopet", 8).data


def test_autopet_has_the_published_files_and_case_ids(autopet):
    top = {path.split("/")[0] for path in listing(autopet)}
    published = {"imagesTr", "labelsTr", "dataset.json", "splits_final.json", "psma_metadata.csv", "fdg_metadata.csv"}
    assert top == published | {"clicks", "scribbles"}
    cases = sorted(path.name.removesuffix(".nii.gz") for path in (autopet / "labelsTr").iterdir())
    fdg = [case for case in cases if case.startswith("fdg_")]
    psma = [case for case in cases if case.startswith("psma_")]
    form = r"fdg_[0-9a-f]{10}_\d\d-\d\d-\d{4}-NA-PET-CT Ganzkoerper  primaer mit KM-\d{5}"
    assert len(fdg) == 4 and all(re.fullmatch(form, case) for case in fdg)
    assert len(psma) == 4 and all(re.fullmatch(r"psma_[0-9a-f]{16}_\d{4}-\d\d-\d\d", case) for case in psma)
    assert len({case.split("_")[1] for case in cases}) == 6  # two patients have a second study
    for case in cases:
        assert all((autopet / "imagesTr" / f"{case}_000{channel}.nii.gz").is_file() for channel in range(4))
        assert (autopet / "clicks" / f"{case}_clicks.json").is_file()
        assert (autopet / "scribbles" / f"{case}_lesion-clicks.json").is_file()


def test_autopet_sheets_have_the_published_columns(autopet):
    psma, fdg = rows(autopet / "psma_metadata.csv"), rows(autopet / "fdg_metadata.csv")
    assert list(psma[0]) == [
        "Subject ID", "Study Date", "age", "manufacturer_model_name", "pet_radionuclide", "ct_contrast_agent",
    ]  # fmt: skip
    assert list(fdg[0]) == ["Subject ID", "File Location", "diagnosis", "age", "sex"]
    assert len(psma) == 4 and len(fdg) == 12  # one row per study, one per series
    assert all(re.fullmatch(r"PSMA_[0-9a-f]{16}", row["Subject ID"]) for row in psma)
    assert all(re.fullmatch(r"PETCT_[0-9a-f]{10}", row["Subject ID"]) for row in fdg)
    assert {row["pet_radionuclide"] for row in psma} == {"18F", "68Ga"}
    assert {row["diagnosis"] for row in fdg} <= {"MELANOMA", "LYMPHOMA", "LUNG_CANCER", "NEGATIVE"}
    assert all(re.fullmatch(r"\d{3}Y", row["age"]) for row in fdg)


def test_autopet_folds_part_patients(autopet):
    folds = json.loads((autopet / "splits_final.json").read_text())
    assert len(folds) == 5 and sorted(case for fold in folds for case in fold["val"]) == sorted(
        folds[0]["train"] + folds[0]["val"]
    )
    for fold in folds:
        assert not {case.split("_")[1] for case in fold["train"]} & {case.split("_")[1] for case in fold["val"]}


def test_autopet_images_share_a_grid_and_prompts_count_voxels(autopet):
    for path in sorted((autopet / "labelsTr").iterdir()):
        case = path.name.removesuffix(".nii.gz")
        label, pet = read_nifti(path), read_nifti(autopet / "imagesTr" / f"{case}_0001.nii.gz")
        ct = read_nifti(autopet / "imagesTr" / f"{case}_0000.nii.gz")
        assert label.geometry.is_same_grid(pet.geometry) and ct.geometry.is_same_grid(pet.geometry)
        assert label.geometry.orientation == "LAS" and ct.array.min() < -900 and pet.array.min() >= 0
        simple = json.loads((autopet / "clicks" / f"{case}_clicks.json").read_text())
        assert set(simple) == {"tumor", "background"} and len(simple["background"]) == 10
        assert len(simple["tumor"]) == (10 if label.array.any() else 0)
        assert all(label.array[i, j, k] == 1 for i, j, k in simple["tumor"])
        assert all(label.array[i, j, k] == 0 for i, j, k in simple["background"])
        gc = json.loads((autopet / "scribbles" / f"{case}_lesion-clicks.json").read_text())
        assert gc["version"] == {"major": 1, "minor": 0} and gc["type"] == "Multiple points"
        assert [p["point"] for p in gc["points"] if p["name"] == "tumor"] == simple["tumor"]
        heat = read_nifti(autopet / "imagesTr" / f"{case}_0002.nii.gz").array
        assert {tuple(p) for p in np.argwhere(heat).tolist()} == {tuple(p) for p in simple["tumor"]}


def test_autopet_channels_and_labels_are_those_of_the_baseline(autopet):
    dataset = json.loads((autopet / "dataset.json").read_text())
    assert dataset["channel_names"] == {"0": "CT", "1": "PET", "2": "FG", "3": "BG"}
    assert dataset["labels"] == {"background": 0, "tumor": 1}


def test_autopet_has_a_folder_per_study_too(twin):
    data = twin("autopet-tcia").data
    for subject in data.iterdir():
        assert re.fullmatch(r"PETCT_[0-9a-f]{10}", subject.name)
        (study,) = subject.iterdir()
        assert listing(study) == ["CT.nii.gz", "CTres.nii.gz", "PET.nii.gz", "SEG.nii.gz", "SUV.nii.gz"]
        suv, pet = (read_nifti(study / name) for name in ("SUV.nii.gz", "PET.nii.gz"))
        bright = suv.array > 1
        assert np.allclose(pet.array[bright] / suv.array[bright], 4321.5, rtol=1e-5)
        assert read_nifti(study / "CTres.nii.gz").geometry.is_same_grid(suv.geometry)


def test_deep_psma_has_both_tracers_with_thresholds(twin):
    data = twin("deep-psma").data
    files = ["CT.nii.gz", "PET.nii.gz", "TTB.nii.gz", "rigid.tfm", "threshold.json", "totseg_24.nii.gz"]
    both = [f"{tracer}/{file}" for tracer in ("FDG", "PSMA") for file in files]
    assert listing(data) == [f"train_000{number}/{file}" for number in (1, 2) for file in both]
    for folder in (data / "train_0001" / "PSMA", data / "train_0001" / "FDG"):
        threshold = json.loads((folder / "threshold.json").read_text())["suv_threshold"]
        assert threshold == 3.0 if folder.name == "PSMA" else 1.0 < threshold < 5.0
        burden, pet = read_nifti(folder / "TTB.nii.gz"), read_nifti(folder / "PET.nii.gz")
        assert burden.geometry.is_same_grid(pet.geometry) and burden.array.any()
        assert pet.array[burden.array > 0].min() >= threshold
        assert set(np.unique(read_nifti(folder / "totseg_24.nii.gz").array)) == set(range(25))


def test_deep_psma_transforms_carry_one_scan_onto_the_other(twin):
    """ITK: a point of the fixed scan (PSMA, LPS mm) goes to R (x - centre) + centre + translation of the moving one."""
    folder = twin("deep-psma").data / "train_0001"
    text = (folder / "PSMA" / "rigid.tfm").read_text().splitlines()
    assert text[0] == "#Insight Transform File V1.0" and text[2] == "Transform: Euler3DTransform_double_3_3"
    values = [float(word) for word in text[3].removeprefix("Parameters: ").split()]
    about = np.array([float(word) for word in text[4].removeprefix("FixedParameters: ").split()][:3])
    assert values[:2] == [0.0, 0.0]
    turn = np.array([[np.cos(values[2]), -np.sin(values[2]), 0], [np.sin(values[2]), np.cos(values[2]), 0], [0, 0, 1]])
    lps = np.array([-1.0, -1.0, 1.0])
    organs = {name: read_nifti(folder / name / "totseg_24.nii.gz") for name in ("PSMA", "FDG")}
    for value in (1, 5, 24):
        fixed, moving = (centre(organs[name], organs[name].array == value) * lps for name in ("PSMA", "FDG"))
        assert np.allclose(turn @ (fixed - about) + about + values[3:], moving, atol=0.2)
    back = (folder / "FDG" / "rigid.tfm").read_text().splitlines()[3].split()
    assert float(back[3]) == -values[2]


@pytest.fixture(scope="module")
def longitudinal(twin):
    return twin("longitudinal-ct", 3).data


def patients(folder):
    return sorted(path.stem for path in (folder / "inputsTr").glob("*.csv"))


def test_longitudinal_names_are_the_published_ones(longitudinal):
    expected = []
    counts = []
    for name in patients(longitudinal):
        assert re.fullmatch(r"[0-9a-f]{10}", name)
        later = sorted(path.name for path in (longitudinal / "targetsTr").glob(f"{name}_*"))
        counts.append(len(later))
        for number in range(len(later)):
            expected += [f"inputsTr/{name}_FU_{number:02d}.json", f"inputsTr/{name}_FU_img_{number:02d}.nii.gz"]
            expected.append(f"targetsTr/{name}_FU_mask_{number:02d}.nii.gz")
        expected += [
            f"inputsTr/{name}{end}" for end in (".csv", "_BL_00.json", "_BL_img_00.nii.gz", "_BL_mask_00.nii.gz")
        ]
    assert listing(longitudinal) == sorted(expected)
    assert sorted(counts) == [1, 1, 2]


def test_longitudinal_sheets_have_the_published_columns_and_fates(longitudinal):
    table = rows(longitudinal / "inputsTr" / f"{patients(longitudinal)[0]}.csv")
    assert list(table[0]) == [
        "lesion_id", "cog_bl", "img_id_bl", "cog_propagated", "cog_fu", "img_id_fu", "lesion_type",
        "cog_backpropagated", "topology_class", "merged_into", "volume_bl", "volume_fu", "target_lesion",
        "use_for_challenge", "linking_unclear",
    ]  # fmt: skip
    fates = {row["lesion_id"]: row["topology_class"] for row in table}
    assert fates == {
        "1": "UNCHANGED", "2": "UNCHANGED", "4": "DISAPPEARING", "5": "NEWLYAPPEARING", "7": "MERGING", "9": "MERGING",
    }  # fmt: skip
    by_id = {row["lesion_id"]: row for row in table}
    assert by_id["9"]["merged_into"] == "7" and by_id["4"]["cog_fu"] == "" and by_id["5"]["cog_bl"] == ""
    kinds = {
        "Adrenals", "CNS", "Heart", "Kidney", "Liver", "Lung", "Lymph node", "Others", "Skeleton",
        "Soft tissue / Skin", "Spleen", "unclear",
    }  # fmt: skip
    assert {row["lesion_type"] for row in table} <= kinds


def test_longitudinal_cells_say_what_the_masks_hold(longitudinal):
    for name in patients(longitudinal):
        before = read_nifti(longitudinal / "inputsTr" / f"{name}_BL_mask_00.nii.gz")
        after = read_nifti(longitudinal / "targetsTr" / f"{name}_FU_mask_00.nii.gz")
        assert set(np.unique(before.array)) <= {0, 1, 2, 4, 7, 9} and set(np.unique(after.array)) <= {0, 1, 2, 5, 7}
        for row in [row for row in rows(longitudinal / "inputsTr" / f"{name}.csv") if row["img_id_fu"] == "0"]:
            for volume, column, amount in ((before, "cog_bl", "volume_bl"), (after, "cog_fu", "volume_fu")):
                voxels = np.argwhere(volume.array == int(row["lesion_id"]))
                assert bool(row[column]) == bool(len(voxels))
                if len(voxels):
                    assert np.allclose([float(word) for word in row[column].split()], voxels.mean(axis=0), atol=0.006)
                    assert float(row[amount]) == pytest.approx(len(voxels) * volume.geometry.voxel_mm3)


def test_longitudinal_clicks_name_lesions(longitudinal):
    name = patients(longitudinal)[0]
    clicks = json.loads((longitudinal / "inputsTr" / f"{name}_BL_00.json").read_text())
    assert clicks["name"] == "Points of interest" and clicks["type"] == "Multiple points"
    assert [point["name"].split()[-1] for point in clicks["points"]] == ["1", "2", "4", "7", "9"]
    later = json.loads((longitudinal / "inputsTr" / f"{name}_FU_00.json").read_text())
    table = {row["lesion_id"]: row for row in rows(longitudinal / "inputsTr" / f"{name}.csv")}
    for point in later["points"]:
        row = table[point["name"].split()[-1]]
        assert point["point"] == [float(word) for word in (row["cog_propagated"] or row["cog_fu"]).split()]
