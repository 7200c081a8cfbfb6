"""`oncohort info`: what people and machines see of a cohort and of the label registry."""

import json
import os
import subprocess
import sys

import pytest

from enhance_pet_files import write_set
from oncohort.cli import run_command
from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import write_cohort
from oncohort.ingestion import ingest
from oncohort.layouts.labels import scheme


def call(capsys, *arguments):
    code = run_command([str(argument) for argument in arguments])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


def answer(capsys, *arguments):
    code, out, _ = call(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    there = tmp_path_factory.mktemp("info")
    base = write_set(there / "set", ("0001", "0002", "0004"))
    (base / "notes.txt").write_text("x")
    (base / "imaging-data/ground-truth/Ribs/0002.nii.gz").write_bytes(b"no image")
    ingest("enhance-pet", base, out=there / "cohort")
    return there / "cohort"


def test_people_see_the_numbers_first(capsys, folder):
    code, out, err = call(capsys, "info", folder)
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert lines[0] == "set  (enhance-pet, version 2)"
    words = {" ".join(line.split()) for line in lines}
    assert "cases 3" in words
    assert "patients 2; 1 have more than one case, at most 2" in words
    assert "licences CC-BY-NC-4.0 2, CC-BY-4.0 1" in words
    assert "ribs 27 organs 2" in words
    assert "vertebrae 28 organs 3" in words
    assert "study, timepoint, split 3 all" in words
    assert "refused: 1 unreadable, 1 not part of the layout" in words
    assert "imaging-data/ground-truth/Ribs/0002.nii.gz: unreadable" in err
    assert "warning enhance_pet_cases" in err
    assert err.index("warning") < err.index("info enhance_pet_columns")


def test_long_text_does_not_push_out_numbers(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    facts = {"case": "A", **{f"column_with_a_long_name_{n}": None for n in range(9)}}
    tables = Tables.from_rows({"cases": [facts]})
    write_cohort(tmp_path, Cohort(CohortFacts("x", "python"), scheme("autopet"), tables))
    _, _, err = call(capsys, "info", tmp_path)
    lines = err.partition("facts that are missing")[2].split("\n")
    assert lines[1].split() == ["column", "cases", "share"]
    assert lines[2].split()[-2:] == ["1", "all"]
    assert "column_with_a_long_name_8" in "".join(lines)


def test_machines_see_all_of_it(capsys, folder):
    document = answer(capsys, "info", folder)
    assert (document["cases"], document["patients"], document["source_version"]) == (3, 2, "2")
    assert document["counts"]["licence"] == {"CC-BY-NC-4.0": 2, "CC-BY-4.0": 1}
    assert {label["name"]: label["cases"] for label in document["labels"]}["sternum"] == 2
    assert document["refused"] == {"not part of the layout": 1, "unreadable": 1}


def test_labels_of_a_cohort(capsys, folder):
    document = answer(capsys, "info", "--labels", folder)
    liver = next(label for label in document["labels"] if label["name"] == "liver")
    assert liver == {
        "name": "liver", "integer": 8, "masks": "organs", "cases": 3, "code": "10200004", "common_name": "liver",
        "groups": ["organs"],
    }  # fmt: skip
    _, _, err = call(capsys, "info", folder, "--labels")
    assert "urinary_bladder" in err
    assert "89837001" in err


def test_labels_of_a_data_set(capsys):
    document = answer(capsys, "info", "--labels", "pants")
    found = {(label["variant"], label["name"]): label["integer"] for label in document["labels"]}
    assert found["combined A", "postcava"] == 22
    assert found["combined B", "postcava"] == 23
    _, _, err = call(capsys, "info", "--labels", "pants")
    row = next(line for line in err.splitlines() if line.startswith("bladder"))
    assert row.split() == ["bladder", "89837001", "4", "urinary_bladder"]


def test_the_registry(capsys):
    structures = {entry["name"]: entry for entry in answer(capsys, "info", "--labels")["structures"]}
    assert structures["kidney_left"]["code"] == "64033007"
    assert structures["kidney_left"]["side_code"] == "7771000"
    assert structures["veins"]["code"] is None
    assert {label["data_set"] for label in structures["liver"]["published"]} == {
        "pants", "enhance-pet", "totalsegmentator",
    }  # fmt: skip
    _, _, err = call(capsys, "info", "--labels")
    row = next(line for line in err.splitlines() if line.startswith("liver "))
    assert row.split() == ["liver", "10200004", "14", "8", "5"]


@pytest.mark.parametrize(
    ("arguments", "code", "found"),
    [([], 64, "neither"), (["nowhere"], 2, "no folder"), (["--labels", "nothing"], 2, "nothing")],
)
def test_what_is_not_there_is_told(capsys, arguments, code, found):
    given, out, err = call(capsys, "info", *arguments)
    assert (given, out) == (code, "")
    assert found in err


def test_only_the_called_command_is_imported(folder):
    program = (
        "import sys; from oncohort.cli import run_command; code = run_command(sys.argv[1:]); "
        "heavy = {'oncohort.evaluation', 'oncohort.reporting', 'matplotlib', 'oncohort.study'} & set(sys.modules); "
        "print(code, sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "info", str(folder)],
        capture_output=True, text=True, check=True, env={**os.environ},
    )  # fmt: skip
    assert done.stdout.split("\n")[0] == "0 []"


def test_ten_thousand_cases_are_counted_from_the_tables_alone(tmp_path, capsys):
    cases = [{"case": f"C{n}", "patient": f"P{n // 2}", "sex": "FM"[n % 2]} for n in range(10_000)]
    volumes = [{"case": row["case"], "role": "organs", "unit": "label", "path": "/gone"} for row in cases]
    tables = Tables.from_rows({"cases": cases, "volumes": volumes})
    write_cohort(tmp_path / "many", Cohort(CohortFacts("many", "pants"), scheme("pants"), tables))
    document = answer(capsys, "info", tmp_path / "many")
    assert (document["cases"], document["patients"], document["several_cases"]) == (10_000, 5_000, 5_000)
    _, _, err = call(capsys, "info", tmp_path / "many")
    assert "F 5,000 (50.0 %), M 5,000 (50.0 %)" in err
    assert "and 16 more" in err
