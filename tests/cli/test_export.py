"""`oncohort export` in every format: each flag reaches its layout, and exit codes say what became of the cases."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from box_cohorts import box, box_cohort, on_disk
from oncohort import read_volume
from oncohort.cli import run_command
from small_cohorts import write_small_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "cohort"
    write_small_cohort(folder)
    return folder


@pytest.fixture(scope="module")
def lungs(tmp_path_factory):
    rows = [box("a", (1, 3, 2, 4, 0, 1)), box("a", (1, 3, 2, 4, 0, 1), reader="s"), box("b", (0, 2, 0, 2, 4, 5))]
    return on_disk(box_cohort(rows), tmp_path_factory.mktemp("boxes") / "cohort").root


def test_every_format_has_a_section():
    from oncohort.cli.exports import export

    formats = {name for name in export if not name.startswith("-")}
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## `([a-z-]+)`$", page, re.M)) == formats
    overview = page[: page.index("\n## ")]
    assert set(re.findall(r"\[`([a-z-]+)`\]\(#", overview)) == formats


def export(capsys, *words):
    code = run_command(["export", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_format_stands_on_either_side_of_the_cohort(capsys, cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "csv").symlink_to(cohort)
    given = {"csv": [("csv", cohort), (cohort, "csv"), ("csv", "csv")], "mha": [("csv", "mha"), ("mha", "csv")]}
    for layout, orders in given.items():
        for number, words in enumerate(orders):
            code, document = export(capsys, *words, "--out", tmp_path / f"{layout}-{number}")
            assert (code, document["format"]) == (0, layout)


def test_what_is_no_format_is_answered_with_those_there_are(capsys, cohort):
    for words in ((cohort, "nope"), (cohort, "--out", "x"), (cohort,), ("nope", cohort)):
        code, document = export(capsys, *words)
        assert (code, "nndetection" in document["error"]["expected"]) == (64, True)
    for words in (["export", str(cohort), "--help"], ["export", str(cohort), "csv", "--help"]):
        assert run_command(words) == 0
        assert capsys.readouterr().out.startswith("Usage: oncohort export COHORT")


def test_mha(capsys, cohort, tmp_path):
    words = ("--roles", "pet=pet-suv", "--mask-slug", "masks", "--union", "any", "--names", "uuid")
    assert export(capsys, "mha", cohort, "--out", tmp_path / "out", *words)[0] == 0
    record = json.loads((tmp_path / "out/oncohort.json").read_text())
    assert record["labels"]["exported"] == {"any": 1}
    written = record["cases"]["B/1"]
    assert written["pet"].startswith("images/pet-suv/")
    assert read_volume(tmp_path / "out" / written["lesions"]).array.max() == 1
    assert export(capsys, "mha", cohort, "--out", tmp_path / "none", "--no-masks", "--roles", "ct")[0] == 0
    assert sorted(path.name for path in (tmp_path / "none/images").iterdir()) == ["ct"]


def test_nnunet_with_channels_of_prompts(capsys, cohort, tmp_path):
    words = ("--id", "3", "--name", "P", "--channels", "pet,prompts.foreground,prompts.background")
    code, document = export(capsys, "nnunet", cohort, "--out", tmp_path / "undeclared", *words)
    assert (code, "--prompt-encoding" in document["error"]["remedy"]) == (64, True)
    for more in (["--prompt-step", "0"], ["--prompt-origin", "R1"]):
        assert export(capsys, "nnunet", cohort, "--out", tmp_path / "half", *words[:4], *more)[0] == 64
    for wrong in ("gauss", "gaussian", "gaussian:sigma=0", "disk:sigma=1"):
        code, document = export(capsys, "nnunet", cohort, "--out", tmp_path / "no", *words, "--prompt-encoding", wrong)
        assert (code, document["error"]["where"]) == (64, "--prompt-encoding")
    words = (*words, "--prompt-encoding", "inverted-edt:limit=4,unit=mm,scale=2", "--prompt-step")
    assert export(capsys, "nnunet", cohort, "--out", tmp_path / "none", *words, "1")[0] == 64
    assert export(capsys, "nnunet", cohort, "--out", tmp_path / "out", *words, "0")[0] == 0
    record = json.loads((tmp_path / "out/Dataset003_P/oncohort.json").read_text())
    drawn = {"encoding": "inverted-edt", "size": 4.0, "unit": "mm", "scale": 2.0}
    assert record["settings"]["prompts"] == {**drawn, "step": 0, "origin": None}
    assert read_volume(tmp_path / "out/Dataset003_P/imagesTr/A_0001.nii.gz").array.max() == 0


def test_pants(capsys, cohort, tmp_path):
    words = ("--label-role", "lesions", "--image-role", "pet")
    code, document = export(capsys, "pants", cohort, "--out", tmp_path / "no", *words)
    assert code == 64
    assert "lesion" in document["error"]["found"]
    words = (*words, "--rename", "lesion=pancreatic_lesion")
    assert export(capsys, "pants", cohort, "--out", tmp_path / "out", *words)[0] == 0
    assert (tmp_path / "out/LabelTr/PanTS_00000002/segmentations/pancreatic_lesion.nii.gz").is_file()
    assert export(capsys, "pants", cohort, "--out", tmp_path / "bad", "--rename", "lesion")[0] == 64


def test_monai(capsys, cohort, lungs, tmp_path):
    words = ("--channels", "pet", "--images", "copy")
    assert export(capsys, "monai", cohort, "--out", tmp_path / "out", *words)[0] == 0
    entry = json.loads((tmp_path / "out/dataset.json").read_text())["training"][0]
    assert entry == {"image": "images/A_pet.nii.gz", "label": "labels/A.nii.gz"}
    assert export(capsys, "monai", cohort, "--out", tmp_path / "grids")[0] == 2  # the CT has a grid of its own
    words = ("--task", "detection", "--channels", "ct")
    code, document = export(capsys, "monai", lungs, "--out", tmp_path / "readers", *words)
    assert (code, "r, s" in document["error"]["found"]) == (64, True)


def test_nndetection(capsys, cohort, tmp_path):
    words = ("--id", "3", "--name", "S", "--channels", "pet")
    assert export(capsys, "nndetection", cohort, "--out", tmp_path / "out", *words)[0] == 0
    raw = tmp_path / "out/Task003_S/raw_splitted"
    instances = read_volume(raw / "labelsTr/A.nii.gz").array
    named = json.loads((raw / "labelsTr/A.json").read_text())["instances"]
    assert sorted(map(int, named)) == np.unique(instances[instances > 0]).tolist()


def test_bids(capsys, cohort, tmp_path):
    code, document = export(capsys, "bids-pet", cohort, "--out", tmp_path / "no")
    assert code == 2
    assert "Bq/ml" in document["error"]["found"]
    words = ("--activity", "if-known", "--no-ct", "--no-masks")
    assert export(capsys, "bids-pet", cohort, "--out", tmp_path / "out", *words)[0] == 0
    names = sorted(path.name for path in (tmp_path / "out").rglob("*.nii.gz"))
    assert names == ["sub-A_ses-1_trc-FDG_desc-suv_pet.nii.gz", "sub-B_ses-1_trc-FDG_desc-suv_pet.nii.gz"]


def test_boxes_and_tables(capsys, cohort, lungs, tmp_path):
    for name, file in (("coco", "instances.json"), ("voc", "Annotations/b_ct_0004.xml")):
        words = (name, lungs, "--role", "ct", "--slices", "boxed", "--reader", "r")
        assert export(capsys, *words, "--out", tmp_path / name) == (
            0,
            {"out": str(tmp_path / name), "format": name, "cases": ["a", "b"], "failed": {}},
        )
        assert (tmp_path / name / file).is_file()
    assert export(capsys, "csv", cohort, "--out", tmp_path / "csv", "--raw")[0] == 0
    assert (tmp_path / "csv/cases.csv").read_text().startswith("case,patient,")


def test_a_case_that_is_left_out_is_named_and_gives_exit_code_1(capsys, tmp_path):
    write_small_cohort(tmp_path / "cohort", without=[("B/1", "pet")])
    words = ["export", "mha", str(tmp_path / "cohort"), "--out", str(tmp_path / "out")]
    assert run_command(words) == 1
    told = capsys.readouterr().err
    assert "not exported: B/1" in told
    assert "1 cases" in told
