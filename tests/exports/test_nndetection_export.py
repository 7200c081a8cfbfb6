"""nnDetection: instances, classes, names without dots, YAML that a YAML reader takes."""

import json

import numpy as np
import pytest
from memory_cohorts import cohort_of, ct, masks, pet

from box_cohorts import box
from oncohort import read_volume
from oncohort.errors import SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import BoxChoice, Masks, NnDetectionExport
from oncohort.labels import LabelScheme
from oncohort.splits import Split

TWO = LabelScheme("two", {"node": 2, "tumour": 5})


def test_components_of_every_label_are_instances(tmp_path):
    drawn = masks(TWO, tumour=(0, 2, 0, 2, 0, 2), node=(3, 4, 0, 1, 0, 1))
    layer = drawn.layers[0].array.copy()
    layer[5, 4, 3] = 5
    layer[4, 3, 2] = 5  # touches the voxel before by a corner
    found = type(drawn)(drawn.geometry, (type(drawn.layers[0]).from_array(layer, drawn.geometry, "label"),), TWO)
    volumes = {"a.b": {"ct": ct(), "pet": pet(), "organs": found}, "a_b": {"ct": ct(), "pet": pet(), "organs": drawn}}
    split = Split({"a.b": "a.b", "a_b": "a_b"}, test=("a_b",), train_only=("a.b",))
    export = NnDetectionExport(12, "Two", ("ct", "pet"), masks=Masks("organs"), split=split)
    folder = export_cohort(cohort_of(volumes, scheme=TWO), export, out=tmp_path / "out").folder / "Task012_Two"
    raw = folder / "raw_splitted"
    assert sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*.*")) == [
        "imagesTr/a_b_0000.nii.gz",
        "imagesTr/a_b_0001.nii.gz",
        "imagesTs/a_b_2_0000.nii.gz",
        "imagesTs/a_b_2_0001.nii.gz",
        "labelsTr/a_b.json",
        "labelsTr/a_b.nii.gz",
        "labelsTs/a_b_2.json",
        "labelsTs/a_b_2.nii.gz",
    ]
    assert json.loads((raw / "labelsTr/a_b.json").read_text()) == {"instances": {"1": 0, "2": 1, "3": 1}}
    instances = read_volume(raw / "labelsTr/a_b.nii.gz").array
    assert instances.dtype == np.uint8
    assert [instances[place] for place in ((3, 0, 0), (1, 1, 1), (5, 4, 3), (4, 3, 2), (5, 0, 0))] == [1, 2, 3, 3, 0]
    assert np.array_equal(instances > 0, layer > 0)
    assert np.array_equal(read_volume(raw / "imagesTr/a_b_0000.nii.gz").array, volumes["a.b"]["ct"].array)
    assert (folder / "dataset.yaml").read_text() == (
        'task: Task012_Two\nname: "Two"\ndim: 3\ntest_labels: true\n'
        'labels:\n  "0": "node"\n  "1": "tumour"\nmodalities:\n  "0": "CT"\n  "1": "PET"\n'
    )
    record = json.loads((folder / "oncohort.json").read_text())
    assert record["cases"]["a_b"] == {"stem": "a_b_2", "part": "Ts", "instances": 2}


def test_boxes_are_filled_and_must_not_overlap(tmp_path):
    rows = [
        box("a", (1, 3, 2, 4, 0, 1), volume="ct", lesion="1", name="G"),
        box("a", (0, 2, 2, 4, 1, 2), volume="ct", lesion="1", name="G"),
        box("a", (4, 5, 0, 1, 3, 4), volume="ct", name="B"),
        box("b", (0, 3, 0, 3, 0, 3), volume="ct"),
        box("b", (2, 4, 2, 4, 2, 4), volume="ct"),
    ]
    cohort = cohort_of({case: {"ct": ct()} for case in "abc"}, boxes=[{"reader": "r", **row} for row in rows])
    export = NnDetectionExport(0, "Boxes", ("ct",), boxes=BoxChoice())
    done = export_cohort(cohort, export, out=tmp_path / "out")
    assert "share 1 voxels" in done.failed["b"]
    labels = done.folder / "Task000_Boxes/raw_splitted/labelsTr"
    instances = read_volume(labels / "a.nii.gz").array
    expected = np.zeros(instances.shape)
    expected[0:3, 2:4, 0:2] = 1
    expected[4, 0, 3] = 2
    assert np.array_equal(instances, expected)
    assert json.loads((labels / "a.json").read_text()) == {"instances": {"1": 2, "2": 1}}  # of classes A, B, G
    assert json.loads((labels / "c.json").read_text()) == {"instances": {}}
    assert not (labels / "b.json").exists()


@pytest.mark.parametrize("choices", [{"number": 1000}, {"title": "a b"}, {"channels": ()}, {"masks": None}])
def test_impossible_choices_are_refused(choices):
    with pytest.raises(SettingsError):
        NnDetectionExport(**{"number": 1, "title": "A", "channels": ("ct",), "masks": Masks(), **choices})
