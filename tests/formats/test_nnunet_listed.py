"""The list of training cases in `dataset.json`: paths as nnU-Net takes them, and lists that are none."""

import os
from pathlib import Path

import pytest

from oncohort.errors import FormatError
from oncohort.formats.nnunet_listed import ListedCases, listed_cases
from oncohort.formats.nnunet_raw import RawDataset

PATHS = (
    "a.nii.gz",
    "x/../b.nii.gz",
    "../c.nii.gz",
    "/data/./d.nii.gz",
    "$ONCOHORT_T/e.nii.gz",
    "${ONCOHORT_T}f.nii.gz",
)
UNSET = ("$ONCOHORT_UNSET/g.nii.gz", "h$.nii.gz", "")


def found(entries, folder="/set") -> ListedCases | None:
    return listed_cases(folder, RawDataset({0: "CT"}, {}, facts={"dataset": entries}))


def test_paths_are_those_that_nnunet_opens(monkeypatch):
    monkeypatch.setenv("ONCOHORT_T", "/mnt/t")
    monkeypatch.delenv("ONCOHORT_UNSET", raising=False)
    (case,) = found({"a": {"images": [*PATHS, *UNSET], "label": "labelsTr/a.nii.gz"}}).cases
    assert [file.path for file in case.files] == [
        *map(Path, ("/set/a.nii.gz", "/set/b.nii.gz", "/c.nii.gz", "/data/d.nii.gz", "/mnt/t/e.nii.gz")),
        *map(Path, ("/mnt/tf.nii.gz", "/set/$ONCOHORT_UNSET/g.nii.gz", "/set/h$.nii.gz", "/set")),
        Path("/set/labelsTr/a.nii.gz"),
    ]
    assert [file.variables for file in case.files] == [(), (), (), (), *[("ONCOHORT_T",)] * 2, (), (), (), ()]
    assert [file.place for file in case.files][:2] == ["images/0", "images/1"]
    assert case.files[-1].place == "label"


@pytest.mark.extras
def test_nnunet_itself_finds_the_same_files(tmp_path, monkeypatch):
    utilities = pytest.importorskip("nnunetv2.utilities.utils")
    monkeypatch.setenv("ONCOHORT_T", "/mnt/t")
    entries = {"a": {"images": [*PATHS, *UNSET], "label": "labelsTr/a.nii.gz"}}
    (case,) = found(entries, tmp_path).cases
    theirs = utilities.get_filenames_of_train_images_and_targets(str(tmp_path), {"dataset": entries})
    assert [file.path for file in case.images] == [Path(path) for path in theirs["a"]["images"]]
    assert case.label.path == Path(theirs["a"]["label"])


def test_an_entry_of_another_form_is_named_with_what_it_is():
    good = {"images": ["a.nii.gz"]}
    entries = {
        "": good,
        "n" * 201: good,
        "half \ud800": good,
        "list": [],
        "none": None,
        "no images": {"label": "a"},
        "text": {"images": "a.nii.gz"},
        "number": {"images": ["a", 7]},
        "label": {"images": ["a"], "label": ["a"]},
        "flag": {"images": ["a"], "label": False},
        "long": {"images": ["a" * 4097]},
        "variables": {"images": ["$A" * 17]},
        "nul": {"images": ["a\0b"]},
        "half": {"images": ["${\udcff}"]},
        "ok": {"images": [], "label": None, "more": 1},
    }
    listed = found(entries)
    assert [case.stem for case in listed.cases] == ["ok"]
    assert listed.cases[0].files == ()
    assert dict(listed.broken) == {
        "": "a name of 0 characters",
        "n" * 201: "a name of 201 characters",
        "half \ud800": "a name that is no text",
        "list": "no object but list",
        "none": "no object but NoneType",
        "no images": "images are no list but NoneType",
        "text": "images are no list but str",
        "number": "images/1 is no path but int",
        "label": "label is no path but list",
        "flag": "label is no path but bool",
        "long": "images/0 has 4097 characters",
        "variables": "images/0 has more than 16 variables",
        "nul": "images/0 is no text",
        "half": "images/0 is no text",
    }


def test_no_list_and_what_is_none():
    assert listed_cases("/set", RawDataset({0: "CT"}, {})) is None
    assert found({}) == ListedCases()
    for value in ("name", [], None, 3):
        with pytest.raises(FormatError, match=f"type {type(value).__name__}"):
            found(value)
    with pytest.raises(FormatError, match="1000000"):
        found({"a": {"images": ["a"] * 1_000_000}})


def test_a_path_of_variables_stays_quick(monkeypatch):
    monkeypatch.setenv("ONCOHORT_T", "x" * 100_000)
    (case,) = found({"a": {"images": ["$ONCOHORT_T" * 16]}}).cases
    assert len(os.fspath(case.images[0].path)) == 16 * 100_000 + len("/set/")
