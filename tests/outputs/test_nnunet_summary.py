"""The summary against voxel counts straight from the masks, and against nnU-Net's own reader and evaluation."""

import json
import math
import shutil

import numpy as np
import pytest
from organ_cohort import CASES, VOLUMES, masks, profile, rule, score_organs

from oncohort.cohort import Cohort, Tables
from oncohort.errors import InputError
from oncohort.outputs import nnunet_summary, write_nnunet_summary
from oncohort.profiles import parse_profile

KEYS = {"2", "5"}
COUNTS = ("FN", "FP", "TN", "TP", "n_pred", "n_ref")


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    return score_organs(tmp_path_factory.mktemp("organs"))


def counted(reference, prediction, label):
    r, p = reference == label, prediction == label
    tp, fp, fn, tn = ((r & p).sum(), (~r & p).sum(), (r & ~p).sum(), (~r & ~p).sum())
    union = tp + fp + fn
    return {
        "Dice": 2 * tp / (union + tp) if union else math.nan,
        "IoU": tp / union if union else math.nan,
        **{"FN": fn, "FP": fp, "TN": tn, "TP": tp, "n_pred": fp + tp, "n_ref": fn + tp},
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx([expected[name] for name in found], nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("position, model", [(1, "first"), (2, "second")])
def test_every_case_holds_what_counting_voxels_gives(scored, position, model):
    cohort, scores = scored
    summary = nnunet_summary(scores, model, cohort=cohort)
    for entry, (case, arrays) in zip(summary["metric_per_case"], masks().items(), strict=True):
        assert entry["metrics"].keys() == KEYS
        if arrays[position] is not None:
            for key, found in entry["metrics"].items():
                assert_same(found, counted(arrays[0], arrays[position], int(key)))
            assert entry["prediction_file"].endswith(f"{model}/{case}.nii.gz")
        assert entry["reference_file"].endswith(f"cohort/volumes/{case}.nii.gz")


def test_counts_are_integers_where_they_are_known(scored):
    cohort, scores = scored
    first = nnunet_summary(scores, "first", cohort=cohort)["metric_per_case"][0]["metrics"]["2"]
    assert {type(first[name]) for name in COUNTS} == {int}


def test_a_missing_prediction_finds_nothing_and_its_other_counts_are_unknown(scored):
    cohort, scores = scored
    summary = nnunet_summary(scores, "second", cohort=cohort)
    entry = summary["metric_per_case"][CASES.index("D")]
    reference = int((masks()["D"][0] == 5).sum())
    expected = {"Dice": 0.0, "IoU": 0.0, "FN": reference, "FP": math.nan, "TN": math.nan, "TP": 0}
    assert_same(entry["metrics"]["5"], {**expected, "n_pred": math.nan, "n_ref": reference})
    assert entry["prediction_file"] is None
    assert summary["oncohort"]["missing"] == ["D"]


def test_means_are_over_known_cases_then_over_labels(scored):
    cohort, scores = scored
    summary = nnunet_summary(scores, "first", cohort=cohort)
    for key in KEYS:
        rows = [entry["metrics"][key] for entry in summary["metric_per_case"]]
        assert_same(summary["mean"][key], {name: np.nanmean([row[name] for row in rows]) for name in rows[0]})
    both = [summary["mean"][key]["Dice"] for key in KEYS]
    assert summary["foreground_mean"]["Dice"] == pytest.approx(np.mean(both))


def test_a_label_that_never_has_a_value_makes_the_foreground_mean_nan(tmp_path):
    strict = profile(rule("dice", 1.0, empty="undefined", more='structures = ["liver"]'), rule("jaccard"))
    _, scores = score_organs(tmp_path, strict)
    summary = nnunet_summary(scores, "first")
    assert math.isnan(summary["mean"]["2"]["Dice"])
    assert math.isnan(summary["foreground_mean"]["Dice"])
    assert not math.isnan(summary["foreground_mean"]["IoU"])


def test_without_cohort_labels_are_numbered_and_counts_left_out_and_said_so(scored):
    _, scores = scored
    summary = nnunet_summary(scores, "first")
    assert summary["mean"].keys() == {"1", "2"}
    assert summary["mean"]["1"].keys() == {"Dice", "IoU"}
    assert summary["oncohort"]["labels"] == {"1": "liver", "2": "spleen"}
    assert summary["oncohort"]["left_out"] == ["TP, FP, FN, TN, n_pred, n_ref: no cohort was named"]


def test_without_volumes_counts_are_left_out_and_said_so(tmp_path):
    cohort, scores = score_organs(tmp_path, profile(rule("dice", 1.0)))
    summary = nnunet_summary(scores, "first", cohort=cohort)
    assert summary["mean"]["5"].keys() == {"Dice", "IoU"}
    assert "no reference_volume_ml and no prediction_volume_ml" in summary["oncohort"]["left_out"][0]


@pytest.mark.parametrize("name, other", [("dice", "jaccard"), ("jaccard", "dice")])
def test_dice_and_iou_follow_from_each_other(tmp_path, scored, name, other):
    cohort, scores = score_organs(tmp_path, profile(rule(name, 1.0), *VOLUMES, tie=name))
    found = nnunet_summary(scores, "first", cohort=cohort)["foreground_mean"]
    assert_same(found, nnunet_summary(scored[1], "first", cohort=scored[0])["foreground_mean"])


def test_rules_that_differ_from_nnunet_are_named(tmp_path, scored):
    assert nnunet_summary(scored[1], "first")["oncohort"]["differs"] == []
    _, scores = score_organs(tmp_path, profile(rule("dice", 1.0, empty="undefined")))
    assert nnunet_summary(scores, "first")["oncohort"]["differs"] == [
        "dice where reference_empty: undefined here, 0.0 in nnU-Net",
        "dice where prediction_empty: undefined here, 0.0 in nnU-Net",
    ]


def test_a_union_of_several_labels_is_a_region(tmp_path):
    text = profile(rule("dice", 1.0)).text.replace('structures = "each"', 'structure = "organ"')
    cohort, scores = score_organs(tmp_path, parse_profile(text, where="test"))
    assert nnunet_summary(scores, "first", cohort=cohort)["mean"].keys() == {"(2, 5)"}


def test_what_cannot_be_made_is_refused(tmp_path, scored):
    cohort, scores = scored
    with pytest.raises(InputError, match="'third'"):
        nnunet_summary(scores, "third")
    with pytest.raises(InputError, match="dice or jaccard"):
        nnunet_summary(
            score_organs(tmp_path, profile(rule("sensitivity", 1.0, empty="undefined"), tie="sensitivity"))[1], "first"
        )
    without_volumes = Cohort(cohort.facts, cohort.scheme, Tables.from_rows({"cases": cohort.tables.cases.to_dicts()}))
    with pytest.raises(InputError, match="the cohort that was scored"):
        nnunet_summary(scores, "first", cohort=without_volumes)


def test_the_file_is_sorted_and_keeps_nan_as_nnunet_does(tmp_path, scored):
    cohort, scores = scored
    summary = nnunet_summary(scores, "first", cohort=cohort)
    write_nnunet_summary(tmp_path / "summary.json", summary)
    text = (tmp_path / "summary.json").read_text()
    assert text.startswith('{\n    "foreground_mean": {\n        "Dice": ')
    assert '"Dice": NaN' in text
    assert json.loads(text)["foreground_mean"] == summary["foreground_mean"]


@pytest.mark.extras
def test_nnunet_reads_it_and_measures_the_same(tmp_path):
    theirs = pytest.importorskip("nnunetv2.evaluation.evaluate_predictions")
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

    cohort, scores = score_organs(tmp_path)
    write_nnunet_summary(tmp_path / "summary.json", nnunet_summary(scores, "first", cohort=cohort))
    read = theirs.load_summary_json(str(tmp_path / "summary.json"))
    for case in CASES:
        (tmp_path / "labels").mkdir(exist_ok=True)
        shutil.copy(tmp_path / f"cohort/volumes/{case}.nii.gz", tmp_path / "labels")
    told = theirs.compute_metrics_on_folder(
        str(tmp_path / "labels"),
        str(tmp_path / "first"),
        str(tmp_path / "theirs.json"),
        SimpleITKIO(),
        ".nii.gz",
        [2, 5],
        None,
        1,
    )
    assert read["mean"].keys() == {2, 5}
    for label in (2, 5):
        assert_same(read["mean"][label], told["mean"][label])
    assert_same(read["foreground_mean"], told["foreground_mean"])
    for ours, entry in zip(read["metric_per_case"], told["metric_per_case"], strict=True):
        for label in (2, 5):
            assert_same(ours["metrics"][label], entry["metrics"][label])
