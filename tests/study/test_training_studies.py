"""A study that trains: what is parted, trained, predicted, scored and told."""

import json
import re

import numpy as np
import polars as pl
import pytest
from training_fakes import UNET, UNTRAINED, FakeNetwork, FakeTraining

from oncohort.cli import run_command
from oncohort.errors import FormatError, LabelError, MissingNeedError, OutputError, SettingsError
from oncohort.formats.segmentation_record import write_segmentation_record
from oncohort.formats.split_file import read_split
from oncohort.profiles import load_profile
from oncohort.segmenters import SEGMENTERS
from oncohort.storage import claim_folder
from oncohort.study import load_study, rebuild_report, run
from oncohort.units import Unit
from study_files import PERCENT, THRESHOLD, Watch, leftovers, save_image, save_study, stamps, write_dataset

CASES = "ABCDEFGH"
FOLDS = {"folds": 2, "seed": 3}


@pytest.fixture
def page():
    """Asks for the page of every study, which takes most of its time."""


@pytest.fixture
def trainer(monkeypatch, request):
    """Training and segmenter replaced by quick ones, and no page unless a test asks for it."""
    if "page" not in request.fixturenames:
        monkeypatch.setattr(
            "oncohort.study.running.write_study_report", lambda plan, *_, **__: plan.out / "report.html"
        )
    fake = FakeTraining()
    monkeypatch.setattr("oncohort.study.training.train", fake)
    monkeypatch.setattr("oncohort.study.training.check_machine", fake.check_machine)
    monkeypatch.setattr("oncohort.study.training.check_cohort", fake.check_cohort)
    monkeypatch.setattr("oncohort.study.training.find_spec", lambda name: name)
    monkeypatch.setitem(SEGMENTERS, "nnunet", FakeNetwork)
    return fake


@pytest.fixture
def study(tmp_path):
    """A function that writes the study file of eight tiny cases, with these models and this split."""
    write_dataset(tmp_path / "data", *CASES)

    def save(*models, split=FOLDS, **changes):
        return save_study(tmp_path / "study.toml", model=[THRESHOLD, *(models or (UNET,))], split=split, **changes)

    return save


def scored(result):
    return set(result.scores.table["case"])


def trained(name="net", **settings):
    return {"name": name, "train": {"epochs": 1, "device": "cpu", **settings}}


def test_all_models_are_scored_on_the_validation_cases_of_the_fold(trainer, study):
    result = run(study(UNET, UNTRAINED, PERCENT))
    split = read_split(result.out / "split.json")
    held_out = split.validation(0)
    assert 0 < len(held_out) < len(CASES)
    assert scored(result) == set(held_out)
    assert result.scores.run["chosen"] == {"cases": list(held_out), "of": len(CASES)}
    assert set(result.aggregates["model"]) == {"suv-2.5", "41-percent", "unet", "untrained"}
    for model in ("suv-2.5", "41-percent", "unet", "untrained"):
        written = {path.name.removesuffix(".nii.gz") for path in (result.out / "predictions" / model).glob("*.nii.gz")}
        assert written == set(held_out), model
    assert result.is_complete
    dice = result.aggregates.filter(metric="dice", subset="all")
    values = dict(zip(dice["model"], dice["estimate"], strict=True))
    assert (values["unet"], values["untrained"]) == (1.0, 0.0)


def test_a_test_set_is_scored_before_any_fold(page, trainer, study):
    result = run(study(UNET, split={"folds": 2, "test": 0.25}))
    split = read_split(result.out / "split.json")
    assert len(split.test) == 2
    assert scored(result) == set(split.test)
    assert "They are the test set of the split, which no model was trained on." in result.report.read_text()


def test_models_are_scored_on_folds_that_all_of_them_were_trained_on(trainer, study):
    result = run(study(trained("a", folds=[0, 1]), trained("b", folds=[1, 2]), split={"folds": 4}))
    split = read_split(result.out / "split.json")
    assert scored(result) == set(split.validation(1))
    assert [call["folds"] for call in trainer.calls] == [("0", "1"), ("1", "2")]


def test_all_folds_without_naming_them(trainer, study):
    result = run(study(trained()))
    assert trainer.calls[0]["folds"] is None
    assert scored(result) == set(CASES)


def test_one_network_of_all_cases_needs_a_test_set(trainer, study):
    with pytest.raises(SettingsError) as caught:
        run(study(trained(folds=["all"])))
    assert "test = 0.2" in caught.value.remedy
    assert trainer.calls == []
    result = run(study(trained(folds=["all"]), split={"folds": 1, "test": 0.25}))
    assert scored(result) == set(read_split(result.out / "split.json").test)


def test_folds_without_one_in_common_are_refused_before_training(trainer, study):
    with pytest.raises(SettingsError) as caught:
        run(study(trained("a", folds=[0]), trained("b", folds=[1])))
    assert "a: 0; b: 1" in caught.value.found
    assert trainer.calls == []


def test_the_settings_reach_the_training_and_the_segmenter(trainer, study, monkeypatch):
    made = []
    kept = FakeNetwork.__init__

    def remember(self, *values, **named):
        made.append(named)
        kept(self, *values, **named)

    monkeypatch.setattr(FakeNetwork, "__init__", remember)
    predict = {"mirroring": False, "step": 0.75, "probabilities": "any"}
    result = run(study(trained(folds=[1], gpus=2, predict=predict, batch_size=3)), jobs=1)
    call = trainer.calls[0]
    assert (call["folds"], call["device"], call["gpus"], call["out"]) == (("1",), "cpu", 2, "net")
    assert call["cases"] == tuple(CASES)
    assert call["split"].content_hash == read_split(result.out / "split.json").content_hash
    run_folder = str(result.out / "training" / "net")
    assert made[0] == {"model": run_folder, "device": "cpu", **predict}
    assert json.loads((result.out / "training" / "net" / "run.json").read_text())["settings"]["batch_size"] == 3


def test_a_second_run_trains_and_draws_nothing_again(trainer, study):
    file = study(UNET, UNTRAINED)
    result = run(file)
    before, predicted = leftovers(result.out), stamps(result.out / "predictions", "*.nii.gz")
    assert trainer.finished == ["unet 0", "untrained 0"]
    watch = Watch()
    run(file, progress=watch)
    assert watch.done == {}
    assert trainer.finished == ["unet 0", "untrained 0"]
    assert leftovers(result.out) == before
    assert stamps(result.out / "predictions", "*.nii.gz") == predicted


def test_the_split_stays_when_a_mask_changes_and_is_drawn_again_for_a_new_patient(trainer, study):
    file = study(UNET, split={**FOLDS, "strata": ["volume"], "volume_edges": [3]})
    first = read_split(run(file).out / "split.json")
    mask = np.zeros((12, 10, 8), np.uint8)
    mask[2:6, 3:6, 2:4] = 1
    save_image(file.parent / "data" / "labelsTr" / "B.nii.gz", mask, unit=Unit.LABEL)
    watch = Watch()
    result = run(file, progress=watch)
    assert read_split(result.out / "split.json") == first
    write_dataset(file.parent / "data", *CASES, "I")
    with pytest.raises(OutputError, match="cases parted otherwise"):
        run(file)
    assert scored(run(file, overwrite=True)) <= {*CASES, "I"}


def test_a_finished_training_is_not_thrown_away_for_an_edit(trainer, study):
    run(study(UNET))
    longer = {**UNET, "train": {**UNET["train"], "epochs": 4, "labels": ["lesion"]}}
    with pytest.raises(OutputError) as caught:
        run(study(longer))
    assert "model 'unet'" in caught.value.expected
    assert "another one: settings.epochs: 3 there, 4 asked; settings.labels: " in caught.value.found
    assert caught.value.where.endswith("training/unet")
    assert caught.value.remedy == "give the model another name, or run with --overwrite to train it anew"
    assert trainer.finished == ["unet 0"]
    assert run(study(longer), overwrite=True).is_complete
    assert trainer.finished == ["unet 0", "unet 0"]


def test_a_refused_edit_of_the_split_leaves_the_results_as_they_are(trainer, study):
    result = run(study(UNET, UNTRAINED))
    before = leftovers(result.out)
    for split in ({**FOLDS, "seed": 4}, {**FOLDS, "test": 0.25}):
        with pytest.raises(OutputError) as caught:
            run(study(UNET, UNTRAINED, split=split))
        assert caught.value.found == "another one: cases parted otherwise (other cases, or [split] was edited)"
        assert leftovers(result.out) == before
    assert rebuild_report(study(UNET, UNTRAINED)) == result.report
    watch = Watch()
    run(study(UNET, UNTRAINED), progress=watch)
    assert watch.done == {}
    assert trainer.finished == ["unet 0", "untrained 0"]


def test_no_model_is_trained_when_another_one_would_be_refused(trainer, study):
    run(study(UNET))
    with pytest.raises(OutputError, match="model 'unet'"):
        run(study(UNTRAINED, {**UNET, "train": {**UNET["train"], "epochs": 4}}))
    assert trainer.finished == ["unet 0"]


def test_a_folder_with_the_mark_of_other_work_is_not_trained_into(trainer, study):
    file = study(UNET)
    claim_folder(file.parent / "results", {"verb": "run", "study": "small"}, overwrite=False)
    claim_folder(file.parent / "results" / "training" / "unet", {"verb": "export"}, overwrite=False)
    with pytest.raises(OutputError, match="verb: export there, run asked"):
        run(file)
    assert trainer.finished == []


def test_a_training_that_the_study_no_longer_names_is_kept(trainer, study):
    run(study(UNET, UNTRAINED))
    result = run(study(UNET))
    assert sorted(path.name for path in (result.out / "training").iterdir()) == ["unet", "untrained"]
    assert not (result.out / "predictions" / "untrained").exists()


def test_without_a_split_all_cases_are_scored_again(trainer, study, tmp_path):
    result = run(study(UNET))
    assert scored(result) < set(CASES)
    result = run(save_study(tmp_path / "study.toml", model=[THRESHOLD, PERCENT]))
    assert scored(result) == set(CASES)
    assert "chosen" not in result.scores.run
    assert not (result.out / "split.json").exists()


def test_a_split_alone_chooses_its_test_set(trainer, study):
    result = run(study(PERCENT, split={"folds": 1, "test": 0.25}))
    assert scored(result) == set(read_split(result.out / "split.json").test)
    assert trainer.calls == []


def test_predictions_made_elsewhere_are_scored_on_the_same_cases(trainer, study, tmp_path):
    for case in CASES:
        save_image(tmp_path / "mine" / f"{case}.nii.gz", np.zeros((12, 10, 8), np.uint8), unit=Unit.LABEL)
    result = run(study(UNET, {"name": "mine", "predictions": "mine"}))
    rows = result.scores.table.filter(pl.col("model") == "mine")
    assert set(rows["case"]) == set(read_split(result.out / "split.json").validation(0))
    assert result.scores.run["findings"] == []


def test_the_page_tells_of_the_training(page, trainer, study, monkeypatch):
    monkeypatch.setattr("oncohort.study.running.split_notes", lambda cases, split: ("Eight cases, oh dear.",))
    result = run(study(UNET, UNTRAINED))
    assert result.notes == ("Eight cases, oh dear.",)
    assert "Eight cases, oh dear." in result.report.read_text()
    shown = result.report.read_text()
    assert '<section id="training"' in shown
    assert shown.count("Learning curve of unet, fold 0") >= 1
    assert "Learning curve of untrained" not in shown
    assert "No learning curve: no epoch was trained." in shown
    text = re.sub(r"<[^>]+>", " ", shown)
    assert "nnunet 3d_fullres: 3 epochs, fold 0" in text
    assert "nnunet 3d_fullres: untrained (0 epochs), fold 0" in text
    held_out = len(read_split(result.out / "split.json").validation(0))
    assert f"{held_out} of the {len(CASES)} cases of the cohort were chosen to be scored." in text
    assert "they are the validation cases of fold 0, held out from the training of that fold" in text
    run_record = json.loads((result.out / "training" / "unet" / "run.json").read_text())
    for digest in (run_record["lock_hash"], run_record["split"], run_record["folds"][0]["sha256"], "2" * 64):
        assert digest in shown
    assert "16 × 16 × 16" not in text  # the plans of the stand-in say nothing of the patch
    cases = re.findall(r'<tr><th scope="row">(?:<a[^>]*>)?([A-Z])(?:</a>)?</th>', shown)
    assert set(cases) == set(read_split(result.out / "split.json").validation(0))


def test_the_page_of_a_trained_study_is_written_again(page, trainer, study):
    file = study(UNET)
    report = run(file).report
    before = re.sub(r"<time>[^<]*</time>", "", report.read_text())
    report.unlink()
    assert re.sub(r"<time>[^<]*</time>", "", rebuild_report(file).read_text()) == before


def test_the_page_is_not_written_from_scores_of_other_cases(trainer, study):
    run(study(UNET))
    with pytest.raises(FormatError, match="oncohort run"):
        rebuild_report(study({**UNET, "train": {**UNET["train"], "folds": [1]}}))


WRONG = {
    "no split": ([UNET], None, "no section [split]"),
    "segmenter and training": ([{**UNET, "segmenter": "threshold"}], FOLDS, "either a segmenter"),
    "a parameter beside": ([{**UNET, "epochs": 3}], FOLDS, "epochs"),
    "fold as text": ([trained(folds=["0"])], FOLDS, "model.1.train.folds"),
    "negative fold": ([trained(folds=[-1])], FOLDS, "model.1.train.folds"),
    "no fold": ([trained(folds=[])], FOLDS, "model.1.train.folds"),
    "a fold twice": ([trained(folds=[0, 0])], FOLDS, "named twice"),
    "a fold that is not drawn": ([trained(folds=[2])], FOLDS, "draws no fold 2"),
    "a fold of no folds": ([trained(folds=[0])], {"folds": 1, "test": 0.5}, "draws no fold 0"),
    "device": ([trained(device="tpu")], FOLDS, "model.1.train.device"),
    "no card": ([trained(gpus=0)], FOLDS, "model.1.train.gpus"),
    "step of 0": ([trained(predict={"step": 0.0})], FOLDS, "model.1.train.predict.step"),
    "unknown prediction": ([trained(predict={"speed": 1})], FOLDS, "model.1.train.predict.speed"),
    "no name in a list": ([trained(labels=[])], FOLDS, "labels as a text, or a list of names"),
    "a comma in a name": ([trained(labels=["liver,spleen"])], FOLDS, "labels as a text, or a list of names"),
    "a number as name": ([trained(channels=["pet", 1])], FOLDS, "channels as a text, or a list of names"),
    "official and folds": ([UNET], {"official": True, "folds": 5}, "no folds with official"),
    "official and a drawn test set": ([UNET], {"official": True, "test": 0.5}, "no test with official"),
    "official and strata": ([UNET], {"official": True, "strata": ["volume"]}, "no strata with official"),
    "a column of folds that are drawn": ([UNET], {"fold_column": "fold"}, "no fold_column without official"),
    "edges that no stratum looks at": ([UNET], {"volume_edges": [3]}, "no volume_edges without"),
    "edges that descend": ([UNET], {"strata": ["volume"], "volume_edges": [9, 3]}, "volume_edges in ml that ascend"),
    "unknown split": ([UNET], {"fold": 2}, "split.fold"),
    "too much test": ([UNET], {"test": 1.0}, "split.test"),
    "folds as text": ([UNET], {"folds": "2"}, "split.folds"),
    "strata as text": ([UNET], {"strata": "tracer"}, "split.strata"),
}


@pytest.mark.parametrize(("models", "split", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named(study, models, split, named):
    file = study(*models, split=split)
    with pytest.raises(SettingsError) as caught:
        load_study(file)
    assert named in caught.value.expected
    assert caught.value.where == str(file)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epochs": -1}, "epochs"),
        ({"model": "unet"}, "model"),
        ({"patch_size": [16]}, "patch_size"),
        ({"channels": "ct,ct2=?"}, "channels"),
        ({"channels": ["ct", "ct2=?"]}, "channels"),
    ],
)
def test_a_wrong_training_is_found_before_anything_is_written(trainer, study, settings, named):
    with pytest.raises(SettingsError) as caught:
        run(study({"name": "net", "train": settings}))
    assert named in caught.value.expected
    assert caught.value.where.endswith("model 'net'")
    assert not (study().parent / "results").exists()


@pytest.mark.parametrize("form", ["pet,ct", ["pet", "ct"]])
def test_names_are_a_text_or_a_list(trainer, study, form):
    result = run(study(trained(channels=form, labels=["lesion"])))
    settings = json.loads((result.out / "training" / "net" / "run.json").read_text())["settings"]
    assert (settings["channels"], settings["labels"]) == ("pet,ct", "lesion")


def test_a_device_that_is_not_there_is_found_before_anything_is_written(trainer, study):
    with pytest.raises(SettingsError) as caught:
        run(study(UNET, trained(device="cuda")))
    assert (caught.value.found, caught.value.where) == ("cuda", "model 'net', device")
    assert not (study().parent / "results").exists()


def test_a_machine_is_asked_once_for_the_same_and_not_for_what_is_finished(trainer, study):
    both = study(UNET, UNTRAINED, trained("other", folds=[0], planner="Other"))
    run(both)
    plain, other = ("ExperimentPlanner", "nnUNetTrainer", "cpu", 1), ("Other", "nnUNetTrainer", "cpu", 1)
    assert trainer.machines == [plain, other]
    run(both)
    assert trainer.machines == [plain, other]
    run(both, overwrite=True)
    assert trainer.machines == [plain, other] * 2


def test_no_machine_is_asked_for_all_folds_that_are_finished(trainer, study):
    plain = ("ExperimentPlanner", "nnUNetTrainer", "cpu", 1)
    result = run(study(trained()))
    run(study(trained()))
    assert trainer.machines == [plain]
    (result.out / "training" / "net" / "model" / "fold_1" / "checkpoint_final.pth").unlink()
    run(study(trained()))
    assert trainer.machines == [plain] * 2
    (result.out / "split.json").write_text("{}")
    run(study(trained()))
    assert trainer.machines == [plain] * 3


def test_labels_that_disagree_are_found_before_the_training(trainer, study, tmp_path):
    for case in CASES:
        save_image(tmp_path / "mine" / f"{case}.nii.gz", np.ones((12, 10, 8), np.uint8), unit=Unit.LABEL)
    (tmp_path / "organs.toml").write_text(load_profile("organs").text.replace('role = "organs"', 'role = "lesions"'))
    file = study(UNET, {"name": "mine", "predictions": "mine"}, evaluation={"profile": "organs.toml"})
    write_segmentation_record(tmp_path / "mine", [], {"segmenter": "nnunet", "labels": {"liver": 1, "lesion": 2}})
    with pytest.raises(LabelError) as caught:
        run(file)
    assert caught.value.where.startswith("predictions of 'mine'")
    assert trainer.calls == []
    write_segmentation_record(tmp_path / "mine", [], {"segmenter": "nnunet", "labels": {"lesion": 1}})
    assert run(file).scores.table.height
    assert trainer.finished == ["unet 0"]


def test_other_models_predict_before_the_training_so_that_their_faults_are_found(trainer, study):
    with pytest.raises(MissingNeedError):
        run(study(UNET, {"name": "mine", "segmenter": "command", "program": "./mine {pet} {mask}"}))
    assert trainer.finished == []


def test_a_model_that_the_cohort_has_no_masks_for_is_found_before_any_is_trained(trainer, study):
    with pytest.raises(SettingsError, match="organs"):
        run(study(UNET, trained(label_role="organs")))
    assert trainer.checked == ["lesions", "organs"]
    assert trainer.finished == []
    assert not (study().parent / "results" / "split.json").exists()


def test_a_missing_package_is_found_before_anything_is_written(trainer, study, monkeypatch):
    monkeypatch.setattr("oncohort.study.training.find_spec", lambda name: None if name == "nnunetv2" else name)
    with pytest.raises(SettingsError) as caught:
        run(study(UNET))
    assert caught.value.found == "no nnunetv2"
    assert "oncohort[train]" in caught.value.remedy
    assert not (study().parent / "results").exists()


def test_a_training_that_left_cases_out_is_told(trainer, study, capsys):
    trainer.left_out = {"C": "no mask"}
    assert run_command(["run", str(study(UNET))]) == 1
    assert "unet not trained on C: no mask" in capsys.readouterr().err


def test_an_official_fold_that_is_not_there_is_refused_before_training(trainer, study):
    with pytest.raises(SettingsError):
        run(study(trained(folds=[7]), split={"official": True}))
    assert trainer.calls == []


def test_the_command_line_says_what_it_did(page, trainer, study, monkeypatch, capsys):
    monkeypatch.setattr("oncohort.study.running.split_notes", lambda cases, split: (f"{cases.height} cases, oh dear.",))
    file = study(UNET)
    assert run_command(["run", str(file), "--json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["notes"] == ["8 cases, oh dear."]
    assert "note: 8 cases, oh dear." in told.err
    assert document["complete"]
    assert {row["model"] for row in document["aggregates"]} == {"suv-2.5", "unet"}
