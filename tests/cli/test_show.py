"""`oncohort show`: files, answers and exit codes."""

import json

import pytest

from oncohort.cli import run_command
from small_cohorts import write_small_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown") / "cohort"
    write_small_cohort(folder)
    return folder


def call(capsys, *arguments):
    capsys.readouterr()
    code = run_command(["show", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_picture_gets_the_name_of_the_case(capsys, cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, cohort, "B/1", "--planes", "axial")
    assert (code, out) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["B%2F1.png"]
    assert "picture: B%2F1.png" in err


def test_json_says_what_is_shown(capsys, cohort, tmp_path):
    flags = ("--out", tmp_path / "a.png", "--window", "lung,bone", "--suv", "0,5", "--planes", "axial,mip")
    code, out, _ = call(capsys, cohort, "A", *flags, "--at", "1,2,3", "--roles", "ct,pet", "--timepoints", 1, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["out"] == str(tmp_path / "a.png")
    assert (found["windows"], found["suv"], found["planes"]) == (["lung", "bone"], [0.0, 5.0], ["axial", "mip"])
    assert (found["at"], found["structures"]) == ("voxel 1, 2, 3", [])


def test_predictions_are_named(capsys, cohort, tmp_path):
    (tmp_path / "net").mkdir()
    flags = ("--predictions", f"mine={tmp_path / 'net'}", "--predictions", tmp_path / "net", "--planes", "axial")
    code, out, _ = call(capsys, cohort, "A", *flags, "--out", tmp_path / "a.html", "--json")
    assert code == 0
    assert json.loads(out)["missing_predictions"] == ["mine", "net"]
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "flags",
    [
        ("--window", "chest"),
        ("--suv", "5"),
        ("--suv", "a,b"),
        ("--suv", "9,1"),
        ("--planes", "up"),
        ("--at", "here"),
        ("--roles", "mr"),
        ("--timepoints", "0"),
        ("--out", "a.gif"),
    ],
)
def test_wrong_usage(capsys, cohort, tmp_path, monkeypatch, flags):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, cohort, "A", *flags, "--json")
    assert code == 64
    assert "error" in json.loads(out)
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_nothing_can_be_shown_of_an_unknown_case(capsys, cohort):
    code, out, _ = call(capsys, cohort, "Z", "--json")
    assert code == 2
    assert json.loads(out)["error"]["found"] == "'Z'"
