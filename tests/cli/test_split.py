"""`oncohort split` on phantoms."""

import json

import pytest

from oncohort.cli import run_command
from oncohort.formats.split_file import read_split


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    there = tmp_path_factory.mktemp("split")
    assert run_command(["phantom", "nnunet", "--cases", "6", "--out", str(there / "phantoms")]) == 0
    assert run_command(["ingest", "nnunet", str(there / "phantoms" / "nnunet"), "--out", str(there / "cohort")]) == 0
    return there / "cohort"


def test_a_split_by_lesions(capsys, cohort, tmp_path):
    out = tmp_path / "split.json"
    words = ["split", str(cohort), "--folds", "2", "--test", "0.3", "--strata", "lesions,volume", "--out", str(out)]
    assert run_command([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    split = read_split(out)
    assert document["content_hash"] == split.content_hash
    assert len(split.test) == 2
    assert [len(fold) for fold in split.folds] == [2, 2]
    assert run_command(words) == 0
    assert "class" in capsys.readouterr().err
    assert read_split(out).content_hash == split.content_hash


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--strata", "trcer"], 64),
        (["--folds", "9"], 64),
        (["--volume-edges", "ten"], 64),
        (["--test", "1"], 64),
        (["--official", "--fold-column", "folds"], 64),
    ],
)
def test_wrong_settings_write_nothing(cohort, tmp_path, words, code):
    assert run_command(["split", str(cohort), *words, "--out", str(tmp_path / "s.json")]) == code
    assert not (tmp_path / "s.json").exists()
