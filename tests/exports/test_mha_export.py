"""MetaImage files in the folders of Grand Challenge, read by SimpleITK and scored as predictions."""

import json
import re

import numpy as np
import pytest
import SimpleITK
from memory_cohorts import GRID, cohort_of, ct, masks, pet

import oncohort
from oncohort.errors import SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import Masks, MhaExport
from oncohort.labels import LabelScheme
from small_cohorts import write_small_cohort

GAPS = LabelScheme("gaps", {"liver": 3, "spleen": 9})


def test_files_hold_the_voxels_on_their_grids(tmp_path):
    volumes = {
        "a/1": {"ct": ct(), "pet": pet(), "organs": masks(GAPS, liver=(0, 2, 0, 2, 0, 2), spleen=(3, 5, 1, 2, 1, 4))}
    }
    export = MhaExport({"ct": "ct", "pet": "pet-suv"}, Masks("organs"), "organ-segmentation")
    folder = export_cohort(cohort_of(volumes, scheme=GAPS), export, out=tmp_path / "out").folder
    for slug, expected in (
        ("ct", volumes["a/1"]["ct"].array),
        ("pet-suv", volumes["a/1"]["pet"].array),
        ("organ-segmentation", volumes["a/1"]["organs"].layers[0].array),
    ):
        image = SimpleITK.ReadImage(str(folder / "images" / slug / "a%2F1.mha"))
        voxels = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
        assert np.array_equal(voxels, expected)
        assert voxels.dtype == expected.dtype
        assert image.GetSpacing() == (2.0, 2.0, 3.0)
        assert image.GetOrigin() == (-10.0, -20.0, -30.0)  # ITK counts in LPS
    record = json.loads((folder / "oncohort.json").read_text())
    assert record["labels"]["exported"] == {"liver": 3, "spleen": 9}
    assert record["cases"]["a/1"]["organs"] == "images/organ-segmentation/a%2F1.mha"


def test_one_uuid_per_case_in_all_folders_and_the_same_again(tmp_path):
    volumes = {case: {"pet": pet(), "lesions": masks(lesion=(0, 1, 0, 1, 0, 1))} for case in ("a", "b")}
    cohort = cohort_of(volumes)
    export = MhaExport({"pet": "pet"}, names="uuid")
    folders = [export_cohort(cohort, export, out=tmp_path / name).folder for name in ("one", "two")]
    names = [sorted(path.name for path in (one / "images" / "pet").iterdir()) for one in folders]
    assert names[0] == names[1]
    assert len(names[0]) == 2
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.mha", name) for name in names[0])
    assert names[0] == sorted(path.name for path in (folders[0] / "images" / "tumor-lesion-segmentation").iterdir())


def test_exported_masks_are_perfect_predictions(tmp_path):
    cohort = write_small_cohort(tmp_path / "cohort")
    folder = export_cohort(cohort, MhaExport({"ct": "ct"}), out=tmp_path / "out").folder
    model = folder / "images" / "tumor-lesion-segmentation"
    scores = oncohort.evaluate(cohort, {"own": model}, profile="autopet-iii", out=tmp_path / "scores")
    dice = scores.table.filter((scores.table["metric"] == "dice") & scores.table["value"].is_not_null())
    assert dice["value"].to_list() == [1.0, 1.0]
    assert cohort["A"].image("ct").geometry.is_same_grid(GRID) is False


@pytest.mark.parametrize(
    "choices",
    [
        {"images": {"ct": "CT"}},
        {"images": {"ct": "../up"}},
        {"images": {"ct": "x", "pet": "x"}},
        {"images": {}, "mask_slug": None},
    ],
)
def test_slugs_that_the_platform_does_not_take_are_refused(choices):
    with pytest.raises(SettingsError):
        MhaExport(**choices)
