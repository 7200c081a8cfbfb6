import numpy as np
import pytest

from oncohort.errors import FormatError
from oncohort.formats import write_volume
from oncohort.formats.predictions import (
    find_prediction,
    list_predictions,
    list_unread,
    read_prediction,
    write_prediction,
)
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((2, 3, 4), np.diag([-2.0, -2, 3, 1]))
SCHEME = LabelScheme("lesion", {"lesion": 1})
MASK = np.zeros(GRID.shape, bool)
MASK[0, 1, 2] = True
LESION = LabelMap.from_masks({"lesion": MASK}, GRID, SCHEME)


@pytest.mark.parametrize("case", ["A", "fdg 1_2020", "a/b", "100%", "..", "a.b"])
def test_a_prediction_is_found_by_the_case(tmp_path, case):
    path = write_prediction(tmp_path, case, LESION)
    assert find_prediction(tmp_path, case) == path
    assert path.parent == tmp_path
    assert list_predictions(tmp_path) == {case: path}
    assert np.array_equal(read_prediction(path).layers[0].array, MASK)
    assert read_prediction(path).layers[0].array.dtype == np.uint8
    assert find_prediction(tmp_path, "other") is None


def test_probabilities_other_files_and_hidden_ones_are_no_predictions(tmp_path):
    for name in ("A.prob.nii.gz", "notes.txt", ".partial-1.nii.gz", "B.nii"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.nii.gz").mkdir()
    write_prediction(tmp_path, "A", LESION)
    assert list(list_predictions(tmp_path)) == ["A"]
    assert find_prediction(tmp_path, "folder") is None


def test_metaimages_are_predictions_and_nifti_goes_first(tmp_path):
    volume = Volume.from_array(MASK.astype(np.float32), GRID, Unit.NONE)
    write_volume(tmp_path / "A.mha", volume)
    assert find_prediction(tmp_path, "A") == tmp_path / "A.mha"
    assert read_prediction(tmp_path / "A.mha").layers[0].array.dtype == np.uint8
    assert read_prediction(tmp_path / "A.mha").layers[0].unit is Unit.LABEL
    nifti = write_prediction(tmp_path, "A", LESION)
    assert find_prediction(tmp_path, "A") == nifti


def test_fractions_are_no_prediction(tmp_path):
    write_volume(tmp_path / "A.nii.gz", Volume.from_array(MASK * np.float32(0.5), GRID, Unit.NONE))
    with pytest.raises(FormatError, match=r"A\.nii\.gz: expected whole numbers"):
        _ = read_prediction(tmp_path / "A.nii.gz").layers[0].array


def test_masks_that_overlap_come_in_layers(tmp_path):
    other = np.roll(MASK, 1, axis=2) | MASK
    scheme = LabelScheme("both", {"lesion": 1, "oedema": 2})
    both = LabelMap.from_masks({"lesion": MASK, "oedema": other}, GRID, scheme)
    found = read_prediction(write_prediction(tmp_path, "A", both), scheme)
    assert len(found.layers) == 2
    assert np.array_equal(found.mask("lesion"), MASK)
    assert np.array_equal(found.mask("oedema"), other)


def test_volumes_that_are_read_by_nobody_are_listed(tmp_path):
    for name in ("A.nii", "B.NII", ".C.nii", "D.nii.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in list_unread(tmp_path)] == ["A.nii", "B.NII"]
