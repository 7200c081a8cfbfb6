"""Profiles of boxes where boxes are absent, misplaced or unknown: exactly what their pages say."""

import numpy as np
import polars as pl
import pytest

from box_cohorts import box, box_cohort, estimates, on_disk, predict, volume
from oncohort import evaluate, rank
from oncohort.errors import MissingNeedError, PredictionError, SettingsError
from oncohort.evaluation import FINDING_RULES, MISSING, UNREADABLE, read_scores, score_files
from oncohort.profiles import load_profile, parse_profile

HERE, THERE = (10, 30, 10, 30), (60, 80, 60, 80)
NAMES = ("lung-dx-2d", "lung-dx-3d")


def lesion(case, place=HERE, *, name="A", **more):
    """Boxes on slices 4 to 6, which are one lesion."""
    return [box(case, (*place, k, k + 1), name=name, **more) for k in (4, 5, 6)]


def found(case, profile, place=HERE, *, name="A", score=0.9):
    """A prediction that hits the lesion in either profile."""
    if profile == "lung-dx-3d":
        return [box(case, (*place, 4, 7), name=name, score=score)]
    return lesion(case, place, name=name, score=score)


def column(scores, case, structure="A"):
    rows = scores.table.filter(pl.col("case") == case, pl.col("structure") == structure).to_dicts()
    return {row["metric"]: row["undefined"] or row["value"] for row in rows}


# (tp, fp, fn, reference, prediction) of class A; a lesion is three boxes in 2D and one in 3D
TABLE = {
    "found": (1, 0, 0, 1, 1),
    "reference empty": (0, 1, 0, 0, 1),
    "prediction empty": (0, 0, 1, 1, 0),
    "both empty": (0, 0, 0, 0, 0),
    "prediction missing": (0, MISSING, 1, 1, MISSING),
    "unknown slice": (0, UNREADABLE, 1, 1, UNREADABLE),
    "wrong grid": (0, UNREADABLE, 1, 1, UNREADABLE),
    "no number": (0, UNREADABLE, 1, 1, UNREADABLE),
    "numbered": (1, 0, 0, 1, 1),
}
"""By case; class G is in every case, so that a case without boxes of A is labelled."""


def planted(profile, tmp_path):
    drawn, guessed = [], []
    for case in TABLE:
        drawn += lesion(case, THERE, name="G")
        if case not in ("reference empty", "both empty"):
            drawn += lesion(case, **({"lesion": "7"} if case == "numbered" else {}))
    for case in ("found", "reference empty", "numbered"):
        guessed += found(case, profile)
    guessed += found("unknown slice", profile)
    guessed += [box("unknown slice", (*HERE, 25, 26), score=0.1)]
    guessed += [box("wrong grid", (110, 120, *HERE[2:], 4, 5), score=0.9), *found("wrong grid", profile)]
    guessed += [box("no number", ("?", 20, 10, 20, 4, 5), score=0.9), *found("no number", profile)]
    looked_at = ["prediction empty", "both empty"]
    return box_cohort(drawn), {"m": predict(tmp_path / "m", guessed, looked_at=looked_at)}


@pytest.mark.parametrize("name", NAMES)
def test_empty_missing_and_misplaced_boxes_are_worth_what_the_page_says(name, tmp_path):
    cohort, folders = planted(name, tmp_path)
    scores = evaluate(cohort, folders, profile=name)
    size = 3 if name == "lung-dx-2d" else 1
    metrics = ("lesion_tp", "lesion_fp", "lesion_fn", "reference_lesions", "prediction_lesions")
    for case, values in TABLE.items():
        expected = [value if isinstance(value, str) else value * size for value in values]
        assert column(scores, case) == dict(zip(metrics, expected, strict=True)), case
    run = scores.run
    assert run["missing"] == {"m": ["prediction missing", "unknown slice", "wrong grid", "no number"]}
    assert run["unreadable"] == {"m": ["unknown slice", "wrong grid", "no number"]}
    findings = {row["case"]: (row["rule"], row["severity"], row["evidence"]) for row in run["findings"]}
    assert findings["unknown slice"][:2] == findings["wrong grid"][:2] == ("prediction_grid", "error")
    assert "100 x 100 x 20 voxels" in findings["wrong grid"][2]
    assert "[110.0, 10.0, 4.0] to [120.0, 30.0, 5.0]" in findings["wrong grid"][2]
    assert findings["no number"][:2] == ("prediction_unreadable", "error")
    assert {row["rule"] for row in run["findings"]} <= set(FINDING_RULES)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_the_cohort_count_missing_cases_as_missed(name, tmp_path):
    """Class A: 2 of 7 lesions found at score 0.9 and one false box of the same score after the first."""
    cohort, folders = planted(name, tmp_path)
    table = rank(evaluate(cohort, folders, profile=name), bootstrap=20)
    key = "coco_ap_50" if name == "lung-dx-2d" else "ap_10"
    (row,) = table.filter(metric=key, structure="A").to_dicts()
    hits, lost, size = 2, 5, 3 if name == "lung-dx-2d" else 1
    envelope = [1.0] * size + [2 * size / (3 * size)] * size  # of equal scores, in the order of the cases
    levels = np.linspace(0, 1, 101)
    reached = np.searchsorted(np.arange(1, 2 * size + 1) / ((hits + lost) * size), levels)
    assert row["estimate"] == pytest.approx(np.append(envelope, 0.0)[reached].mean())
    assert (row["n"], row["n_missing"]) == (hits + lost, 4)
    assert estimates(table)["lesion_fn"] == pytest.approx(5 * size / 9)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_skips_a_case_is_behind_one_that_does_not(name, tmp_path):
    cohort = box_cohort([*lesion("1"), *lesion("2")])
    bad = [row for place in (HERE, THERE) for row in found("1", name, place, score=0.5)]
    folders = {
        "skips": predict(tmp_path / "skips", found("1", name)),
        "errs": predict(tmp_path / "errs", [*bad, *found("2", name, THERE)]),
    }
    table = rank(evaluate(cohort, folders, profile=name), bootstrap=0)
    places = {row["model"]: row["rank"] for row in table.filter(metric="rank").to_dicts()}
    assert places == {"errs": 1.0, "skips": 2.0}


@pytest.mark.parametrize("name", NAMES)
def test_missing_may_be_an_error(name, tmp_path):
    profile = parse_profile(load_profile(name).text.replace('missing = "worst"', 'missing = "error"'), where="a")
    cohort = box_cohort([*lesion("1"), *lesion("2")])
    folder = predict(tmp_path / "m", found("1", name))
    with pytest.raises(PredictionError, match="m lacks 2"):
        evaluate(cohort, {"m": folder}, profile=profile)
    predict(tmp_path / "m", [*found("1", name), box("2", (*HERE, 40, 41), score=1)])
    with pytest.raises(PredictionError, match="100 x 100 x 20"):
        evaluate(cohort, {"m": folder}, profile=profile)


@pytest.mark.parametrize("name", NAMES)
def test_cases_without_boxes_are_not_labelled_or_free_of_lesions(name, tmp_path):
    cohort = box_cohort(lesion("1"), cases=["1", "2"])
    folder = predict(tmp_path / "m", [*found("1", name), *found("2", name, score=1.0)])
    scores = evaluate(cohort, {"m": folder}, profile=name)
    assert scores.run["cases"] == ["1"]
    assert scores.run["unscored"] == [{"case": "2", "reason": "no boxes"}]
    changed = load_profile(name).text.replace('cases_without_boxes = "unscored"', 'cases_without_boxes = "count"')
    counted = evaluate(cohort, {"m": folder}, profile=parse_profile(changed, where="a"))
    assert counted.run["unscored"] == []
    assert counted.run["images"] == ({"1": 20, "2": 20} if name == "lung-dx-2d" else {"1": 1, "2": 1})
    assert column(counted, "2")["lesion_fp"] == (3 if name == "lung-dx-2d" else 1)


def test_images_without_reference_may_take_no_part(tmp_path):
    guessed = [*lesion("1", score=0.5), box("1", (*THERE, 4, 5), score=0.9), box("1", (*THERE, 12, 13), score=0.9)]
    folder = predict(tmp_path / "m", guessed)
    skipping = load_profile("lung-dx-2d").text.replace('without_reference = "count"', 'without_reference = "skip"')
    for text, false, images in ((load_profile("lung-dx-2d").text, 2, 20), (skipping, 1, 3)):
        scores = evaluate(box_cohort(lesion("1")), {"m": folder}, profile=parse_profile(text, where="a"))
        assert column(scores, "1")["lesion_fp"] == false
        assert scores.run["images"] == {"1": images}


def test_unknown_cases_classes_and_volumes_are_findings(tmp_path):
    guessed = [*found("1", "lung-dx-3d"), *found("1", "lung-dx-3d", THERE, name="Q"), *found("9", "lung-dx-3d")]
    guessed.append(box("1", (*HERE, 4, 7), volume="ct.5", score=0.9))
    folder = predict(tmp_path / "m", guessed)
    scores = evaluate(box_cohort([*lesion("1"), *lesion("1", THERE, name="Z")]), {"m": folder}, profile="lung-dx-3d")
    told = {(row["rule"], row["severity"], row["case"]) for row in scores.run["findings"]}
    assert told == {
        ("prediction_unmatched", "warning", "9"),
        ("prediction_unmatched", "warning", "1"),
        ("label_unknown", "error", "1"),
        ("reference_label_unknown", "error", "1"),
    }
    assert column(scores, "1") == {
        "lesion_tp": 1, "lesion_fp": 0, "lesion_fn": 0, "reference_lesions": 1, "prediction_lesions": 1,
    }  # fmt: skip


def test_classes_are_matched_by_themselves_and_confused_together(tmp_path):
    drawn = [*lesion("1"), *lesion("2", name="B"), *lesion("3", name="G")]
    guessed = [*found("1", "lung-dx-3d", name="G"), *found("2", "lung-dx-3d", name="B")]
    guessed += [*found("2", "lung-dx-3d", THERE, name="E"), *found("3", "lung-dx-3d", name="G", score=0.4)]
    scores = evaluate(box_cohort(drawn), {"m": predict(tmp_path / "m", guessed)}, profile="lung-dx-3d")
    table = rank(scores, bootstrap=0)
    maps = {row["structure"]: row["estimate"] for row in table.filter(metric="map").to_dicts()}
    # G: the false box of case 1 is surer than the hit; E has no reference and no value; A is not found
    assert maps == {"A": 0.0, "B": 1.0, "E": None, "G": 0.5, "macro mean": 0.5}
    assert scores.run["confusion"] == {
        "classes": ["A", "B", "E", "G"],
        "counts": {"m": [[0, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 0]]},
    }


def test_a_slice_may_be_named_by_its_identifier(tmp_path):
    drawn = [row | {"slice_uid": f"1.{row['k0']}"} for row in lesion("1")]
    by_name = [row | {"slice_uid": f"1.{row['k0']}", "k0": None, "k1": None} for row in lesion("1", score=0.9)]
    scores = evaluate(box_cohort(drawn), {"m": predict(tmp_path / "m", by_name)}, profile="lung-dx-2d")
    assert column(scores, "1")["lesion_tp"] == 3
    for wrong in ({"slice_uid": "2.4", "k0": None}, {"slice_uid": "1.4", "k0": 5, "k1": 6}):
        folder = predict(tmp_path / "wrong", [by_name[0] | wrong])
        run = evaluate(box_cohort(drawn), {"m": folder}, profile="lung-dx-2d").run
        assert run["unreadable"] == {"m": ["1"]}
        assert wrong["slice_uid"] in run["findings"][0]["evidence"] or "slice 4" in run["findings"][0]["evidence"]


def test_reconstructions_count_as_images_of_their_own_in_2d_and_as_one_scan_in_3d(tmp_path):
    drawn = [*lesion("1"), *lesion("1", volume="ct.2"), *lesion("1", volume="pet", name="B")]
    volumes = [volume("1"), volume("1", "ct.2"), volume("1", "ct.3"), volume("1", "pet")]
    cohort = box_cohort(drawn, volumes=volumes)
    folder = predict(tmp_path / "m", found("1", "lung-dx-3d"))
    flat = evaluate(cohort, {"m": predict(tmp_path / "flat", lesion("1", score=1))}, profile="lung-dx-2d")
    assert (column(flat, "1")["lesion_fn"], flat.run["images"]) == (3, {"1": 40})
    assert flat.run["notes"] == ["lung-dx-2d: boxes on pet are not scored (3)."]
    scan = evaluate(cohort, {"m": folder}, profile="lung-dx-3d")
    assert (column(scan, "1")["lesion_tp"], column(scan, "1")["lesion_fn"], scan.run["images"]) == (1, 0, {"1": 1})
    assert column(scan, "1", "B")["reference_lesions"] == 0
    text = (
        load_profile("lung-dx-3d").text.replace('image = "scan"', 'image = "series"').replace("merge_iou = 0.3\n", "")
    )
    series = evaluate(cohort, {"m": folder}, profile=parse_profile(text, where="a"))
    assert (column(series, "1")["lesion_fn"], series.run["images"]) == (1, {"1": 2})


def test_a_reconstruction_along_other_axes_is_left_out_of_the_scan(tmp_path):
    tilted = volume("1", "ct.2")
    tilted["affine"] = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]).ravel().tolist()
    cohort = box_cohort([*lesion("1"), *lesion("1", THERE, volume="ct.2")], volumes=[volume("1"), tilted])
    scores = evaluate(cohort, {"m": predict(tmp_path / "m", found("1", "lung-dx-3d"))}, profile="lung-dx-3d")
    assert [row["rule"] for row in scores.run["findings"]] == ["series_apart"]
    assert column(scores, "1")["reference_lesions"] == 1


def test_boxes_that_cannot_be_are_left_out_of_the_reference(tmp_path):
    drawn = [
        *lesion("1"),
        box("1", (215, 215, 286, 286, 4, 5)),
        box("1", (*HERE, 30, 31)),
        *lesion("1", THERE, state="rejected"),
    ]
    scores = evaluate(box_cohort(drawn), {"m": predict(tmp_path / "m", lesion("1", score=1))}, profile="lung-dx-2d")
    assert [row["rule"] for row in scores.run["findings"]] == ["reference_box_unusable"] * 2
    assert column(scores, "1")["reference_lesions"] == 3
    assert scores.run["notes"] == ["lung-dx-2d: boxes rejected are not scored (3)."]


def test_without_a_grid_slices_can_be_scored_and_lesions_cannot(tmp_path):
    cohort = box_cohort(lesion("1"), volumes=[])
    folder = predict(tmp_path / "m", lesion("1", score=1))
    scores = evaluate(cohort, {"m": folder}, profile="lung-dx-2d")
    assert scores.run["images"] == {"1": 3}
    assert [row["rule"] for row in scores.run["findings"]] == ["slices_unknown"]
    with pytest.raises(MissingNeedError, match=r"case 1, ct"):
        evaluate(cohort, {"m": folder}, profile="lung-dx-3d")


def test_positions_that_fall_with_the_slice_index_give_the_same_lesions(tmp_path):
    upward, downward = volume("1"), volume("1", spacing=(-1.0, 1.0, 1.0))
    folder = predict(tmp_path / "m", found("1", "lung-dx-3d", (12, 30, 12, 30)))
    values = [
        evaluate(box_cohort(lesion("1"), volumes=[one]), {"m": folder}, profile="lung-dx-3d").candidates["iou"][0]
        for one in (upward, downward)
    ]
    assert values == pytest.approx([0.81, 0.81])


def test_a_model_without_a_file_is_scored_as_missing_and_all_without_stop(tmp_path):
    cohort = box_cohort(lesion("1"))
    (tmp_path / "none").mkdir()
    folders = {"m": predict(tmp_path / "m", lesion("1", score=1)), "none": tmp_path / "none"}
    scores = evaluate(cohort, folders, profile="lung-dx-2d")
    assert scores.run["missing"] == {"m": [], "none": ["1"]}
    assert [(row["rule"], row["model"]) for row in scores.run["findings"]] == [("model_without_predictions", "none")]
    with pytest.raises(PredictionError, match=r"boxes\.csv"):
        evaluate(cohort, {"none": tmp_path / "none"}, profile="lung-dx-2d")
    with pytest.raises(PredictionError, match="no such folder"):
        evaluate(cohort, {"gone": tmp_path / "gone"}, profile="lung-dx-2d")
    (tmp_path / "m" / "boxes.parquet").write_bytes(b"")
    with pytest.raises(PredictionError, match=r"boxes\.parquet and boxes\.csv"):
        evaluate(cohort, {"m": tmp_path / "m"}, profile="lung-dx-2d")


def test_scores_on_disk_are_those_in_memory_and_belong_to_one_work(tmp_path):
    cohort = on_disk(box_cohort([*lesion("1"), *lesion("2")]), tmp_path / "cohort")
    folder = predict(tmp_path / "m", lesion("1", score=0.9), looked_at=["2"])
    scores = evaluate(cohort, {"m": folder}, profile="lung-dx-2d", out=tmp_path / "scores", jobs=2)
    again = read_scores(tmp_path / "scores")
    assert again.table.equals(scores.table)
    assert again.candidates.equals(scores.candidates)
    assert again.boxes.equals(scores.boxes)
    assert again.lesions is None
    hashed = {row["model"]: row["sha256"] for row in again.run["inputs"]}
    assert set(hashed) == {None, "m"}
    assert all(len(value) == 64 for value in hashed.values())
    assert rank(again, bootstrap=10).equals(rank(scores, bootstrap=10))


def test_draws_are_of_patients(tmp_path):
    """Two cases of one patient come and go together: with one patient there is no spread."""
    drawn = [*lesion("1"), *lesion("2")]
    folder = predict(tmp_path / "m", found("1", "lung-dx-3d"), looked_at=["2"])
    for patients, is_spread in (({}, True), ({"1": "P", "2": "P"}, False)):
        scores = evaluate(box_cohort(drawn, patients=patients), {"m": folder}, profile="lung-dx-3d")
        row = rank(scores, bootstrap=200).filter(metric="froc_cpm", structure="A").row(0, named=True)
        assert (row["estimate"], row["high"] > row["low"]) == (0.5, is_spread)


def test_false_boxes_are_counted_per_slice_and_per_scan(tmp_path):
    """5 false boxes before the hits: 0.25 per slice of 20 (0 at 1/8, 1 from 1/4 on), 5 per scan (1 at 8 only)."""
    false = [box("1", (*THERE, k, k + 1), score=0.9) for k in range(10, 15)]
    for name, expected in (("lung-dx-2d", 6 / 7), ("lung-dx-3d", 1 / 7)):
        folder = predict(tmp_path / name, [*false, *found("1", name, score=0.5)])
        table = rank(evaluate(box_cohort(lesion("1")), {"m": folder}, profile=name), bootstrap=20)
        row = table.filter(metric="froc_cpm", structure="A").row(0, named=True)
        assert (row["estimate"], row["low"], row["high"]) == pytest.approx((expected, expected, expected))


def test_boxes_are_no_masks(tmp_path):
    with pytest.raises(SettingsError, match="a profile of boxes"):
        score_files(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", profile="lung-dx-2d")
    folders = {"m": predict(tmp_path / "m", lesion("1", score=1))}
    with pytest.raises(SettingsError, match="--resample-predictions"):
        evaluate(box_cohort(lesion("1")), folders, profile="lung-dx-2d", resample_predictions=True)
    with pytest.raises(MissingNeedError, match="none among 1 cases"):
        evaluate(box_cohort([], cases=["1"]), {"m": tmp_path}, profile="lung-dx-2d")
