"""Labels named by their groups, names that are not there, and channels named twice."""

import json

import numpy as np
import pytest
from memory_cohorts import cohort_of, masks, pet

from oncohort import read_volume
from oncohort.errors import FormatError, SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, LabelMapping, Masks, MhaExport, MonaiExport, NnDetectionExport, NnunetExport
from oncohort.labels import LabelScheme

SCHEME = LabelScheme(
    "organs",
    {"head": 2, "cyst": 3, "tail": 5, "pancreas": 6, "liver": 9},
    groups={"pancreas": ("head", "tail", "pancreas"), "digestive": ("head", "tail", "liver")},
)
PLACES = {name: (index, index + 1, 0, 2, 0, 2) for index, name in enumerate(SCHEME.labels)}
PET = (Channel.usual("pet"),)


@pytest.fixture(scope="module")
def cohort():
    return cohort_of({"a": {"pet": pet(), "organs": masks(SCHEME, **PLACES)}}, scheme=SCHEME)


def nnunet(cohort, out, **choices):
    export_cohort(cohort, NnunetExport(1, "A", PET, "organs", **choices), out=out)
    folder = out / "Dataset001_A"
    labels = json.loads((folder / "dataset.json").read_text())["labels"]
    mapping = LabelMapping.from_dict(json.loads((folder / "oncohort.json").read_text())["labels"], where="record")
    voxels = read_volume(folder / "labelsTr" / "a.nii.gz").array
    return labels, mapping, dict(zip(SCHEME.labels, voxels[:5, 0, 0].tolist(), strict=True))


def test_a_group_stands_for_its_labels(cohort, tmp_path):
    labels, _, voxels = nnunet(cohort, tmp_path / "n", labels=("pancreas", "cyst"))
    assert labels == {"background": 0, "head": 1, "cyst": 2, "tail": 3, "pancreas": 4}
    assert voxels == {"head": 1, "cyst": 2, "tail": 3, "pancreas": 4, "liver": 0}
    export_cohort(cohort, MhaExport({}, Masks("organs", ("digestive",))), out=tmp_path / "m")
    mask = read_volume(next((tmp_path / "m").rglob("*.mha"))).array
    assert mask[:5, 0, 0].tolist() == [2, 0, 5, 0, 9]


def test_regions_join_groups(cohort, tmp_path):
    regions = {"all": ("digestive", "cyst"), "gland": ("pancreas",)}
    with pytest.raises(SettingsError, match=r"without labels to ignore.*head, liver, tail"):
        nnunet(cohort, tmp_path, regions=regions, ignore="digestive")
    labels, _, voxels = nnunet(cohort, tmp_path, regions=regions)
    assert voxels == {"head": 1, "cyst": 2, "tail": 3, "pancreas": 4, "liver": 5}
    assert labels == {"background": 0, "all": [1, 2, 3, 5], "gland": [1, 3, 4]}


def test_labels_of_a_group_are_ignored_together(cohort, tmp_path):
    labels, mapping, voxels = nnunet(cohort, tmp_path, ignore="pancreas")
    assert labels == {"background": 0, "cyst": 1, "liver": 2, "ignore": 3}
    assert voxels == {"head": 3, "cyst": 1, "tail": 3, "pancreas": 3, "liver": 2}
    assert mapping.back(np.array([0, 1, 2, 3], np.uint8)).tolist() == [0, 3, 9, 2]
    with pytest.raises(FormatError, match="one integer for two labels"):
        LabelMapping.from_dict({name: part for name, part in mapping.to_dict().items() if name != "joined"}, where="r")
    with pytest.raises(FormatError, match="one integer for two labels"):
        LabelMapping.from_dict({**mapping.to_dict(), "exported": {**mapping.exported, "liver": 1}}, where="record")


@pytest.mark.parametrize(
    "choices", [{"labels": ("spine",)}, {"ignore": "spine"}, {"regions": {"a": ("liver", "spine")}}], ids=str
)
def test_an_unknown_name_is_answered_with_those_there_are(cohort, tmp_path, choices):
    with pytest.raises(SettingsError) as caught:
        nnunet(cohort, tmp_path, **choices)
    assert caught.value.found == "'spine'"
    assert "labels of the cohort: head, cyst, tail, pancreas, liver; groups: pancreas, digestive" in str(caught.value)
    with pytest.raises(SettingsError, match="head, cyst"):
        export_cohort(cohort, MhaExport({}, Masks("organs", ("spine",))), out=tmp_path)


def test_what_is_named_beside_labels_must_be_among_them(cohort, tmp_path):
    with pytest.raises(SettingsError, match="found liver") as caught:
        nnunet(cohort, tmp_path, labels=("pancreas",), ignore="liver")
    assert "head, pancreas, tail" in caught.value.expected


def test_there_must_be_a_label_beside_the_one_to_ignore(cohort, tmp_path):
    for choices in ({"labels": ("pancreas",), "ignore": "pancreas"}, {"labels": ("liver",), "ignore": "liver"}):
        with pytest.raises(SettingsError, match="beside the one to ignore"):
            nnunet(cohort, tmp_path, **choices)


def test_a_channel_is_named_once():
    for make in (
        lambda: NnunetExport(1, "A", PET * 2),
        lambda: MonaiExport(("ct", "pet", "ct"), Masks()),
        lambda: NnDetectionExport(1, "A", ("ct", "ct"), masks=Masks()),
    ):
        with pytest.raises(SettingsError, match="more than once"):
            make()
