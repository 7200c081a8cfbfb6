"""metrics.json: strict JSON, every number at its dotted path."""

import json
import math

import polars as pl
import pytest
from organ_cohort import CASES, score_organs

from oncohort.errors import InputError
from oncohort.leaderboard import rank
from oncohort.outputs import grand_challenge_metrics, write_grand_challenge_metrics


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    _, scores = score_organs(tmp_path_factory.mktemp("organs"))
    return scores, rank(scores, bootstrap=50)


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def read(path):
    return json.loads(path.read_text(), parse_constant=refuse)


def at(document, path):
    for key in path.split("."):
        document = document[key]
    return document


@pytest.mark.parametrize("model", ["first", "second"])
def test_every_aggregate_stands_at_its_dotted_path(tmp_path, scored, model):
    scores, board = scored
    write_grand_challenge_metrics(tmp_path / "metrics.json", grand_challenge_metrics(scores, board, model))
    document = read(tmp_path / "metrics.json")
    rows = board.filter((pl.col("model") == model) & pl.col("structure").is_not_null()).to_dicts()
    assert len(rows) == 3 * 4
    for row in rows:
        found = at(document["aggregates"], f"all.{row['structure'].replace(' ', '_')}.{row['metric']}")
        assert [found[name] for name in ("estimate", "low", "high", "n", "n_undefined", "n_missing")] == [
            row[name] for name in ("estimate", "low", "high", "n", "n_undefined", "n_missing")
        ]
        assert found["half_width"] == pytest.approx((row["high"] - row["low"]) / 2)


def test_results_hold_every_case_with_null_and_reason_where_there_is_no_value(tmp_path, scored):
    scores, board = scored
    write_grand_challenge_metrics(tmp_path / "metrics.json", grand_challenge_metrics(scores, board, "second"))
    results = {result["case"]: result for result in read(tmp_path / "metrics.json")["results"]}
    assert list(results) == list(CASES)
    own = scores.table.filter(pl.col("model") == "second")
    for row in own.iter_rows(named=True):
        result = results[row["case"]]
        assert result["metrics"][row["structure"]][row["metric"]] == row["value"]
        assert result["undefined"].get(row["structure"], {}).get(row["metric"]) == row["undefined"]
    assert [case for case, result in results.items() if result["prediction_missing"]] == ["D"]
    assert results["D"]["undefined"]["liver"] == {"prediction_volume_ml": "prediction_missing"}


def test_an_aggregate_without_value_or_interval_is_null(scored):
    scores, _ = scored
    board = rank(scores, bootstrap=0)
    found = grand_challenge_metrics(scores, board, "first")["aggregates"]["all"]["liver"]["dice"]
    assert found["half_width"] is None
    assert found["low"] is None
    assert found["estimate"] > 0


def test_names_that_would_share_a_path_are_refused(scored):
    scores, board = scored
    twin = board.filter(pl.col("structure") == "macro mean").with_columns(structure=pl.lit("macro.mean"))
    with pytest.raises(InputError, match="macro_mean"):
        grand_challenge_metrics(scores, pl.concat([board, twin]), "first")


def test_another_model_is_refused(scored):
    with pytest.raises(InputError, match="first, second"):
        grand_challenge_metrics(*scored, "third")


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_grand_challenge_metrics(tmp_path / "metrics.json", {"aggregates": math.nan})
    assert not (tmp_path / "metrics.json").exists()
