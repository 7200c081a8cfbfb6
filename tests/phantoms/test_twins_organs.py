"""Twins of PanTS, of the decathlon and of ENHANCE.PET: names, columns and numbers typed from the publications."""

import nibabel
import numpy as np
import pytest

from oncohort.formats import read_nifti
from oncohort.formats.nifti import read_label_map
from oncohort.formats.spreadsheet import read_sheet
from oncohort.labels import LabelScheme
from oncohort.storage import read_json

PANTS_STEMS = [
    "adrenal_gland_left", "adrenal_gland_right", "aorta", "bladder", "celiac_artery", "colon", "common_bile_duct",
    "duodenum", "femur_left", "femur_right", "gall_bladder", "kidney_left", "kidney_right", "liver", "lung_left",
    "lung_right", "pancreas", "pancreas_body", "pancreas_head", "pancreas_tail", "pancreatic_duct", "postcava",
    "prostate", "spleen", "stomach", "superior_mesenteric_artery", "veins", "pancreatic_lesion",
]  # fmt: skip
PANTS_COLUMNS = [
    "PanTS ID", "shape", "spacing", "ct phase", "sex", "age", "manufacturer", "manufacturer model", "study type",
    "site", "site detail", "site nationality", "study year", "tumor?", "structured report",
]  # fmt: skip
LESION = LabelScheme("lesion", {"lesion": 1})


def listing(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def centre(path):
    """Mean position in mm, RAS+, of the voxels of a mask."""
    volume = read_nifti(path)
    return volume.geometry.to_mm(np.argwhere(volume.array > 0.5)).mean(axis=0)


@pytest.fixture(scope="module")
def pants(twin):
    return twin("pants", 5).data


def test_pants_has_the_published_folders_and_files(pants):
    assert names(pants) == ["ImageTe", "ImageTr", "LabelTe", "LabelTr", "metadata.xlsx"]
    assert names(pants / "ImageTr") == [f"PanTS_{number:08d}" for number in (1, 2, 3, 4)]
    assert names(pants / "ImageTe") == names(pants / "LabelTe") == ["PanTS_00009001"]
    case = pants / "LabelTr" / "PanTS_00000001"
    assert listing(case) == sorted(["combined_labels.nii.gz", *(f"segmentations/{s}.nii.gz" for s in PANTS_STEMS)])


def test_pants_sheet_has_the_published_columns_and_cells(pants):
    rows = read_sheet(pants / "metadata.xlsx", "PanTS_metadata")
    assert list(rows[0]) == PANTS_COLUMNS
    assert [row["PanTS ID"] for row in rows] == [f"PanTS_{number:08d}" for number in (1, 2, 3, 4, 9001)]
    assert rows[0]["shape"] == "(84, 54, 120)" and rows[0]["spacing"] == "(4.0, 4.0, 4.0)"
    assert {row["ct phase"] for row in rows} <= {"Non-contrast", "Venous", "Arterial", "Delay"}
    assert [row["tumor?"] for row in rows] == [1, 1, 0, 1, 1]
    assert "_x000D_\nFINDINGS:" in rows[0]["structured report"]
    assert "Pancreas lesion 1:" in rows[0]["structured report"]


def test_pants_maps_with_a_slope_come_back_a_little_off(pants):
    """Four of five public combined maps load as 1.0001983; parts of the pancreas as 1.0000000591."""
    combined = read_nifti(pants / "LabelTr" / "PanTS_00000001" / "combined_labels.nii.gz").array
    ones = combined[np.rint(combined) == 1]
    assert abs(float(ones[0]) - 1.0001983) < 1e-6
    assert 0 < np.abs(combined - np.rint(combined)).max() < 2.2e-4
    head = nibabel.load(pants / "LabelTr" / "PanTS_00000001" / "segmentations" / "pancreas_head.nii.gz").get_fdata()
    assert abs(head.max() - 1.0000000591) < 1e-10


def test_pants_combined_maps_have_both_numberings(pants):
    lesion_of = {}
    for case, value in (
        ("LabelTr/PanTS_00000001", 22),
        ("LabelTr/PanTS_00000002", 28),
    ):  # B alphabetical, A as described
        combined = np.rint(read_nifti(pants / case / "combined_labels.nii.gz").array)
        mask = read_nifti(pants / case / "segmentations" / "pancreatic_lesion.nii.gz").array > 0.5
        lesion_of[case] = set(np.unique(combined[mask]).astype(int))
        assert lesion_of[case] == {value}


def test_pants_axes_differ_and_left_is_left(pants):
    codes = []
    for case in sorted([*(pants / "LabelTr").iterdir(), *(pants / "LabelTe").iterdir()]):
        masks = case / "segmentations"
        codes.append(read_nifti(masks / "liver.nii.gz").geometry.orientation)
        for name in ("kidney", "lung", "adrenal_gland", "femur"):
            assert centre(masks / f"{name}_left.nii.gz")[0] < 0 < centre(masks / f"{name}_right.nii.gz")[0]
        assert centre(masks / "spleen.nii.gz")[0] < 0 < centre(masks / "liver.nii.gz")[0]
        assert centre(masks / "pancreas_tail.nii.gz")[0] < centre(masks / "pancreas_head.nii.gz")[0]
    assert sorted(codes) == sorted(["RAS", "LAS", "LPS", "LAI", "IPL"])


def test_pants_pancreas_covers_its_parts_and_women_have_an_empty_prostate(pants):
    masks = pants / "LabelTr" / "PanTS_00000001" / "segmentations"
    arrays = {path.name[:-7]: read_nifti(path).array > 0.5 for path in masks.iterdir()}
    for part in ("pancreas_head", "pancreas_body", "pancreas_tail", "pancreatic_duct", "pancreatic_lesion"):
        assert arrays[part].any() and not (arrays[part] & ~arrays["pancreas"]).any()
    assert [name for name, mask in arrays.items() if not mask.any()] == ["prostate"]


def test_the_decathlon_has_its_lists(twin):
    data = twin("msd", 4).data
    assert listing(data) == [
        "dataset.json",
        *(f"imagesTr/pancreas_00{number}.nii.gz" for number in (1, 2, 3)),
        "imagesTs/pancreas_004.nii.gz",
        *(f"labelsTr/pancreas_00{number}.nii.gz" for number in (1, 2, 3)),
    ]
    dataset = read_json(data / "dataset.json")
    assert dataset["modality"] == {"0": "CT"}
    assert dataset["labels"] == {"0": "background", "1": "pancreas", "2": "cancer"}
    assert dataset["training"][0] == {
        "image": "./imagesTr/pancreas_001.nii.gz",
        "label": "./labelsTr/pancreas_001.nii.gz",
    }
    assert dataset["test"] == ["./imagesTs/pancreas_004.nii.gz"] and dataset["numTraining"] == 3
    values = [np.unique(read_nifti(data / "labelsTr" / f"pancreas_00{n}.nii.gz").array).tolist() for n in (1, 3)]
    assert values == [[0, 1, 2], [0, 1, 2]]


ENHANCE_GROUPS = ["Body-Composition", "Cardiac", "Muscles", "Organs", "Peripheral-Bones", "Ribs", "Vertebrae"]


def test_enhance_pet_has_both_published_layouts(twin):
    second, first = twin("enhance-pet", 6).data, twin("enhance-pet-v1").data
    for data in (first, second):
        assert names(data) == ["CT-details.xlsx", "PT-details.xlsx", "imaging-data", "labels.json"]
        assert names(data / "imaging-data" / "ground-truth") == ENHANCE_GROUPS
    assert names(second / "imaging-data" / "images") == ["CT_0001-1000", "CT_1001-1683", "PT_0001-1683"]
    assert names(first / "imaging-data" / "images") == ["CT", "PT"]
    assert names(second / "imaging-data" / "images" / "CT_1001-1683") == ["1001.nii.gz"]
    for group in ENHANCE_GROUPS:
        assert len(names(second / "imaging-data" / "ground-truth" / group)) == 6


def test_enhance_pet_labels_are_the_published_ones_with_gaps(twin):
    labels = read_json(twin("enhance-pet").data / "labels.json")
    assert labels["clin_ct_organs"]["8"] == "liver" and "19" not in labels["clin_ct_organs"]  # trachea: model only
    assert labels["clin_ct_vertebrae"]["20"] == "vertebra_L1" and labels["clin_ct_ribs"]["27"] == "sternum"
    assert labels["clin_ct_peripheral_bones"]["23"] == "skull"
    assert sum(len(group) for group in labels.values()) == 130


@pytest.mark.parametrize(("name", "has_head"), [("enhance-pet", False), ("enhance-pet-v1", True)])
def test_enhance_pet_lost_its_heads_in_the_second_version(twin, name, has_head):
    data = twin(name).data / "imaging-data"
    folder = "CT" if has_head else "CT_0001-1000"
    ct, organs = (read_nifti(data / path / "0001.nii.gz") for path in (f"images/{folder}", "ground-truth/Organs"))
    bones = read_nifti(data / "ground-truth/Peripheral-Bones/0001.nii.gz").array
    heights = ct.geometry.to_mm([(0, 0, k) for k in range(ct.geometry.shape[2])])[:, 2]
    head = ct.array[:, :, heights > 640]
    assert (head > 0).any() == has_head
    assert has_head or set(np.unique(head)) == {-1000}
    assert ((organs.array == 4).any(), (bones == 23).any()) == (has_head, has_head)
    assert organs.geometry.is_same_grid(ct.geometry)


def test_enhance_pet_left_and_right_and_what_lies_outside(twin):
    masks = twin("enhance-pet").data / "imaging-data" / "ground-truth"
    scheme = LabelScheme("organs", {"kidney_left": 6, "kidney_right": 7, "liver": 8, "spleen": 15})
    organs = read_label_map(masks / "Organs" / "0001.nii.gz", scheme)
    x = {name: organs.geometry.to_mm(np.argwhere(organs.mask(name)))[:, 0].mean() for name in scheme.labels}
    assert x["kidney_left"] < 0 < x["kidney_right"] and x["spleen"] < 0 < x["liver"]
    bones = set(np.unique(read_nifti(masks / "Peripheral-Bones" / "0001.nii.gz").array))
    assert {3, 4, 5, 6, 11, 12, 21, 22} <= bones and not bones & {7, 8, 17, 18, 23, 26, 27}  # no shins in the view
    spine = set(np.unique(read_nifti(masks / "Vertebrae" / "0001.nii.gz").array))
    assert 24 in spine and 25 not in spine  # a fifth lumbar vertebra and no sixth
