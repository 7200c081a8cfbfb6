"""nnU-Net itself, trained through Oncohort on phantoms (make test-extras)."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import oncohort
from oncohort.errors import SettingsError
from oncohort.formats.training_run import read_curves, read_training_run
from oncohort.splitting import SplitSettings, split_cohort
from oncohort.training.nnunet import NnunetFolders, NnunetTraining

pytestmark = pytest.mark.extras

TINY = {
    "epochs": 2,
    "iterations": 2,
    "validation_iterations": 1,
    "patch_size": (16, 16, 16),
    "batch_size": 2,
    "features": 4,
}

TRAIN = """
import json, sys
import oncohort
from oncohort.splitting import SplitSettings, split_cohort
if __name__ == "__main__":
    cohort = oncohort.open_cohort(sys.argv[1])
    split = split_cohort(cohort, SplitSettings(folds=2)).split
    settings = oncohort.TrainingSettings.from_dict(json.loads(sys.argv[3]), where="here")
    oncohort.train(cohort, settings, split=split, out=sys.argv[2], folds=["0"], device="cpu")
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    phantoms = oncohort.write_phantom_cohort(folder / "phantoms", cases=4, form="nnunet")
    return oncohort.ingest("nnunet", phantoms.data, out=folder / "cohort")


@pytest.fixture(scope="module")
def split(cohort):
    return split_cohort(cohort, SplitSettings(folds=2)).split


@pytest.fixture(scope="module")
def whole(cohort, split, tmp_path_factory):
    """A run that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    before, loaded = dict(os.environ), "torch" in sys.modules
    run = oncohort.train(cohort, oncohort.TrainingSettings(**TINY), split=split, out=out, folds=["0"], device="cpu")
    assert dict(os.environ) == before
    assert ("torch" in sys.modules) == loaded  # by another test, if at all
    return out, run


def plans_of(out, run):
    return json.loads((out / run.folder / "plans.json").read_text())


def test_the_plans_are_as_wished(whole):
    out, run = whole
    plans = plans_of(out, run)
    found = plans["configurations"]["3d_fullres"]
    assert found["patch_size"] == [16, 16, 16]
    assert found["batch_size"] == 2
    assert found["architecture"]["arch_kwargs"]["features_per_stage"][0] == 4
    assert found["normalization_schemes"] == ["CTNormalization", "NoNormalization"]
    assert max(found["median_image_size_in_voxels"]) > 16
    own = json.loads(next(out.glob("raw/*/dataset_fingerprint.json")).read_text())
    assert plans["foreground_intensity_properties_per_channel"] == own["foreground_intensity_properties_per_channel"]


def test_the_run_and_its_curve(whole, split):
    out, run = whole
    fold = run.folds[0]
    assert read_training_run(out).folds[0] == fold
    assert set(fold.trained) == set(split.training(0))
    assert run.versions["nnunetv2"] == "2.8.1"
    assert run.versions["device"] == "cpu"
    points = read_curves(out)["0"]
    assert [point.epoch for point in points] == [1, 2]
    assert all(point.train_loss is not None and point.seconds > 0 for point in points)
    assert points[0].learning_rate == pytest.approx(0.01)


def test_processes_that_augment(whole, cohort, split):
    """Another fold of the same run with two processes: nothing is prepared again but one case that is gone.

    The plans were made when the images lay elsewhere.
    """
    out, _ = whole
    (planned,) = out.glob("preprocessed/*/dataset.json")
    planned.write_text(planned.read_text().replace(str(cohort.root.parent), "/nowhere"))
    assert "/nowhere" in planned.read_text()
    lost, *there = sorted(out.glob("preprocessed/*/*/*.pkl"))
    prepared = {path: path.stat().st_mtime_ns for path in there}
    lost.unlink()
    settings = oncohort.TrainingSettings(**TINY)
    run = oncohort.train(cohort, settings, split=split, out=out, folds=["1"], device="cpu", jobs=2)
    assert [fold.fold for fold in run.folds] == ["0", "1"]
    assert lost.is_file()
    assert {path: path.stat().st_mtime_ns for path in there} == prepared
    assert prepared


def test_a_killed_training_takes_the_same_course(whole, cohort, tmp_path):
    """SIGKILL after the first checkpoint; one process on a CPU, so the numbers are the same."""
    out = tmp_path / "run"
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    command = [sys.executable, str(script), str(cohort.root), str(out), json.dumps(TINY)]
    process = subprocess.Popen(command)
    until = time.monotonic() + 120
    while not list(out.rglob("checkpoint_latest.pth")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (out / "run.json").exists()
    subprocess.run(command, check=True)
    (fold,) = read_training_run(out).folds
    assert fold.epochs == 2
    assert fold.seconds == pytest.approx(sum(point.seconds for point in read_curves(out)["0"]))
    assert fold.peak_memory_mib is None
    for found, expected in zip(read_curves(out)["0"], read_curves(whole[0])["0"], strict=True):
        assert found.train_loss == expected.train_loss
        assert found.pseudo_dice == expected.pseudo_dice


def test_the_untrained_network_and_its_seed(cohort, split, tmp_path):
    from torch import load

    weights = []
    for seed, folds, trainer in ((1, ["0", "all"], "nnUNetTrainer"), (2, ["0"], "nnUNetTrainerNoMirroring")):
        settings = oncohort.TrainingSettings(**{**TINY, "epochs": 0, "seed": seed, "trainer": trainer})
        out = tmp_path / str(seed)
        run = oncohort.train(cohort, settings, split=split, out=out, folds=folds, device="cpu")
        assert [fold.epochs for fold in run.folds] == [0 for _ in folds]
        assert Path(run.folder).name == f"{trainer}__OncohortPlans__3d_fullres"
        assert read_curves(out) == {}
        for fold in run.folds:
            held = load(out / fold.checkpoint, weights_only=False)
            weights.append(np.concatenate([each.numpy().ravel() for each in held["network_weights"].values()]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_nnunet_reads_the_model_folder(whole, cohort, tmp_path):
    """Its own command predicts with what we trained: the checkpoint names a trainer that every nnU-Net has."""
    out, run = whole
    case = cohort.case_ids[0]
    images = tmp_path / "images"
    images.mkdir()
    for number, role in enumerate(run.channels):
        oncohort.write_volume(images / f"case_{number:04d}.nii.gz", cohort[case].image(role))
    command = Path(sys.executable).with_name("nnUNetv2_predict_from_modelfolder")
    words = ["-i", images, "-o", tmp_path / "masks", "-m", out / run.folder, "-f", "0", "-device", "cpu"]
    words += ["--disable_tta", "-step_size", "1", "-npp", "1", "-nps", "1"]
    done = subprocess.run([command, *words], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = oncohort.read_volume(tmp_path / "masks" / "case.nii.gz")
    assert found.geometry.is_same_grid(cohort[case].image("ct").geometry)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"planner": "NoSuchPlanner"}, "a planner of nnU-Net"),
        ({"trainer": "NoSuchTrainer"}, "a trainer class that this nnU-Net has"),
        ({"configuration": "3d_lowres", "patch_size": (64, 64, 64)}, "3d_fullres"),
    ],
)
def test_what_nnunet_cannot_do_is_refused_with_a_remedy(cohort, tmp_path, wrong, words):
    settings = oncohort.TrainingSettings(**{**TINY, "epochs": 0, **wrong})
    with pytest.raises(SettingsError, match=words):
        oncohort.train(cohort, settings, split=None, out=tmp_path / "run", device="cpu")


def steps(tmp_path, **choices):
    return NnunetTraining(NnunetFolders(tmp_path, "Dataset001_A"), oncohort.TrainingSettings(**TINY), **choices)


def test_a_device_that_is_not_there_is_refused(tmp_path):
    from torch import cuda

    if cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(SettingsError, match="a device of cpu, found cuda"):
        steps(tmp_path, device="cuda").train("0", "nnUNetPlans")


def test_torchrun_starts_the_processes_and_one_of_them_answers(tmp_path):
    """Without graphics cards every process refuses; the events of the first arrive through torchrun."""
    from torch import cuda

    if cuda.device_count() > 1:
        pytest.skip("there are several")
    with pytest.raises(SettingsError, match="2 graphics cards"):
        steps(tmp_path, device="auto", gpus=2).train("0", "nnUNetPlans")
