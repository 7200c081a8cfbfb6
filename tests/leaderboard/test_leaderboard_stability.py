"""Intervals, the bootstrap distribution of places, and letters."""

import numpy as np
import pytest
from board_rows import profile_of, random_values, scores_of
from scipy import stats

from oncohort.leaderboard import RANK, rank
from oncohort.leaderboard.stability import measure_stability
from oncohort.statistics import bca_interval, bootstrap_means, draw_patients, rank_values


def rows_of(table, metric="dice"):
    return {row["model"]: row for row in table.filter(metric=metric, subset="all").to_dicts()}


def test_shares_interval_and_tau_are_those_of_a_loop():
    values = random_values(("a", "b", "c"), 12, seed=7)
    table = rank(scores_of(values, profile=profile_of("dice")), bootstrap=300, seed=4)
    columns = np.array([list(values[model, "dice"].values()) for model in "abc"]).T
    patients = np.argsort(np.argsort([f"c{case}" for case in range(12)]))  # the patients by name
    drawn = rank_values(bootstrap_means(columns, patients, draw_patients(12, draws=300, seed=4)), ascending=False)
    order = rank_values(columns.mean(axis=0), ascending=False)
    taus = [stats.kendalltau(one, order).statistic for one in drawn]
    for number, (model, row) in enumerate(rows_of(table).items()):
        assert row["place_shares"] == pytest.approx([(drawn[:, number] == place).mean() for place in (1, 2, 3)]), model
        assert row["first_share"] == row["place_shares"][0]
        assert row["tau"] == pytest.approx(np.nanmean(taus))
        assert row["rank_low"] <= row["rank"] <= row["rank_high"]
        assert np.mean((drawn[:, number] >= row["rank_low"]) & (drawn[:, number] <= row["rank_high"])) >= 0.95


def test_without_draws_there_is_no_stability():
    table = rank(scores_of(random_values("ab", 5, seed=1), profile=profile_of("dice")), bootstrap=0)
    assert table.select("rank_low", "rank_high", "first_share", "place_shares", "tau").null_count().row(0) == (4,) * 5
    assert measure_stability(np.array([[1, 2]]), confidence=0.95) is None


def test_equal_models_have_no_order_and_so_no_tau():
    same = {"1": 0.5, "2": 0.7}
    table = rank(scores_of({("a", "dice"): same, ("b", "dice"): same}, profile=profile_of("dice")), bootstrap=20)
    assert [row["tau"] for row in rows_of(table).values()] == [None, None]
    assert [row["first_share"] for row in rows_of(table).values()] == [1.0, 1.0]
    assert [row["letters"] for row in rows_of(table).values()] == ["a", "a"]


def test_bca_leaves_out_patients():
    generator = np.random.default_rng(2)
    patients = {f"c{case}": f"p{case // 3}" for case in range(30)}
    values = {("a", "dice"): {case: float(generator.beta(5, 1)) for case in patients}}
    scores = scores_of(values, profile=profile_of("dice"), patients=patients)
    row = rows_of(rank(scores, bootstrap=500, interval="bca"))["a"]
    column = np.array(list(values["a", "dice"].values()))
    owners = np.array([int(patient[1:]) for patient in patients.values()])
    samples = bootstrap_means(column, owners, draw_patients(10, draws=500, seed=2026))
    without = [column[owners != patient].mean() for patient in range(10)]
    low, high, method, _ = bca_interval(samples, column.mean(), without, confidence=0.95)
    assert method == "bca"
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert "95% BCa bootstrap of patients (500 draws" in row["method"]
    assert rows_of(rank(scores, bootstrap=500))["a"]["low"] != row["low"]


def test_bca_says_when_it_could_not():
    values = {("a", "dice"): {"1": 0.5, "2": 0.5}}
    row = rows_of(rank(scores_of(values, profile=profile_of("dice")), bootstrap=20, interval="bca"))["a"]
    assert (row["low"], row["high"]) == (0.5, 0.5)
    assert "percentile" in row["method"]
    assert "not BCa: the estimate does not change" in row["method"]


def test_letters_part_what_differs_and_join_what_does_not():
    generator = np.random.default_rng(0)
    base = generator.random(40)
    columns = {"a": base, "b": base - 0.2 - 0.01 * generator.random(40), "c": base - 0.2 - 0.01 * generator.random(40)}
    values = {
        (model, "dice"): {f"c{i:02}": value for i, value in enumerate(column)} for model, column in columns.items()
    }
    table = rank(scores_of(values, profile=profile_of("dice")), bootstrap=0)
    letters = {model: row["letters"] for model, row in rows_of(table).items()}
    assert letters["a"] == "a"
    assert letters["b"] == letters["c"] == "b"
    overall = {model: row["letters"] for model, row in rows_of(table, RANK).items()}
    assert overall["a"] == "a"
    assert overall["b"] == overall["c"] == "b"


def test_the_leader_has_the_first_letter_whichever_way_is_better():
    low = {str(case): float(case) for case in range(20)}
    high = {case: value + 5 for case, value in low.items()}
    for metric, best in (("dice", "high"), ("hd95_mm", "low")):
        table = rank(scores_of({("low", metric): low, ("high", metric): high}, profile=profile_of(metric)), bootstrap=0)
        found = rows_of(table, metric)
        assert {model for model, row in found.items() if row["letters"] == "a"} == {best}
        assert found[best]["rank"] == 1.0


def test_places_and_letters_are_kept_by_the_file(tmp_path):
    from oncohort.formats.parquet import write_table
    from oncohort.leaderboard import read_aggregates, write_aggregates

    table = rank(scores_of(random_values("abc", 9, seed=3), profile=profile_of("dice")), bootstrap=40)
    write_aggregates(tmp_path / "a.parquet", table)
    assert read_aggregates(tmp_path / "a.parquet").equals(table)
    added = ("profile", "profile_version")
    later = ("structure", "rank_low", "rank_high", "first_share", "place_shares", "tau", "letters", *added)
    for version, lacking in (("1.0", later), ("1.1", added)):
        old = table.drop(lacking)
        write_table(tmp_path / "old.parquet", old, kind="oncohort.aggregates", version=version)
        found = read_aggregates(tmp_path / "old.parquet")
        assert found.schema == table.schema
        assert all(found[name].null_count() == found.height for name in lacking)
        assert found.drop(lacking).equals(old)
