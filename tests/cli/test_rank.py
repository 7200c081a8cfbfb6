"""`oncohort rank`: five formats, files, figures, groups."""

import json

import numpy as np
import polars as pl
import pytest

from oncohort.cli.app import run_command
from oncohort.compute import ResultStore
from oncohort.evaluation.reference_volumes import reference_volumes
from oncohort.evaluation.score_folder import write_scores
from oncohort.formats import open_cohort
from oncohort.formats.parquet import write_table
from oncohort.profiles import load_profile
from oncohort.results import Score, Scores
from oncohort.study.case_numbers import count_cases
from small_cohorts import write_small_cohort

METRICS = ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")


@pytest.fixture
def scores(tmp_path):
    generator = np.random.default_rng(1)
    rows = [
        Score(model, case, case, "lesion", metric, float(generator.random()), "1", "autopet-iii", "1")
        for model in ("one", "two")
        for case in ("A", "B")
        for metric in METRICS
    ]
    run = {"profile_text": load_profile("autopet-iii").text, "cohort": "small", "missing": {"one": [], "two": []}}
    write_scores(tmp_path / "scores", Scores.from_scores(rows, run))
    return tmp_path / "scores"


def call(capsys, *arguments):
    code = run_command([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_terminal_shows_letters_places_and_intervals(capsys, scores):
    code, out, err = call(capsys, "rank", scores, "--bootstrap", 20)
    assert (code, out) == (0, "")
    for words in ("Overall ranking", "Groups", "Places", "95 % interval", "Dice", "aggregates.parquet", "20 draws"):
        assert words in err, words


@pytest.mark.parametrize(
    ("form", "begins"),
    [("markdown", "# Leaderboard, small"), ("latex", "% \\usepackage"), ("csv", "model,subset"), ("html", "<!DOCTYPE")],
)
def test_other_formats_go_to_stdout_or_into_a_file(capsys, scores, tmp_path, form, begins):
    code, out, err = call(capsys, "rank", scores, "--bootstrap", 20, "--format", form)
    assert code == 0
    assert out.startswith(begins)
    assert "aggregates.parquet" in err
    file = tmp_path / "deep" / "board"
    code, nothing, err = call(capsys, "rank", scores, "--bootstrap", 20, "--format", form, "--out", file)
    assert (code, nothing) == (0, "")
    written = file.read_text(encoding="utf-8")
    if form != "html":  # which names the time
        assert written.rstrip("\n") == out.rstrip("\n")


def test_json_holds_aggregates_and_comparisons(capsys, scores, tmp_path):
    code, out, _ = call(capsys, "rank", scores, "--bootstrap", 20, "--json")
    document = json.loads(out)
    assert code == 0
    assert len(document["aggregates"]) == 2 * 5
    assert {row["metric"] for row in document["comparisons"]} == {"dice", "fpv_ml", "fnv_ml"}
    both = call(capsys, "rank", scores, "--json", "--format", "csv")
    assert both[0] == 64
    assert call(capsys, "rank", scores, "--json", "--format", "csv", "--out", tmp_path / "b.csv")[0] == 0


def test_figures_are_files_and_those_that_are_not_have_a_reason(capsys, scores, tmp_path):
    code, _, err = call(capsys, "rank", scores, "--bootstrap", 20, "--figures", tmp_path / "figures")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["cases-dice.svg", "cases-fnv_ml.svg", "cases-fpv_ml.svg", "rank-stability.svg"]
    assert "no figure 'ROC'" in err


def test_method_and_interval_reach_the_table(capsys, scores):
    code, _, _ = call(capsys, "rank", scores, "--bootstrap", 20, "--method", "rank-then-mean", "--interval", "bca")
    table = pl.read_parquet(scores / "aggregates.parquet")
    assert code == 0
    assert "ranks averaged" in table.filter(metric="dice")["method"][0]
    assert call(capsys, "rank", scores, "--method", "median")[0] == 64
    assert call(capsys, "rank", scores, "--format", "terminal", "--out", "board.txt")[0] == 64


def test_groups_come_from_the_cohort(capsys, scores, tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    cases = pl.read_parquet(tmp_path / "cohort" / "cases.parquet").with_columns(sex=pl.Series(["F", "M"]))
    write_table(tmp_path / "cohort" / "cases.parquet", cases, kind="oncohort.cohort.cases", version="1.0")
    code, out, err = call(
        capsys, "rank", scores, "--bootstrap", 5, "--by", "sex", "--cohort", tmp_path / "cohort", "--format", "csv"
    )
    assert code == 0
    assert {line.split(",")[1] for line in out.splitlines()[1:]} == {"all", "sex F", "sex M"}
    assert "Mann-Whitney" in err
    code, _, err = call(capsys, "rank", scores, "--by", "sex")
    assert code == 2
    assert "--cohort" in err


def test_what_is_no_score_folder_is_called_so(capsys, tmp_path):
    for folder, found in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "no run.json in it")):
        code, _, err = call(capsys, "rank", folder)
        assert code == 2
        assert "a folder of scores" in err
        assert found in err
        assert "oncohort evaluate" in err
        assert "--out" in err


@pytest.mark.parametrize(
    ("flag", "choices"),
    [
        ("--method", ("profile", "mean-then-rank", "rank-then-mean", "test-based")),
        ("--format", ("terminal", "html", "nnunet")),
    ],
)
def test_a_wrong_choice_is_answered_with_the_choices(capsys, scores, flag, choices):
    code, out, err = call(capsys, "rank", scores, flag, "foo")
    assert code == 64
    assert "Literal" not in out + err
    for choice in choices:
        assert choice in out + err


def test_a_column_without_any_value_makes_no_groups(capsys, scores, tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    code, _, err = call(capsys, "rank", scores, "--by", "centre", "--cohort", tmp_path / "cohort")
    assert code == 2
    assert "values in column 'centre'" in err
    assert "no case has one" in err


def test_volumes_come_from_the_cohort_where_the_scores_hold_none(capsys, scores, tmp_path):
    _, _, err = call(capsys, "rank", scores, "--bootstrap", 0, "--figures", tmp_path / "without")
    assert "no figure 'Against lesion volume': the scores hold no reference_volume_ml; --cohort" in err
    assert not (tmp_path / "without" / "dice-by-volume.svg").exists()
    write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    cohort = ("--cohort", tmp_path / "cohort")
    _, _, err = call(capsys, "rank", scores, "--bootstrap", 0, *cohort, "--figures", tmp_path / "with")
    assert (tmp_path / "with" / "dice-by-volume.svg").exists()
    assert all(words in err for words in ("one 2", "two 2"))  # cases with a mark


def test_volumes_are_those_of_the_study_report(tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    cohort = open_cohort(tmp_path / "cohort")
    profile = load_profile("autopet-iii")
    rows = count_cases(cohort, profile, store=ResultStore(tmp_path / "store"), jobs=1, progress=None)
    found = reference_volumes(cohort, profile.target.role, ["A", "B", "elsewhere"])
    assert found == {**{row["case"]: row["lesion_ml"] for row in rows}, "elsewhere": None}
    assert found["A"] > 0
