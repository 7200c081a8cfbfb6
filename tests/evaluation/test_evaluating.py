import json
import os

import numpy as np
import polars as pl
import pytest

import oncohort.evaluation.scoring as scoring
from oncohort.errors import MissingNeedError, OutputError, PredictionError, SettingsError
from oncohort.evaluation import evaluate, read_scores
from oncohort.geometry import Geometry

METRICS = ["dice", "fpv_ml", "fnv_ml", "volume_difference_ml"]


def values(scores, model, case):
    rows = scores.table.filter((pl.col("model") == model) & (pl.col("case") == case))
    assert rows["metric"].to_list() == METRICS
    return [value if reason is None else reason for value, reason in zip(rows["value"], rows["undefined"], strict=True)]


@pytest.fixture
def filled(world, helpers):
    """A hit, a miss, an empty reference, an empty prediction, and a name that needs encoding."""
    block, _, _ = helpers
    world.add("hit", block(2, 2, 2) | block(8, 6, 4))
    world.add("A/1", block(2, 2, 2))
    world.add("healthy", block(0, 0, 0) * 0)
    world.add("silent", block(4, 4, 4))
    world.add("unmasked", None)
    world.predict("m", "hit", block(2, 2, 3) | block(5, 7, 0, edge=1))
    world.predict("m", "A/1", block(2, 2, 2))
    world.predict("m", "healthy", block(1, 1, 1))
    world.predict("m", "silent", block(0, 0, 0) * 0)
    world.predict("m", "stranger", block(0, 0, 0))
    return world


def test_every_number_of_every_kind_of_case(filled, helpers):
    _, _, voxel = helpers
    scores = evaluate(filled.cohort(), filled.folders("m"), profile="autopet-iii")
    assert values(scores, "m", "hit") == pytest.approx([2 * 4 / (16 + 9), voxel, 8 * voxel, -7 * voxel])
    assert values(scores, "m", "A/1") == [1.0, 0.0, 0.0, 0.0]
    fpv, difference = values(scores, "m", "healthy")[1::2]
    assert values(scores, "m", "healthy")[::2] == ["reference_empty", "reference_empty"]
    assert (fpv, difference) == pytest.approx((8 * voxel, 8 * voxel))
    assert values(scores, "m", "silent") == pytest.approx([0.0, 0.0, 8 * voxel, -8 * voxel])
    assert set(scores.table["unit"]) == {"1", "ml"}
    assert set(scores.table["structure"]) == {"lesion"}
    assert set(scores.table["profile_version"]) == {"1"}


def test_nothing_and_nobody_is_left_out_silently(filled):
    scores = evaluate(filled.cohort(), filled.folders("m"), profile="autopet-iii")
    assert scores.run["unscored"] == [{"case": "unmasked", "reason": "no lesions"}]
    assert [path.rsplit("/", 1)[1] for path in scores.run["unmatched"]["m"]] == ["stranger.nii.gz"]
    assert scores.run["missing"] == {"m": []}
    assert scores.run["subsets"] == {"columns": [], "cases": {}}
    assert "no tracer and no centre" in scores.run["notes"][0]
    assert [(row["model"], row["case"]) for row in scores.run["inputs"]] == [
        (model, case) for model in (None, "m") for case in ("hit", "A/1", "healthy", "silent")
    ]
    assert all(len(row["sha256"]) == 64 for row in scores.run["inputs"])
    assert scores.run["profile_text"].startswith("# autoPET III")


def test_missing_predictions_are_scored_and_counted(world, helpers):
    block, _, voxel = helpers
    world.add("A", block(2, 2, 2))
    world.add("B", block(2, 2, 2) * 0)
    world.add("C", block(1, 2, 3))
    world.predict("m", "C", block(1, 2, 3))
    scores = evaluate(world.cohort(), world.folders("m"), profile="autopet-iii")
    assert values(scores, "m", "A") == [0.0, "prediction_missing", 8 * voxel, "prediction_missing"]
    assert values(scores, "m", "B") == ["reference_empty", "prediction_missing"] * 2
    assert scores.run["missing"] == {"m": ["A", "B"]}


def test_a_profile_may_forbid_missing_predictions(filled, tmp_path):
    from oncohort.profiles import load_profile, parse_profile

    text = load_profile("autopet-iii").text.replace('missing = "worst"', 'missing = "error"')
    strict = parse_profile(text, where="strict")
    evaluate(filled.cohort(), filled.folders("m"), profile=strict)
    (tmp_path / "m" / "hit.nii.gz").unlink()
    with pytest.raises(PredictionError, match=r"m lacks 1 \(hit\)"):
        evaluate(filled.cohort(), filled.folders("m"), profile=strict)


def test_another_grid_is_taken_only_if_asked_for_and_then_reported(filled, helpers):
    block, grid, _ = helpers
    filled.predict("m", "A/1", block(2, 2, 2)[::-1, ::-1], grid.reorient("RAS"))
    shifted = Geometry(grid.shape, grid.affine + np.array([[0, 0, 0, 0.02]] + [[0] * 4] * 3))
    filled.predict("m", "hit", block(2, 2, 2), shifted)
    scores = evaluate(filled.cohort(), filled.folders("m"), profile="autopet-iii", resample_predictions=True)
    assert scores.run["resampled"] == {"m": ["hit", "A/1"]}
    assert {(row["rule"], row["severity"], row["case"]) for row in scores.run["findings"] if row["case"]} == {
        ("prediction_resampled", "info", case) for case in ("hit", "A/1")
    }
    assert values(scores, "m", "A/1") == [1.0, 0.0, 0.0, 0.0]


def test_the_folder_holds_what_was_returned(filled, tmp_path):
    scores = evaluate(filled.cohort(), filled.folders("m"), profile="autopet-iii", out=tmp_path / "out")
    again = read_scores(tmp_path / "out")
    assert again.table.equals(scores.table)
    assert again.run == json.loads(json.dumps(scores.run))


def test_a_folder_with_other_work_is_refused_or_overwritten(filled, helpers, tmp_path):
    block, _, _ = helpers
    filled.predict("n", "hit", block(8, 6, 4))
    cohort, out = filled.cohort(), tmp_path / "out"
    evaluate(cohort, filled.folders("m"), profile="autopet-iii", out=out)
    with pytest.raises(OutputError, match="other work"):
        evaluate(cohort, filled.folders("n"), profile="autopet-iii", out=out)
    replaced = evaluate(cohort, filled.folders("n"), profile="autopet-iii", out=out, overwrite=True)
    assert read_scores(out).table.equals(replaced.table)
    shared = {"verb": "run", "study": "s"}
    for models in ("m", "n"):
        evaluate(cohort, filled.folders(models), profile="autopet-iii", out=tmp_path / "s", work=shared)
    assert read_scores(tmp_path / "s").run["models"] == ["n"]
    with pytest.raises(OutputError, match="did not write"):
        evaluate(cohort, filled.folders("m"), profile="autopet-iii", out=tmp_path / "n")


def test_finished_cases_are_not_scored_again_unless_something_changed(filled, helpers, tmp_path, monkeypatch):
    block, _, _ = helpers
    done = []
    real = scoring.score_task
    monkeypatch.setattr(scoring, "score_task", lambda task: done.append(task.case) or real(task))

    def run(**more):
        done.clear()
        table = evaluate(
            filled.cohort(), filled.folders("m"), profile="autopet-iii", out=tmp_path / "out", **more
        ).table
        return table, sorted(done)

    first, everything = run()
    assert everything == ["A/1", "healthy", "hit", "silent"]
    second, nothing = run()
    assert nothing == []
    assert second.equals(first)
    path = filled.predict("m", "hit", block(8, 6, 4))
    os.utime(path, ns=(1, 1))
    third, changed = run()
    assert changed == ["hit"]
    assert not third.equals(first)
    filled.references["healthy"] = block(1, 1, 1)
    assert run()[1] == ["healthy"]
    assert len(list((tmp_path / "out" / ".oncohort" / "results").rglob("*.json"))) == 4


def test_jobs_change_nothing(filled, helpers):
    block, _, _ = helpers
    filled.predict("n", "hit", block(8, 6, 4))
    one, two = (
        evaluate(filled.cohort(), filled.folders("m", "n"), profile="autopet-iii", jobs=jobs) for jobs in (1, 2)
    )
    assert one.table.equals(two.table)
    assert {**one.run, "created_at": ""} == {**two.run, "created_at": ""}


def test_progress_is_told(filled):
    seen = []
    evaluate(filled.cohort(), filled.folders("m"), profile="autopet-iii", progress=lambda p: seen.append(p.done))
    assert seen == [0, 1, 2, 3, 4]


def test_subsets_come_from_the_columns_of_the_profile(world, helpers):
    block, _, _ = helpers
    for case, tracer, centre in (("A", "FDG", "UKT"), ("B", "PSMA", None)):
        world.add(case, block(2, 2, 2), tracer=tracer, centre=centre)
        world.predict("m", case, block(2, 2, 2))
    scores = evaluate(world.cohort(), world.folders("m"), profile="autopet-iii")
    cases = {"A": "FDG | UKT", "B": "PSMA | unknown"}
    assert scores.run["subsets"] == {"columns": ["tracer", "centre"], "cases": cases}
    assert scores.run["notes"] == []


def test_half_of_the_columns_is_one_subset(world, helpers):
    block, _, _ = helpers
    world.add("A", block(2, 2, 2), tracer="FDG")
    world.predict("m", "A", block(2, 2, 2))
    run = evaluate(world.cohort(), world.folders("m"), profile="autopet-iii").run
    assert run["subsets"]["columns"] == []
    assert "no centre" in run["notes"][0] and "no tracer" not in run["notes"][0]


def test_what_cannot_be_evaluated_is_refused(filled, world, tmp_path):
    cohort = filled.cohort()

    def refused(folders, told, kind=PredictionError, profile="autopet-iii"):
        with pytest.raises(kind, match=told):
            evaluate(cohort, folders, profile=profile)

    refused({}, "at least one model")
    refused({"x": tmp_path / "nowhere"}, "no such folder")
    (tmp_path / "empty").mkdir()
    refused({"x": tmp_path / "empty"}, "hit.nii.gz.*an empty folder")
    (tmp_path / "empty" / "notes.txt").write_text("x")
    refused({"x": tmp_path / "empty"}, "notes.txt")
    (tmp_path / "empty" / "hit.mha").write_bytes(b"x")
    filled.predict("empty", "hit", filled.references["hit"])
    refused({"x": tmp_path / "empty"}, "keep one file per case")
    refused(filled.folders("m"), "profile", SettingsError, "autopet-99")
    world.references = {"unmasked": None}
    with pytest.raises(MissingNeedError, match="'lesions'"):
        evaluate(world.cohort(), filled.folders("m"), profile="autopet-iii")


def test_a_reference_that_is_an_image_is_refused(filled):
    from oncohort.units import Unit
    from oncohort.volume import Volume

    cohort = filled.cohort()
    grid = Geometry((12, 10, 8), np.eye(4))
    image = Volume.from_array(np.zeros(grid.shape), grid, Unit.HU)
    wrong = type(cohort)(cohort.facts, cohort.scheme, cohort.tables, lambda row: image)
    with pytest.raises(MissingNeedError, match="as a mask"):
        evaluate(wrong, filled.folders("m"), profile="autopet-iii")
