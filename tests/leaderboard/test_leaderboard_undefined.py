"""What nobody can have a value for counts for nobody."""

import numpy as np
import pytest
from board_rows import EMPTY, MISSING, NO_REFERENCE, profile_of, scores_of

from oncohort.leaderboard import MACRO, RANK, arrange_scores, rank


def places(table, metric, structure="lesion"):
    rows = table.filter(metric=metric)
    rows = rows if metric == RANK else rows.filter(structure=structure)
    return dict(rows.select("model", "rank").iter_rows())


@pytest.mark.parametrize("reason", [NO_REFERENCE, MISSING, "prediction_unreadable"])
@pytest.mark.parametrize("method", ["mean-then-rank", "rank-then-mean"])
def test_a_missing_prediction_for_a_case_without_lesion_costs_no_place(method, reason):
    """`reference_empty` is what a profile stores that scores a missing prediction as an empty one."""
    values = {
        ("full", "dice"): {"1": 0.02, "2": NO_REFERENCE},
        ("gap", "dice"): {"1": 0.02, "2": reason},
        ("poor", "dice"): {"1": 0.0, "2": NO_REFERENCE},
    }
    scores = scores_of(values, profile=profile_of("dice"), run={"missing": {"gap": ["2"]}})
    table = rank(scores, bootstrap=0, method=method)
    assert places(table, "dice") == places(table, RANK) == {"full": 1.0, "gap": 1.0, "poor": 3.0}
    assert dict(table.filter(metric="dice").select("model", "n_missing").iter_rows()) == {
        "full": 0,
        "gap": 1,
        "poor": 0,
    }


@pytest.mark.parametrize("method", ["mean-then-rank", "rank-then-mean"])
def test_a_missing_prediction_still_costs_where_others_have_a_value(method):
    """A profile may reward silence on a case without lesion; who has no prediction there has not been silent."""
    values = {
        ("full", "dice"): {"1": 0.02, "2": 1.0},
        ("gap", "dice"): {"1": 0.9, "2": NO_REFERENCE},
    }
    scores = scores_of(values, profile=profile_of("dice"), run={"missing": {"gap": ["2"]}})
    grid = arrange_scores(scores)
    assert grid.is_failed["lesion", "dice"].tolist() == [[False, False], [False, True]]
    assert places(rank(scores, bootstrap=0, method=method), "dice")["full"] == 1.0


def test_where_all_fail_all_have_failed():
    values = {("a", "hd95_mm"): {"1": EMPTY}, ("b", "hd95_mm"): {"1": MISSING}}
    grid = arrange_scores(scores_of(values, profile=profile_of("hd95_mm")))
    assert grid.is_failed["lesion", "hd95_mm"].all()


def macro_scores(absent):
    """Two organs, of which the spleen is in no reference; `gap` has no prediction for one of six cases."""
    dice = np.linspace(0.1, 0.6, 6)
    values = {}
    for model in ("full", "gap", "poor"):
        shift = -0.05 if model == "poor" else 0.0
        values[model, "dice", "liver"] = {str(case): value + shift for case, value in enumerate(dice)}
        values[model, "dice", "spleen"] = {str(case): NO_REFERENCE for case in range(6)}
    values["gap", "dice", "liver"]["0"] = absent
    return scores_of(values, profile=profile_of("dice", structures=True), run={"missing": {"gap": ["0"]}})


def test_a_structure_in_no_reference_fails_nobody_in_the_mean_over_structures():
    scores = macro_scores(0.1)
    for method in ("mean-then-rank", "rank-then-mean"):
        table = rank(scores, bootstrap=0, method=method)
        assert places(table, "dice", MACRO) == places(table, RANK) == {"full": 1.0, "gap": 1.0, "poor": 3.0}
        macro = table.filter(metric="dice", structure=MACRO)
        assert macro["n"].to_list() == [6, 6, 6]


def test_n_of_the_mean_over_structures_counts_the_cases_in_it():
    """A case in which one structure failed still brings its other structures to the mean."""
    values = {
        ("a", "hd95_mm", "liver"): {"1": 1.0, "2": 3.0},
        ("a", "hd95_mm", "spleen"): {"1": EMPTY, "2": 5.0},
        ("b", "hd95_mm", "liver"): {"1": 9.0, "2": 9.0},
        ("b", "hd95_mm", "spleen"): {"1": 9.0, "2": 9.0},
    }
    table = rank(scores_of(values, profile=profile_of("hd95_mm", structures=True)), bootstrap=0)
    row = table.filter(metric="hd95_mm", structure=MACRO, model="a").to_dicts()[0]
    assert (row["estimate"], row["n"], row["n_undefined"]) == (3.5, 2, 0)  # (2 + 5) / 2, from both cases
    assert row["rank"] == 2.0
