"""Settings that contradict each other, official validation cases, strata that balance nothing."""

import numpy as np
import polars as pl
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import SettingsError
from oncohort.formats import open_cohort, write_cohort, write_label_map
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.splits import draw_split, given_split, thin_strata, trained_validation
from oncohort.splitting import SplitSettings, split_cohort, split_notes
from oncohort.volume import LabelMap

GRID = Geometry((4, 4, 4), np.diag([10.0, 10.0, 10.0, 1.0]))
SCHEME = LabelScheme("lesion", {"lesion": 1})
WORDS = ("train", "train", "val", "val", "train", "train")


def table(**columns):
    """Six patients of one case; the third and the fourth are the official validation set."""
    names = [f"p{n}" for n in range(6)]
    return pl.DataFrame({"case": names, "patient": names, "split": WORDS, **columns})


@pytest.fixture
def cohort(tmp_path):
    """Six cases; the first has a mask `organs` of 4 ml, the others none."""
    found = LabelMap.from_masks({"lesion": np.arange(64).reshape(GRID.shape) < 4}, GRID, SCHEME)
    facts = write_label_map(tmp_path / "p0.nii.gz", found)
    mask = {"case": "p0", "role": "organs", "path": "p0.nii.gz", "unit": "label", **header_facts(found), **facts}
    image = {**mask, "role": "ct", "unit": "HU"}
    rows = {"cases": table(age=[61.5, 62.0, 63.1, 64.0, 65.2, 66.0]).to_dicts(), "volumes": [mask, image]}
    write_cohort(tmp_path, Cohort(CohortFacts("six", "python"), SCHEME, Tables.from_rows(rows)))
    return open_cohort(tmp_path)


@pytest.mark.parametrize(
    ("settings", "expected", "found"),
    [
        ({"official": True, "test_share": 0.3}, "no test with official", "test 0.3"),
        ({"official": True, "folds": 4}, "no folds with official", "folds 4"),
        ({"official": True, "strata": ("lesions",)}, "no strata with official", "strata lesions"),
        ({"official": True, "seed": 1}, "no seed with official", "seed 1"),
        (
            {"official": True, "volume_edges_ml": (1.0,), "role": "x"},
            "no role and no volume_edges with official",
            "role x, volume_edges 1",
        ),
        ({"fold_column": "fold"}, "no fold_column without official", "fold_column fold"),
        ({"volume_edges_ml": (5.0,), "strata": ("lesions",)}, "no volume_edges without the stratum volume", "5"),
        ({"role": "organs", "strata": ("tracer",)}, "no role without the stratum lesions or volume", "role organs"),
        ({"strata": ("volume",), "volume_edges_ml": (100.0, 10.0, float("nan"))}, "ascend", "100,10,nan"),
        ({"strata": ("volume",), "volume_edges_ml": (10.0, float("nan"))}, "ascend", "10,nan"),
        ({"strata": ("volume",), "volume_edges_ml": (10.0, 10.0)}, "ascend", "10,10"),
        ({"strata": ("volume",), "volume_edges_ml": (0.0, 10.0)}, "above 0", "0,10"),
        ({"strata": ("volume",), "volume_edges_ml": (10.0, float("inf"))}, "ascend", "10,inf"),
        ({"strata": ("volume",), "volume_edges_ml": ()}, "ascend", "none"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, expected, found):
    with pytest.raises(SettingsError) as caught:
        SplitSettings(**settings)
    assert expected in caught.value.expected
    assert found in caught.value.found


def test_settings_that_go_together_are_taken():
    assert SplitSettings(official=True, fold_column="fold").fold_column == "fold"
    assert SplitSettings(strata=("lesions",), role="organs").role == "organs"
    assert SplitSettings(strata=("volume",), volume_edges_ml=(3.0,), role="organs", seed=7, test_share=0.2).seed == 7


@pytest.mark.parametrize("role", ["nope", "ct"])
def test_a_role_without_masks_is_refused(cohort, role):
    with pytest.raises(SettingsError) as caught:
        split_cohort(cohort, SplitSettings(folds=2, strata=("volume",), role=role))
    assert caught.value.expected.endswith(": organs")
    assert caught.value.found == role


def test_masks_of_which_none_can_be_read_are_refused_and_missing_ones_are_told(cohort, tmp_path):
    settings = SplitSettings(folds=2, strata=("lesions",), role="organs")
    told = split_cohort(cohort, settings).notes
    assert "5 of 6 cases have no readable mask organs (p1, p2, p3, p4, p5)" in told[0]
    (tmp_path / "p0.nii.gz").write_bytes(b"no mask")
    with pytest.raises(SettingsError, match="masks of the role organs that can be read"):
        split_cohort(cohort, settings)


def test_settings_are_checked_before_masks_are_read(cohort, monkeypatch):
    monkeypatch.setattr("oncohort.splitting.reference_volumes", lambda *_, **__: pytest.fail("masks were read"))
    for strata, folds in (("trcer", 2), ("tracer", 7), ("age", 2)):
        with pytest.raises(SettingsError):
            split_cohort(cohort, SplitSettings(folds=folds, strata=("lesions", strata), role="organs"))


def test_validation_cases_that_are_drawn_into_folds_are_told(cohort):
    parted = split_cohort(cohort, SplitSettings(folds=2))
    assert parted.notes == (
        "Official validation cases that also train: 2 (p2, p3). "
        "The setting official, without fold_column, keeps them out of training.",
    )
    alone = split_cohort(cohort, SplitSettings(official=True))
    assert (alone.split.folds, alone.notes) == ((("p2", "p3"),), ())
    assert len(split_cohort(cohort, SplitSettings(folds=1)).notes) == 1


def test_an_official_validation_case_without_the_number_of_a_fold_is_refused():
    numbered = table(fold=[0, 1, 0, None, 1, 0])
    with pytest.raises(SettingsError) as caught:
        given_split(numbered, fold_column="fold")
    assert "column fold" in caught.value.expected
    assert "'p3'" in caught.value.found
    assert "'p2'" not in caught.value.found
    assert "leave fold_column out" in caught.value.remedy


def test_an_official_validation_case_with_a_number_validates_there_and_is_told():
    split = given_split(table(fold=[0, 1, 0, 1, None, 0]), fold_column="fold")
    assert split.folds == (("p0", "p2", "p5"), ("p1", "p3"))
    assert split.train_only == ("p4",)
    assert trained_validation(table(), split) == ("p2", "p3")
    one = given_split(table(fold=[None, None, 0, 0, None, None]), fold_column="fold")
    assert (one.folds, trained_validation(table(), one)) == ((("p2", "p3"),), ())


def test_numbers_of_folds_may_be_text_or_whole_floats():
    text = given_split(table(fold=["a", "b", "a", "b", None, "a"]), fold_column="fold")
    floats = given_split(table(fold=[0.0, 1.0, 0.0, 1.0, float("nan"), 0.0]), fold_column="fold")
    assert text.folds == floats.folds == (("p0", "p2", "p5"), ("p1", "p3"))


@pytest.mark.parametrize("fold", [[None] * 6, [0.5] * 6, [[1]] * 6, [float("nan")] * 6])
def test_a_column_without_numbers_of_folds_is_refused(fold):
    with pytest.raises(SettingsError, match="numbers of folds in the column fold"):
        given_split(table(fold=fold), fold_column="fold")


def test_measured_numbers_are_no_strata():
    ages = table(age=[61.5, 62.0, 63.1, None, float("nan"), 66.0])
    with pytest.raises(SettingsError) as caught:
        draw_split(ages, folds=2, strata=("age",), seed=1)
    assert caught.value.found.startswith("4 different numbers for 4 patients")
    assert "column of classes" in caught.value.remedy
    per_patient = pl.concat([table(), table().with_columns(case=pl.col("case") + "b")]).with_columns(
        weight=pl.col("patient").str.slice(1).cast(pl.Float64)
    )
    with pytest.raises(SettingsError, match="6 different numbers for 6 patients"):
        draw_split(per_patient, folds=2, strata=("weight",), seed=1)
    classes = table(age=[60.0, 60.0, 70.0, 70.0, None, 60.0])
    assert len(draw_split(classes, folds=2, strata=("age",), seed=1).folds) == 2


def test_a_stratum_is_named_once():
    with pytest.raises(SettingsError, match="tracer named twice"):
        draw_split(table(tracer=list("ababab")), folds=2, strata=("tracer", "split", "tracer"), seed=1)


def test_strata_of_single_patients_are_told():
    days = table(day=list("abcdef")).with_columns(split=pl.lit("train"))
    assert thin_strata(days, ["day"]) == 6
    told = split_notes(days, draw_split(days, folds=2, strata=("day",), seed=1))
    assert told == ("6 strata hold a single patient of 6: the parts cannot be balanced by them.",)
    few = table(day=list("aabbcd")).with_columns(split=pl.lit("train"))
    assert split_notes(few, draw_split(few, folds=2, strata=("day",), seed=1)) == ()


def test_lists_are_taken_for_tuples():
    assert SplitSettings(official=True, strata=[], volume_edges_ml=[10.0, 100.0]) == SplitSettings(official=True)


def test_fold_numbers_in_text_go_by_size_and_the_column_split_holds_none():
    cases = pl.DataFrame(
        {
            "case": list("abcd"),
            "patient": list("abcd"),
            "split": ["train"] * 4,
            "fold": ["0", "2", "10", None],
        }
    )
    assert given_split(cases, fold_column="fold").folds == (("a",), ("b",), ("c",))
    with pytest.raises(SettingsError, match="numbers of folds in the column split"):
        given_split(cases, fold_column="split")
