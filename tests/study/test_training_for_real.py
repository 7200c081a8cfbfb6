"""A study that really trains: phantoms, one epoch, a tiny patch, beside the untrained network and three thresholds."""

import json

import pytest

from oncohort.formats.split_file import read_split
from oncohort.formats.training_run import read_curves, read_training_run
from oncohort.phantoms import write_phantom_cohort
from oncohort.study import run
from study_files import PERCENT, THRESHOLD, Watch, leftovers, save_study, stamps

TINY = {
    **{"channels": "pet", "folds": [0], "device": "cpu", "patch_size": [32, 32, 32], "batch_size": 2, "features": 4},
    **{"iterations": 2, "validation_iterations": 1, "predict": {"mirroring": False, "step": 1.0}},
}
MODELS = [
    THRESHOLD,
    {**THRESHOLD, "name": "suv-4", "suv": 4.0},
    PERCENT,
    {"name": "unet", "train": {"epochs": 1, **TINY}},
    {"name": "untrained", "train": {"epochs": 0, **TINY}},
]


@pytest.mark.extras
def test_one_command_exports_trains_predicts_scores_ranks_and_reports(tmp_path):
    pytest.importorskip("nnunetv2")
    write_phantom_cohort(tmp_path / "phantoms", cases=3, form="nnunet")
    cohort = {"source": "nnunet", "path": "phantoms/nnunet"}
    study = save_study(tmp_path / "study.toml", cohort=cohort, model=MODELS, split={"folds": 3, "seed": 3})
    result = run(study)
    split = read_split(result.out / "split.json")
    names = {model["name"] for model in MODELS}
    assert set(result.aggregates["model"]) == names
    assert result.failed == {name: {} for name in names}
    assert set(result.scores.table["case"]) == set(split.validation(0))
    for name, epochs in (("unet", 1), ("untrained", 0)):
        (fold,) = read_training_run(result.out / "training" / name).folds
        assert (fold.fold, fold.epochs) == ("0", epochs)
        assert set(fold.trained) == set(split.training(0))
        assert set(fold.held_out) == set(split.validation(0))
        curves = read_curves(result.out / "training" / name)
        assert {of: len(points) for of, points in curves.items()} == ({"0": epochs} if epochs else {})
        written = {path.name.removesuffix(".nii.gz") for path in (result.out / "predictions" / name).glob("*.nii.gz")}
        assert written == set(split.validation(0))
    page = result.report.read_text()
    assert page.count("Learning curve of unet, fold 0. ") == 1
    assert "32 × 32 × 32 voxels" in page
    before, predicted = leftovers(result.out / "scores"), stamps(result.out / "predictions", "*.nii.gz")
    watch = Watch()
    run(study, progress=watch)
    assert not {label for label in watch.done if label.startswith(("train", "preprocess", "segment"))}
    assert stamps(result.out / "predictions", "*.nii.gz") == predicted
    assert json.dumps(leftovers(result.out / "scores")) == json.dumps(before)
