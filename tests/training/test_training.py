"""The verb `train`, with a worker that answers as nnU-Net's does."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import oncohort
from oncohort.cli.app import run_command
from oncohort.errors import InputError, LeakageError, OutputError, SettingsError, WorkerError
from oncohort.formats.split_file import write_split
from oncohort.formats.training_run import read_curves, read_training_run
from oncohort.splits import Split
from oncohort.splitting import SplitSettings, split_cohort
from oncohort.storage import exclusive, sha256_bytes, sha256_file
from oncohort.training import TrainingSettings, check_cohort, check_machine, is_trained, train
from oncohort.training.nnunet import NnunetFolders, NnunetTraining

ROOT = Path(__file__).parents[2]
SHORT = TrainingSettings(epochs=2)


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr("oncohort.training.nnunet.MODULE", "tests.training.fake_nnunet_training")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Four patients."""
    return oncohort.write_phantom_cohort(tmp_path_factory.mktemp("phantoms"), cases=4, form="nnunet").data


def ingested(data, folder, *, name="four patients, one centre", **choices):
    return oncohort.ingest("nnunet", data, out=folder / "cohort", name=name, **choices)


@pytest.fixture(scope="module")
def cohort(phantoms, tmp_path_factory):
    return ingested(phantoms, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def own_cohort(phantoms, tmp_path):
    """One that a test may change."""
    return ingested(shutil.copytree(phantoms, tmp_path / "phantoms"), tmp_path)


@pytest.fixture
def split(cohort):
    return split_cohort(cohort, SplitSettings(folds=2, test_share=0.25, seed=1)).split


def asked(folder):
    return (folder / "asked.txt").read_text().splitlines()


def test_a_run_says_what_was_trained_on_which_cases(cohort, split, tmp_path):
    before = dict(os.environ)
    seen = []
    run = train(cohort, SHORT, split=split, out=tmp_path / "run", device="cpu", progress=seen.append)
    assert dict(os.environ) == before
    assert run == read_training_run(tmp_path / "run")
    assert [fold.fold for fold in run.folds] == ["0", "1"]
    for number, fold in enumerate(run.folds):
        assert set(fold.trained) == set(split.training(number))
        assert set(fold.held_out) == set(split.validation(number))
        assert not {*fold.trained, *fold.held_out} & set(split.test)
        assert (
            fold.sha256 == sha256_bytes(f"weights {number}".encode()) == sha256_file(tmp_path / "run" / fold.checkpoint)
        )
        assert (fold.epochs, fold.seconds, fold.peak_memory_mib) == (2, 4.5, 100.0)
        best, final = (sha256_bytes(f"{word} {number}".encode()) for word in ("best", "weights"))
        assert fold.checkpoints == {"checkpoint_best.pth": best, "checkpoint_final.pth": final}
    assert run.test == split.test
    assert run.split == split.content_hash
    assert run.channels == ("ct", "pet")
    assert run.units == {"ct": "HU", "pet": "SUVbw"}
    assert run.folder == "results/Dataset001_four_patients_one_centre/nnUNetTrainer__nnUNetPlans__3d_fullres"
    assert sorted(Path(path).name for path in run.files) == ["dataset.json", "plans.json"]
    assert run.versions["torch"] == "none"
    assert run.left_out == {}
    assert [point.train_loss for point in read_curves(tmp_path / "run")["1"]] == [1.0, 0.5]
    assert read_curves(tmp_path / "run")["0"][0].validation_loss is None
    labels = {one.label for one in seen}
    assert {"hash", "export nnunet", "preprocess", "train fold 0", "train fold 1"} <= labels
    last = next(one for one in seen if one.label == "train fold 0")
    assert (last.done, last.total, last.remaining_s) == (1, 2, 2.0)


def test_the_lock_holds_the_bytes_of_every_file(cohort, split, tmp_path):
    run = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    assert set(run.lock) == set(cohort.case_ids)
    for case, locked in run.lock.items():
        assert locked.patient == cohort[case].patient
        for row in cohort.volume_rows(case):
            path = Path(row["path"]) if Path(row["path"]).is_absolute() else cohort.root / row["path"]
            assert locked.files[row["role"]] == sha256_file(path)


def test_folds_of_the_split_reach_nnunet(cohort, split, tmp_path):
    train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    (file,) = (tmp_path / "run" / "preprocessed").glob("*/splits_final.json")
    folds = json.loads(file.read_text())
    assert [set(fold["val"]) for fold in folds] == [set(split.validation(0)), set(split.validation(1))]


def test_a_second_call_trains_what_is_new_and_repeats_nothing(cohort, split, tmp_path):
    first = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    again = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    assert first == again
    both = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0", "all"], device="cpu")
    assert [fold.fold for fold in both.folds] == ["0", "all"]
    assert set(both.folds[1].trained) == set(cohort.case_ids) - set(split.test)
    assert both.folds[1].held_out == ()
    assert both.created_at == first.created_at
    words = asked(tmp_path / "run")
    assert [word for word in words if word.startswith("train")] == ["train 0 epochs 2", "train all epochs 2"]
    assert sum(word.startswith("plan") for word in words) == 1


def test_other_numbers_of_processes_keep_what_is_prepared(cohort, split, tmp_path):
    train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu", jobs=1)
    (stamp,) = (tmp_path / "run").glob("preprocessed/*/dataset.json")
    before = stamp.stat().st_mtime_ns
    train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu", jobs=2)
    assert stamp.stat().st_mtime_ns == before
    assert sum(word.startswith("plan") for word in asked(tmp_path / "run")) == 1


@pytest.mark.parametrize("name", ["four patients, one centre", "renamed"])
def test_images_that_moved_and_a_cohort_of_another_name_keep_what_is_trained(own_cohort, tmp_path, name):
    split = split_cohort(own_cohort, SplitSettings(folds=2)).split
    first = train(own_cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    (tmp_path / "phantoms").rename(tmp_path / "moved")
    elsewhere = ingested(tmp_path / "moved", tmp_path, name=name, overwrite=True)
    both = train(elsewhere, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu")
    assert both.folds[0] == first.folds[0]
    assert all((tmp_path / "run" / fold.checkpoint).is_file() for fold in both.folds)
    assert (both.folder, both.files) == (first.folder, first.files)
    assert [word for word in asked(tmp_path / "run") if word.startswith("plan")] == ["plan None"]
    dataset = json.loads(next((tmp_path / "run" / "raw").glob("*/dataset.json")).read_text())
    assert all("/moved/" in path for case in dataset["dataset"].values() for path in case["images"])


def test_networks_of_other_plans_are_lost_only_on_request(cohort, split, tmp_path):
    first = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    (tmp_path / "run" / ".oncohort" / "planned.json").write_text('{"key": "of other plans", "plans": "nnUNetPlans"}')
    with pytest.raises(OutputError, match="plan otherwise"):
        train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu")
    assert (tmp_path / "run" / first.folds[0].checkpoint).is_file()
    assert read_training_run(tmp_path / "run") == first
    anew = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu", overwrite=True)
    assert [fold.fold for fold in anew.folds] == ["1"]
    assert list(read_curves(tmp_path / "run")) == ["1"]
    assert not (tmp_path / "run" / first.folds[0].checkpoint).exists()


def test_folds_are_added_with_the_first_plans_after_the_big_folders_are_deleted(cohort, split, tmp_path):
    first = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    for name in ("raw", "preprocessed"):
        shutil.rmtree(tmp_path / "run" / name)
    both = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu")
    assert [fold.fold for fold in both.folds] == ["0", "1"]
    assert both.files == first.files
    assert next((tmp_path / "run").glob("preprocessed/*/dataset_fingerprint.json")).stat().st_size > 0


def test_one_call_at_a_time(cohort, split, tmp_path):
    train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    with exclusive(tmp_path / "run"), pytest.raises(OutputError, match="another process that works there"):
        train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu", overwrite=True)
    run = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu")
    assert [fold.fold for fold in run.folds] == ["0", "1"]


def test_a_file_that_is_gone_costs_its_case(own_cohort, tmp_path):
    case = own_cohort.case_ids[1]
    row = next(row for row in own_cohort.volume_rows(case) if row["role"] == "ct")
    (own_cohort.root / row["path"]).unlink()
    run = train(own_cohort, SHORT, split=None, out=tmp_path / "run", device="cpu")
    assert set(run.left_out) == {case}
    assert case not in run.folds[0].trained


def test_without_a_split_every_case_trains(cohort, tmp_path):
    run = train(cohort, SHORT, split=None, out=tmp_path / "run", device="cpu")
    assert [fold.fold for fold in run.folds] == ["all"]
    assert run.folds[0].trained == cohort.case_ids
    assert run.split is None
    assert not list((tmp_path / "run" / "preprocessed").glob("*/splits_final.json"))


def test_a_checkpoint_that_is_gone_is_trained_again(cohort, split, tmp_path):
    run = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    (tmp_path / "run" / run.folds[0].checkpoint).unlink()
    again = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    assert again == run
    assert (tmp_path / "run" / run.folds[0].checkpoint).is_file()


def without(run, split, cohort, cases):
    """Train after the PET of some cases has become something else."""
    for case in cases:
        row = next(row for row in cohort.volume_rows(case) if row["role"] == "pet")
        (cohort.root / row["path"]).write_bytes(b"no image")
    return train(cohort, SHORT, split=split, out=run, folds=["0"], device="cpu")


@pytest.mark.parametrize(("part", "words"), [("validation", "validate on"), ("training", "train on")])
def test_a_fold_without_cases_is_refused_with_the_reasons_before_anything_is_planned(own_cohort, tmp_path, part, words):
    split = split_cohort(own_cohort, SplitSettings(folds=2)).split
    lost = getattr(split, part)(0)
    with pytest.raises(InputError, match=f"a case to {words} in fold 0, found {len(lost)} that could not") as error:
        without(tmp_path / "run", split, own_cohort, lost)
    assert all(f"{case}: " in error.value.found for case in lost)
    assert "expected" in error.value.found  # the reason of the case
    assert not (tmp_path / "run" / "asked.txt").exists()


@pytest.mark.parametrize("wrong", [{"label_role": "organs"}, {"channels": "ct,mr=z-score"}])
def test_a_role_that_no_case_has_is_noticed_before_a_file_is_read(cohort, tmp_path, wrong):
    settings, seen = TrainingSettings(**wrong), []
    with pytest.raises(SettingsError, match=r"roles that a case to train on has: ct, lesions, pet, found (organs|mr)"):
        train(cohort, settings, split=None, out=tmp_path / "run", device="cpu", progress=seen.append)
    assert seen == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("folds", [["2"], ["-1"], ["zero"], []])
def test_folds_that_the_split_lacks_are_refused(cohort, split, tmp_path, folds):
    with pytest.raises(SettingsError, match="folds among 0, 1, all"):
        train(cohort, SHORT, split=split, out=tmp_path / "run", folds=folds, device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_split_of_other_cases_is_refused(cohort, tmp_path):
    other = Split({"a": "a", "b": "b"}, folds=(("a",), ("b",)))
    with pytest.raises(LeakageError):
        train(cohort, SHORT, split=other, out=tmp_path / "run", device="cpu")


def test_other_settings_are_other_work(cohort, split, tmp_path):
    train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    with pytest.raises(OutputError, match="other work"):
        train(cohort, TrainingSettings(epochs=3), split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    run = train(
        cohort, TrainingSettings(epochs=3), split=split, out=tmp_path / "run", folds=["0"], device="cpu", overwrite=True
    )
    assert run.folds[0].epochs == 3


def test_a_cohort_that_has_changed_since_is_refused(own_cohort, tmp_path):
    split = split_cohort(own_cohort, SplitSettings(folds=2)).split
    first = train(own_cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    row = next(row for row in own_cohort.volume_rows(own_cohort.case_ids[0]) if row["role"] == "lesions")
    other = next(row for row in own_cohort.volume_rows(own_cohort.case_ids[1]) if row["role"] == "lesions")
    Path(own_cohort.root / row["path"]).write_bytes(Path(own_cohort.root / other["path"]).read_bytes())
    with pytest.raises(OutputError, match="files with other bytes"):
        train(own_cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu")
    anew = train(own_cohort, SHORT, split=split, out=tmp_path / "run", folds=["1"], device="cpu", overwrite=True)
    assert [fold.fold for fold in anew.folds] == ["1"]
    assert anew.lock_hash != first.lock_hash
    assert asked(tmp_path / "run")[0] == "plan None"


def test_a_case_that_cannot_be_exported_is_named(own_cohort, tmp_path):
    row = next(row for row in own_cohort.volume_rows(own_cohort.case_ids[2]) if row["role"] == "pet")
    (own_cohort.root / row["path"]).write_bytes(b"no image")
    run = train(own_cohort, SHORT, split=None, out=tmp_path / "run", device="cpu")
    assert set(run.left_out) == {own_cohort.case_ids[2]}
    assert own_cohort.case_ids[2] not in run.folds[0].trained
    assert own_cohort.case_ids[2] not in run.lock


def test_a_device_is_looked_for_whenever_something_is_to_be_trained(cohort, split, tmp_path):
    with pytest.raises(SettingsError, match="found mps"):
        check_machine(SHORT, device="mps")
    run = train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="cpu")
    for folds in (["1"], ["0", "1"]):
        with pytest.raises(SettingsError, match="found mps"):
            train(cohort, SHORT, split=split, out=tmp_path / "run", folds=folds, device="mps")
    assert [is_trained(tmp_path / "run", folds) for folds in (["0"], ["0", "1"])] == [True, False]
    assert train(cohort, SHORT, split=split, out=tmp_path / "run", folds=["0"], device="mps") == run
    (tmp_path / "run" / "run.json").write_text("{}")
    assert not is_trained(tmp_path / "run", ["0"])


def test_what_a_training_needs_of_a_cohort_is_told_from_its_tables(cohort, split):
    check_cohort(cohort, SHORT, split=split)
    with pytest.raises(SettingsError, match="organs"):
        check_cohort(cohort, SHORT.model_copy(update={"label_role": "organs"}), split=split)


def test_what_nnunet_refuses_keeps_its_words(cohort, tmp_path):
    with pytest.raises(SettingsError, match=r"expected a planner of nnU-Net, found NoSuchPlanner"):
        train(cohort, TrainingSettings(planner="NoSuchPlanner"), split=None, out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run" / "raw").exists()  # before anything is computed


def test_what_breaks_in_nnunet_is_an_error_and_the_next_call_continues(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_FAILS", "1")
    with pytest.raises(WorkerError, match="RuntimeError: out of memory"):
        train(cohort, SHORT, split=None, out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run" / "run.json").exists()
    monkeypatch.delenv("FAKE_FAILS")
    assert train(cohort, SHORT, split=None, out=tmp_path / "run", device="cpu").folds[0].epochs == 2


def test_several_cards_are_driven_by_torchrun(tmp_path, monkeypatch):
    started = {}

    def start(module, **choices):
        started.update(choices, module=module)
        raise WorkerError(expected="", found="", where="", remedy="")

    monkeypatch.setattr("oncohort.workers.Worker.start", start)
    steps = NnunetTraining(NnunetFolders(tmp_path, "Dataset001_A"), SHORT, "cuda", gpus=4)
    with pytest.raises(WorkerError):
        steps.train("0", "nnUNetPlans")
    assert started["launcher"] == ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4")
    assert "nnUNet_n_proc_DA" not in started["environment"]
    assert json.loads(Path(started["arguments"][0]).read_text())["device"] == "cuda"


KILLED = """
import sys
import oncohort.training.nnunet
oncohort.training.nnunet.MODULE = "tests.training.fake_nnunet_training"
from oncohort import open_cohort
from oncohort.training import TrainingSettings, check_cohort, check_machine, is_trained, train
train(open_cohort(sys.argv[1]), TrainingSettings(epochs=20), split=None, out=sys.argv[2], device="cpu")
"""


def test_a_killed_training_continues(cohort, tmp_path, monkeypatch):
    out = tmp_path / "run"
    environment = {**os.environ, "FAKE_EPOCH_S": "0.1"}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(cohort.root), str(out)], env=environment)
    until = time.monotonic() + 60
    while len(read_curves(out).get("all", [])) < 3:
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (out / "run.json").exists()
    time.sleep(0.3)  # the worker ends with its parent: nothing more is trained
    (state,) = out.rglob("epochs.txt")
    reached = int(state.read_text())
    time.sleep(0.3)
    assert int(state.read_text()) == reached < 20
    run = train(cohort, TrainingSettings(epochs=20), split=None, out=out, device="cpu")
    assert [point.epoch for point in read_curves(out)["all"]] == list(range(1, 21))
    assert run.folds[0].epochs == 20
    assert [word for word in asked(out) if word.startswith("plan")] == ["plan None"]


def test_settings_of_the_plans_get_plans_of_their_own_name(cohort, tmp_path):
    run = train(
        cohort, TrainingSettings(epochs=0, patch_size=(16, 16, 16)), split=None, out=tmp_path / "run", device="cpu"
    )
    assert run.folder.endswith("nnUNetTrainer__OncohortPlans__3d_fullres")
    assert read_curves(tmp_path / "run") == {}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": -1}, "epochs"),
        ({"epochs": "5"}, "epochs"),
        ({"epoch": 5}, "epoch"),
        ({"channels": "mr"}, "channels"),
        ({"channels": "ct,prompts.foreground"}, "channels"),
        ({"patch_size": [16]}, "patch_size"),
        ({"patch_size": [16, 16, 2]}, "patch_size"),
        ({"patch_size": [16, 16]}, r"patch_size: .*3 numbers of voxels \(along k, j, i\) for 3d_fullres"),
        ({"patch_size": [16, 16], "configuration": "3d_lowres"}, "patch_size"),
        ({"patch_size": [16, 16, 16], "configuration": "2d"}, r"2 numbers of voxels \(along j, i\) for 2d"),
        ({"trainer": "os.system"}, "trainer"),
        ({"planner": "../x"}, "planner"),
        ({"configuration": "3d_cascade_fullres"}, "configuration"),
        ({"model": "monai"}, "model"),
    ],
)
def test_wrong_settings_are_named(wrong, words):
    with pytest.raises(SettingsError, match=words) as error:
        TrainingSettings.from_dict(wrong, where="study.toml")
    assert error.value.where == "study.toml"


def test_command_line(cohort, split, tmp_path, capsys):
    write_split(tmp_path / "split.json", split)
    words = [
        "train",
        str(cohort.root),
        "epochs=2",
        "patch_size=[16,16,16]",
        "--config",
        "3d_fullres",
        "--device",
        "cpu",
    ]
    words += ["--split", str(tmp_path / "split.json"), "--folds", "0", "--out", str(tmp_path / "run"), "--json"]
    assert run_command(words) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out)["folds"] == ["0"]
    assert "2 epochs" in seen.err
    assert run_command([*words, "nothing=1"]) == 64
    for doubled in (["epochs=3"], ["configuration=2d"], ["model=nnunet"]):
        assert run_command([*words, *doubled]) == 64
        assert "more than once" in capsys.readouterr().err
    assert run_command(["train", str(cohort.root), "--out", str(tmp_path / "other"), "--folds", "3"]) == 64
    assert not (tmp_path / "other").exists()
