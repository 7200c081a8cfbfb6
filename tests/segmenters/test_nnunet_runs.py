"""The segmenter nnunet with the record of a training: who may predict whom, and what must be as it was trained."""

from dataclasses import replace

import numpy as np
import pytest
from tests.segmenters.nnunet_models import FOLDER, fake_nnunet, sha256, write_pet_cohort, write_run

from oncohort import segment
from oncohort.errors import FormatError, MissingNeedError, SettingsError
from oncohort.formats.segmentation_record import cases_known_to_training, read_segmentation_record
from oncohort.formats.training_run import read_training_run, write_training_run
from oncohort.segmenters.nnunet import Nnunet
from oncohort.units import Unit

FOLDS = {"0": ("1.0", ("A",)), "1": ("2.0", ("B",)), "2": ("6.0", ("C",))}


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    yield from fake_nnunet(monkeypatch)


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
    becquerel = write_pet_cohort(tmp_path / "bq", name="bq", cases=("X", "Y"), pet_unit=Unit.BQML, seed=9)
    folds = {"0": ("1.0", ("A", "B"))}
    trained = write_run(tmp_path / "becquerel", cohort, folds, units={"pet": "Bq/ml"})
    assert Nnunet(str(trained)).prepared(becquerel).predict(becquerel["X"]).mask
    for settings in ({}, {"channels": "pet"}):
        with pytest.raises(MissingNeedError, match=r"pet in Bq/ml, as the model.*found pet in SUVbw.*ingest"):
            Nnunet(str(trained), **settings).prepared(cohort)
        with pytest.raises(MissingNeedError, match=r"case A: expected pet in Bq/ml"):
            Nnunet(str(trained), **settings).prepared(becquerel).predict(cohort["A"])
    in_suv = write_run(tmp_path / "suv", cohort, folds)
    with pytest.raises(MissingNeedError, match="pet in SUVbw, as the model was trained with"):
        Nnunet(str(in_suv)).prepared(becquerel)


def test_a_run_knows_its_units_better_than_the_call(run):
    folder, cohort = run
    assert Nnunet(str(folder), channels="pet=SUVbw").prepared(cohort)
    with pytest.raises(SettingsError, match=r"pet in SUVbw, as the model.*found pet=Bq/ml"):
        Nnunet(str(folder), channels="pet=Bq/ml").prepared(cohort)


def test_weights_that_the_record_does_not_know_are_refused(run):
    folder, cohort = run
    for fold in FOLDS:
        (folder / FOLDER / f"fold_{fold}" / "checkpoint_best.pth").write_text("3.0")
    with pytest.raises(FormatError, match=r"checkpoint_best\.pth of fold_0, fold_1, fold_2.*checkpoint_final\.pth"):
        Nnunet(str(folder), checkpoint="checkpoint_best.pth").prepared(cohort)
    assert Nnunet(str(folder)).prepared(cohort)


def test_weights_that_the_record_knows_beside_the_last_ones_are_used_unless_they_were_changed(run):
    folder, cohort = run
    known = read_training_run(folder)
    best = [folder / FOLDER / f"fold_{fold}" / "checkpoint_best.pth" for fold in FOLDS]
    for file in best:
        file.write_text("3.0")
    folds = [
        replace(fold, checkpoints={"checkpoint_final.pth": fold.sha256, file.name: sha256(file)})
        for fold, file in zip(known.folds, best, strict=True)
    ]
    write_training_run(folder, replace(known, folds=tuple(folds)))
    model = Nnunet(str(folder), checkpoint="checkpoint_best.pth")
    cut = model.prepared(cohort).predict(cohort["A"]).mask.mask("lesion")
    assert np.array_equal(cut, cohort["A"].image("pet").array >= 3.0)
    best[1].write_text("4.0")
    with pytest.raises(FormatError, match="another one"):
        model.prepared(cohort)
    with pytest.raises(FormatError, match=r"swapped\.pth.*checkpoint_best\.pth, checkpoint_final\.pth"):
        best[1].rename(best[1].with_name("swapped.pth"))
        Nnunet(str(folder), folds="1", checkpoint="swapped.pth").prepared(cohort)


def swap(cohort, *cases):
    """Exchange the files of the PET of two cases."""
    first, second = (
        cohort.root / next(row["path"] for row in cohort.volume_rows(case) if row["role"] == "pet") for case in cases
    )
    first.rename(first.with_name("aside"))
    second.rename(first)
    first.with_name("aside").rename(second)


def test_swapped_images_of_cases_that_the_run_knows_are_noticed_by_their_bytes(run, tmp_path):
    folder, cohort = run
    swap(cohort, "A", "B")
    done = segment(cohort, Nnunet(str(folder)), out=tmp_path / "known")
    assert sorted(done.failed) == ["A", "B"]
    assert "which were; an image of it has the bytes of case B" in done.failed["A"]
    swap(cohort, "A", "B")
    swap(cohort, "A", "T")
    done = segment(cohort, Nnunet(str(folder)), out=tmp_path / "test")
    assert {case.case: case.facts["folds"] for case in done.cases} == {"A": ["0"], "B": ["1"], "C": ["2"], "T": ["0"]}


def test_a_patient_of_another_cohort_with_a_known_id_is_predicted_and_noted(run, tmp_path):
    folder, _ = run
    ids = {"A2": "patient A", "N": "patient N", "A": "patient A"}
    other = write_pet_cohort(tmp_path / "other", cases=tuple(ids), name="other", patients=ids, seed=50)
    note = "bears the id of a patient of the training set: "
    done = segment(other, Nnunet(str(folder)), out=tmp_path / "out")
    assert {case.case: (case.facts["folds"], case.notes) for case in done.cases} == {
        "A2": (["0", "1", "2"], (f"{note}folds 1, 2",)),
        "N": (["0", "1", "2"], ()),
        "A": (["0"], ()),  # id and patient: the same case
    }
    table, record = read_segmentation_record(tmp_path / "out")
    assert record["notes"] == {f"{note}folds 1, 2": 1}
    assert cases_known_to_training(table) == {note[:-2]: ("A2",)}
    new = write_pet_cohort(tmp_path / "new", cases=("A2",), patients=ids, seed=50)
    assert segment(new, Nnunet(str(folder)), out=tmp_path / "own").cases[0].facts["folds"] == ["0"]


def test_both_notes_are_told_where_training_cases_are_asked_for(run, tmp_path):
    folder, _ = run
    ids = {"A": "patient A", "B2": "patient B"}
    other = write_pet_cohort(tmp_path / "other", cases=tuple(ids), name="other", patients=ids, seed=50)
    prepared = Nnunet(str(folder), folds="1,2", training_cases=True).prepared(other)
    assert prepared.predict(other["A"]).notes == ("trained on this patient: folds 1, 2",)
    assert prepared.predict(other["B2"]).notes == ("bears the id of a patient of the training set: fold 2",)


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
