"""Subsets by facts of the cases, and rates by the size of lesions."""

from dataclasses import replace

import polars as pl
import pytest
from board_rows import profile_of, random_values, scores_of

from oncohort.errors import InputError
from oncohort.leaderboard import RANK, rank
from oncohort.leaderboard.subgroups import group_cases
from oncohort.results import LESION_SCHEMA


@pytest.fixture
def scores():
    return scores_of(random_values("ab", 9, seed=6), profile=profile_of("dice"))


FACTS = pl.DataFrame(
    {
        "case": [f"c{case}" for case in range(9)],
        "sex": ["F", "M", "F", None, "F", "M", "M", "F", "M"],
        "age_years": [30.0, 40.0, 50.0, 60.0, 70.0, 80.0, None, 45.0, 55.0],
        "name": list("abcdefghi"),
        "timepoint": [1, 1, 2, 2, 1, 1, 2, 1, 1],
    }
)


def test_every_value_is_a_subset_with_the_mean_of_its_cases(scores):
    table = rank(scores, bootstrap=50, by="sex", facts=FACTS)
    plain = rank(scores, bootstrap=50)
    assert table.head(plain.height).equals(plain)
    assert table["subset"].unique(maintain_order=True).to_list() == ["all", "sex F", "sex M", "sex unknown"]
    values = dict(scores.table.filter(model="a").select("case", "value").rows())
    women = [values[case] for case in ("c0", "c2", "c4", "c7")]
    row = table.filter(subset="sex F", model="a").row(0, named=True)
    assert row["estimate"] == pytest.approx(sum(women) / 4)
    assert (row["n"], row["rank"] in (1.0, 2.0), row["low"] is None) == (4, True, False)
    assert table.filter(metric=RANK)["subset"].unique().to_list() == ["all"]


def test_numbers_of_many_values_are_cut_into_thirds():
    groups = group_cases(FACTS["case"], FACTS, "age_years")
    assert [name.split(":")[0] for name in groups] == ["age_years 1", "age_years 2", "age_years 3", "age_years unknown"]
    assert [int(members.sum()) for members in groups.values()] == [3, 2, 3, 1]
    assert list(group_cases(FACTS["case"], FACTS, "timepoint")) == ["timepoint 1", "timepoint 2"]


def test_what_cannot_be_grouped_is_refused(scores):
    with pytest.raises(InputError, match="found no table of cases"):
        rank(scores, by="sex")
    with pytest.raises(InputError, match="column 'centre'"):
        rank(scores, by="centre", facts=FACTS)
    with pytest.raises(InputError, match="no row for c8"):
        rank(scores, by="sex", facts=FACTS.head(8))
    many = FACTS.with_columns(name=pl.Series([f"n{case}" for case in range(9)]))
    many = pl.concat([many, many.with_columns(case=pl.col("case") + "x", name=pl.col("name") + "x")])
    with pytest.raises(InputError, match="18 values"):
        group_cases(many["case"], many, "name")
    with pytest.raises(InputError, match="lesions with size classes, found none"):
        rank(scores, by="size_class")


def lesion(model, case, side, volume, matched):
    size = "up to 1 ml" if volume <= 1 else "above 1 ml"
    facts = {"model": model, "case": case, "patient": case, "structure": "lesion", "side": side, "lesion": 1}
    return {**facts, "volume_ml": volume, "size_class": size, "matched": matched, "iou": 0.5 if matched else 0.0}


def test_recall_and_precision_by_size_of_the_lesion(scores):
    rows = [
        lesion("a", "c0", "reference", 0.5, [1]),
        lesion("a", "c0", "reference", 0.7, []),
        lesion("a", "c1", "reference", 5.0, [1, 2]),
        lesion("b", "c0", "reference", 0.5, []),
        lesion("b", "c0", "reference", 0.7, []),
        lesion("b", "c1", "reference", 5.0, [1]),
        lesion("a", "c0", "prediction", 0.4, [1]),
        lesion("a", "c5", "prediction", 9.0, []),
        lesion("b", "c1", "prediction", 9.0, [1]),
    ]
    table = rank(replace(scores, lesions=pl.DataFrame(rows, schema=LESION_SCHEMA)), bootstrap=50, by="size_class")
    found = table.filter(pl.col("subset").str.starts_with("size_class"))
    assert found["subset"].unique(maintain_order=True).to_list() == ["size_class up to 1 ml", "size_class above 1 ml"]

    def pick(subset, metric, column):
        return dict(found.filter(subset=f"size_class {subset}", metric=metric).select("model", column).rows())

    assert pick("up to 1 ml", "lesion_recall", "estimate") == {"a": 0.5, "b": 0.0}
    assert pick("up to 1 ml", "lesion_recall", "n") == {"a": 2, "b": 2}
    assert pick("above 1 ml", "lesion_recall", "estimate") == {"a": 1.0, "b": 1.0}
    assert pick("above 1 ml", "lesion_precision", "estimate") == {"a": 0.0, "b": 1.0}
    assert pick("up to 1 ml", "lesion_precision", "estimate") == {"a": 1.0, "b": None}
    assert pick("up to 1 ml", "lesion_recall", "rank") == {"a": 1.0, "b": 2.0}
