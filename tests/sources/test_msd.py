"""Tasks of the Decathlon: lists, four axes, hidden files, and every file damaged in turn."""

import gzip
import json
import os
import shutil
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from oncohort.errors import FormatError, SettingsError
from oncohort.ingestion import ingest
from oncohort.sources import SOURCES, detect_source

SOURCE = SOURCES["msd"]
SHAPE = (5, 4, 3)
AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])

PANCREAS = {
    "name": "Pancreas",
    "description": "Pancreas and cancer segmentation",
    "reference": "Memorial Sloan Kettering Cancer Center",
    "licence": "CC-BY-SA 4.0",
    "release": "1.0 04/05/2018",
    "tensorImageSize": "3D",
    "modality": {"0": "CT"},
    "labels": {"0": "background", "1": "pancreas", "2": "cancer"},
    "numTraining": 2,
    "numTest": 1,
    "training": [
        {"image": "./imagesTr/pancreas_290.nii.gz", "label": "./labelsTr/pancreas_290.nii.gz"},
        {"image": "./imagesTr/pancreas_001.nii.gz", "label": "./labelsTr/pancreas_001.nii.gz"},
    ],
    "test": ["./imagesTs/pancreas_002.nii.gz"],
}
BRAIN = {
    **PANCREAS,
    "name": "BRATS",
    "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
    "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
    "training": [{"image": "./imagesTr/BRATS_457.nii.gz", "label": "./labelsTr/BRATS_457.nii.gz"}],
    "test": [],
}


def blob(array, affine=AFFINE):
    return gzip.compress(nib.Nifti1Image(array, affine).to_bytes(), 1, mtime=0)


CT = np.arange(60, dtype=np.int16).reshape(SHAPE)
MASK = (CT % 3).astype(np.uint8)
MR = np.stack([CT + 1000 * channel for channel in range(4)], axis=-1).astype(np.int16)


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def task(tmp_path):
    root = tmp_path / "Task07_Pancreas"
    put(root / "dataset.json", json.dumps(PANCREAS).encode())
    for case in ("pancreas_290", "pancreas_001"):
        put(root / "imagesTr" / f"{case}.nii.gz", blob(CT))
        put(root / "labelsTr" / f"{case}.nii.gz", blob(MASK))
        put(root / "imagesTr" / f"._{case}.nii.gz", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    put(root / "imagesTs" / "pancreas_002.nii.gz", blob(CT))
    put(root / "._dataset.json", b"\x00\x05\x16\x07")
    return root


@pytest.fixture
def brain(tmp_path):
    root = tmp_path / "Task01_BrainTumour"
    put(root / "dataset.json", json.dumps(BRAIN).encode())
    put(root / "imagesTr" / "BRATS_457.nii.gz", blob(MR))
    put(root / "labelsTr" / "BRATS_457.nii.gz", blob(MASK))
    return root


def met(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() or path.is_symlink()}


def accounted(root):
    plan = SOURCE.plan(root)
    results = [SOURCE.convert(case, root) for case in plan.cases]
    refused = {one["path"]: one["reason"] for one in plan.refused}
    refused |= {one["path"]: one["reason"] for result in results for one in result["refused"]}
    used = {os.path.relpath(stamp.path, root) for case in plan.cases for stamp in case.files} - set(refused)
    findings = [*(one for case in plan.cases for one in case.findings), *(f for r in results for f in r["findings"])]
    return plan, results, used, refused, {one["rule"] for one in findings}


def test_a_task_becomes_cases_and_hidden_files_are_no_images(task, tmp_path):
    assert detect_source(task).name == "msd"
    cohort = ingest("auto", task, out=tmp_path / "cohort")
    assert cohort.case_ids == ("pancreas_001", "pancreas_290", "pancreas_002")
    assert cohort.tables.cases["split"].to_list() == ["train", "train", "test"]
    assert set(cohort.tables.cases["licence"]) == {"CC-BY-SA 4.0"}
    assert cohort.facts.source_version == "1.0 04/05/2018"
    assert dict(cohort.scheme.labels) == {"pancreas": 1, "cancer": 2}
    assert set(cohort.tables.refused["path"]) == {
        "._dataset.json",
        "imagesTr/._pancreas_001.nii.gz",
        "imagesTr/._pancreas_290.nii.gz",
    }
    assert set(cohort.tables.refused["reason"]) == {"not part of the layout"}
    case = cohort["pancreas_290"]
    assert case.roles == ("ct", "organs")
    assert np.array_equal(case.image("ct").array, CT)
    assert np.array_equal(case.label_map("organs").mask("cancer"), MASK == 2)
    assert cohort["pancreas_002"].roles == ("ct",)
    assert cohort.tables.findings["rule"].to_list() == ["msd_lesions_among_organs"]


def test_modalities_along_the_fourth_axis_are_roles_by_name(brain, tmp_path):
    cohort = ingest("auto", brain, out=tmp_path / "cohort")
    case = cohort["BRATS_457"]
    assert case.roles == ("flair", "t1w", "t1gd", "t2w", "organs")
    for channel, role in enumerate(("flair", "t1w", "t1gd", "t2w")):
        assert np.array_equal(case.image(role).array, MR[..., channel])
        assert case.image(role).geometry == case.label_map("organs").geometry


@pytest.mark.parametrize(
    ("array", "reason"),
    [(MR[..., :3], "other channels"), (CT, "other channels"), (np.zeros((*SHAPE, 2, 2), np.int16), "unreadable")],
)
def test_images_with_another_number_of_channels_are_refused(brain, array, reason):
    put(brain / "imagesTr" / "BRATS_457.nii.gz", blob(array))
    _, _, used, refused, _ = accounted(brain)
    assert refused == {"imagesTr/BRATS_457.nii.gz": reason, "labelsTr/BRATS_457.nii.gz": "case refused"}
    assert used == {"dataset.json"}


def test_a_channel_that_is_not_there_any_more_is_an_error(brain, tmp_path):
    cohort = ingest("msd", brain, out=tmp_path / "cohort")
    put(brain / "imagesTr" / "BRATS_457.nii.gz", blob(MR[..., :2]))
    assert np.array_equal(cohort["BRATS_457"].image("t1w").array, MR[..., 1])
    with pytest.raises(FormatError, match="fourth axis of at least 4"):
        cohort["BRATS_457"].image("t2w")


def test_the_list_says_which_label_belongs_to_an_image(task):
    listed = json.loads((task / "dataset.json").read_text())
    listed["training"][0]["label"] = "./labelsTr/other.nii.gz"
    (task / "labelsTr" / "pancreas_290.nii.gz").rename(task / "labelsTr" / "other.nii.gz")
    (task / "dataset.json").write_text(json.dumps(listed))
    _, results, used, _, rules = accounted(task)
    assert "labelsTr/other.nii.gz" in used
    assert rules == {"msd_lesions_among_organs"}
    assert all(len(result["volumes"]) == (2 if "002" not in result["case"]["case"] else 1) for result in results)


@pytest.mark.parametrize(
    ("training", "rule"),
    [
        ([], "msd_not_listed"),
        ("all", "msd_not_listed"),
        ([3, None, {"label": 4}, ["x"]], "msd_not_listed"),
        ([*PANCREAS["training"], {"image": "./imagesTr/gone.nii.gz"}], "msd_listed_without_file"),
        ([*PANCREAS["training"], {"image": "../../etc/passwd", "label": "/etc/passwd"}], "msd_listed_without_file"),
    ],
)
def test_lists_that_do_not_fit_the_files_are_findings(task, training, rule):
    (task / "dataset.json").write_text(json.dumps({**PANCREAS, "training": training}))
    plan, _, used, refused, rules = accounted(task)
    assert rules == {"msd_lesions_among_organs", rule}
    assert len(plan.cases) == 3
    assert used | set(refused) == met(task)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"labels": {}}', '{"modality": {"0": "CT"}, "labels": {"a": "x"}}'])
def test_a_damaged_description_is_refused(task, text):
    (task / "dataset.json").write_text(text)
    with pytest.raises(FormatError):
        SOURCE.plan(task)


def test_nnunet_folders_are_not_this_layout(task, tmp_path):
    for path in list((task / "imagesTr").iterdir()):
        path.rename(path.with_name(path.name.replace(".nii.gz", "_0000.nii.gz")))
    for path in list((task / "imagesTs").iterdir()):
        path.rename(path.with_name(path.name.replace(".nii.gz", "_0000.nii.gz")))
    assert detect_source(task).name == "nnunet"
    assert not SOURCE.detect(tmp_path)
    with pytest.raises(SettingsError):
        SOURCE.plan(task, roi=["cancer"])


# --- every file damaged in turn --------------------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("no image")


def renamed(path):
    path.rename(path.with_name(f"my {path.name}"))


def hidden(path):
    path.rename(path.with_name(f"._x{path.name}"))


def moved(path):
    put(path.parent / "deeper" / path.name, path.read_bytes())
    path.unlink()


def a_folder(path):
    path.unlink()
    put(path / "inside", b"x")


def a_lost_link(path):
    path.unlink()
    path.symlink_to("nowhere")


def four_axes(path):
    path.write_bytes(blob(np.zeros((*SHAPE, 2), np.uint8)))


def other_grid(path):
    path.write_bytes(blob(np.zeros(SHAPE, np.uint8), np.diag([-0.8, -0.8, 3.0, 1.0])))


def no_affine(path):
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[252:256] = struct.pack("<hh", 0, 0)
    path.write_bytes(gzip.compress(data))


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, cut, empty, text, renamed, hidden, moved, a_folder, a_lost_link, four_axes, other_grid, no_affine],
    ids=lambda damage: damage.__name__,
)
@pytest.mark.parametrize("name", ["imagesTr/pancreas_290", "labelsTr/pancreas_290", "imagesTs/pancreas_002"])
def test_every_file_damaged_in_turn(task, tmp_path, damage, name):
    path = task / f"{name}.nii.gz"
    before = met(task)
    damage(path)
    _, results, used, refused, rules = accounted(task)
    assert used | set(refused) == met(task)
    untouched = {one for one in before if "001" in one and "._" not in one}
    assert untouched <= used
    if damage is other_grid and "images" in name:
        assert "labelsTr/pancreas_290.nii.gz" in {**refused, **dict.fromkeys(used)}
    else:
        assert f"{name}.nii.gz" not in used
    if "label" in name:
        assert "msd_no_label" in rules
    cohort = ingest("msd", task, out=tmp_path / "cohort")
    assert "pancreas_001" in cohort
    for case in cohort:
        for role in case.roles:
            assert case[role].geometry.shape == SHAPE
    assert len(results) >= 2


def test_other_files_are_refused_with_reasons(task):
    put(task / "readme.txt", b"text")
    put(task / "labelsTr" / "pancreas_777.nii.gz", blob(MASK))
    put(task / "imagesTs" / "pancreas_290.nii.gz", blob(CT))
    put(task / "more" / "pancreas_1.nii.gz", blob(CT))
    shutil.copy(task / "imagesTr" / "pancreas_001.nii.gz", task / "stray.nii.gz")
    _, _, used, refused, _ = accounted(task)
    assert used | set(refused) == met(task)
    assert {name: reason for name, reason in refused.items() if "._" not in name} == {
        "readme.txt": "not part of the layout",
        "labelsTr/pancreas_777.nii.gz": "no images",
        "imagesTs/pancreas_290.nii.gz": "duplicate case",
        "more/pancreas_1.nii.gz": "not part of the layout",
        "stray.nii.gz": "not part of the layout",
    }
