"""What is averaged before ranking, and the published leaderboard of autoPET IV, task 1."""

import numpy as np
import pytest
from board_rows import profile_of, scores_of

from oncohort.errors import InputError
from oncohort.leaderboard import RANK, rank, rank_means
from oncohort.leaderboard.columns import metric_names
from oncohort.profiles import list_profiles, load_profile, parse_profile

COLUMNS = ("dice", "fnv_ml", "fpv_ml", "dice_area", "fnv_area", "fpv_area")
WEIGHTS = (0.25, 0.125, 0.125, 0.25, 0.125, 0.125)
PUBLISHED = {
    "BIRTH": (0.7412, 2.1665, 1.2898, 7.2419, 35.4266, 13.7411),
    "LesionLocator": (0.7236, 1.7511, 2.4750, 7.0622, 25.6613, 26.7372),
    "Zhack": (0.7308, 4.2215, 2.6561, 6.9878, 64.0498, 24.9049),
    "autopet__": (0.7160, 2.3175, 2.4955, 6.7277, 61.1521, 22.5360),
    "nnU-Net": (0.6349, 3.0666, 10.8394, 5.8355, 134.3324, 85.2603),
    "Dolphins": (0.5518, 6.5580, 9.7020, 5.5183, 65.5797, 97.0200),
    "SW-FastEdit": (0.2311, 8.6298, 437.2991, 2.2851, 91.4860, 4542.7442),
}
"""Leaderboard of autoPET IV, task 1 (reference/autopet.md 6.6): DSC, FNV, FPV at the last step, then their areas."""

POSITIONS = dict(zip(PUBLISHED, (1.25, 2.25, 3.25, 3.375, 5.25, 5.75, 6.875), strict=True))


def protocol(scheme, columns=COLUMNS, weights=WEIGHTS):
    head = load_profile("autopet-iii").text.split("[[metric]]")[0].replace("rank-subset-means", scheme)
    rules = [
        f'[[metric]]\nname = "{name}"\nlabel = "{column}"\nweight = {weight}\naggregate = "mean"\n'
        'reference_empty = "undefined"\nprediction_empty = "undefined"\n'
        'both_empty = "undefined"\nmissing = "undefined"\n'
        for column, weight in zip(columns, weights, strict=True)
        for name in [column.replace("_area", "") if "dice" in column else column.replace("_area", "_ml")]
    ]
    return parse_profile("\n".join([head, *rules]), where="test")


def means(table):
    return {team: dict(zip(COLUMNS, row, strict=True)) for team, row in table.items()}


def test_the_published_positions_of_autopet_iv_follow_from_its_means():
    table = rank_means(means(dict(reversed(PUBLISHED.items()))), protocol("rank-mean-of-subsets"))
    assert dict(zip(table["model"], table["position"], strict=True)) == pytest.approx(POSITIONS)
    assert table["rank"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert table["model"].to_list() == list(PUBLISHED)
    places = dict(zip(table["model"], table["rank_fnv_ml"], strict=True))
    assert (places["LesionLocator"], places["BIRTH"]) == (1, 2)


def test_the_profile_that_comes_with_us_ranks_them_too():
    bundled = ("dice_last", "fnv_ml_last", "fpv_ml_last", "dice_auc", "fnv_ml_auc", "fpv_ml_auc")
    published = {team: dict(zip(bundled, row, strict=True)) for team, row in PUBLISHED.items()}
    table = rank_means(published, load_profile("autopet-iv-task1"))
    assert dict(zip(table["model"], table["position"], strict=True)) == pytest.approx(POSITIONS)
    assert table["model"].to_list() == list(PUBLISHED)


def test_the_words_of_a_ranking_are_those_of_the_tables():
    profile = load_profile("autopet-iii")
    values = {(model, metric): {"A": 0.5} for model in "ab" for metric in profile.metrics}
    (words,) = set(rank(scores_of(values, profile=profile), bootstrap=0).filter(metric=RANK)["method"])
    assert words == (
        "ranks of subset means, averaged over subsets, weighted (0.5 Dice; 0.25 False positive volume; "
        "0.25 False negative volume), ties by Dice; profile autopet-iii, version 1; no interval"
    )


@pytest.mark.parametrize("name", list_profiles())
def test_every_metric_has_a_name_of_its_own_in_words(name):
    profile = load_profile(name)
    names = metric_names(profile)
    assert set(names) == {*profile.metrics, *(entry.column for entry in profile.of_cohort)}
    assert len(set(names.values())) == len(names)
    assert not {word for word in names.values() if word in names}


def test_equal_positions_are_parted_by_the_tie_break():
    two = {"a": {"dice": 0.6, "fpv_ml": 1.0, "fnv_ml": 1.0}, "b": {"dice": 0.7, "fpv_ml": 2.0, "fnv_ml": 2.0}}
    table = rank_means(two, load_profile("autopet-i"))
    assert table.select("model", "position", "rank").rows() == [("b", 1.5, 1), ("a", 1.5, 2)]


def test_means_that_do_not_suffice_are_refused():
    with pytest.raises(InputError, match="no fnv_ml"):
        rank_means({"a": {"dice": 0.6, "fpv_ml": 1.0}}, load_profile("autopet-i"))
    with pytest.raises(InputError, match="ranks every subset by itself"):
        rank_means({}, load_profile("autopet-iii"))
    with pytest.raises(InputError, match="at least one model"):
        rank_means({}, load_profile("autopet-i"))


VALUES = {
    ("steady", "dice"): {"1": 0.5, "2": 0.5, "3": 0.5, "4": 0.5},
    ("uneven", "dice"): {"1": 0.9, "2": 0.4, "3": 0.4, "4": 0.4},
    ("third", "dice"): {"1": 0.1, "2": 0.45, "3": 0.46, "4": 0.45},
}
"""Subset A is case 1, subset B the others: means 0.5 0.5, 0.9 0.4, 0.1 0.4533; cohort 0.5, 0.525, 0.365."""

SUBSETS = {"subsets": {"cases": {"1": "A", "2": "B", "3": "B", "4": "B"}}}


def overall(scheme, **more):
    scores = scores_of(VALUES, profile=protocol(scheme, ("dice",), (1.0,)), run=SUBSETS)
    table = rank(scores, bootstrap=20, **more).filter(metric=RANK)
    return dict(zip(table["model"], table["estimate"], strict=True)), table["method"][0]


@pytest.mark.parametrize(
    ("scheme", "expected", "words"),
    [
        ("rank-subset-means", {"steady": 1.5, "uneven": 2.0, "third": 2.5}, "averaged over subsets"),
        ("rank-mean-of-subsets", {"steady": 2.0, "uneven": 1.0, "third": 3.0}, "means over subsets of subset means"),
        ("rank-cohort-means", {"steady": 2.0, "uneven": 1.0, "third": 3.0}, "means over all cases"),
    ],
)
def test_schemes_average_before_or_after_ranking(scheme, expected, words):
    found, method = overall(scheme)
    assert found == pytest.approx(expected)
    assert words in method


def test_the_mean_of_subsets_is_not_the_mean_of_cases():
    """Case 1 weighs a half in the one, a quarter in the other."""
    values = {("a", "dice"): dict.fromkeys("1234", 0.5), ("b", "dice"): {"1": 0.9, "2": 0.3, "3": 0.3, "4": 0.3}}
    best = {}
    for scheme in ("rank-mean-of-subsets", "rank-cohort-means"):
        scores = scores_of(values, profile=protocol(scheme, ("dice",), (1.0,)), run=SUBSETS)
        table = rank(scores, bootstrap=0).filter(metric=RANK, rank=1.0)
        best[scheme] = table["model"].to_list()
    assert best == {"rank-mean-of-subsets": ["b"], "rank-cohort-means": ["a"]}


def test_scores_and_their_means_give_the_same_places():
    rng = np.random.default_rng(5)
    profile = profile_of("dice", "fpv_ml", weights=[0.6, 0.4])
    profile = parse_profile(profile.text.replace("rank-subset-means", "rank-cohort-means"), where="test")
    values = {
        (model, metric): {str(case): rng.random() for case in range(6)}
        for model in "abcd"
        for metric in ("dice", "fpv_ml")
    }
    table = rank(scores_of(values, profile=profile), bootstrap=0).filter(metric=RANK)
    levels = {m: {n: float(np.mean(list(values[m, n].values()))) for n in ("dice", "fpv_ml")} for m in "abcd"}
    found = rank_means(levels, profile)
    assert dict(zip(found["model"], found["rank"], strict=True)) == dict(
        zip(table["model"], table["rank"], strict=True)
    )
