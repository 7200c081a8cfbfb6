"""The segmenter nnunet with the record of a training: who may predict whom, and what must be as it was trained."""

import numpy as np
import pytest
from tests.segmenters.nnunet_models import FOLDER, GRID, MODULE, ROOT, write_pet_cohort, write_run

from oncohort import segment
from oncohort.cohort import Case
from oncohort.errors import FormatError, MissingNeedError, SettingsError
from oncohort.segmenters.nnunet import Nnunet, held_worker
from oncohort.units import Unit
from oncohort.volume import Volume

FOLDS = {"0": ("1.0", ("A",)), "1": ("2.0", ("B",)), "2": ("6.0", ("C",))}


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(held_worker, "MODULE", MODULE)
    yield
    held_worker.release_all()


@pytest.fixture
def run(tmp_path):
    cohort = write_pet_cohort(tmp_path / "cohort", cases=("A", "B", "C", "T"))
    return write_run(tmp_path / "run", cohort, FOLDS, test=("T",)), cohort


def test_a_held_out_case_is_given_to_its_fold_alone(run):
    folder, cohort = run
    prepared = Nnunet(str(folder)).prepared(cohort)
    for case, folds, cut in (("A", ["0"], 1.0), ("B", ["1"], 2.0), ("C", ["2"], 6.0), ("T", ["0", "1", "2"], 3.0)):
        found = prepared.predict(cohort[case])
        assert (found.facts["folds"], found.notes) == (folds, ())
        assert np.array_equal(found.mask.mask("lesion"), cohort[case].image("pet").array >= cut)


def test_a_case_that_all_saw_costs_this_case_alone(run, tmp_path):
    folder, cohort = run
    done = segment(cohort, Nnunet(str(folder), folds="0"), out=tmp_path / "out")
    assert sorted(done.failed) == ["B", "C"]
    assert "fold 0 alone" in done.failed["B"]
    assert "training_cases=true" in done.failed["B"]
    assert {case.case: case.facts.get("folds") for case in done.cases}["A"] == ["0"]


def test_unless_it_is_told_to(run):
    folder, cohort = run
    found = Nnunet(str(folder), folds="0,1", training_cases=True).prepared(cohort).predict(cohort["C"])
    assert found.facts["folds"] == ["0", "1"]
    assert found.notes == ("trained on this patient: folds 0, 1",)


def test_the_model_folder_of_a_run_is_known_as_such(run):
    folder, cohort = run
    for path in (folder / FOLDER, folder / "link"):
        if path.name == "link":
            path.symlink_to(folder / FOLDER)
        prepared = Nnunet(str(path)).prepared(cohort)
        assert prepared.predict(cohort["A"]).facts["folds"] == ["0"]


def test_a_link_from_anywhere_leads_to_the_record(run, tmp_path):
    folder, cohort = run
    (tmp_path / "linked").symlink_to(folder / FOLDER)
    (tmp_path / "linked run").symlink_to(folder)
    for path in (tmp_path / "linked", tmp_path / "linked run", tmp_path / "linked run" / FOLDER):
        prepared = Nnunet(str(path)).prepared(cohort)
        assert prepared.predict(cohort["A"]).facts["folds"] == ["0"]
    with (folder / FOLDER / "fold_1" / "checkpoint_final.pth").open("a") as stream:
        stream.write(" ")
    with pytest.raises(FormatError, match="another one"):
        Nnunet(str(tmp_path / "linked")).prepared(cohort)


def test_a_model_folder_moved_behind_a_link_is_still_that_of_the_run(run, tmp_path):
    folder, cohort = run
    (folder / FOLDER).rename(tmp_path / FOLDER)
    (folder / FOLDER).symlink_to(tmp_path / FOLDER)
    for path in (folder, folder / FOLDER):
        assert Nnunet(str(path)).prepared(cohort).predict(cohort["A"]).facts["folds"] == ["0"]
    with (tmp_path / FOLDER / "plans.json").open("a") as stream:
        stream.write(" ")
    with pytest.raises(FormatError, match="another one"):
        Nnunet(str(folder / FOLDER)).prepared(cohort)


def test_an_image_in_another_unit_than_it_was_trained_with_is_refused(tmp_path):
    cohort = write_pet_cohort(tmp_path / "cohort")
    folds = {"0": ("1.0", ("A", "B"))}
    in_becquerel = write_run(tmp_path / "becquerel", cohort, folds, units={"pet": "Bq/ml"})
    pet = Volume.from_array(np.ones(GRID.shape, np.float32), GRID, Unit.BQML)
    new = Case("X", "x", {}, {"pet": lambda: pet})
    assert Nnunet(str(in_becquerel)).prepared(cohort).predict(new).mask
    for settings in ({}, {"channels": "pet"}):
        with pytest.raises(MissingNeedError, match=r"pet in Bq/ml, as the model.*found pet in SUVbw.*ingest"):
            Nnunet(str(in_becquerel), **settings).prepared(cohort).predict(cohort["A"])
    in_suv = write_run(tmp_path / "suv", cohort, folds)
    with pytest.raises(MissingNeedError, match="pet in SUVbw, as the model"):
        Nnunet(str(in_suv)).prepared(cohort).predict(new)


def test_a_file_that_was_changed_since_is_refused(run):
    folder, cohort = run
    for name in ("plans.json", "dataset.json", "fold_1/checkpoint_final.pth"):
        file = folder / FOLDER / name
        text = file.read_text()
        file.write_text(text + " ")
        with pytest.raises(FormatError, match="another one"):
            Nnunet(str(folder)).prepared(cohort)
        file.write_text(text)
    assert Nnunet(str(folder)).prepared(cohort)


def test_a_training_without_a_finished_fold_is_refused(tmp_path):
    cohort = write_pet_cohort(tmp_path / "cohort")
    with pytest.raises(FormatError, match="no finished fold"):
        Nnunet(str(write_run(tmp_path / "run", cohort, {}))).prepared(cohort)


def test_folds_that_are_not_recorded_do_not_count(run):
    folder, cohort = run
    (folder / FOLDER / "fold_3").mkdir()
    assert Nnunet(str(folder)).prepared(cohort).folds == ("0", "1", "2")
    with pytest.raises(SettingsError, match="folds among 0, 1, 2"):
        Nnunet(str(folder), folds="3").prepared(cohort)


def test_a_channel_that_a_run_was_trained_with_and_the_cohort_lacks_is_told(tmp_path):
    trained = write_pet_cohort(tmp_path / "cohort")
    folder = write_run(tmp_path / "run", trained, {"all": ("1.0", ())}, channels=("mr",))
    with pytest.raises(MissingNeedError, match="no mr"):
        Nnunet(str(folder)).prepared(trained)
    (tmp_path / "two").mkdir()
    other = write_run(tmp_path / "two" / "run", trained, {"all": ("1.0", ())}, channels=("pet", "ct"))
    with pytest.raises(FormatError, match="1 channels"):
        Nnunet(str(other)).prepared(trained)
