"""Whatever is wrong with a prediction costs its case, is told, and stops nothing else."""

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oncohort.errors import FormatError, PredictionError
from oncohort.evaluation import FINDING_RULES, evaluate, has_errors, read_scores
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.leaderboard import rank
from oncohort.profiles import load_profile, parse_profile
from oncohort.units import Unit
from oncohort.volume import Volume

MISSING = ["dice", "fnv_ml"]


def numbers(scores, case, model="m"):
    rows = scores.table.filter((pl.col("model") == model) & (pl.col("case") == case))
    return {row["metric"]: row["undefined"] or row["value"] for row in rows.iter_rows(named=True)}


@pytest.fixture
def two(world, helpers):
    block, _, _ = helpers
    for case in ("good", "bad"):
        world.add(case, block(2, 2, 2))
        world.predict("m", case, block(2, 2, 2))
    return world


def as_floats(two, helpers, value, dtype=np.float32):
    block, grid, _ = helpers
    array = block(2, 2, 2).astype(dtype)
    array[2, 2, 2] = value
    write_volume(two.root / "m" / "bad.nii.gz", Volume.from_array(array, grid, Unit.NONE))


def no_gzip(two, helpers):
    (two.root / "m" / "bad.nii.gz").write_bytes(b"not an image")


def empty_file(two, helpers):
    (two.root / "m" / "bad.nii.gz").write_bytes(b"")


def cut(two, helpers):
    path = two.root / "m" / "bad.nii.gz"
    data = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(data[:-100]))


def other_grid(two, helpers):
    block, grid, _ = helpers
    two.predict("m", "bad", block(2, 2, 2), Geometry(grid.shape, grid.affine @ np.diag([1, 1, 0.5, 1])))


def other_shape(two, helpers):
    block, grid, _ = helpers
    two.predict("m", "bad", block(2, 2, 2)[:-1], Geometry((11, 10, 8), grid.affine))


def no_grid(two, helpers):
    path = two.root / "m" / "bad.nii.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[252:256] = bytes(4)  # neither sform nor qform
    path.write_bytes(gzip.compress(bytes(data)))


BAD = {
    "no image": (no_gzip, "prediction_unreadable"),
    "an empty file": (empty_file, "prediction_unreadable"),
    "truncated": (cut, "prediction_unreadable"),
    "no grid": (no_grid, "prediction_unreadable"),
    "another grid": (other_grid, "prediction_grid"),
    "another shape": (other_shape, "prediction_grid"),
    "a fraction": (lambda *w: as_floats(*w, 16.7), "prediction_unreadable"),
    "NaN": (lambda *w: as_floats(*w, np.nan), "prediction_unreadable"),
    "infinity": (lambda *w: as_floats(*w, np.inf), "prediction_unreadable"),
    "below 0": (lambda *w: as_floats(*w, -1, np.int16), "prediction_unreadable"),
    "above 65535": (lambda *w: as_floats(*w, 70000, np.int32), "prediction_unreadable"),
}


@pytest.mark.parametrize(("spoil", "rule"), BAD.values(), ids=BAD)
def test_a_bad_prediction_costs_its_case_and_no_other(two, helpers, spoil, rule):
    spoil(two, helpers)
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    reason = "prediction_unreadable"
    assert numbers(scores, "good") == {"dice": 1.0, "fpv_ml": 0.0, "fnv_ml": 0.0, "volume_difference_ml": 0.0}
    assert numbers(scores, "bad") == {
        "dice": 0.0,
        "fpv_ml": reason,
        "fnv_ml": pytest.approx(0.64),
        "volume_difference_ml": reason,
    }
    assert scores.run["missing"] == scores.run["unreadable"] == {"m": ["bad"]}
    (found,) = scores.run["findings"]
    assert {key: found[key] for key in ("rule", "severity", "model", "case")} == {
        "rule": rule,
        "severity": "error",
        "model": "m",
        "case": "bad",
    }
    assert found["path"].endswith("m/bad.nii.gz")
    assert found["evidence"] and found["remedy"]
    assert has_errors(scores.run["findings"])
    assert len(scores.run["inputs"]) == 4


@pytest.mark.parametrize(("spoil", "rule"), BAD.values(), ids=BAD)
def test_a_model_without_a_usable_prediction_is_an_error(two, helpers, spoil, rule, tmp_path):
    (two.root / "m" / "good.nii.gz").unlink()
    spoil(two, helpers)
    with pytest.raises(PredictionError, match=r"bad\.nii\.gz.*at least one prediction of 'm'"):
        evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=tmp_path / "out")
    assert not (tmp_path / "out" / "scores.parquet").exists()


def test_all_on_another_grid_says_what_to_do(two, helpers):
    block, grid, _ = helpers
    flipped = grid.reorient("RAS")
    for case in ("good", "bad"):
        two.predict("m", case, block(2, 2, 2)[::-1, ::-1], flipped)
    with pytest.raises(
        PredictionError, match=r"2 that cannot; good.*12 x 10 x 8 voxels of 4 x 4 x 5 mm, RAS"
    ) as caught:
        evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    assert "--resample-predictions" in caught.value.remedy


def test_a_strict_profile_stops_at_a_bad_prediction(two, helpers):
    text = load_profile("autopet-iii").text.replace('missing = "worst"', 'missing = "error"')
    no_gzip(two, helpers)
    with pytest.raises(FormatError, match=r"bad\.nii\.gz"):
        evaluate(two.cohort(), two.folders("m"), profile=parse_profile(text, where="strict"))


def test_slope_noise_is_no_fraction(two, helpers):
    as_floats(two, helpers, 0.99995)
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    assert numbers(scores, "bad")["dice"] == 1.0
    assert scores.run["findings"] == []


def test_a_damaged_reference_is_not_blamed_on_the_prediction(two):
    cohort = two.cohort()
    path = two.root / "cohort" / "volumes" / "bad" / "lesions.nii.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-50]))
    with pytest.raises(FormatError, match=r"lesions\.nii\.gz"):
        evaluate(cohort, two.folders("m"), profile="autopet-iii")


def test_a_repaired_prediction_is_scored_and_the_others_are_remembered(two, helpers, tmp_path):
    no_gzip(two, helpers)
    out = tmp_path / "out"
    first = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=out)
    assert json.loads((out / "run.json").read_text())["findings"] == first.run["findings"]
    again = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=out)
    assert again.run["findings"] == first.run["findings"]
    two.predict("m", "bad", helpers[0](2, 2, 2))
    done = []
    repaired = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=out, progress=done.append)
    assert [one.total for one in done if one.label == "scoring"] == [1, 1]
    assert numbers(repaired, "bad")["dice"] == 1.0
    assert read_scores(out).run["findings"] == []


def test_jobs_change_nothing_of_it(two, helpers):
    no_gzip(two, helpers)
    one, two_jobs = (evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", jobs=jobs) for jobs in (1, 2))
    assert one.table.equals(two_jobs.table)
    assert one.run["findings"] == two_jobs.run["findings"]


def test_a_prediction_for_an_unknown_case_is_told(two, helpers):
    path = two.predict("m", "stranger", helpers[0](2, 2, 2))
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    (found,) = scores.run["findings"]
    assert (found["rule"], found["severity"], found["path"]) == ("prediction_unmatched", "warning", str(path))
    assert scores.run["unmatched"] == {"m": [str(path)]}
    assert not has_errors(scores.run["findings"])


def test_a_case_under_another_spelling_is_told(two, helpers):
    path = two.predict("m", "good", helpers[0](2, 2, 2)).rename(two.root / "m" / "%67ood.nii.gz")
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    assert scores.run["missing"] == {"m": ["good"]}
    assert scores.run["unmatched"] == {"m": [str(path)]}


def test_a_volume_that_nothing_reads_is_told(two):
    (two.root / "m" / "good.nii").write_bytes(b"x")
    (found,) = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii").run["findings"]
    assert (found["rule"], found["path"]) == ("prediction_unread", str(two.root / "m" / "good.nii"))


def test_two_predictions_for_one_case_cost_that_case(two, tmp_path):
    (two.root / "m" / "bad.mha").write_bytes(b"x")
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=tmp_path / "out")
    assert numbers(scores, "good")["dice"] == 1.0
    assert numbers(scores, "bad")["dice"] == 0.0
    assert numbers(scores, "bad")["fpv_ml"] == "prediction_missing"
    assert scores.run["missing"] == {"m": ["bad"]}
    assert scores.run["unmatched"] == {"m": []}
    (found,) = scores.run["findings"]
    assert (found["rule"], found["severity"], found["case"]) == ("prediction_twice", "error", "bad")
    assert found["evidence"] == "two files: bad.nii.gz and bad.mha"
    (two.root / "m" / "bad.mha").unlink()
    repaired = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii", out=tmp_path / "out")
    assert numbers(repaired, "bad")["dice"] == 1.0
    assert repaired.run["findings"] == []


def test_a_strict_profile_names_both_files_of_a_case(two):
    (two.root / "m" / "bad.mha").write_bytes(b"x")
    text = load_profile("autopet-iii").text.replace('missing = "worst"', 'missing = "error"')
    with pytest.raises(PredictionError, match=r"m lacks 1 \(bad\); two files for one case: bad\.nii\.gz, bad\.mha"):
        evaluate(two.cohort(), two.folders("m"), profile=parse_profile(text, where="strict"))


def all_damaged(folder, two, helpers):
    for case in ("good", "bad"):
        (folder / f"{case}.nii.gz").write_bytes(b"x")


def nothing(folder, two, helpers):
    pass


def only_strangers(folder, two, helpers):
    two.predict("useless", "stranger", helpers[0](2, 2, 2))


def all_twice(folder, two, helpers):
    for case in ("good", "bad"):
        two.predict("useless", case, helpers[0](2, 2, 2))
        (folder / f"{case}.mha").write_bytes(b"x")


USELESS = {
    "all damaged": (all_damaged, "2 that cannot be used", ["prediction_unreadable"] * 2),
    "empty": (nothing, "an empty folder", []),
    "unknown cases": (only_strangers, "stranger.nii.gz", ["prediction_unmatched"]),
    "all twice": (all_twice, "bad.mha, bad.nii.gz, good.mha", ["prediction_twice"] * 2),
}


@pytest.mark.parametrize(("fill", "told", "others"), USELESS.values(), ids=USELESS)
def test_a_useless_model_stops_no_other(two, helpers, fill, told, others):
    folder = two.root / "useless"
    folder.mkdir()
    fill(folder, two, helpers)
    cohort = two.cohort()
    alone = evaluate(cohort, two.folders("m"), profile="autopet-iii")
    scores = evaluate(cohort, two.folders("useless", "m"), profile="autopet-iii")
    assert scores.table.filter(pl.col("model") == "m").equals(alone.table)
    assert {numbers(scores, case, "useless")["dice"] for case in ("good", "bad")} == {0.0}
    assert scores.run["missing"] == {"useless": ["good", "bad"], "m": []}
    first, *rest = scores.run["findings"]
    assert (first["rule"], first["severity"], first["model"], first["case"], first["path"]) == (
        "model_without_predictions",
        "error",
        "useless",
        None,
        str(folder),
    )
    assert first["evidence"].endswith(f"such as good.nii.gz, found {told}")
    assert [row["rule"] for row in rest] == others
    assert {row["model"] for row in rest} <= {"useless"}
    board = rank(scores, bootstrap=0).filter(pl.col("metric") == "dice").sort("rank")
    assert board["model"].to_list() == ["m", "useless"]
    assert board["n_missing"].to_list() == [0, 2]


def test_models_that_are_all_useless_are_an_error(two, helpers):
    for model in ("a", "b"):
        (two.root / model).mkdir()
    with pytest.raises(PredictionError, match=r"such as good\.nii\.gz, found a: an empty folder; b: an empty folder"):
        evaluate(two.cohort(), two.folders("a", "b"), profile="autopet-iii")
    for model in ("a", "b"):
        all_damaged(two.root / model, two, helpers)
    with pytest.raises(PredictionError, match="at least one prediction of 'a' or 'b' that can be scored, found 4 that"):
        evaluate(two.cohort(), two.folders("a", "b"), profile="autopet-iii")


def test_a_folder_that_is_not_there_stops_all(two):
    with pytest.raises(PredictionError, match=r"predictions of 'typo'.*no such folder"):
        evaluate(two.cohort(), two.folders("m", "typo"), profile="autopet-iii")


def test_unknown_labels_of_a_union_are_counted_and_told(two, helpers):
    block, _, _ = helpers
    two.predict("m", "bad", block(2, 2, 2) * 9)
    scores = evaluate(two.cohort(), two.folders("m"), profile="autopet-iii")
    assert numbers(scores, "bad")["dice"] == 1.0
    (found,) = scores.run["findings"]
    assert (found["rule"], found["severity"]) == ("label_unknown", "warning")
    assert found["evidence"] == "label 9, counted as lesion"


def test_unknown_labels_beside_named_ones_are_an_error_and_background(world, helpers):
    block, _, _ = helpers
    world.role, world.scheme = "organs", LabelScheme("organs", {"liver": 1, "spleen": 2})
    for case in ("A", "B"):
        world.add(case, block(2, 2, 2) | block(6, 6, 4) * 2)
    world.predict("m", "A", block(2, 2, 2) | block(6, 6, 4) * 2)
    world.predict("m", "B", block(2, 2, 2) | block(6, 6, 4) * 7)
    scores = evaluate(world.cohort(), world.folders("m"), profile="organs")
    dice = scores.table.filter(pl.col("metric") == "dice").select("case", "structure", "value").rows()
    assert dice == [("A", "liver", 1.0), ("A", "spleen", 1.0), ("B", "liver", 1.0), ("B", "spleen", 0.0)]
    (found,) = scores.run["findings"]
    assert (found["rule"], found["severity"], found["case"]) == ("label_unknown", "error", "B")
    assert found["evidence"] == "label 7, counted as background"
    assert scores.run["missing"] == {"m": []}


def test_unknown_labels_of_a_reference_are_told_once(world, helpers):
    block, _, _ = helpers
    world.add("A", block(2, 2, 2) * 3)
    for model in ("m", "n"):
        world.predict(model, "A", block(2, 2, 2))
    (found,) = evaluate(world.cohort(), world.folders("m", "n"), profile="autopet-iii").run["findings"]
    assert (found["rule"], found["severity"], found["model"]) == ("reference_label_unknown", "warning", None)


def test_every_rule_is_told_by_a_test():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [rule for rule in FINDING_RULES if f'"{rule}"' not in text] == []
