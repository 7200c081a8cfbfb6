"""No verb takes what it reads for its output folder, also not with --overwrite."""

import hashlib
import shutil

import pytest

from oncohort.cli import run_command
from oncohort.cli.app import app
from oncohort.formats.split_file import write_split
from oncohort.splits import Split
from oncohort.storage import write_json
from oncohort.storage.folders import WORK_FILE
from small_cohorts import write_small_cohort

VERBS = {
    "ingest": [("ingest", "nnunet", "data", "--out", "all")],
    "harmonise": [
        ("harmonise", "cohort", "own/recipe.toml", "--out", "cohort"),
        ("harmonise", "cohort", "own/recipe.toml", "--out", "own"),
    ],
    "export": [
        ("export", "cohort", "csv", "--out", "cohort"),
        ("export", "cohort", "mha", "--out", "link"),
        (
            "export",
            "cohort",
            "nnunet",
            "--out",
            "raw",
            "--id",
            "1",
            "--name",
            "A",
            "--split",
            "raw/Dataset001_A/s.json",
        ),
        (
            "export",
            "cohort",
            "nndetection",
            "--out",
            "raw",
            "--id",
            "1",
            "--name",
            "A",
            "--split",
            "raw/Task001_A/s.json",
        ),
        ("export", "cohort", "monai", "--out", "own", "--split", "own/split.json"),
        ("export", "cohort", "coco", "--out", "own", "--split", "own/split.json"),
        ("export", "cohort", "voc", "--out", "own", "--split", "own/split.json"),
        ("export", "elsewhere", "csv", "--out", "all"),
    ],
    "segment": [
        ("segment", "cohort", "suv=4", "--with", "threshold", "--out", "cohort"),
        ("segment", "cohort", "--with", "nnunet:own/run", "--out", "own"),
        ("segment", "cohort", "--with", "nnunet:own", "--out", "own"),
        ("segment", "cohort", "--with", "command:sh own/script.sh {pet} {mask}", "--out", "own"),
    ],
    "train": [
        ("train", "cohort", "epochs=1", "--out", "cohort"),
        ("train", "cohort", "--out", "own", "--split", "own/split.json"),
    ],
    "evaluate": [
        ("evaluate", "cohort", "m=predictions", "--profile", "autopet-iii", "--out", "cohort"),
        ("evaluate", "cohort", "m=predictions", "--profile", "autopet-iii", "--out", "predictions"),
        ("evaluate", "cohort", "m=predictions", "--profile", "autopet-iii", "--cases", "own/c.txt", "--out", "own"),
        ("evaluate", "cohort", "m=predictions", "--profile", "own/profile.toml", "--out", "own"),
    ],
    "sensitivity": [
        ("sensitivity", "cohort", "m=predictions", "--profile", "autopet-iii", "--out", "cohort"),
        ("sensitivity", "cohort", "m=predictions", "--profile", "autopet-iii", "--out", "predictions"),
        ("sensitivity", "cohort", "m=predictions", "--profile", "own/profile.toml", "--out", "own"),
    ],
    "convert": [("convert", "data", "--out", "all")],
    "run": [("run", "own/study.toml")],
}
OTHERS = {"demo", "phantom", "split"}
"""Verbs that read nothing, or replace a file of their own kind alone."""
FOLDERS = ("cohort", "predictions", "own", "own/run", "data", "raw/Dataset001_A", "raw/Task001_A", "all")
SPLIT = Split({"A": "A", "B/1": "B"}, folds=(("A",), ("B/1",)))
RECIPE = """[[step]]
resample = { role = "ct", onto = "pet", interpolation = "linear", fill = -1024 }
"""
STUDY = """
study = { name = "one", out = "." }
cohort = { source = "nnunet", path = "../data" }
model = [{ name = "suv-4", segmenter = "threshold", suv = 4.0 }]
evaluation = { profile = "autopet-iii" }
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """All that is read lies in folders that bear the mark of Oncohort, and all of these in `all`."""
    there = tmp_path_factory.mktemp("inputs") / "all"
    write_small_cohort(there / "cohort")
    (there / "cohort" / "volumes").rename(there.parent / "volumes")
    (there / "cohort" / "volumes").symlink_to(there.parent / "volumes")
    for name in FOLDERS[:-1]:
        write_json(there / name / WORK_FILE, {"verb": "other"})
    write_json(there / WORK_FILE, {"verb": "other"})
    for name, text in (
        ("recipe.toml", RECIPE),
        ("study.toml", STUDY),
        ("c.txt", "A"),
        ("script.sh", ""),
    ):
        (there / "own" / name).write_text(text)
    (there / "own" / "profile.toml").write_text("")
    write_split(there / "own" / "split.json", SPLIT)
    for name in ("Dataset001_A", "Task001_A"):
        write_split(there / "raw" / name / "s.json", SPLIT)
    (there / "all").symlink_to(there)
    (there / "link").symlink_to(there / "cohort")
    (there / "elsewhere").symlink_to(there / "cohort")
    return there


def contents(root):
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def flags(command):
    nested = [command[name] for name in command if not name.startswith("-")]
    if nested:
        return set().union(*map(flags, nested))
    return {name for argument in command.assemble_argument_collection() for name in argument.names}


def test_every_verb_that_replaces_a_folder_is_here():
    replacing = {name for name in app if not name.startswith("-") and "--overwrite" in flags(app[name])}
    assert replacing - OTHERS == set(VERBS)


@pytest.mark.parametrize("words", [words for each in VERBS.values() for words in each], ids=" ".join)
def test_an_input_is_not_overwritten(capsys, monkeypatch, root, words):
    monkeypatch.chdir(root)
    before = contents(root)
    assert run_command([*words, "--overwrite"]) == 2
    assert "apart from what is read" in " ".join(capsys.readouterr().err.split())
    assert contents(root) == before


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("harmonise", "cohort", "RECIPE", "--out", "done"), "recipe.toml"),
        (("evaluate", "cohort", "m=masks", "--profile", "autopet-iii", "--cases", "CASES", "--out", "done"), "c.txt"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_file_that_is_read_may_lie_in_a_folder_that_is_continued(monkeypatch, tmp_path, words, name):
    write_small_cohort(tmp_path / "cohort", ("A",))
    shutil.copytree(tmp_path / "cohort" / "volumes" / "0", tmp_path / "masks")
    (tmp_path / "masks" / "lesions.nii.gz").rename(tmp_path / "masks" / "A.nii.gz")
    (tmp_path / name).write_text(RECIPE if name == "recipe.toml" else "A")
    monkeypatch.chdir(tmp_path)
    file = {"RECIPE": name, "CASES": name}
    assert run_command([file.get(word, word) for word in words]) == 0
    (tmp_path / name).rename(tmp_path / "done" / name)
    assert run_command([f"done/{name}" if word in file else word for word in words]) == 0
    assert (tmp_path / "done" / name).is_file()
