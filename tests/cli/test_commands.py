"""Every command: help, one JSON document on stdout, people on stderr, exit codes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from oncohort.cli import run_command
from oncohort.cli.output import shown_progress
from oncohort.compute import Progress
from oncohort.formats import read_volume
from oncohort.geometry import Geometry
from oncohort.profiles import load_profile
from oncohort.study import run
from oncohort.units import Unit
from study_files import RESAMPLE, Watch, save_image, save_study, write_dataset, write_patient

COMMANDS = (
    *("demo", "run", "ingest", "info", "harmonise", "split", "segment", "train"),
    *("evaluate", "rank", "sensitivity", "phantom", "convert", "suv", "verify", "show", "report"),
)
NESTED = (
    ("profile",),
    ("export",),
    ("export", "nnunet"),
    *(("profile", name) for name in ("list", "show", "methods", "page", "validate", "diff")),
)

SHOWN = {("export",): ("export", "COHORT", "FORMAT"), ("export", "nnunet"): ("export", "COHORT", "nnunet")}
"""Commands whose usage says more than their names."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished study of two tiny cases; read it, or write beside it."""
    root = tmp_path_factory.mktemp("finished")
    write_dataset(root / "data", "A", "B")
    write_patient(root / "patient")
    run(save_study(root / "study.toml"))
    return root


def call(capsys, *arguments):
    """Exit code, stdout and stderr of one call."""
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def answer(capsys, *arguments, code=0):
    """The one JSON document that a call with --json prints."""
    found, out, err = call(capsys, *arguments, "--json")
    assert found == code, err
    return json.loads(out)


@pytest.mark.parametrize("command", [(name,) for name in COMMANDS] + list(NESTED), ids=" ".join)
def test_help_names_every_flag_and_argument(capsys, command):
    code, out, err = call(capsys, *command, "--help")
    assert code == 0
    assert out.startswith(f"Usage: oncohort {' '.join(SHOWN.get(command, command))}")
    assert err == ""


def test_help_lists_exactly_the_commands_there_are(capsys):
    code, out, _ = call(capsys, "--help")
    assert code == 0
    listed = {line.split()[1] for line in out.splitlines() if line.startswith("│ ") and line[2].isalpha()}
    assert listed == {*COMMANDS, "export", "profile"}
    assert "64 wrong usage" in out


def test_no_command_shows_the_help(capsys):
    assert call(capsys)[1].startswith("Usage: oncohort COMMAND")


def test_version(capsys):
    import oncohort

    assert call(capsys, "--version")[:2] == (0, f"{oncohort.__version__}\n")


WRONG_USAGE = {
    "unknown command": ["ingst", "dicom", "x"],
    "unknown flag": ["run", "study.toml", "--fast"],
    "missing argument": ["run"],
    "missing --out": ["ingest", "dicom", "x"],
    "no number": ["phantom", "nnunet", "--out", "x", "--cases", "many"],
    "no jobs": ["run", "study.toml", "--jobs", "0"],
    "negative draws": ["rank", "x", "--bootstrap", "-1"],
    "unknown form": ["phantom", "tiff", "--out", "x"],
    "unknown source": ["ingest", "zip", "/", "--out", "x"],
    "unknown profile": ["profile", "show", "nope"],
    "missing study file": ["run", "no-such-study.toml"],
}


@pytest.mark.parametrize("arguments", WRONG_USAGE.values(), ids=WRONG_USAGE)
def test_wrong_usage_is_64_and_says_why_on_stderr(capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (64, "")
    assert len(err) > 20
    assert answer(capsys, *arguments, code=64)["error"]["found"]
    assert list(tmp_path.iterdir()) == []


WRONG_PATHS = [
    ["info", "gone"],
    ["segment", "gone", "--with", "threshold", "suv=2.5", "--out", "new"],
    ["evaluate", "gone", "gone", "--profile", "autopet-iii", "--out", "new"],
    ["ingest", "dicom", "gone", "--out", "new"],
    ["ingest", "nnunet", "gone", "--out", "new"],
    ["rank", "gone"],
    ["suv", "gone"],
]


@pytest.mark.parametrize("arguments", WRONG_PATHS, ids=lambda words: " ".join(words[:2]))
def test_a_wrong_path_is_2_and_named(capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert "gone" in err
    assert "remedy" in err
    error = answer(capsys, *arguments, code=2)["error"]
    assert set(error) == {"kind", "expected", "found", "where", "remedy"}
    assert "gone" in error["where"]
    assert list(tmp_path.iterdir()) == []


def test_run_answers_in_json(capsys, finished):
    document = answer(capsys, "run", finished / "study.toml")
    assert (document["cases"], document["refused"], document["complete"]) == (2, 0, True)
    assert {row["model"] for row in document["aggregates"]} == {"suv-2.5", "41-percent"}
    code, out, err = call(capsys, "run", finished / "study.toml")
    assert (code, out) == (0, "")
    assert "Overall ranking" in err
    assert str(finished / "results" / "report.html") in err


def test_report_is_written_again(capsys, finished):
    page = finished / "results" / "report.html"
    before = page.stat().st_mtime_ns
    assert answer(capsys, "report", finished / "study.toml") == {"report": str(page)}
    assert page.stat().st_mtime_ns > before


def test_info_shows_a_cohort(capsys, finished):
    document = answer(capsys, "info", finished / "results" / "cohort")
    assert document["cases"] == 2
    assert document["roles"] == {"pet": 2, "lesions": 2}
    _, out, err = call(capsys, "info", finished / "results" / "cohort")
    assert out == ""
    assert "lesions 2" in err


def test_verb_by_verb_gives_what_the_study_gives(capsys, finished, tmp_path):
    cohort, predictions, scores = tmp_path / "cohort", tmp_path / "suv-2.5", tmp_path / "scores"
    assert answer(capsys, "ingest", "nnunet", finished / "data", "--out", cohort)["cases"] == 2
    assert answer(capsys, "segment", cohort, "--with", "threshold", "suv=2.5", "--out", predictions)["failed"] == {}
    profile = ["--profile", "autopet-iii"]
    assert answer(capsys, "evaluate", cohort, predictions, *profile, "--out", scores)["rows"] == 2 * 4
    ranked = answer(capsys, "rank", scores, "--bootstrap", "50", "--seed", "7")["aggregates"]
    studied = answer(capsys, "run", finished / "study.toml")["aggregates"]
    mine = {row["metric"]: row["estimate"] for row in ranked if row["metric"] != "rank"}
    theirs = {row["metric"]: row["estimate"] for row in studied if row["model"] == "suv-2.5" and row["metric"] in mine}
    assert mine == theirs
    code, out, err = call(capsys, "rank", scores)
    assert (code, out) == (0, "")
    assert "aggregates.parquet" in err


def test_a_missing_prediction_is_1_and_named(capsys, finished, tmp_path):
    shutil.copytree(finished / "results" / "predictions" / "suv-2.5", tmp_path / "half")
    (tmp_path / "half" / "B.nii.gz").unlink()
    save_image(tmp_path / "half" / "Z.nii.gz", np.zeros((2, 2, 2), np.uint8), Geometry((2, 2, 2), np.eye(4)))
    arguments = ["evaluate", finished / "results" / "cohort", f"half={tmp_path / 'half'}", "--profile", "autopet-iii"]
    code, out, err = call(capsys, *arguments, "--out", tmp_path / "scores")
    assert (code, out) == (1, "")
    assert "half: no usable prediction for 1 case: B" in err
    assert "warning: half, Z.nii.gz: no such case" in err


def test_a_bad_prediction_is_1_and_named(capsys, finished, tmp_path):
    shutil.copytree(finished / "results" / "predictions" / "suv-2.5", tmp_path / "bad")
    (tmp_path / "bad" / "B.nii.gz").write_bytes(b"no image")
    arguments = ["evaluate", finished / "results" / "cohort", tmp_path / "bad", "--profile", "autopet-iii"]
    code, out, err = call(capsys, *arguments, "--out", tmp_path / "scores", "--json")
    assert code == 1
    assert [row["rule"] for row in json.loads(out)["run"]["findings"]] == ["prediction_unreadable"]
    assert "bad: no usable prediction for 1 case: B" in err
    assert "error: bad, B, B.nii.gz: expected a NIfTI file" in err
    (tmp_path / "bad" / "A.nii.gz").unlink()
    code, _, err = call(capsys, *arguments, "--out", tmp_path / "scores")
    assert code == 2
    assert "at least one prediction of 'bad' that can be scored" in err


def test_harmonise(capsys, finished, tmp_path):
    cohort, recipe = tmp_path / "cohort", tmp_path / "recipe.toml"
    step = RESAMPLE["resample"]
    recipe.write_text("[[step]]\nresample = { " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in step.items()) + " }")
    assert answer(capsys, "ingest", "dicom", finished / "patient", "--out", cohort)["roles"]["ct"] == 1
    assert answer(capsys, "harmonise", cohort, recipe, "--out", tmp_path / "changed")["cases"] == 1
    ct = read_volume(tmp_path / "changed" / "volumes" / "P1" / "ct.nii.gz", Unit.HU)
    assert ct.geometry == read_volume(cohort / "volumes" / "P1" / "pet.nii.gz").geometry


def test_ingest_keeps_the_regions_asked_for(capsys, finished, tmp_path):
    arguments = ["ingest", "dicom", finished / "patient", "--roi", "GTV", "--out", tmp_path / "cohort"]
    assert [(label["name"], label["value"]) for label in answer(capsys, *arguments)["labels"]] == [("GTV", 1)]


def test_suv_shows_factor_and_tags(capsys, finished):
    (series,) = answer(capsys, "suv", finished / "patient" / "pet")["series"]
    assert series["factor"] == pytest.approx([2.777781e-4] * 2, rel=1e-6)
    assert series["rule"] == "bqml-start"
    assert {one["rule"] for one in series["alternatives"]} >= {"no decay since the injection (read as ADMIN)"}
    assert call(capsys, "suv", finished / "patient" / "pet")[1] == ""
    same = answer(capsys, "suv", finished / "patient" / "pet", "--recipe", "autopet-compat")["series"][0]
    assert (same["rule"], same["factor"]) == ("autopet-compat", pytest.approx([2.777781e-4] * 2, rel=1e-6))


def test_profiles(capsys):
    assert answer(capsys, "profile", "list")["profiles"][1]["name"] == "autopet-iii"
    assert answer(capsys, "profile", "show", "autopet-iii")["name"] == "autopet-iii"
    code, out, _ = call(capsys, "profile", "show", "autopet-iii")
    assert code == 0
    assert "connectivity = 18" in out
    assert "autopet-iii" in call(capsys, "profile", "list")[2]
    assert call(capsys, "profile", "page", "autopet-iii")[1].startswith("# Profile `autopet-iii`")


def test_two_profiles_are_compared(capsys):
    document = answer(capsys, "profile", "diff", "autopet-i", "autopet-iii")
    found = {row["key"]: (row["first"], row["second"]) for row in document["differences"]}
    assert found["metric.dice.reference_empty"] == (0.0, "undefined")
    assert found["subsets.columns"] == ([], ["tracer", "centre"])
    assert found["metric.volume_difference_ml"][0] is None
    code, _, err = call(capsys, "profile", "diff", "autopet-i", "autopet-iii")
    assert code == 0
    assert "subsets.columns" in err
    assert answer(capsys, "profile", "diff", "organs", "organs")["differences"] == []


def test_a_profile_of_ones_own_is_checked(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(load_profile("pants").text.replace('name = "pants"', 'name = "mine"'))
    assert answer(capsys, "profile", "validate", path)["name"] == "mine"
    path.write_text(path.read_text().replace("connectivity = 26", "connectivity = 8").replace("[subsets]", "[sets]"))
    code, _, err = call(capsys, "profile", "validate", path)
    assert code == 64
    assert all(key in err for key in ("components.connectivity", "subsets", "sets"))
    assert call(capsys, "profile", "validate", tmp_path / "gone.toml")[0] == 64


def test_phantom_and_demo(capsys, tmp_path):
    document = answer(capsys, "phantom", "nnunet", "--out", tmp_path / "p", "--cases", "1")
    assert document["synthetic"] is True
    assert (tmp_path / "p" / "nnunet" / "imagesTr" / "SYNTHETIC-001_0000.nii.gz").is_file()
    document = answer(capsys, "demo", "--out", tmp_path / "demo", "--cases", "1")
    assert document["cases"] == 1
    study = tmp_path / "demo" / "study.toml"
    study.write_text(study.read_text() + "# edited\n")
    assert answer(capsys, "demo", "--out", tmp_path / "demo", "--cases", "1")["complete"] is True
    assert study.read_text().endswith("# edited\n")


def test_other_work_in_the_output_needs_overwrite(capsys, finished, tmp_path):
    out = tmp_path / "cohort"
    answer(capsys, "ingest", "nnunet", finished / "data", "--out", out)
    code, _, err = call(capsys, "ingest", "dicom", finished / "patient", "--out", out)
    assert code == 2
    assert "--overwrite" in err
    assert answer(capsys, "info", out)["cases"] == 2
    assert answer(capsys, "ingest", "dicom", finished / "patient", "--out", out, "--overwrite")["cases"] == 1


@pytest.mark.parametrize("words", ["suv", "suv=", "suv=abc", "suv=-1", "sov=2.5", "suv=nan"])
def test_wrong_parameters_of_a_segmenter(capsys, finished, tmp_path, words):
    cohort = finished / "results" / "cohort"
    assert call(capsys, "segment", cohort, "--with", "threshold", words, "--out", tmp_path / "p")[0] == 64
    assert not (tmp_path / "p").exists()


def test_segment_says_what_every_case_took(capsys, finished, tmp_path):
    words = (finished / "results" / "cohort", "--with", "threshold", "suv=2.5", "--out", tmp_path / "p")
    cases = answer(capsys, "segment", *words)["cases"]
    assert [case["prediction"] for case in cases] == [f"{case['case']}.nii.gz" for case in cases]
    assert all(case["seconds"] > 0 and case["peak_memory_mib"] > 10 and case["failed"] is None for case in cases)


def test_a_segmenter_after_the_cohort_is_no_longer_a_word_of_its_own(capsys, finished, tmp_path):
    cohort = finished / "results" / "cohort"
    assert call(capsys, "segment", cohort, "threshold", "suv=2.5", "--out", tmp_path / "p")[0] == 64
    assert call(capsys, "segment", cohort, "--with", "threshold:2.5", "--out", tmp_path / "p")[0] == 64
    assert (
        call(capsys, "segment", cohort, "--with", "threshold", "threshold", "suv=1", "--out", tmp_path / "p")[0] == 64
    )
    assert not (tmp_path / "p").exists()


def test_the_program_itself(finished):
    command = [sys.executable, "-m", "oncohort", "info", str(finished / "results" / "cohort"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["cases"] == 2
    assert "cases" in done.stderr
    done = subprocess.run([*command[:3], "info", "/gone"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_progress_is_a_line_on_stderr_with_the_time_left(capsys, monkeypatch):
    with shown_progress() as progress:
        progress(Progress(1, 4, "scoring", 1.0))
        assert capsys.readouterr().err == ""
        later = __import__("time").monotonic() + 60
        monkeypatch.setattr("oncohort.cli.output.time.monotonic", lambda: later)
        progress(Progress(2, 4, "scoring", 30.0))
        progress(Progress(3, 4, "scoring", 31.0))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "scoring: 2 of 4, about 30 s left\n"


def test_progress_is_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("oncohort.cli.output._QUIET_S", 0.0)
    with shown_progress() as progress:
        progress(Progress(1, 2, "scoring", 1.0))
        progress(Progress(2, 2, "scoring", 2.0))
    said = capsys.readouterr()
    assert said.out == ""
    assert "scoring" in said.err
    assert "2/2" in said.err


def test_ctrl_c_is_130_and_what_was_finished_is_kept(capsys, monkeypatch, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    study = save_study(tmp_path / "study.toml")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("oncohort.study.running.evaluate", interrupt)
        assert call(capsys, "run", study)[0] == 130
    watch = Watch()
    run(study, progress=watch)
    assert "segment" not in watch.done


def test_markup_in_names_is_shown_literally(capsys, tmp_path):
    _, _, err = call(capsys, "info", tmp_path / "[bold]x[/bold]")
    assert "[bold]x" in err
