"""`oncohort split` on phantoms."""

import json

import polars as pl
import pytest

from oncohort.cli import run_command
from oncohort.formats import open_cohort, write_cohort
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
        (["--official", "--test", "0.3", "--folds", "4", "--strata", "lesions"], 64),
        (["--official", "--folds", "5"], 64),
        (["--folds", "0"], 64),
        (["--fold-column", "fold"], 64),
        (["--strata", "volume", "--role", "nope"], 64),
        (["--strata", "volume", "--volume-edges", "100,10,nan"], 64),
        (["--volume-edges", "5"], 64),
        (["--strata", "lesions,lesions"], 64),
    ],
)
def test_wrong_settings_write_nothing(cohort, tmp_path, words, code):
    assert run_command(["split", str(cohort), *words, "--out", str(tmp_path / "s.json")]) == code
    assert not (tmp_path / "s.json").exists()


@pytest.fixture
def valued(cohort, tmp_path):
    """The cohort, two cases of which are the official validation set."""
    there = open_cohort(cohort)
    cases = there.tables.cases.with_columns(split=pl.Series(["train"] * 4 + ["val"] * 2))
    write_cohort(tmp_path / "valued", there.with_cases(cases))
    return tmp_path / "valued"


def test_validation_cases_that_train_are_told(capsys, valued, tmp_path):
    words = ["split", str(valued), "--folds", "2", "--out"]
    assert run_command([*words, str(tmp_path / "drawn.json"), "--json"]) == 0
    shown = capsys.readouterr()
    assert "note: Official validation cases that also train: 2 (" in shown.err
    assert json.loads(shown.out)["notes"][0].startswith("Official validation cases")
    assert run_command(["split", str(valued), "--official", "--out", str(tmp_path / "given.json")]) == 0
    assert "note" not in capsys.readouterr().err


def test_another_file_is_not_replaced(capsys, cohort, tmp_path):
    out = tmp_path / "split.json"
    words = ["split", str(cohort), "--folds", "2", "--out", str(out)]
    assert run_command(words) == 0
    before = out.read_bytes()
    assert run_command([*words, "--seed", "8"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert run_command([*words, "--seed", "8", "--overwrite"]) == 0
    assert read_split(out).seed == 8
    record = cohort / "cohort.json"
    kept = record.read_bytes()
    assert run_command(["split", str(cohort), "--folds", "2", "--out", str(record), "--overwrite"]) == 2
    assert record.read_bytes() == kept
