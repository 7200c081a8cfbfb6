"""Data sets whose `dataset.json` lists the training cases: files anywhere, every one of them used or refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from oncohort.errors import FormatError, InputError
from oncohort.formats import write_volume
from oncohort.formats.nnunet_raw import image_path, label_path
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.refusals import NO_IMAGE_REASONS, REMEDIES
from oncohort.sources.nnunet.source import NnunetSource
from oncohort.sources.registry import detect_source
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((4, 3, 2), np.diag([-2.0, -2.0, 3.0, 1.0]))
LABEL = "labelsTr/{}.nii.gz"


def put(path: Path, value: int = 1, grid: Geometry = GRID) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, Volume.from_array(np.full(grid.shape, value, np.int16), grid, Unit.NONE))
    return str(path)


def entry(root: Path, case: str) -> dict:
    """Files of one case: CT and PET beside the folder, the label map in it; and how the list names them."""
    ct = put(root.parent / "images" / case / "ct.nii.gz", -50)
    put(root.parent / "images" / case / "pet.nii.gz", 3)
    put(label_path(root, case))
    return {"images": [ct, f"../images/{case}/pet.nii.gz"], "label": LABEL.format(case)}


def describe(root: Path, entries, **more) -> None:
    root.mkdir(parents=True, exist_ok=True)
    document = {"channel_names": {"0": "CT", "1": "PET"}, "labels": {"background": 0, "lesion": 1}, **more}
    document |= {"file_ending": ".nii.gz", "numTraining": 1, "dataset": entries}
    (root / "dataset.json").write_text(json.dumps(document))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "Dataset001_T"


def read(root: Path):
    """Plan, results, and reasons by path; every file of the folder is used or refused, and used only if it was met."""
    source = NnunetSource()
    plan = source.plan(root)
    results = [source.convert(case, root / "nowhere") for case in plan.cases]
    rows = [*plan.refused, *(row for result in results for row in result["refused"])]
    used = {os.path.relpath(stamp.path, root) for case in plan.cases for stamp in case.files}
    met = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    refused = {row["path"] for row in rows}
    assert met <= used | refused | {"dataset.json"}
    assert used & {row["path"] for row in plan.refused} == set()
    assert len({row["path"] for row in plan.refused}) == len(plan.refused)
    assert {row["reason"] for row in rows} <= NO_IMAGE_REASONS | set(REMEDIES)
    json.dumps([results, rows]).encode()
    return plan, results, {row["path"]: row["reason"] for row in rows}


def detail(plan, path):
    return next(row["detail"] for row in plan.refused if row["path"] == path)


def test_named_files_are_used_wherever_they_lie(root):
    describe(root, {"b": entry(root, "b"), "a%2F1": entry(root, "a/1")} | {"c": entry(root, "c")})
    listed = json.loads((root / "dataset.json").read_text())
    listed["dataset"]["a%2F1"]["label"] = "labelsTr/a%2F1.nii.gz"
    listed["dataset"]["c"].pop("label")
    (root / "dataset.json").write_text(json.dumps(listed))
    label_path(root, "c").unlink()
    plan, results, refused = read(root)
    assert refused == {}
    assert [case.case for case in plan.cases] == ["a/1", "b", "c"]
    images = root.parent / "images"
    assert [(row["role"], row["path"], row["unit"]) for row in results[1]["volumes"]] == [
        ("ct", str(images / "b" / "ct.nii.gz"), "HU"),
        ("pet", str(images / "b" / "pet.nii.gz"), "SUVbw"),
        ("lesions", str(root / "labelsTr" / "b.nii.gz"), "label"),
    ]
    assert [finding["rule"] for case in plan.cases for finding in case.findings] == ["nnunet_no_label"]
    assert plan.cases[2].findings[0]["path"] == "dataset.json#/dataset/c/label"
    assert "dataset" not in plan.meta["dataset"]


def test_the_folder_is_known_by_its_labels_and_read_as_a_cohort(root, tmp_path):
    describe(root, {"a": entry(root, "a")})
    assert detect_source(root).name == "nnunet"
    cohort = ingest("auto", root, out=tmp_path / "cohort")
    assert cohort["a"].image("pet").array.max() == 3
    assert cohort["a"].image("pet").geometry.is_same_grid(GRID)


def test_files_of_the_folder_that_the_list_does_not_name_are_no_training_cases(root):
    describe(root, {"a": entry(root, "a")})
    for number in (0, 1):
        put(image_path(root, "other", number))
        put(image_path(root, "t", number, split="test"))
    put(label_path(root, "other"))
    put(label_path(root, "t", split="test"))
    (root / "imagesTr" / "notes.txt").write_text("mine")
    plan, _, refused = read(root)
    assert [(case.case, case.row["split"]) for case in plan.cases] == [("a", "train"), ("t", "test")]
    assert refused == {
        "imagesTr/other_0000.nii.gz": "not listed",
        "imagesTr/other_0001.nii.gz": "not listed",
        "labelsTr/other.nii.gz": "not listed",
        "imagesTr/notes.txt": "not part of the layout",
    }
    describe(root, {})
    plan, _, refused = read(root)
    assert [case.case for case in plan.cases] == ["t"]
    assert refused["labelsTr/a.nii.gz"] == "not listed"


def test_a_file_of_the_folder_has_its_name_there_however_the_list_calls_it(root, tmp_path):
    names = entry(root, "a")
    (tmp_path / "link").symlink_to(root)
    names["label"] = str(tmp_path / "link" / "labelsTr" / "a.nii.gz")
    describe(root, {"a": names})
    _, results, refused = read(root)
    assert refused == {}
    assert results[0]["volumes"][2]["path"] == str(root / "labelsTr" / "a.nii.gz")


def test_cases_may_share_files_and_take_those_of_a_test_case(root):
    describe(root, {})
    for number in (0, 1):
        put(image_path(root, "t", number, split="test"))
    images = ["imagesTs/t_0000.nii.gz", "imagesTs/t_0001.nii.gz"]
    put(label_path(root, "t", split="test"))
    put(root / "labelsTr" / "2.nii.gz")
    lists = {"t": {"images": images, "label": "labelsTs/t.nii.gz"}, "2": {"images": images, "label": LABEL.format("2")}}
    describe(root, lists)
    plan, _, refused = read(root)
    assert [(case.case, case.row["split"]) for case in plan.cases] == [("2", "train"), ("t", "train")]
    assert refused == {}
    lists["2"]["label"] = "gone.nii.gz"
    describe(root, lists)
    _, _, refused = read(root)
    assert refused == {"dataset.json#/dataset/2/label": "missing file", "labelsTr/2.nii.gz": "not listed"}


def hostile(root: Path) -> dict:
    """What a list can name beside images, by the reason that it is refused with."""
    os.mkfifo(root.parent / "pipe.nii.gz")
    good = entry(root, "good")
    ct = good["images"][0]
    return {
        "good": good,
        "missing file/gone": {"images": [ct, "gone.nii.gz"], "label": None},
        "missing file/folder": {"images": [ct, ""]},
        "missing file/device": {"images": [ct, "/dev/zero"]},
        "missing file/pipe": {"images": [ct, "../pipe.nii.gz"]},
        "missing file/below a file": {"images": [ct, f"{ct}/x.nii.gz"]},
        "missing file/long": {"images": [ct, "x" * 4000]},
        "missing file/label": {"images": [ct, ct], "label": "labelsTr/gone.nii.gz"},
        "missing channel/one": {"images": [ct]},
        "missing channel/none": {"images": []},
        "unknown channel/three": {"images": [ct, ct, ct]},
        "broken entry/type": {"images": {"0": ct}},
        "broken entry/half \ud800": {"images": [ct, ct]},
        "unreadable/text": {"images": [ct, "/etc/hostname"]},
        "unreadable/process": {"images": [ct, "/proc/self/environ"]},
        "unreadable/itself": {"images": [ct, "dataset.json"]},
    }


def test_what_is_no_image_is_refused_with_its_case(root):
    root.mkdir(parents=True)
    describe(root, hostile(root))
    plan, results, refused = read(root)
    assert [result["case"]["case"] for result in results if result["case"]] == ["good"]
    pointed = {path: reason for path, reason in refused.items() if path.startswith("dataset.json#/dataset/")}
    assert len(pointed) == 12
    assert all(path.startswith(f"dataset.json#/dataset/{reason}~1") for path, reason in pointed.items())
    assert "'gone.nii.gz': No such file" in detail(plan, "dataset.json#/dataset/missing file~1gone/images/1")
    assert "no plain file" in detail(plan, "dataset.json#/dataset/missing file~1device/images/1")
    assert "lacks channel 0001 (PET)" in detail(plan, "dataset.json#/dataset/missing channel~1one/images")
    assert all(f"case {path.split('/')[2].replace('~1', '/')}" in detail(plan, path) for path in pointed)
    assert (
        sorted(reason for path, reason in refused.items() if path not in pointed)
        == ["case refused"] + ["unreadable"] * 3
    )


def test_files_of_a_refused_entry_are_accounted_for(root):
    good, bad = entry(root, "good"), entry(root, "bad")
    describe(root, {"good": good, "bad": {**bad, "images": [good["images"][0], bad["images"][0], bad["images"][1]]}})
    plan, _, refused = read(root)
    assert refused == {
        "dataset.json#/dataset/bad/images": "unknown channel",
        "labelsTr/bad.nii.gz": "case refused",
        "../images/bad/ct.nii.gz": "case refused",
        "../images/bad/pet.nii.gz": "case refused",
    }
    assert "case bad: unknown channel" in detail(plan, "labelsTr/bad.nii.gz")


def test_an_image_on_another_grid_refuses_its_case_alone(root):
    good, bad = entry(root, "good"), entry(root, "bad")
    put(Path(bad["images"][0]), grid=Geometry((4, 3, 3), GRID.affine))
    describe(root, {"good": good, "bad": bad})
    _, results, refused = read(root)
    assert [result["case"] is None for result in results] == [True, False]
    assert refused["../images/bad/pet.nii.gz"] == "other grid"
    assert refused["labelsTr/bad.nii.gz"] == refused["../images/bad/ct.nii.gz"] == "case refused"


def test_two_names_of_one_case(root):
    names = entry(root, "a/b")
    names["label"] = "labelsTr/a%2Fb.nii.gz"
    describe(root, {"a/b": names, "a%2Fb": names})
    plan, _, refused = read(root)
    assert [case.case for case in plan.cases] == ["a/b"]
    assert refused == {"dataset.json#/dataset/a~1b": "duplicate case"}


def test_variables_are_replaced_as_nnunet_does_and_that_is_recorded(root, monkeypatch):
    monkeypatch.setenv("ONCOHORT_T", str(root.parent / "images"))
    monkeypatch.setenv("ONCOHORT_SECRET", "hunter2")
    names = entry(root, "a")
    names["images"] = ["$ONCOHORT_T/a/ct.nii.gz", "${ONCOHORT_T}/a/pet.nii.gz"]
    lists = {"a": names, "b": {"images": [names["images"][0], "$ONCOHORT_SECRET"]}}
    describe(root, lists)
    plan, results, refused = read(root)
    assert results[0]["volumes"][1]["path"] == str(root.parent / "images" / "a" / "pet.nii.gz")
    (finding,) = plan.cases[0].findings
    assert (finding["rule"], finding["severity"], finding["path"]) == ("nnunet_variable", "info", "dataset.json")
    assert "$ONCOHORT_T " in finding["evidence"] and "1 case: a" in finding["evidence"]
    assert refused == {"dataset.json#/dataset/b/images/1": "missing file"}
    assert "hunter2" not in json.dumps([plan.refused, finding])
    first = plan.cases[0].key_parts()
    (root.parent / "moved").symlink_to(root.parent / "images")
    monkeypatch.setenv("ONCOHORT_T", str(root.parent / "moved"))
    assert NnunetSource().plan(root).cases[0].key_parts() != first


def test_a_value_that_is_no_text_is_refused(root, monkeypatch):
    folder = root.parent / os.fsdecode(b"f\xfc")
    folder.mkdir()
    names = entry(root, "a")
    (folder / "ct.nii.gz").symlink_to(names["images"][0])
    monkeypatch.setenv("ONCOHORT_T", str(folder))
    describe(root, {"a": {**names, "images": ["$ONCOHORT_T/ct.nii.gz", names["images"][1]]}})
    _, _, refused = read(root)
    assert refused["dataset.json#/dataset/a/images/0"] == "name is no text"


def test_a_list_that_is_none_is_an_error_and_nothing_is_written(root, tmp_path):
    describe(root, "a name")
    with pytest.raises(FormatError, match="remove the key"):
        NnunetSource().plan(root)
    describe(root, {"a": {"images": ["gone", "gone"]}})
    with pytest.raises(InputError, match="missing file: 1"):
        ingest("nnunet", root, out=tmp_path / "cohort")
    assert not (tmp_path / "cohort").exists()
