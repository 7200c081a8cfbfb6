import numpy as np
import pytest

from oncohort.errors import FormatError, LabelError, PredictionError, SettingsError
from oncohort.evaluation import score_files, structures
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.kernels import count_joint
from oncohort.labels import LabelScheme
from oncohort.metrics import label_arrays
from oncohort.profiles import load_profile, parse_profile
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


@pytest.fixture
def organs(tmp_path):
    labels = np.zeros((8, 8, 8), np.uint16)
    labels[1:4, 1:4, 1:4], labels[5:7, 5:7, 5:7] = 3, 400
    return write(tmp_path / "a.nii.gz", labels), write(tmp_path / "b.nii.gz", np.where(labels == 400, 0, labels))


def dice_of(scores):
    return {score.structure: score.value for score in scores if score.metric == "dice"}


def test_structures_without_names_are_called_by_their_integer(organs):
    scores = score_files(*organs, profile="organs")
    assert dice_of(scores) == {"3": 1.0, "400": 0.0}
    assert [score.metric for score in scores[:5]] == list(load_profile("organs").metrics)
    assert next(score for score in scores if score.metric == "nsd").value == 1.0


def test_structures_have_the_names_of_the_scheme(organs):
    scheme = LabelScheme("organs", {"liver": 3, "spleen": 400, "kidney": 5})
    assert dice_of(score_files(*organs, profile="organs", scheme=scheme)) == {
        "liver": 1.0,
        "spleen": 0.0,
        "kidney": None,
    }
    named = parse_profile(load_profile("organs").text.replace('"each"', '["spleen"]'), where="test")
    assert dice_of(score_files(*organs, profile=named, scheme=scheme)) == {"spleen": 0.0}
    with pytest.raises(SettingsError, match="'spleen'"):
        score_files(*organs, profile=named)


def test_labels_outside_the_scheme_are_refused(organs):
    with pytest.raises(LabelError, match=r"a\.nii\.gz.*400"):
        score_files(*organs, profile="organs", scheme=LabelScheme("organs", {"liver": 3}))


def test_uptake_of_two_files_has_no_image(organs):
    scores = {score.metric: score.undefined for score in score_files(*organs, profile="lesions")}
    assert scores["tlg_difference"] == "image_missing"
    assert scores["dice"] is None


def test_labels_without_names_are_counted_once(tmp_path, monkeypatch):
    """Of bytes, the count that finds the labels is the one that scores them."""
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[1:4, 1:4, 1:4], labels[5:7, 5:7, 5:7] = 3, 200
    reference = write(tmp_path / "a.nii.gz", labels)
    prediction = write(tmp_path / "b.nii.gz", np.where(labels == 200, 9, labels))
    calls = []
    monkeypatch.setattr(label_arrays, "count_joint", lambda *arrays: calls.append(1) or count_joint(*arrays))
    monkeypatch.setattr(structures, "count_joint", lambda *arrays: calls.append(1) or count_joint(*arrays))
    assert dice_of(score_files(reference, prediction, profile="organs")) == {"3": 1.0, "9": 0.0, "200": 0.0}
    assert len(calls) == 1


def test_two_files_without_labels_and_scheme_cannot_be_scored(tmp_path):
    path = write(tmp_path / "a.nii.gz", np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(SettingsError, match="label above 0"):
        score_files(path, path, profile="organs")
    assert dice_of(score_files(path, path, profile="organs", scheme=LabelScheme("o", {"liver": 1}))) == {"liver": None}
