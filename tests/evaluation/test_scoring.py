import numpy as np
import pytest

from oncohort.errors import FormatError, PredictionError
from oncohort.evaluation import score_files
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.results import SCORE_SCHEMA
from oncohort.units import Unit
from oncohort.volume import Volume


def write(path, mask, affine=None):
    grid = Geometry(mask.shape, np.diag([10.0, 10.0, 5.0, 1.0]) if affine is None else affine)
    write_volume(path, Volume.from_array(mask, grid, Unit.LABEL))
    return path


@pytest.fixture
def masks():
    reference = np.zeros((6, 6, 6), np.uint8)
    reference[1:3, 1:3, 1:3] = 7
    return reference, np.roll(reference, 1, axis=2)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha"])
def test_scores_of_two_files(tmp_path, masks, suffix):
    reference = write(tmp_path / "case%2F1.nii.gz", masks[0])
    prediction = write(tmp_path / f"other{suffix}", masks[1])
    scores = score_files(reference, prediction, profile="autopet-iii")
    assert [(score.metric, score.value) for score in scores] == [
        ("dice", 0.5),
        ("fpv_ml", 0.0),
        ("fnv_ml", 0.0),
        ("volume_difference_ml", 0.0),
    ]
    assert {(score.model, score.case, score.patient) for score in scores} == {("prediction", "case/1", "case/1")}
    assert set(vars(scores[0])) == set(SCORE_SCHEMA)


def test_grids_must_agree(tmp_path, masks):
    reference = write(tmp_path / "a.nii.gz", masks[0])
    prediction = write(tmp_path / "b.nii.gz", np.zeros((6, 6, 3), np.uint8), np.diag([10.0, 10.0, 10.0, 1.0]))
    with pytest.raises(PredictionError, match="6 x 6 x 3 voxels of 10 x 10 x 10 mm") as caught:
        score_files(reference, prediction, profile="autopet-iii")
    assert "--resample-predictions" in caught.value.remedy
    scores = score_files(reference, prediction, profile="autopet-iii", resample_predictions=True)
    assert [score.value for score in scores[:3]] == [0.0, 0.0, 4.0]


def test_files_that_hold_no_labels_are_refused(tmp_path, masks):
    reference = write(tmp_path / "a.nii.gz", masks[0])
    noise = np.random.default_rng(0).random((6, 6, 6)).astype(np.float32)
    with pytest.raises(FormatError, match="whole numbers"):
        score_files(reference, write(tmp_path / "b.nii.gz", noise), profile="autopet-iii")
    with pytest.raises(FormatError):
        score_files(reference, tmp_path / "c.nii.gz", profile="autopet-iii")
