"""Several structures per case: each alone, and their mean."""

import numpy as np
import pytest
from board_rows import EMPTY, NO_REFERENCE, profile_of, scores_of

from oncohort.leaderboard import MACRO, RANK, arrange_scores, rank
from oncohort.leaderboard.formats import case_rows

VALUES = {
    ("a", "dice", "liver"): {"1": 0.9, "2": 0.7},
    ("a", "dice", "spleen"): {"1": 0.2, "2": NO_REFERENCE},
    ("b", "dice", "liver"): {"1": 0.5, "2": 0.5},
    ("b", "dice", "spleen"): {"1": 0.8, "2": NO_REFERENCE},
}


def pick(table, structure, column, metric="dice"):
    rows = table.filter((table["structure"] == structure) & (table["metric"] == metric))
    return dict(zip(rows["model"], rows[column], strict=True))


@pytest.fixture
def scores():
    return scores_of(VALUES, profile=profile_of("dice", structures=True))


def test_every_structure_and_their_mean_have_rows(scores):
    table = rank(scores, bootstrap=100)
    assert table.filter(metric="dice")["structure"].unique(maintain_order=True).to_list() == ["liver", "spleen", MACRO]
    assert pick(table, "liver", "estimate") == pytest.approx({"a": 0.8, "b": 0.5})
    assert pick(table, "spleen", "estimate") == pytest.approx({"a": 0.2, "b": 0.8})
    # the mean of the structures' means, not of all values: (0.8 + 0.2) / 2
    assert pick(table, MACRO, "estimate") == pytest.approx({"a": 0.5, "b": 0.65})
    assert pick(table, "spleen", "n") == {"a": 1, "b": 1}
    assert pick(table, "spleen", "n_undefined") == {"a": 1, "b": 1}
    assert pick(table, MACRO, "n") == {"a": 2, "b": 2}


def test_the_mean_over_structures_is_ranked(scores):
    table = rank(scores, bootstrap=0)
    assert pick(table, "liver", "rank") == {"a": 1.0, "b": 2.0}
    assert pick(table, MACRO, "rank") == {"a": 2.0, "b": 1.0}
    overall = table.filter(metric=RANK)
    assert dict(overall.select("model", "rank").rows()) == {"a": 2.0, "b": 1.0}
    assert overall["structure"].to_list() == [None, None]


def test_missing_one_structure_is_a_failure_of_the_mean():
    full = {"1": 9.0, "2": 9.0, "3": 9.0}
    values = {
        ("lazy", "hd95_mm", "liver"): {"1": 1.0, "2": 1.0, "3": 1.0},
        ("lazy", "hd95_mm", "spleen"): {"1": EMPTY, "2": EMPTY, "3": 1.0},
        ("full", "hd95_mm", "liver"): full,
        ("full", "hd95_mm", "spleen"): full,
    }
    for method in ("mean-then-rank", "rank-then-mean"):
        table = rank(scores_of(values, profile=profile_of("hd95_mm", structures=True)), bootstrap=0, method=method)
        assert pick(table, "liver", "rank", "hd95_mm") == {"lazy": 1.0, "full": 2.0}
        assert pick(table, MACRO, "rank", "hd95_mm") == {"lazy": 2.0, "full": 1.0}


def test_the_grid_keeps_structures_apart(scores):
    grid = arrange_scores(scores)
    assert grid.structures == ("liver", "spleen")
    assert grid.metrics == ("dice",)
    means, failed = grid.case_values("dice")
    assert means == pytest.approx(np.array([[0.55, 0.65], [0.7, 0.5]]))
    assert not failed.any()


def test_one_value_per_case_is_the_mean_of_its_structures(scores):
    found = {(row["model"], row["case"]): row["value"] for row in case_rows(scores)}
    assert found == pytest.approx({("a", "1"): 0.55, ("a", "2"): 0.7, ("b", "1"): 0.65, ("b", "2"): 0.5})
    alone = scores_of({("a", "dice", "liver"): VALUES["a", "dice", "spleen"]}, profile=profile_of("dice"))
    assert [row["undefined"] for row in case_rows(alone)] == [None, NO_REFERENCE]
