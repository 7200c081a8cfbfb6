"""A study runs to its end, does nothing twice, and does anew what has changed."""

import shutil

import numpy as np
import polars as pl
import pytest

from oncohort.errors import FormatError, InputError, MissingNeedError, OutputError, PredictionError
from oncohort.formats import read_volume
from oncohort.storage import WORK_FILE, write_json
from oncohort.study import rebuild_report, run
from oncohort.units import Unit
from oncohort.volume import Volume
from study_files import (
    PERCENT,
    THRESHOLD,
    Watch,
    copy_study,
    leftovers,
    save_image,
    save_study,
    stamps,
    write_dataset,
    write_patient,
)


@pytest.fixture
def tiny(tmp_path):
    """A study of three tiny cases that runs in a moment."""
    write_dataset(tmp_path / "data", "A", "B", "C")
    return save_study(tmp_path / "study.toml")


def rerun(study, **keywords):
    watch = Watch()
    return run(study, progress=watch, **keywords), watch.done


def test_a_run_leaves_cohort_predictions_scores_and_page(tmp_path, phantoms):
    study = copy_study(tmp_path, phantoms)
    result, done = rerun(study)
    assert done == {"convert": 3, "segment": 3, "hash": 3, "scoring": 6, "describe": 3, "draw": 3}
    assert result.is_complete
    assert result.cohort.case_ids == ("SYNTHETIC-001", "SYNTHETIC-002", "SYNTHETIC-003")
    assert set(result.aggregates["model"]) == {"suv-2.5", "41-percent"}
    page = result.report.read_text()
    assert result.report == tmp_path / "results" / "report.html"
    assert "synthetic" in page.lower()
    assert page.count("data:image/png;base64,") >= 3
    scores = pl.read_parquet(tmp_path / "results" / "scores" / "scores.parquet")
    assert scores.height == 2 * 3 * 4
    assert scores.filter(metric="dice")["value"].is_between(0, 1).all()


def test_a_threshold_below_the_lesion_scores_one(tiny):
    result = run(tiny)
    dice = result.aggregates.filter(metric="dice", model="suv-2.5")
    assert dice["estimate"].to_list() == [1.0] * dice.height


def test_a_second_run_does_nothing_again(tmp_path, phantoms):
    study = copy_study(tmp_path, phantoms)
    run(study)
    before, predicted = leftovers(tmp_path / "results"), stamps(tmp_path / "results" / "predictions")
    stored = stamps(tmp_path / "results", "results/*/*.json")
    _, done = rerun(study)
    assert done == {}
    assert leftovers(tmp_path / "results") == before
    assert stamps(tmp_path / "results" / "predictions") == predicted
    assert stamps(tmp_path / "results", "results/*/*.json") == stored


def test_a_changed_model_is_done_anew_and_no_other(tiny):
    run(tiny)
    results = tiny.parent / "results"
    kept, redone = (stamps(results / "predictions" / name, "*.nii.gz") for name in ("suv-2.5", "41-percent"))
    save_study(tiny, model=[THRESHOLD, {**PERCENT, "percent": 99}])
    _, done = rerun(tiny)
    assert (done["segment"], done["scoring"]) == (3, 3)
    assert "convert" not in done
    assert stamps(results / "predictions" / "suv-2.5", "*.nii.gz") == kept
    assert all(now > then for now, then in zip(_times(results, "41-percent"), redone.values(), strict=True))


def _times(results, model):
    return stamps(results / "predictions" / model, "*.nii.gz").values()


def test_a_changed_reference_is_noticed(tiny):
    first = run(tiny).aggregates.filter(metric="dice", model="suv-2.5", subset="all")["estimate"][0]
    mask = np.zeros((12, 10, 8), np.uint8)
    mask[2:6, 3:6, 2:4] = 1
    save_image(tiny.parent / "data" / "labelsTr" / "B.nii.gz", mask, unit=Unit.LABEL)
    result, done = rerun(tiny)
    assert (done["convert"], done["scoring"], done["describe"], done["draw"]) == (1, 2, 1, 1)
    assert "segment" not in done
    changed = result.aggregates.filter(metric="dice", model="suv-2.5", subset="all")["estimate"][0]
    assert first == 1.0
    assert changed == pytest.approx((1 + 1 + 2 * 24 / (24 + 36)) / 3)


def test_a_changed_image_is_segmented_again(tiny):
    run(tiny)
    path = tiny.parent / "data" / "imagesTr" / "B_0000.nii.gz"
    pet = read_volume(path, Unit.SUVBW)
    save_image(path, pet.array + np.float32(3.0))
    result, done = rerun(tiny)
    assert (done["convert"], done["segment"], done["scoring"]) == (1, 1, 2)
    worst = result.aggregates.filter(metric="fpv_ml", model="suv-2.5", subset="all")["estimate"][0]
    assert worst == 0.0  # what grew touches the lesion, so it is no false positive


def test_a_prediction_that_was_lost_or_altered_is_made_again(tiny):
    run(tiny)
    folder = tiny.parent / "results" / "predictions" / "suv-2.5"
    before = leftovers(tiny.parent / "results")
    (folder / "A.nii.gz").unlink()
    (folder / "B.nii.gz").write_bytes(b"altered")
    _, done = rerun(tiny)
    assert done["segment"] == 2
    assert leftovers(tiny.parent / "results") == before


def test_a_removed_model_disappears_and_foreign_folders_stay(tiny):
    run(tiny)
    predictions = tiny.parent / "results" / "predictions"
    (predictions / "mine").mkdir()
    (predictions / "mine" / "A.nii.gz").write_bytes(b"mine")
    (predictions / "note.txt").write_text("mine")
    save_study(tiny, model=[THRESHOLD])
    result = run(tiny)
    assert sorted(path.name for path in predictions.iterdir()) == ["mine", "note.txt", "suv-2.5"]
    assert set(result.aggregates["model"]) == {"suv-2.5"}
    save_study(tiny)
    assert set(run(tiny).aggregates["model"]) == {"suv-2.5", "41-percent"}


def test_a_removed_case_disappears(tiny):
    run(tiny)
    for path in (tiny.parent / "data").rglob("B*.nii.gz"):
        path.unlink()
    result, done = rerun(tiny)
    assert result.cohort.case_ids == ("A", "C")
    assert not list((tiny.parent / "results").rglob("B.nii.gz"))
    assert "segment" not in done


def test_new_seed_changes_the_leaderboard_alone(tiny):
    run(tiny)
    save_study(tiny, ranking={"bootstrap": 50, "seed": 8})
    _, done = rerun(tiny)
    assert done == {}


def test_another_profile_scores_again(tiny, tmp_path):
    run(tiny)
    from oncohort.profiles import load_profile

    text = load_profile("autopet-iii").text
    (tmp_path / "mine.toml").write_text(text.replace("connectivity = 18", "connectivity = 26"))
    save_study(tiny, evaluation={"profile": "mine.toml"})
    _, done = rerun(tiny)
    assert done["scoring"] == 6
    assert "segment" not in done


@pytest.mark.slow
def test_two_processes_give_the_same_tables_as_one(tmp_path, phantoms):
    study = copy_study(tmp_path, phantoms)
    run(study)
    one = leftovers(tmp_path / "results")
    shutil.rmtree(tmp_path / "results")
    run(study, jobs=2)
    assert leftovers(tmp_path / "results") == one


def test_dicom_with_a_step_and_a_patient_added_later(tmp_path):
    write_patient(tmp_path / "data" / "one")
    step = {"resample": {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}}
    study = save_study(tmp_path / "study.toml", cohort={"source": "dicom", "path": "data"}, step=[step])
    first, done = rerun(study)
    assert first.cohort.case_ids == ("P1",)
    assert first.is_complete
    assert (done["convert"], done["harmonise"], done["segment"]) == (1, 1, 1)
    write_patient(tmp_path / "data" / "two", prefix="1.3", study="1.3.7", date="20260101")
    write_patient(tmp_path / "data" / "three", "P0", prefix="1.4", study="1.4.7")
    second, done = rerun(study)
    assert set(second.cohort.case_ids) == {"P1", "P1_20260101", "P0"}
    assert (done["segment"], done["scoring"]) == (2, 4)
    run(study)
    assert second.cohort.case_ids == run(study).cohort.case_ids


def test_an_edited_step_is_done_again(tmp_path):
    write_patient(tmp_path / "data")
    cohort = {"source": "dicom", "path": "data"}
    step = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
    study = save_study(tmp_path / "study.toml", cohort=cohort, step=[{"resample": step}])
    run(study)
    save_study(study, cohort=cohort, step=[{"resample": {**step, "interpolation": "nearest"}}])
    _, done = rerun(study)
    assert done["harmonise"] == 1
    assert "convert" not in done


def test_predictions_made_elsewhere_are_scored(tiny, tmp_path):
    for case in "AB":
        save_image(tmp_path / "mine" / f"{case}.nii.gz", np.zeros((12, 10, 8), np.uint8), unit=Unit.LABEL)
    save_study(tiny, model=[THRESHOLD, {"name": "mine", "predictions": "mine"}])
    result = run(tiny)
    mine = result.aggregates.filter(model="mine", metric="dice", subset="all").row(0, named=True)
    assert (mine["estimate"], mine["n_missing"]) == (0.0, 1)
    assert "predictions made elsewhere" in result.report.read_text()
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["A.nii.gz", "B.nii.gz"]


def test_predictions_on_another_grid_stop_the_run_or_are_resampled(tiny, tmp_path):
    pet = read_volume(tmp_path / "data" / "imagesTr" / "A_0000.nii.gz")
    moved = pet.geometry.affine.copy()
    moved[0, 3] += 4.0
    grid = type(pet.geometry)(pet.geometry.shape, moved)
    save_image(tmp_path / "mine" / "A.nii.gz", (pet.array > 4).astype(np.uint8), grid, Unit.LABEL)
    models = [{"name": "mine", "predictions": "mine"}]
    save_study(tiny, model=models)
    with pytest.raises(PredictionError) as caught:
        run(tiny)
    assert "mine/A.nii.gz" in caught.value.where
    assert "4 mm" in caught.value.found
    save_study(tiny, model=models, evaluation={"profile": "autopet-iii", "resample_predictions": True})
    result = run(tiny)
    scores = pl.read_parquet(tmp_path / "results" / "scores" / "scores.parquet")
    assert scores.filter(case="A", metric="dice")["value"][0] == pytest.approx(0.75)
    assert result.aggregates.height


def test_cases_without_pet_are_counted_and_the_run_says_so(tmp_path):
    write_patient(tmp_path / "data" / "one")
    write_patient(tmp_path / "data" / "two", "P2", prefix="1.3", study="1.3.7", pet_tags={"PatientWeight": None})
    study = save_study(tmp_path / "study.toml", cohort={"source": "dicom", "path": "data"})
    result = run(study)
    assert not result.is_complete
    assert result.cohort.case_ids == ("P1", "P2")
    assert set(result.failed["suv-2.5"]) == {"P2"}
    assert "weight" in result.report.read_text()


def test_no_case_with_a_pet_stops_the_run(tmp_path):
    write_patient(tmp_path / "data", pet_tags={"PatientWeight": None})
    study = save_study(tmp_path / "study.toml", cohort={"source": "dicom", "path": "data"})
    with pytest.raises(MissingNeedError, match="pet"):
        run(study)


def test_another_study_in_the_same_folder_needs_overwrite(tiny):
    run(tiny)
    save_study(tiny, study={"name": "other", "out": "results"})
    with pytest.raises(OutputError, match="small"):
        run(tiny)
    assert run(tiny, overwrite=True).is_complete


def test_another_source_under_the_same_name_is_ingested_anew(tiny):
    run(tiny)
    write_dataset(tiny.parent / "more", "X", "Y")
    save_study(tiny, cohort={"source": "nnunet", "path": "more"})
    assert run(tiny).cohort.case_ids == ("X", "Y")


def test_results_inside_the_input_are_refused(tiny):
    save_study(tiny, study={"name": "small", "out": "data/results"})
    with pytest.raises(InputError, match="outside the input"):
        run(tiny)


def save_masks(folder):
    for case in "ABC":
        save_image(folder / f"{case}.nii.gz", np.ones((12, 10, 8), np.uint8), unit=Unit.LABEL)
    return folder


@pytest.mark.parametrize("place", ["mine", "training/mine", "predictions/mine", "predictions/old/mine"])
def test_what_is_read_may_lie_in_the_results_of_the_same_study(tiny, place):
    results = run(tiny).out
    masks = save_masks(results / place)
    write_json(results / "predictions" / "old" / WORK_FILE, {"verb": "segment"})
    save_study(tiny, model=[THRESHOLD, {"name": "mine", "predictions": f"../{tiny.parent.name}/results/{place}"}])
    for overwrite in (False, True):
        assert set(run(tiny, overwrite=overwrite).aggregates["model"]) == {"suv-2.5", "mine"}
        assert len(list(masks.iterdir())) == 3
    save_study(
        tiny, study={"name": "other", "out": "results"}, model=[{"name": "mine", "predictions": f"results/{place}"}]
    )
    with pytest.raises(OutputError, match="apart from what is read"):
        run(tiny, overwrite=True)
    assert len(list(masks.iterdir())) == 3


@pytest.mark.parametrize("place", [".", "cohort/mine", "scores/mine", "predictions/suv-2.5/mine"])
def test_what_is_read_does_not_lie_where_a_run_writes(tiny, place):
    save_study(tiny, model=[THRESHOLD])
    results = run(tiny).out
    masks = save_masks(results / place)
    before = leftovers(results)
    save_study(tiny, model=[{**THRESHOLD, "suv": 3.0}, {"name": "mine", "predictions": f"results/{place}"}])
    with pytest.raises(OutputError, match="apart from what is read"):
        run(tiny)
    assert masks.is_dir()
    assert leftovers(results) == before


def test_the_page_is_written_again_without_the_network_that_predicted(tiny):
    report = run(tiny).report
    model = {"name": "suv-2.5", "segmenter": "nnunet", "model": "net"}
    save_study(tiny, model=[model, PERCENT])
    with pytest.raises(InputError, match=r"model of 'suv-2\.5'"):
        run(tiny)
    assert rebuild_report(tiny) == report


def test_the_page_is_written_again_and_only_from_finished_results(tiny):
    with pytest.raises(FormatError):
        rebuild_report(tiny)
    page = run(tiny).report
    page.unlink()
    assert rebuild_report(tiny) == page
    assert "suv-2.5" in page.read_text()


def test_a_broken_image_costs_its_case_and_no_other(tiny, monkeypatch):
    path = tiny.parent / "data" / "imagesTr" / "B_0000.nii.gz"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    result = run(tiny)
    assert not result.is_complete
    lost = {case for cases in result.failed.values() for case in cases} | set(result.cohort.tables.refused["path"])
    assert any("B" in name for name in lost)
    assert isinstance(read_volume(tiny.parent / "data" / "imagesTr" / "A_0000.nii.gz"), Volume)
