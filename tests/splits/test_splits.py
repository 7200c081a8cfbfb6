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


def test_every_part_gets_its_least_number_of_groups():
    groups, strata = list("aaaaaabcde"), [0] * 10
    free = Counter(assign_groups(groups, strata, [0.6, 0.4], seed=3).values())
    bound = Counter(assign_groups(groups, strata, [0.6, 0.4], seed=3, least=[4, 1]).values())
    assert (free[0], bound[0], bound[1]) == (1, 4, 1)
    with pytest.raises(ValueError, match="at least 6 groups for the parts, got 5"):
        assign_groups(groups, strata, [0.6, 0.4], seed=3, least=[4, 2])
    with pytest.raises(ValueError, match="1 or more, for each of 2 parts"):
        assign_groups(groups, strata, [0.6, 0.4], seed=3, least=[4, 0])


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
        ({"folds": 61}, "at least 61 patients for 61 folds, found 60"),
        ({"folds": 60, "test_share": 0.1}, "at least 61 patients for 60 folds and a test set, found 60"),
        ({"folds": 2, "test_share": 1.0}, "below 1"),
        ({"folds": 2, "strata": ("trcer",)}, "no trcer"),
    ],
)
def test_wrong_settings_are_refused(settings, told):
    with pytest.raises(SettingsError, match=told):
        draw_split(cohort(), seed=1, **settings)


def test_a_small_cohort_keeps_a_patient_for_every_fold_beside_its_test_set():
    """Five patients for four folds and a test set: two of them for the test set would fit its share better."""
    table = drawn_cohort([(count, "FDG", False) for count in (8, 2, 2, 2, 2)])
    split = draw_split(table, folds=4, test_share=0.25, seed=1)
    assert [len({split.patients[case] for case in part}) for part in (split.test, *split.folds)] == [1] * 5
    with pytest.raises(SettingsError, match="at least 6 patients for 5 folds and a test set, found 5"):
        draw_split(table, folds=5, test_share=0.25, seed=1)
    nobody = table.filter(pl.col("case") == "none")
    with pytest.raises(SettingsError, match="at least 2 patients for training and a test set, found 0"):
        draw_split(nobody, folds=1, test_share=0.25, seed=1)


PEOPLE = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["FDG", "PSMA", None]), st.booleans()), min_size=5, max_size=24
)


def drawn_cohort(people, order=None):
    """Patients with some studies of one or two cases each, in any order."""
    rows = [
        {"case": f"{n}_{k}", "patient": f"p{n}", "study": f"{n}.{k // 2}", "tracer": tracer, "split": None, "x": flag}
        for n, (count, tracer, flag) in enumerate(people)
        for k in range(count)
    ]
    table = pl.DataFrame(rows, schema_overrides={"split": pl.String, "tracer": pl.String})
    return table if order is None else table[np.random.default_rng(order).permutation(len(table)).tolist()]


@settings(max_examples=60, deadline=None)
@given(PEOPLE, st.integers(1, 4), st.sampled_from([0.0, 0.01, 0.3]), st.integers(0, 2**31))
def test_no_drawn_split_leaks_and_neither_order_nor_file_changes_it(people, folds, share, seed):
    table = drawn_cohort(people)
    choices = {"folds": folds, "test_share": share, "strata": ("tracer", "x"), "seed": seed}
    split = draw_split(table, **choices)
    split.require_cohort(table)
    parts = [split.test, split.train_only, *split.folds]
    assert sorted(case for part in parts for case in part) == sorted(table["case"])
    for owner in ("patient", "study"):
        whose = dict(zip(table["case"], table[owner], strict=True))
        owners = [{whose[case] for case in part} for part in parts]
        assert sum(map(len, owners)) == len(set().union(*owners))
    for number in range(len(split.folds)):
        assert split.folds[number]
        assert not {split.patients[c] for c in split.training(number)} & {
            split.patients[c] for c in split.folds[number]
        }
        assert set(split.training(number)).isdisjoint(split.test)
    assert bool(split.test) == (share > 0)
    again = draw_split(drawn_cohort(people, order=seed % 97), **choices)
    assert again.content_hash == split.content_hash
    assert Split.from_dict(json.loads(json.dumps(split.to_dict())), where="file").content_hash == split.content_hash


@settings(max_examples=80, deadline=None)
@given(PEOPLE, st.integers(2, 4), st.data())
def test_any_edit_of_who_stands_where_is_noticed(people, folds, data):
    split = draw_split(drawn_cohort(people), folds=folds, test_share=0.2, seed=1)
    written = json.loads(json.dumps(split.to_dict()))
    lists = [written["test"], *(fold[key] for fold in written["folds"] for key in ("train", "val"))]
    source = data.draw(st.sampled_from([one for one in lists if one]))
    case = data.draw(st.sampled_from(source))
    what = data.draw(st.sampled_from(["remove", "double", "move", "patient", "rename"]))
    if what in ("remove", "move"):
        source.remove(case)
    if what == "double":
        source.append(case)
    if what == "move":
        data.draw(st.sampled_from([one for one in lists if one is not source])).append(case)
    if what == "patient":
        written["patients"][case] = "another"
    if what == "rename":
        source[source.index(case)] = "another"
    with pytest.raises((FormatError, LeakageError)):
        Split.from_dict(written, where="split.json")


def test_a_split_that_tears_who_turned_out_to_be_one_patient_is_refused():
    """Made when every case was a patient of its own; the cohort of today knows better."""
    split = Split({"a1": "a1", "a2": "a2", "b": "b"}, test=("a1",), folds=(("a2",), ("b",)))
    table = pl.DataFrame({"case": ["a1", "a2", "b"], "patient": ["a", "a", "b"], "study": [None, "1", "2"]})
    with pytest.raises(LeakageError, match="patient a in test and in fold 0"):
        split.require_cohort(table)
    with pytest.raises(LeakageError, match="study 1 in test and in fold 1"):
        split.require_cohort(
            pl.DataFrame({"case": ["a1", "a2", "b"], "patient": ["x", "y", "z"], "study": ["1", None, "1"]})
        )
    with pytest.raises(LeakageError, match="cases without a part"):
        split.require_cohort(pl.DataFrame({"case": ["a1", "a2", "b", "c"], "patient": ["a1", "a2", "b", "c"]}))


@pytest.mark.parametrize("word", ["Test", "TEST", "testing", "holdout", " test"])
def test_another_word_for_test_is_refused_and_not_trained_on(word):
    table = cohort().with_columns(
        split=pl.when(pl.col("patient") < "P010").then(pl.lit(word)).otherwise(pl.lit("train"))
    )
    for attempt in (lambda: draw_split(table, folds=3, seed=1), lambda: given_split(table)):
        with pytest.raises(SettingsError, match="column split"):
            attempt()


def test_an_official_split_must_say_something_of_every_case():
    table = cohort()
    with pytest.raises(SettingsError, match="for every case"):
        given_split(table)
    half = table.with_columns(split=pl.when(pl.col("patient") < "P010").then(pl.lit("test")).otherwise(None))
    with pytest.raises(SettingsError, match="for every case"):
        given_split(half)
    early = table.with_columns(
        split=pl.when(pl.col("patient") < "P010").then(pl.lit("preliminary")).otherwise(pl.lit("train"))
    )
    assert given_split(early).test == tuple(early.filter(pl.col("split") == "preliminary")["case"])
    validated = table.with_columns(
        split=pl.when(pl.col("patient") < "P010").then(pl.lit("val")).otherwise(pl.lit("train"))
    )
    assert given_split(validated).folds == (tuple(table.filter(pl.col("patient") < "P010")["case"]),)


def test_strata_may_be_of_any_type_and_odd_tables_are_refused_with_words():
    table = cohort().with_columns(
        numbers=pl.Series([[1, 2]] * len(cohort())), share=pl.lit(float("nan")), when=pl.lit("2026-01-01").str.to_date()
    )
    split = draw_split(table, folds=3, strata=("numbers", "share", "when"), seed=1)
    split.require_cohort(table)
    with pytest.raises(SettingsError, match="seed of 0"):
        draw_split(table, folds=3, seed=-1)
    nobody = table.with_columns(patient=pl.when(pl.col("patient") == "P000").then(None).otherwise(pl.col("patient")))
    with pytest.raises(SettingsError, match="a patient for every case"):
        draw_split(nobody, folds=3, seed=1)


@pytest.mark.parametrize(
    "change",
    [
        {"patients": []},
        {"patients": None},
        {"folds": 3},
        {"folds": [{"val": ["a"]}]},
        {"folds": [{"train": 3, "val": ["a"]}]},
        {"seed": [1]},
        {"seed": True},
        {"origin": "mine"},
        {"studies": 7},
        {"format_version": "2.0"},
        {"content_hash": None},
        {"test": None},
    ],
)
def test_a_file_of_a_stranger_is_refused_with_words(change):
    written = Split({"a": "a", "b": "b"}, folds=(("a",), ("b",)), seed=1).to_dict()
    assert Split.from_dict(written, where="split.json").seed == 1
    with pytest.raises((FormatError, LeakageError)):
        Split.from_dict({**written, **change}, where="split.json")
