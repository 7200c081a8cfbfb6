"""`oncohort rank` with more structures than anybody reads."""

import json
import re

import numpy as np
import polars as pl
import pytest

from oncohort.cli.app import run_command
from oncohort.evaluation.score_folder import write_scores
from oncohort.formats.parquet import write_table
from oncohort.leaderboard import MACRO
from oncohort.profiles import load_profile
from oncohort.reporting import leaderboard_tables
from oncohort.results import Score, Scores
from small_cohorts import write_small_cohort

ORGANS = [f"organ_{number}" for number in range(7)]
METRICS = load_profile("organs").metrics


def write_organs(folder, organs):
    generator = np.random.default_rng(1)
    rows = [
        Score(model, case, case, organ, metric, float(generator.random()), "1", "organs", "1")
        for model in ("first model", "second one")
        for case in ("A", "B")
        for organ in organs
        for metric in METRICS
    ]
    write_scores(folder, Scores.from_scores(rows, {"profile_text": load_profile("organs").text, "cohort": "small"}))
    return folder


def call(capsys, *arguments):
    code = run_command([str(argument) for argument in ("rank", *arguments, "--bootstrap", 20)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def scores(tmp_path):
    return write_organs(tmp_path / "scores", ORGANS)


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "csv", "html"])
def test_many_structures_are_shown_by_their_mean(capsys, scores, form):
    text = "".join(call(capsys, scores, "--format", form)[1:]).replace("\\_", "_")
    assert "macro mean" in text
    assert not re.search(r"organ_\d", text)
    assert "7 structures are not shown" in text
    some = "".join(call(capsys, scores, "--format", form, "--structures", "organ_2,organ_5")[1:]).replace("\\_", "_")
    assert set(re.findall(r"organ_\d", some)) == {"organ_2", "organ_5"}
    everything = "".join(call(capsys, scores, "--format", form, "--structures", "all")[1:]).replace("\\_", "_")
    assert set(re.findall(r"organ_\d", everything)) == set(ORGANS)
    assert set(pl.read_parquet(scores / "aggregates.parquet")["structure"].drop_nulls()) >= set(ORGANS)


def test_pages_and_leaderboard_call_the_mean_alike():
    assert leaderboard_tables.MACRO == MACRO


def test_few_structures_are_all_shown(capsys, tmp_path):
    _, _, err = call(capsys, write_organs(tmp_path / "few", ORGANS[:5]))
    assert set(re.findall(r"organ_\d", err)) == set(ORGANS[:5])
    assert "not shown" not in err


def test_an_unknown_structure_is_refused_with_the_known_ones(capsys, scores):
    code, _, err = call(capsys, scores, "--structures", "organ_2,heart")
    assert code == 64
    assert "heart" in err
    assert "organ_6" in err


def test_groups_are_tested_only_in_what_is_shown(capsys, scores, tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    cases = pl.read_parquet(tmp_path / "cohort" / "cases.parquet").with_columns(sex=pl.Series(["F", "M"]))
    write_table(tmp_path / "cohort" / "cases.parquet", cases, kind="oncohort.cohort.cases", version="1.0")
    by = ("--by", "sex", "--cohort", tmp_path / "cohort")
    _, out, _ = call(capsys, scores, *by, "--json", "--structures", "organ_3")
    groups = json.loads(out)["groups"]
    assert {row["structure"] for row in groups} == {"organ_3", "macro mean"}
    tests = [line for line in call(capsys, scores, *by)[2].splitlines() if "Mann-Whitney" in line]
    assert tests
    assert all("macro mean" in line for line in tests)


def test_subset_and_structure_are_headings_that_a_narrow_terminal_does_not_break(capsys, scores, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call(capsys, scores, "--structures", "organ_2")[2].splitlines()
    assert "organ_2" in lines
    assert "macro mean" in lines
    head = next(line for line in lines if "Estimate" in line)
    assert "Structure" not in head
    assert "95 % interval" in head
    tables = [line for line in lines if "first model" in line]
    assert len(tables) > 2
    assert max(map(len, tables)) <= 80
