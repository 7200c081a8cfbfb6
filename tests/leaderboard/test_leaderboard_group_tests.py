"""Groups of patients compared, against scipy."""

import numpy as np
import polars as pl
import pytest
from board_rows import MISSING, profile_of, random_values, scores_of
from scipy import stats

from oncohort.errors import InputError
from oncohort.leaderboard.group_tests import GROUP_TEST_SCHEMA, compare_groups

FACTS = pl.DataFrame(
    {
        "case": [f"c{case}" for case in range(30)],
        "sex": ["F", "M"] * 14 + [None, None],
        "centre": ["x", "y", "z"] * 10,
        "all_one": ["u"] * 30,
    }
)


@pytest.fixture
def scores():
    return scores_of(random_values("ab", 30, seed=3), profile=profile_of("dice"))


def column(scores, model):
    return dict(scores.table.filter(model=model).select("case", "value").rows())


def parts(scores, model, by):
    values = column(scores, model)
    rows = FACTS.drop_nulls(by).select("case", by).rows()
    return [[values[case] for case, group in rows if group == name] for name in sorted({group for _, group in rows})]


def test_two_groups_by_mann_and_whitney_and_more_by_kruskal_and_wallis(scores):
    for by, names in (("sex", ["sex F", "sex M"]), ("centre", ["centre x", "centre y", "centre z"])):
        table = compare_groups(scores, FACTS, by=by)
        assert table.schema == GROUP_TEST_SCHEMA
        for row in table.to_dicts():
            members = parts(scores, row["model"], by)
            assert row["groups"] == names
            assert row["n"] == [len(part) for part in members]
            assert row["medians"] == pytest.approx([np.median(part) for part in members])
            expected = stats.mannwhitneyu(*members, method="asymptotic") if by == "sex" else stats.kruskal(*members)
            assert row["p"] == pytest.approx(expected.pvalue)
        smaller, larger = sorted(table["p"])
        assert sorted(table["p_holm"]) == pytest.approx([min(1, 2 * smaller), max(min(1, 2 * smaller), larger)])


def test_patients_are_counted_once_per_group(scores):
    values = random_values("a", 30, seed=3)
    patients = {f"c{case}": f"p{case // 2}" for case in range(30)}
    table = compare_groups(scores_of(values, profile=profile_of("dice"), patients=patients), FACTS, by="centre")
    assert table["n"].to_list() == [[10, 10, 10]]
    whole = FACTS.with_columns(half=pl.Series(["s"] * 15 + ["t"] * 15))
    table = compare_groups(scores_of(values, profile=profile_of("dice"), patients=patients), whole, by="half")
    assert table["n"].to_list() == [[8, 8]]


def test_a_failed_prediction_is_the_worst_and_one_group_is_no_comparison(scores):
    values = {("a", "hd95_mm"): {f"c{case}": float(case) for case in range(30)}}
    values["a", "hd95_mm"]["c0"] = MISSING
    table = compare_groups(scores_of(values, profile=profile_of("hd95_mm")), FACTS, by="sex")
    assert table["medians"].to_list() == [[np.median([29, *range(2, 28, 2)]), np.median(range(1, 28, 2))]]
    assert compare_groups(scores, FACTS, by="all_one").height == 0
    with pytest.raises(InputError):
        compare_groups(scores, FACTS, by="tracer")
