"""The long CSV, checked as challengeR's `as.challenge` checks it."""

import csv
import io
from collections import Counter

import polars as pl
import pytest
from organ_cohort import CASES, HEAD, profile, rule, score_organs

from oncohort.errors import InputError
from oncohort.outputs import challenger_tables
from oncohort.profiles import parse_profile
from oncohort.results import Score, Scores


def rows_of(table):
    return list(csv.DictReader(io.StringIO(table.text)))


def scores_of(values, metric, protocol):
    """`values`: per model and case a number, or the reason why there is none."""
    rows = [
        Score(
            model=model,
            case=case,
            patient=case,
            structure="lesion",
            metric=metric,
            value=None if isinstance(value, str) else value,
            unit="1",
            profile="p",
            profile_version="1",
            undefined=value if isinstance(value, str) else None,
        )
        for model, cases in values.items()
        for case, value in cases.items()
    ]
    missing = {
        model: [case for case, value in cases.items() if value == "prediction_missing"]
        for model, cases in values.items()
    }
    return Scores.from_scores(rows, {"profile_text": protocol.text, "missing": missing})


def lesion_profile(*rules, tie):
    text = "\n".join([HEAD.replace("TIE", tie).replace('structures = "each"', 'structure = "lesion"'), *rules])
    return parse_profile(text + '\n[components]\nconnectivity = 26\nmatching = "any-overlap"\n', where="test")


def test_every_task_has_each_case_once_per_algorithm(tmp_path):
    _, scores = score_organs(tmp_path)
    tables = challenger_tables(scores)
    assert [table.metric for table in tables] == ["dice", "jaccard"]
    for table in tables:
        assert table.text.splitlines()[0] == "Task,TestCase,Algorithm,MetricValue"
        rows = rows_of(table)
        counts = Counter((row["Task"], row["TestCase"], row["Algorithm"]) for row in rows)
        cases = {task: {row["TestCase"] for row in rows if row["Task"] == task} for task in ("liver", "spleen")}
        assert counts.keys() == {
            (task, case, model) for task in cases for case in cases[task] for model in ("first", "second")
        }
        assert set(counts.values()) == {1}


def test_values_are_those_of_the_scores_with_all_digits(tmp_path):
    _, scores = score_organs(tmp_path)
    found = {
        (row["Algorithm"], row["TestCase"], row["Task"]): row["MetricValue"]
        for row in rows_of(challenger_tables(scores)[0])
    }
    for row in scores.table.filter(pl.col("metric") == "dice").iter_rows(named=True):
        key = (row["model"], row["case"], row["structure"])
        if key in found and found[key] != "NA":
            assert float(found[key]) == row["value"]
        else:
            assert row["value"] is None


def test_a_case_without_value_for_anybody_is_left_out_and_named(tmp_path):
    _, scores = score_organs(tmp_path)
    table = challenger_tables(scores)[0]
    assert table.left_out == {"liver": (), "spleen": ("C",)}
    assert "C" in CASES


def test_missing_predictions_stay_as_na(tmp_path):
    protocol = lesion_profile(rule("hd95_mm", 1.0, empty="undefined", missing="undefined"), tie="hd95_mm")
    values = {
        "a": {"X": 3.5, "Y": "prediction_missing", "Z": "reference_empty"},
        "b": {"X": 9.25, "Y": 1.0, "Z": "reference_empty"},
    }
    (table,) = challenger_tables(scores_of(values, "hd95_mm", protocol))
    assert table.text == (
        "Task,TestCase,Algorithm,MetricValue\nlesion,X,a,3.5\nlesion,X,b,9.25\nlesion,Y,a,NA\nlesion,Y,b,1.0\n"
    )
    assert (table.small_better, table.na_treat, table.gaps, table.gaps_of_no_fault) == (True, 9.25, 1, 0)
    assert table.left_out == {"lesion": ("Z",)}


def test_a_case_where_all_failed_is_kept(tmp_path):
    protocol = lesion_profile(rule("hd95_mm", 1.0, empty="undefined", missing="undefined"), tie="hd95_mm")
    values = {"a": {"X": "prediction_missing"}, "b": {"X": "prediction_empty"}}
    (table,) = challenger_tables(scores_of(values, "hd95_mm", protocol))
    assert (table.gaps, table.na_treat, table.left_out) == (2, None, {"lesion": ()})


def test_gaps_that_are_nobodys_fault_are_counted(tmp_path):
    protocol = lesion_profile(
        rule("lesion_precision", 1.0, empty="undefined", missing="undefined"), tie="lesion_precision"
    )
    values = {"a": {"X": "reference_empty"}, "b": {"X": 0.0}}
    (table,) = challenger_tables(scores_of(values, "lesion_precision", protocol))
    assert (table.gaps, table.gaps_of_no_fault, table.na_treat) == (1, 1, 0.0)


def test_metrics_without_better_direction_have_no_table(tmp_path):
    _, scores = score_organs(tmp_path, profile(rule("dice", 1.0), rule("volume_difference_ml", both="measured")))
    assert [table.metric for table in challenger_tables(scores)] == ["dice"]


def test_names_with_commas_and_quotes_survive():
    protocol = lesion_profile(rule("dice", 1.0), tie="dice")
    (table,) = challenger_tables(scores_of({'net, "large"': {"case, 1": 0.5}}, "dice", protocol))
    assert rows_of(table) == [
        {"Task": "lesion", "TestCase": "case, 1", "Algorithm": 'net, "large"', "MetricValue": "0.5"}
    ]


def test_no_scores_are_refused():
    with pytest.raises(InputError, match="found none"):
        challenger_tables(Scores.from_scores([], {}))
