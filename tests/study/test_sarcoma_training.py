"""nnU-Net trained on 24 real sarcoma patients, on a CPU, beside the untrained network and three thresholds."""

import polars as pl
import pytest

from oncohort.formats.training_run import read_curves, read_training_run
from oncohort.study import run
from study_files import PERCENT, RESAMPLE, THRESHOLD, save_study

SMALL = {
    **{"union": "lesion", "folds": [0], "device": "cpu", "patch_size": [48, 32, 32], "batch_size": 2, "features": 8},
    **{"iterations": 50, "validation_iterations": 10},
}
MODELS = [
    {"name": "unet", "train": {"epochs": 30, **SMALL}},
    {"name": "untrained", "train": {"epochs": 0, **SMALL}},
    THRESHOLD,
    {**THRESHOLD, "name": "suv-4", "suv": 4.0},
    PERCENT,
]


@pytest.mark.slow
@pytest.mark.extras
@pytest.mark.real_data
def test_training_teaches_and_the_report_shows_it(real_data, tmp_path):
    """Under 15 minutes on two cores. 18 patients train, 6 are scored."""
    pytest.importorskip("nnunetv2")
    study = save_study(
        tmp_path / "study.toml",
        cohort={"source": "dicom", "path": str(real_data("sts_petct") / "dicom")},
        step=[RESAMPLE],
        split={"folds": 4, "strata": ["volume"]},
        model=MODELS,
    )
    result = run(study, jobs=1)
    dice = result.scores.table.filter(pl.col("metric") == "dice").group_by("model").agg(pl.col("value").mean())
    means = dict(dice.iter_rows())
    assert set(means) == {model["name"] for model in MODELS}
    assert means["unet"] > means["untrained"] + 0.2
    volumes = result.scores.table.filter((pl.col("model") == "unet") & (pl.col("metric") == "fnv_ml"))
    assert volumes.height == 6
    assert result.failed["unet"] == {}
    (fold,) = read_training_run(result.out / "training" / "unet").folds
    assert (len(fold.trained), len(fold.held_out)) == (18, 6)
    points = read_curves(result.out / "training" / "unet")["0"]
    assert len(points) == 30
    assert points[-1].train_loss < points[0].train_loss
    assert "Learning curve of unet, fold 0. " in result.report.read_text()
