"""The tables of lesions and candidates, and uptake in the image of a case."""

import numpy as np
import polars as pl
import pytest

from oncohort.evaluation import evaluate, read_scores
from oncohort.geometry import Geometry
from oncohort.results import CANDIDATE_SCHEMA, LESION_SCHEMA


@pytest.fixture
def hot(world, helpers):
    """Two lesions, one found and one missed, and a false one, in a PET that counts its voxels along i."""
    block, grid, _ = helpers
    world.add("A", block(1, 1, 1, edge=3) | block(8, 6, 4))
    world.predict("m", "A", block(1, 1, 2, edge=3) | block(5, 7, 6, edge=1))
    image = np.zeros(grid.shape, np.float32)
    image += np.arange(grid.shape[0], dtype=np.float32)[:, None, None]
    world.images["A"] = (image, grid)
    return world


def test_every_lesion_is_listed_with_its_match(hot, helpers, tmp_path):
    _, _, voxel = helpers
    scores = evaluate(hot.cohort(), hot.folders("m"), profile="lesions", out=tmp_path / "out")
    lesions = scores.lesions
    assert lesions.schema == pl.Schema(LESION_SCHEMA)
    assert lesions.select("side", "lesion", "matched").rows() == [
        ("reference", 1, [1]),
        ("reference", 2, []),
        ("prediction", 1, [1]),
        ("prediction", 2, []),
    ]
    assert lesions["volume_ml"].to_list() == pytest.approx([27 * voxel, 8 * voxel, 27 * voxel, voxel])
    assert lesions["iou"].to_list() == pytest.approx([18 / 36, 0.0, 18 / 36, 0.0])
    assert lesions["suv_max"].to_list() == [3.0, 9.0, 3.0, 5.0]
    assert lesions["suv_mean"].to_list() == pytest.approx([2.0, 8.5, 2.0, 5.0])
    assert lesions["size_class"].to_list() == ["1 to 10 ml", "< 1 ml", "1 to 10 ml", "< 1 ml"]
    assert set(lesions["case"]) == {"A"}
    again = read_scores(tmp_path / "out")
    assert again.lesions.equals(lesions)
    assert again.candidates.equals(scores.candidates)


def test_candidates_are_the_predicted_lesions(hot, helpers):
    _, _, voxel = helpers
    candidates = evaluate(hot.cohort(), hot.folders("m"), profile="lesions").candidates
    assert candidates.schema == pl.Schema(CANDIDATE_SCHEMA)
    assert candidates.select("candidate", "matched_lesion", "iou").rows() == [(1, 1, 0.5), (2, None, 0.0)]
    assert candidates["score"].to_list() == pytest.approx([27 * voxel, voxel])


def test_uptake_is_measured_in_the_image_of_the_case(hot, helpers):
    table = evaluate(hot.cohort(), hot.folders("m"), profile="lesions").table
    found = {row["metric"]: row for row in table.iter_rows(named=True)}
    assert found["suvmax_error"]["value"] == 5.0 - 9.0
    assert found["suvmax_error"]["unit"] == "SUV"
    assert found["lesion_f1"]["value"] == 0.5
    assert set(table["structure"]) == {"lesion"}


def test_a_missing_prediction_leaves_its_lesions_unmatched(hot, helpers):
    block, _, _ = helpers
    hot.add("B", block(2, 2, 2))
    scores = evaluate(hot.cohort(), hot.folders("m"), profile="lesions")
    rows = scores.lesions.filter(pl.col("case") == "B").select("side", "matched", "suv_max").rows()
    assert rows == [("reference", [], None)]


@pytest.mark.parametrize("how", ["none", "another grid", "damaged"])
def test_without_a_usable_image_uptake_is_undefined_and_told(hot, helpers, how):
    block, grid, _ = helpers
    hot.predict("m", "A", block(1, 1, 1, edge=3))
    if how == "none":
        del hot.images["A"]
    if how == "another grid":
        other = Geometry(grid.shape, grid.affine @ np.diag([1, 1, 2, 1]))
        hot.images["A"] = (hot.images["A"][0], other)
    cohort = hot.cohort()
    if how == "damaged":
        (hot.root / "cohort" / "volumes" / "A" / "pet.nii.gz").write_bytes(b"x")
    scores = evaluate(cohort, hot.folders("m"), profile="lesions")
    undefined = scores.table.filter(pl.col("undefined") == "image_missing")["metric"].to_list()
    assert undefined == ["suvmax_error", "suvmean_error", "suvpeak_error", "tlg_difference"]
    assert [row["rule"] for row in scores.run["findings"]] == ["image_unusable"]
    assert scores.run["findings"][0]["severity"] == ("error" if how == "damaged" else "warning")
    assert scores.lesions["suv_max"].null_count() == scores.lesions.height


def test_an_image_that_no_metric_needs_is_not_looked_at(hot):
    cohort = hot.cohort()
    (hot.root / "cohort" / "volumes" / "A" / "pet.nii.gz").write_bytes(b"x")
    scores = evaluate(cohort, hot.folders("m"), profile="autopet-iii")
    assert scores.run["findings"] == []
    assert scores.lesions is None and scores.candidates is None


def test_tables_of_another_profile_do_not_stay(hot, tmp_path):
    out = tmp_path / "out"
    evaluate(hot.cohort(), hot.folders("m"), profile="lesions", out=out)
    assert (out / "lesions.parquet").is_file()
    evaluate(hot.cohort(), hot.folders("m"), profile="autopet-iii", out=out, overwrite=True)
    assert not (out / "lesions.parquet").exists()
    assert not (out / "candidates.parquet").exists()
    assert read_scores(out).lesions is None


def test_a_new_image_is_a_new_score(hot, tmp_path):
    out = tmp_path / "out"
    evaluate(hot.cohort(), hot.folders("m"), profile="lesions", out=out)
    hot.images["A"] = (hot.images["A"][0] * 2, hot.images["A"][1])
    again = evaluate(hot.cohort(), hot.folders("m"), profile="lesions", out=out)
    assert again.lesions["suv_max"][0] == 6.0
