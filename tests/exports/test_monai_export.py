"""MONAI data lists: paths, folds, and boxes in mm."""

import json
from pathlib import Path

import numpy as np
import pytest
from memory_cohorts import GRID, cohort_of, masks, pet

from box_cohorts import box
from oncohort import read_volume
from oncohort.errors import InputError, SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import BoxChoice, Masks, MonaiExport
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.splits import Split
from small_cohorts import write_small_cohort

GAPS = LabelScheme("gaps", {"liver": 3, "spleen": 9})


def listed(folder):
    return json.loads((folder / "dataset.json").read_text())


def test_images_are_referenced_and_labels_relative(tmp_path):
    cohort = write_small_cohort(tmp_path / "cohort")
    folder = export_cohort(cohort, MonaiExport(("pet",), Masks()), out=tmp_path / "out").folder
    document = listed(folder)
    assert document["modality"] == {"0": "pet"}
    assert document["labels"] == {"0": "background", "1": "lesion"}
    assert (document["numTraining"], document["numTest"], document["tensorImageSize"]) == (2, 0, "3D")
    assert [entry["label"] for entry in document["training"]] == ["labels/A.nii.gz", "labels/B%2F1.nii.gz"]
    for entry, case in zip(document["training"], cohort, strict=True):
        assert Path(entry["image"]).is_absolute()
        assert np.array_equal(read_volume(entry["image"]).array, case.image("pet").array)
        assert np.array_equal(read_volume(folder / entry["label"]).array, case.label_map("lesions").layers[0].array)
    copied = export_cohort(cohort, MonaiExport(("pet",), Masks(), images="copy"), out=tmp_path / "copy").folder
    entry = listed(copied)["training"][1]
    assert entry["image"] == "images/B%2F1_pet.nii.gz"
    assert np.array_equal(read_volume(copied / entry["image"]).array, cohort["B/1"].image("pet").array)


def test_several_channels_are_a_list_and_labels_have_no_gaps(tmp_path):
    volumes = {"a": {"pet": pet(), "pet.2": pet(seed=1), "organs": masks(GAPS, spleen=(0, 1, 0, 1, 0, 1))}}
    export = MonaiExport(("pet", "pet.2"), Masks("organs"))
    folder = export_cohort(cohort_of(volumes, scheme=GAPS), export, out=tmp_path / "out").folder
    entry = listed(folder)["training"][0]
    assert entry["image"] == ["images/a_pet.nii.gz", "images/a_pet.2.nii.gz"]
    assert listed(folder)["labels"] == {"0": "background", "1": "liver", "2": "spleen"}
    assert read_volume(folder / entry["label"]).array[0, 0, 0] == 2


def test_folds_validation_and_test(tmp_path):
    names = ("a", "b", "c", "d")
    volumes = {case: {"pet": pet(), "lesions": masks(lesion=(0, 1, 0, 1, 0, 1))} for case in names}
    split = Split({case: case for case in names}, test=("d",), folds=(("a",), ("b",), ("c",)))
    cohort = cohort_of(volumes)
    document = listed(export_cohort(cohort, MonaiExport(("pet",), Masks(), split=split), out=tmp_path / "all").folder)
    assert [entry["fold"] for entry in document["training"]] == [0, 1, 2]
    assert [Path(entry["label"]).name for entry in document["test"]] == ["d.nii.gz"]
    assert (document["numTraining"], document["numTest"]) == (3, 1)
    one = MonaiExport(("pet",), Masks(), split=split, fold=1)
    document = listed(export_cohort(cohort, one, out=tmp_path / "one").folder)
    assert [Path(entry["label"]).name for entry in document["validation"]] == ["b.nii.gz"]
    assert [Path(entry["label"]).name for entry in document["training"]] == ["a.nii.gz", "c.nii.gz"]
    assert all("fold" not in entry for entry in document["training"])
    with pytest.raises(SettingsError, match="fold below 3"):
        MonaiExport(("pet",), Masks(), split=split, fold=3)


BOXES = [
    box("a", (1, 3, 2, 4, 0, 1), volume="pet", lesion="1"),
    box("a", (0, 2, 1, 4, 1, 2), volume="pet", lesion="1"),
    box("a", (4, 5, 0, 1, 3, 4), volume="pet", name="B"),
]


def detection(cohort, folder, **choices):
    return listed(export_cohort(cohort, MonaiExport(("pet",), boxes=BoxChoice(), **choices), out=folder).folder)


def test_boxes_are_hulls_of_lesions_in_mm(tmp_path):
    volumes = {"a": {"pet": pet()}, "none": {"pet": pet()}}
    cohort = cohort_of(volumes, boxes=[{"reader": "r", **row} for row in BOXES])
    document = detection(cohort, tmp_path / "ras")
    assert document["labels"] == {"0": "A", "1": "B"}
    first, empty = document["training"]
    assert (empty["box"], empty["label"]) == ([], [])
    assert first["label"] == [0, 1]
    # hull i 0..3, j 1..4, k 0..2 on GRID: x = 10 - 2i, y = 20 - 2j, z = 3k - 30
    assert first["box"] == [[7.0, 15.0, -27.0, 6.0, 6.0, 6.0], [1.0, 19.0, -19.5, 2.0, 2.0, 3.0]]
    lps = detection(cohort, tmp_path / "lps", world="lps")["training"][0]["box"]
    assert lps == [[-7.0, -15.0, -27.0, 6.0, 6.0, 6.0], [-1.0, -19.0, -19.5, 2.0, 2.0, 3.0]]
    done = export_cohort(cohort, MonaiExport(("pet",), boxes=BoxChoice(), empty="leave-out"), out=tmp_path / "some")
    assert "at least one box" in done.failed["none"]


def test_boxes_on_oblique_slices_are_refused(tmp_path):
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    oblique = Geometry(GRID.shape, GRID.affine @ turn)
    cohort = cohort_of({"a": {"pet": pet(oblique)}}, boxes=[{"reader": "r", **row} for row in BOXES])
    with pytest.raises(InputError, match="oblique"):
        detection(cohort, tmp_path / "out")


def test_masks_or_boxes():
    for choices in ({}, {"masks": Masks(), "boxes": BoxChoice()}):
        with pytest.raises(SettingsError, match="masks or boxes"):
            MonaiExport(("pet",), **choices)
