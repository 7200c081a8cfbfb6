"""Tilted and uneven stacks: a linear function of space must come back exactly, whatever was resampled."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dicom_files import write_pet, write_series
from oncohort.cli.app import run_command
from oncohort.conversion import ConversionSettings, convert
from oncohort.errors import FormatError
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.series import DicomSeries, read_series, stack_series

SHAPE = (40, 30, 8)
WEIGHTS = np.array([3.0, -5.0, 7.0])


def ramp(points):
    """A linear function of LPS mm, which linear interpolation reproduces."""
    return points @ WEIGHTS + 1500


def write_ramp(folder, positions, **more):
    """Slices whose first pixels lie at `positions`; pixels are 2 x 3 mm along x and y."""
    columns, rows, _ = SHAPE
    i, j = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    planes = [ramp(np.stack([x + 2 * i, y + 3 * j, np.full(i.shape, z)], axis=-1)) for x, y, z in positions]
    stored = np.rint(np.stack(planes, axis=-1) + 1000).astype(np.uint16)

    def placed(data, k):
        data.ImagePositionPatient = [float(value) for value in positions[k]]

    shape = (columns, rows, len(positions))
    return write_series(folder, shape=shape, stored=stored, change=placed, **more)


def errors_of(volume):
    """Differences from the ramp at every voxel that a slice covers."""
    index = np.stack(np.indices(volume.array.shape), axis=-1).reshape(-1, 3)
    expected = ramp(volume.geometry.to_mm(index) * [-1, -1, 1]).reshape(volume.array.shape)
    covered = volume.array != -1024
    assert covered.mean() > 0.5
    return np.abs(volume.array - expected)[covered]


TILTED = [(-10.0 + 0.3 * k, -20.0 + 1.1 * k, 30.0 + 4 * k) for k in range(8)]
UNEVEN = [(-10.0, -20.0, 30.0 + z) for z in (0, 4, 8, 16, 20, 24.5, 28, 32)]
BOTH = [(x, y, z) for (x, y, _), (_, _, z) in zip(TILTED, UNEVEN, strict=True)]


@pytest.mark.parametrize(
    ("positions", "kinds", "shape"),
    [(TILTED, ["tilt"], (42, 33, 8)), (UNEVEN, ["gaps"], (40, 30, 9)), (BOTH, ["gaps", "tilt"], (42, 33, 9))],
)
def test_a_linear_function_comes_back(tmp_path, positions, kinds, shape):
    write_ramp(tmp_path, positions)
    volume = read_series(tmp_path, correct=["tilt", "gaps"])
    assert volume.array.shape == shape
    assert volume.array.dtype == np.int16
    # stored values are rounded once, mixed and rounded again
    assert errors_of(volume).max() <= 1.01
    assert volume.record["correction"]["kinds"] == kinds
    axes = volume.geometry.affine[:3, :3]
    assert np.allclose(axes, np.diag([-2.0, -3.0, 4.0]))


def test_every_pixel_keeps_its_place(tmp_path):
    write_ramp(tmp_path, TILTED)
    volume = read_series(tmp_path, correct=["tilt"])
    first = volume.geometry.to_index(np.array([np.array(TILTED[0]) * [-1, -1, 1]]))[0]
    assert np.allclose(first, [0, 0, 0])
    assert volume.array[0, 0, 0] == round(float(ramp(np.array(TILTED[0]))))
    assert volume.array[41, 32, 0] == -1024


@pytest.mark.parametrize(
    ("positions", "correct", "found"),
    [
        (TILTED, [], "gantry tilt"),
        (TILTED, ["gaps"], "gantry tilt"),
        (UNEVEN, [], "uneven gaps"),
        (UNEVEN, ["tilt"], "uneven gaps"),
        (BOTH, ["tilt"], "gantry tilt"),
        (BOTH, ["gaps"], "gantry tilt"),
        ([(-10.0, -20.0, 30.0)] * 8, ["tilt", "gaps"], "same position (8 of 8"),
        ([(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 1e6)], ["gaps"], "positions too far apart to be corrected"),
        ([(0, 0, 0), (0, 0, 1), (0, 0, 2), (9e15, 0, 3)], ["tilt"], "positions too far apart to be corrected"),
    ],
)
def test_what_is_not_asked_for_stays_refused(tmp_path, positions, correct, found):
    write_ramp(tmp_path, positions)
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path, correct=correct)
    assert found in caught.value.found


def test_missing_slices_are_named(tmp_path):
    positions = [(-10.0, -20.0, 30.0 + z) for z in (0, 4, 8, 16, 20, 32)]
    write_ramp(tmp_path, positions)
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path)
    assert (
        "slices are missing: 1 after slice 3, 2 after slice 5 (counted from 1 along the normal)" in caught.value.found
    )
    volume = read_series(tmp_path, correct=["gaps"])
    assert volume.record["correction"]["interpolated_slices"] == [3, 6, 7]
    assert volume.array.shape[2] == 9
    assert errors_of(volume).max() <= 1.01


def test_a_regular_stack_is_not_touched(tmp_path):
    write_series(tmp_path)
    volume = read_series(tmp_path, correct=["tilt", "gaps"])
    assert "correction" not in volume.record
    assert np.array_equal(volume.array, read_series(tmp_path).array)


def test_a_pet_is_filled_with_zero(tmp_path):
    def placed(data, k):
        data.ImagePositionPatient = [-10, -20 + 1.5 * k, 30 + 4 * k]

    write_pet(tmp_path, shape=(9, 8, 4), change=placed)
    volume = read_series(tmp_path, correct=["tilt"])
    assert volume.array.shape == (9, 10, 4)
    assert volume.array.dtype == np.float32
    assert volume.array[:, 9, 0].tolist() == [0.0] * 9


def test_a_corrected_series_travels_as_json(tmp_path):
    paths = write_ramp(tmp_path, BOTH)
    (headers,) = index_files(paths).series.values()
    series = stack_series(headers, correct=["tilt", "gaps"])
    again = DicomSeries.from_dict(json.loads(json.dumps(series.to_dict())))
    assert np.array_equal(again.volume().array, series.volume().array)
    assert again.geometry.is_same_grid(series.geometry)


def test_the_verb_corrects_on_request_and_says_so(tmp_path):
    write_ramp(tmp_path / "in", BOTH)
    assert run_command(["convert", str(tmp_path / "in"), "--out", str(tmp_path / "a")]) == 2
    assert run_command(["convert", str(tmp_path / "in"), "--out", str(tmp_path / "a"), "--correct", "shear"]) == 64
    done = ["convert", str(tmp_path / "in"), "--out", str(tmp_path / "a"), "--correct", "tilt,gaps"]
    assert run_command(done) == 0
    (sidecar,) = (tmp_path / "a").glob("P1*.json")
    record = json.loads(sidecar.read_text())["Oncohort"]["scale"]["correction"]
    assert record["gaps_mm"] == [3.5, 8.0]
    assert record["gap_mm"] == 4.0
    assert record["interpolated_slices"] == [3, 6]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "degrees", "gap", "slices"),
    [("gantrytilting/001", 14.0, None, 4), ("sliceincrement/001", 0.0, 5.0, 5), ("sliceincrement/002", 15.5, 0.75, 5)],
)
def test_hard_series_are_corrected_with_a_record(real_data, tmp_path, name, degrees, gap, slices):
    """Angles and gaps are those of the notes on the data."""
    folder = real_data("hard_ct") / "dicom2nifti_failing" / name
    done = convert(folder, out=tmp_path / "out", settings=ConversionSettings(correct=("gaps", "tilt")))
    (row,) = done.series
    record = json.loads((tmp_path / "out" / row["sidecar"]).read_text())["Oncohort"]["scale"]["correction"]
    assert record["lean_degrees"] == pytest.approx(degrees, abs=0.06)
    assert row["shape"][2] == slices
    assert row["shape"][0] >= 512
    if gap is not None:
        assert record["gap_mm"] == pytest.approx(gap, abs=0.01)
        assert record["interpolated_slices"] != []
    assert len(row["warnings"]) == 1


@pytest.mark.real_data
def test_simpleitk_takes_the_tilted_series_without_a_word(real_data, capfd):
    sitk = pytest.importorskip("SimpleITK")
    folder = real_data("hard_ct") / "dicom2nifti_failing" / "gantrytilting" / "001"
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    assert image.GetSize()[2] == 4
    assert capfd.readouterr().err == ""
    axes = np.array(image.GetDirection()).reshape(3, 3)
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)  # right angles: the tilt is gone from the geometry
    ours = read_series(folder, correct=["tilt"])
    assert ours.record["correction"]["lean_degrees"] == pytest.approx(14.0, abs=0.06)
    last = image.TransformIndexToPhysicalPoint((0, 0, 3))
    true = max((header.image.position_mm for header in index_files(sorted(folder.iterdir())).series.popitem()[1]),
               key=lambda position: float(np.dot(position, axes[:, 2])))  # fmt: skip
    assert np.linalg.norm(np.array(last) - true) > 1.0
