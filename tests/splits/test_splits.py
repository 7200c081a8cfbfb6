"""Splits: no patient on two sides, equal mixtures, the same draw from the same seed."""

import json
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.errors import FormatError, LeakageError, SettingsError
from oncohort.splits import Split, assign_groups, draw_split, given_split


def cohort(patients=60, seed=0):
    """Cases of patients with one to four studies, a tracer per case and lesions in some patients."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        has_lesions = random.random() < 0.6
        for study in range(random.integers(1, 5)):
            rows.append(
                {
                    "case": f"P{patient:03d}_{study}",
                    "patient": f"P{patient:03d}",
                    "study": f"1.2.{patient}.{study}",
                    "tracer": "PSMA" if patient % 3 == 0 else "FDG",
                    "lesions": has_lesions,
                    "split": None,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"split": pl.String})


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=5, max_size=40),
    kinds=st.integers(1, 4),
    folds=st.integers(2, 5),
    seed=st.integers(0, 2**31),
)
def test_no_group_is_torn_and_every_part_has_some(sizes, kinds, folds, seed):
    groups = [f"g{n}" for n, size in enumerate(sizes) for _ in range(size)]
    strata = [n % kinds for n in range(len(groups))]
    part = assign_groups(groups, strata, [1 / folds] * folds, seed=seed)
    assert set(part) == set(groups)
    assert set(part.values()) == set(range(folds))
    held = Counter(part[group] for group in groups)
    assert max(held.values()) - min(held.values()) <= 2 * max(sizes)


def test_the_order_of_the_items_does_not_matter_and_the_seed_does():
    table = cohort()
    groups, strata = table["patient"].to_list(), table["tracer"].to_list()
    first = assign_groups(groups, strata, [0.5, 0.5], seed=1)
    assert assign_groups(groups[::-1], strata[::-1], [0.5, 0.5], seed=1) == first
    assert assign_groups(groups, strata, [0.5, 0.5], seed=2) != first


def test_mixtures_are_nearly_equal_and_closer_than_by_chance():
    table = cohort(patients=200)
    split = draw_split(table, folds=5, strata=("tracer", "lesions"), seed=7)
    shares, chance = [], []
    shuffled = np.random.default_rng(0).permutation(200) % 5
    for fold in range(5):
        part = table.filter(pl.col("case").is_in(split.folds[fold]))
        shares.append((part["tracer"] == "PSMA").mean())
        drawn = table.filter(pl.col("patient").is_in([f"P{n:03d}" for n in np.flatnonzero(shuffled == fold)]))
        chance.append((drawn["tracer"] == "PSMA").mean())
        assert abs(len(part) / len(table) - 0.2) < 0.01
    assert np.ptp(shares) < 0.02 < np.ptp(chance)


def test_test_set_and_folds_part_the_cohort_by_patient():
    table = cohort()
    split = draw_split(table, folds=5, test_share=0.2, strata=("tracer",), seed=3)
    everyone = [*split.test, *(case for fold in split.folds for case in fold)]
    assert sorted(everyone) == sorted(table["case"])
    owners = [{split.patients[case] for case in part} for part in (split.test, *split.folds)]
    assert sum(map(len, owners)) == len(set().union(*owners)) == 60
    assert abs(len(split.test) / len(table) - 0.2) < 0.05
    for fold in range(5):
        assert not {split.patients[case] for case in split.training(fold)} & owners[fold + 1]
        assert set(split.training(fold)) | set(split.folds[fold]) | set(split.test) == set(everyone)


def test_an_official_test_set_is_honoured():
    table = cohort().with_columns(
        split=pl.when(pl.col("patient") < "P010").then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    split = draw_split(table, folds=3, seed=3)
    assert sorted(split.test) == sorted(table.filter(pl.col("patient") < "P010")["case"])
    with pytest.raises(SettingsError, match="official test set"):
        draw_split(table, folds=3, test_share=0.1, seed=3)
    assert draw_split(table, folds=3, seed=3, official_test=False).test == ()


def test_a_published_split_that_leaks_is_refused():
    table = cohort().with_columns(split=pl.Series(["test" if n % 2 else "train" for n in range(len(cohort()))]))
    with pytest.raises(LeakageError, match="patient P0"):
        given_split(table)


def test_published_folds_are_taken_by_number():
    table = cohort().with_columns(split=pl.lit("train"), fold=pl.col("patient").str.slice(1).cast(pl.Int64) % 5)
    split = given_split(table, fold_column="fold")
    assert len(split.folds) == 5
    assert split.origin == "official"
    assert all(int(split.patients[case][1:]) % 5 == fold for fold in range(5) for case in split.folds[fold])
    with pytest.raises(SettingsError, match="no folds"):
        given_split(table, fold_column="folds")


def test_one_study_of_two_patients_is_a_leak():
    with pytest.raises(LeakageError, match=r"study 1\.2 in test and in fold 0"):
        Split({"a": "a", "b": "b"}, test=("a",), folds=(("b",),), studies={"a": "1.2", "b": "1.2"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"folds": (("a",),)}, "b in none"),
        ({"folds": (("a", "b"), ("a",))}, "a in two"),
        ({"folds": (("a", "b", "c"),)}, "c in none, or unknown"),
    ],
)
def test_every_case_stands_once(changes, told):
    with pytest.raises(LeakageError, match=told):
        Split({"a": "a", "b": "b"}, **changes)


def test_a_split_survives_its_file_and_an_edited_one_is_noticed():
    split = draw_split(cohort(), folds=4, test_share=0.1, strata=("lesions",), seed=5)
    written = json.loads(json.dumps(split.to_dict()))
    again = Split.from_dict(written, where="split.json")
    assert again.content_hash == split.content_hash == written["content_hash"]
    assert [again.training(k) for k in range(4)] == [split.training(k) for k in range(4)]
    moved = written["folds"][0]["val"].pop()
    written["folds"][1]["val"].append(moved)
    with pytest.raises((FormatError, LeakageError)):
        Split.from_dict(written, where="split.json")
    with pytest.raises(FormatError, match=r"split\.json"):
        Split.from_dict({"type": "other"}, where="split.json")


def test_a_split_of_another_cohort_is_refused():
    split = draw_split(cohort(), folds=2, seed=5)
    split.require_cases(cohort()["case"])
    with pytest.raises(LeakageError, match="1 cases without a part"):
        split.require_cases([*cohort()["case"], "new"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"folds": 0}, "folds of 1"),
        ({"folds": 61}, "at least 61 patients"),
        ({"folds": 2, "test_share": 1.0}, "below 1"),
        ({"folds": 2, "strata": ("trcer",)}, "no trcer"),
    ],
)
def test_wrong_settings_are_refused(settings, told):
    with pytest.raises(SettingsError, match=told):
        draw_split(cohort(), seed=1, **settings)
