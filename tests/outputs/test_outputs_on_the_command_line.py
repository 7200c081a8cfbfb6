"""`oncohort rank --format` in the forms of other tools, and `oncohort profile methods`."""

import json

import pytest
from organ_cohort import score_organs
from pants_cohort import published

from oncohort import __version__
from oncohort.cli.app import run_command
from oncohort.evaluation.score_folder import write_scores
from oncohort.outputs import methods_paragraph
from oncohort.profiles import list_profiles, load_profile


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("organs")
    _, scores = score_organs(root)
    write_scores(root / "scores", scores)
    return root


def call(capsys, *arguments):
    code = run_command([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_nnunet_with_the_cohort_holds_counts(capsys, folder, tmp_path):
    code, out, err = call(
        capsys,
        *("rank", folder / "scores", "--bootstrap", 5, "--format", "nnunet"),
        *("--out", tmp_path / "n", "--cohort", folder / "cohort"),
    )
    assert (code, out) == (0, "")
    assert f"written: {tmp_path / 'n/second/summary.json'}; no usable prediction: D" in err
    assert json.loads((tmp_path / "n/first/summary.json").read_text())["mean"]["5"].keys() >= {"Dice", "TP", "n_ref"}


@pytest.mark.parametrize("form", ["nnunet", "grand-challenge", "challenger"])
def test_several_files_need_a_folder(capsys, folder, tmp_path, form):
    code, _, err = call(capsys, "rank", folder / "scores", "--bootstrap", 5, "--format", form)
    assert code == 64
    assert "--out" in err
    code, out, err = call(
        capsys, "rank", folder / "scores", "--bootstrap", 5, "--format", form, "--out", tmp_path, "--json"
    )
    assert code == 0
    assert json.loads(out)["aggregates"]
    assert f"written: {tmp_path}" in err


def test_pants_row_is_text(capsys, tmp_path):
    write_scores(tmp_path / "scores", published())
    code, out, _ = call(capsys, "rank", tmp_path / "scores", "--bootstrap", 20, "--format", "pants-row")
    assert code == 0
    assert "| MedFormer | 80.8 (122/151) | 75.2 (121/161) | 90.0 (675/750) | " in out
    assert out.endswith("Scored by the profile voxels, version 3.\n")
    file = tmp_path / "row.md"
    call(capsys, "rank", tmp_path / "scores", "--bootstrap", 20, "--format", "pants-row", "--out", file)
    assert file.read_text() == out


def test_pants_row_of_other_scores_is_refused(capsys, folder):
    code, out, err = call(capsys, "rank", folder / "scores", "--bootstrap", 5, "--format", "pants-row")
    assert (code, out) == (2, "")
    assert "PanTS" in err


@pytest.mark.parametrize("name", list_profiles())
def test_the_methods_of_every_profile_are_printed(capsys, name):
    expected = methods_paragraph(load_profile(name), software=f"Oncohort {__version__}")
    assert call(capsys, "profile", "methods", name) == (0, f"{expected}\n", "")
    assert json.loads(call(capsys, "profile", "methods", name, "--json")[1]) == {"methods": expected}


def test_methods_of_an_unknown_profile_are_an_error(capsys):
    assert call(capsys, "profile", "methods", "nobody")[0] == 64
