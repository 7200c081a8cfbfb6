import json
from pathlib import Path

import pytest

from oncohort.errors import FormatError
from oncohort.formats.nnunet_raw import (
    RawDataset,
    image_path,
    label_path,
    list_files,
    read_dataset,
    write_dataset,
)


def dataset(folder: Path, **values) -> RawDataset:
    (folder / "dataset.json").write_text(json.dumps(values))
    return read_dataset(folder)


def test_the_description_comes_back(tmp_path: Path):
    wanted = RawDataset({0: "CT", 1: "PET"}, {"lesion": (1,), "any": (1, 2)}, ".nii", {"name": "Ünï"})
    write_dataset(tmp_path, wanted, training_cases=4)
    back = read_dataset(tmp_path)
    assert (back.channels, back.labels, back.file_ending) == (wanted.channels, wanted.labels, ".nii")
    assert back.facts == {"name": "Ünï", "numTraining": 4}
    written = json.loads((tmp_path / "dataset.json").read_text())
    assert written["labels"] == {"background": 0, "lesion": 1, "any": [1, 2]}
    assert written["channel_names"] == {"0": "CT", "1": "PET"}


def test_the_form_of_nnunet_one_is_understood(tmp_path: Path):
    old = dataset(tmp_path, modality={"1": "PET", "0": "CT"}, labels={"0": "background", "2": "tumor"})
    assert list(old.channels.items()) == [(0, "CT"), (1, "PET")]
    assert old.labels == {"tumor": (2,)} and old.file_ending == ".nii.gz"


def test_labels_whose_integers_are_texts_are_understood(tmp_path: Path):
    assert dataset(tmp_path, channel_names={"0": "CT"}, labels={"lesion": "1"}).labels == {"lesion": (1,)}


@pytest.mark.parametrize(
    "values",
    [
        {"labels": {}},
        {"channel_names": {"0": "CT"}},
        {"channel_names": {}, "labels": {}},
        {"channel_names": {"zero": "CT"}, "labels": {}},
        {"channel_names": ["CT"], "labels": {}},
        {"channel_names": {"0": "CT"}, "labels": {"lesion": None}},
        {"channel_names": {"0": "CT"}, "labels": {}, "file_ending": ".png"},
    ],
)
def test_what_describes_no_data_set_is_refused(tmp_path: Path, values: dict):
    with pytest.raises(FormatError, match=r"dataset\.json"):
        dataset(tmp_path, **values)


def test_a_folder_without_description_and_broken_json_are_refused(tmp_path: Path):
    with pytest.raises(FormatError, match=r"no dataset\.json"):
        read_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(FormatError):
        read_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(FormatError):
        read_dataset(tmp_path)


def test_every_file_is_of_a_case_or_among_the_others(tmp_path: Path):
    described = RawDataset({0: "CT", 1: "PET"}, {"lesion": (1,)})
    names = [
        "imagesTr/a  b_0000.nii.gz",
        "imagesTr/a  b_0001.nii.gz",
        "labelsTr/a  b.nii.gz",
        "imagesTr/c_1_0000.nii.gz",
        "imagesTs/d_0000.nii.gz",
        "imagesTs/d_0001.nii.gz",
        "imagesTr/c_1_0002.nii.gz",
        "imagesTr/c_0000.mha",
        "labelsTr/e.nii.gz",
        "notes.txt",
        ".hidden",
        "x/y/a_0000.nii.gz",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listing = list_files(tmp_path, described)
    found = {(case.split, case.stem): case for case in listing.cases}
    assert list(found) == [("train", "a  b"), ("train", "c_1"), ("test", "d")]
    assert found["train", "a  b"].label == tmp_path / "labelsTr" / "a  b.nii.gz"
    assert list(found["train", "c_1"].images) == [0] and found["train", "c_1"].label is None
    assert sorted(path.relative_to(tmp_path).as_posix() for path in listing.others) == sorted(names[6:])


def test_linked_folders_are_entered_once(tmp_path: Path):
    real = tmp_path / "disk" / "images"
    real.mkdir(parents=True)
    (real / "a_0000.nii.gz").touch()
    (real / "again").symlink_to(real)
    root = tmp_path / "set"
    root.mkdir()
    (root / "imagesTr").symlink_to(real)
    listing = list_files(root, RawDataset({0: "CT"}, {}))
    assert [case.images for case in listing.cases] == [{0: root / "imagesTr" / "a_0000.nii.gz"}]
    assert listing.others == ()


def test_ids_that_file_systems_refuse_are_encoded():
    assert image_path("D", "a/b", 1, split="test").as_posix() == "D/imagesTs/a%2Fb_0001.nii.gz"
    assert label_path("D", "a/b", ending=".mha").as_posix() == "D/labelsTr/a%2Fb.mha"
