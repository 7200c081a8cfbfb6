import numpy as np
import polars as pl
import pytest

from oncohort.errors import FormatError, InputError
from oncohort.leaderboard import RANK, rank, read_aggregates, write_aggregates
from oncohort.profiles import load_profile, parse_profile
from oncohort.results import AGGREGATE_SCHEMA, Score, Scores

METRICS = ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")


def score(model, case, metric, value, patient=None):
    reason = {"undefined": "reference_empty"} if value is None else {}
    return Score(
        model=model,
        case=case,
        patient=patient or case,
        structure="lesion",
        metric=metric,
        value=value,
        unit="1" if metric == "dice" else "ml",
        profile="autopet-iii",
        profile_version="1",
        **reason,
    )


def board(values, run=None, patients=None, **options):
    """`values`: per model, per case, the four metrics."""
    rows = [
        score(model, case, metric, value, (patients or {}).get(case))
        for model, cases in values.items()
        for case, four in cases.items()
        for metric, value in zip(METRICS, four, strict=True)
    ]
    return rank(Scores.from_scores(rows, run or {}), **options)


def pick(table, metric, column, subset="all"):
    rows = table.filter((pl.col("metric") == metric) & (pl.col("subset") == subset))
    return dict(zip(rows["model"], rows[column], strict=True))


TWO = {
    "a": {"A": (0.8, 1.0, 3.0, -1.0), "B": (0.6, 2.0, 1.0, 2.0), "C": (None, 6.0, None, 6.0)},
    "b": {"A": (0.7, 0.0, 2.0, -1.0), "B": (0.5, 1.0, 1.5, 0.5), "C": (None, 0.5, None, 0.5)},
}


def test_means_counts_and_ranks():
    table = board(TWO, bootstrap=50)
    assert table.columns == list(AGGREGATE_SCHEMA)
    assert pick(table, "dice", "estimate") == pytest.approx({"a": 0.7, "b": 0.6})
    assert pick(table, "fpv_ml", "estimate") == pytest.approx({"a": 3.0, "b": 0.5})
    assert pick(table, "dice", "n") == {"a": 2, "b": 2}
    assert pick(table, "dice", "n_undefined") == {"a": 1, "b": 1}
    assert pick(table, "fpv_ml", "n") == {"a": 3, "b": 3}
    assert pick(table, "dice", "rank") == {"a": 1.0, "b": 2.0}
    assert pick(table, "fpv_ml", "rank") == {"a": 2.0, "b": 1.0}
    assert pick(table, "volume_difference_ml", "rank") == {"a": None, "b": None}


def test_the_overall_rank_weighs_the_metrics():
    table = board(TWO, bootstrap=0)
    # dice 1 x 0.5, fpv 2 x 0.25, fnv 2 x 0.25 against 2, 1, 1: equal, so Dice decides
    assert pick(table, RANK, "estimate") == pytest.approx({"a": 1.5, "b": 1.5})
    assert pick(table, RANK, "rank") == {"a": 1.0, "b": 2.0}
    better = {**TWO, "a": {**TWO["a"], "B": (0.3, 2.0, 1.0, 2.0)}}
    assert pick(board(better, bootstrap=0), RANK, "estimate") == pytest.approx({"a": 2.0, "b": 1.0})


def test_the_profile_names_the_tie_breaker():
    text = load_profile("autopet-iii").text.replace('tie_break = "dice"', 'tie_break = "fpv_ml"')
    table = board(TWO, bootstrap=0, profile=parse_profile(text, where="test"))
    assert pick(table, RANK, "rank") == {"a": 2.0, "b": 1.0}


def test_models_that_are_equal_share_the_place():
    table = board({"a": TWO["a"], "b": TWO["b"], "c": TWO["a"]}, bootstrap=0)
    assert pick(table, RANK, "rank") == {"a": 1.0, "b": 3.0, "c": 1.0}


def test_subset_means_are_ranked_and_ranks_averaged():
    values = {
        "a": {"A": (0.9, 1, 1, 0), "B": (0.9, 1, 1, 0), "C": (0.9, 1, 1, 0), "D": (0.1, 5, 5, 0)},
        "b": {"A": (0.1, 2, 2, 0), "B": (0.1, 2, 2, 0), "C": (0.1, 2, 2, 0), "D": (0.2, 4, 4, 0)},
    }
    subsets = {"columns": ["tracer", "centre"], "cases": {"A": "x", "B": "x", "C": "x", "D": "y"}}
    table = board(values, {"subsets": subsets}, bootstrap=0)
    assert pick(table, "dice", "estimate", "x") == pytest.approx({"a": 0.9, "b": 0.1})
    assert pick(table, "dice", "estimate", "y") == pytest.approx({"a": 0.1, "b": 0.2})
    assert pick(table, "dice", "n", "x") == {"a": 3, "b": 3}
    assert pick(table, RANK, "estimate") == pytest.approx({"a": 1.5, "b": 1.5})
    # by the mean of the subset means (0.5 against 0.15), not by the better of them
    assert pick(table, RANK, "rank") == {"a": 1.0, "b": 2.0}


def test_missing_predictions_stay_in_the_count():
    values = {"a": {"A": (0.0, None, 2.0, None), "B": (0.5, 0.0, 0.0, 0.0)}, "b": TWO["b"]}
    values["b"] = {case: TWO["b"][case] for case in ("A", "B")}
    table = board(values, {"missing": {"a": ["A"], "b": []}}, bootstrap=0)
    assert pick(table, "dice", "estimate")["a"] == 0.25
    for metric in ("dice", "fpv_ml", RANK):
        assert pick(table, metric, "n_missing") == {"a": 1, "b": 0}
    assert pick(table, "fpv_ml", "n")["a"] == 1


def test_a_model_without_any_value_is_last_and_has_no_interval():
    values = {"a": {"A": (0.1, None, 9.0, None)}, "b": {"A": (0.2, 5.0, 1.0, 0.0)}}
    table = board(values, bootstrap=10)
    assert pick(table, "fpv_ml", "estimate") == {"a": None, "b": 5.0}
    assert pick(table, "fpv_ml", "low")["a"] is None
    assert pick(table, "fpv_ml", "rank") == {"a": None, "b": 1.0}
    assert pick(table, RANK, "estimate") == {"a": 2.0, "b": 1.0}


def test_intervals_draw_patients_not_cases():
    random = np.random.default_rng(0)
    level = random.random(12)
    values = {"a": {}}
    patients = {}
    for patient in range(12):
        for study in range(6):
            case = f"{patient}_{study}"
            patients[case] = str(patient)
            values["a"][case] = (float(level[patient]), 0.0, 0.0, 0.0)
    by_patient = board(values, patients=patients, bootstrap=2000)
    by_case = board(values, bootstrap=2000)

    def width(table):
        return pick(table, "dice", "high")["a"] - pick(table, "dice", "low")["a"]

    expected = 2 * 1.96 * level.std() / np.sqrt(12)
    assert width(by_patient) == pytest.approx(expected, rel=0.12)
    assert width(by_case) == pytest.approx(expected / np.sqrt(6), rel=0.12)


def test_models_share_their_draws():
    random = np.random.default_rng(1)
    values = {"a": {}, "b": {}}
    for case in range(30):
        dice = float(random.random())
        values["a"][str(case)] = (dice, 1.0, 1.0, 0.0)
        values["b"][str(case)] = (dice - 0.001, 1.0, 1.0, 0.0)
    table = board(values, bootstrap=500)
    assert pick(table, RANK, "low") == pytest.approx({"a": 1.0, "b": 1.5})
    assert pick(table, RANK, "high") == pytest.approx({"a": 1.0, "b": 1.5})


def test_seed_and_draws_decide_the_interval():
    first, again, other = (board(TWO, bootstrap=200, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert "200 draws, seed 1" in first["method"][0]
    none = board(TWO, bootstrap=0)
    assert none["low"].null_count() == none.height
    assert "no interval" in none["method"][0]
    assert none["estimate"].to_list() == first["estimate"].to_list()


def test_rows_of_single_lesions_and_steps_are_left_aside():
    rows = [score("a", "A", metric, 0.5) for metric in METRICS]
    lesion = Score(**{**vars(rows[0]), "lesion": "1", "value": 0.1})
    step = Score(**{**vars(rows[0]), "step": 3, "value": 0.1})
    table = rank(Scores.from_scores([*rows, lesion, step], {}), bootstrap=0)
    assert pick(table, "dice", "estimate") == {"a": 0.5}


def test_the_profile_comes_with_the_scores_or_by_name():
    rows = [score("a", "A", metric, 0.5) for metric in METRICS]
    profile = load_profile("autopet-iii")
    by_text = rank(Scores.from_scores(rows, {"profile_text": profile.text}), bootstrap=0)
    assert by_text.equals(rank(Scores.from_scores(rows, {}), bootstrap=0, profile=profile))
    assert by_text.equals(rank(Scores.from_scores(rows, {}), bootstrap=0, profile="autopet-iii"))


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(InputError, match="scores, found none"):
        rank(Scores.from_scores([], {}))
    with pytest.raises(InputError, match="no fpv_ml, fnv_ml"):
        rank(Scores.from_scores([score("a", "A", "dice", 1.0)], {}))


def test_the_file_is_read_back(tmp_path):
    table = board(TWO, bootstrap=20)
    write_aggregates(tmp_path / "aggregates.parquet", table)
    assert read_aggregates(tmp_path / "aggregates.parquet").equals(table)
    with pytest.raises(FormatError):
        read_aggregates(tmp_path / "none.parquet")


def test_skipping_a_case_never_improves_a_place():
    full = {"A": (0.8, 10.0, 3.0, 0.0), "B": (0.6, 90.0, 1.0, 0.0)}
    skipping = {"A": (0.8, 10.0, 3.0, 0.0), "B": (0.0, None, 1.0, None)}
    table = board({"full": full, "skipping": skipping}, {"missing": {"full": [], "skipping": ["B"]}}, bootstrap=20)
    assert pick(table, "fpv_ml", "estimate") == {"full": 50.0, "skipping": 10.0}
    assert pick(table, "fpv_ml", "rank") == {"full": 1.0, "skipping": 2.0}
    assert pick(table, RANK, "rank") == {"full": 1.0, "skipping": 2.0}
