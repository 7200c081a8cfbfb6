from datetime import datetime, timedelta
from math import exp, log
from pathlib import Path

import numpy as np
import pydicom
import pytest

from oncohort.errors import GeometryError, InputError, OutputError
from oncohort.formats.dicom.series import read_pet, read_series
from oncohort.formats.dicom.study import DicomStudy
from oncohort.formats.dicom.writing import BedTiming, Injection, write_ct_series, write_pet_series
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

STARTED = datetime(2026, 1, 5, 23, 50)
STUDY = DicomStudy("A 1", STARTED, {"StudyDescription": "test", "PatientSex": "F"}, "entropy")
INJECTION = Injection(3.0e8, STARTED - timedelta(hours=1), 6586.2, 60.0)
BEDS = BedTiming(slices=3, seconds=180.0)


def grid(direction: float = -1.0, slices: int = 7) -> Geometry:
    affine = np.diag([direction * 1.5, direction * 2.5, 4.0, 1.0])
    affine[:3, 3] = (31.0, -12.5, 100.25)
    return Geometry((6, 5, slices), affine)


def ct(geometry: Geometry) -> Volume:
    values = np.random.default_rng(1).integers(-1024, 3000, geometry.shape).astype(np.int16)
    return Volume.from_array(values, geometry, Unit.HU)


def pet(geometry: Geometry) -> Volume:
    values = np.random.default_rng(2).gamma(1.0, 2.0, geometry.shape).astype(np.float32)
    values[:, :, 2] = 0.0
    return Volume.from_array(values, geometry, Unit.SUVBW)


@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_ct_comes_back_voxel_for_voxel_in_place(tmp_path: Path, direction: float):
    volume = ct(grid(direction))
    written = write_ct_series(tmp_path, volume, STUDY)
    back = read_series(tmp_path)
    assert back.geometry.is_same_grid(volume.geometry)
    assert np.array_equal(back.array, volume.array)
    assert back.unit is Unit.HU
    assert len(written.sop_uids) == len(set(written.sop_uids)) == 7


def test_an_oblique_grid_comes_back(tmp_path: Path):
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = grid().affine.copy()
    affine[:3, :3] = turn @ affine[:3, :3]
    volume = ct(Geometry((6, 5, 7), affine))
    write_ct_series(tmp_path, volume, STUDY)
    back = read_series(tmp_path)
    assert back.geometry.is_same_grid(volume.geometry)
    assert np.array_equal(back.array, volume.array)


def test_pet_comes_back_in_suv_within_half_a_slope(tmp_path: Path):
    volume = pet(grid())
    write_pet_series(tmp_path, volume, STUDY, injection=INJECTION, beds=BEDS)
    back = read_pet(tmp_path)
    assert back.unit is Unit.SUVBW
    assert back.geometry.is_same_grid(volume.geometry)
    step = volume.array.max(axis=(0, 1)) / 32767
    assert (np.abs(back.array - volume.array) <= 0.505 * step + 1e-7).all()
    assert len({float(pydicom.dcmread(path).RescaleSlope) for path in tmp_path.iterdir()}) == 7


def test_pet_timing_is_that_of_a_whole_body_scan(tmp_path: Path):
    write_pet_series(tmp_path, pet(grid()), STUDY, injection=INJECTION, beds=BEDS)
    slices = [pydicom.dcmread(tmp_path / f"{number:04d}.dcm") for number in range(1, 8)]
    assert [one.AcquisitionTime[:6] for one in slices] == ["235000"] * 3 + ["235300"] * 3 + ["235600"]
    decay = log(2) / 6586.2
    first, last = slices[0], slices[-1]
    assert float(first.FrameReferenceTime) == pytest.approx(90_000, rel=0.005)
    assert float(first.FrameReferenceTime) < 90_000
    assert float(last.FrameReferenceTime) - float(first.FrameReferenceTime) == pytest.approx(360_000)
    assert float(first.DecayFactor) == pytest.approx(decay * 180 / (1 - exp(-decay * 180)), rel=1e-9)
    assert float(last.DecayFactor) / float(first.DecayFactor) == pytest.approx(exp(decay * 360), rel=1e-9)
    assert {one.DecayCorrection for one in slices} == {"START"} and {one.Units for one in slices} == {"BQML"}
    assert {one.ActualFrameDuration for one in slices} == {180_000}
    assert first.ImageIndex == 1 and last.ImageIndex == 7


def test_acquisitions_after_midnight_carry_the_next_date(tmp_path: Path):
    write_pet_series(tmp_path, pet(grid(slices=16)), STUDY, injection=INJECTION, beds=BEDS)
    last = pydicom.dcmread(tmp_path / "0016.dcm")
    assert (last.AcquisitionDate, last.AcquisitionTime[:6], last.SeriesDate) == ("20260106", "000500", "20260105")


def test_activity_of_suv_one_halves_with_every_half_life():
    assert INJECTION.bqml_per_suv(INJECTION.given) == pytest.approx(3.0e8 / 60_000)
    later = INJECTION.given + timedelta(seconds=2 * 6586.2)
    assert INJECTION.bqml_per_suv(later) == pytest.approx(3.0e8 / 240_000)


def test_equal_volumes_give_equal_bytes_and_studies_their_own_uids(tmp_path: Path):
    for name in ("a", "b"):
        write_ct_series(tmp_path / name, ct(grid()), STUDY)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert STUDY.uid("CT") != DicomStudy("A 2", STARTED, {}, "entropy").uid("CT")
    assert STUDY.uid("CT") != DicomStudy("A 1", STARTED, {}, "other").uid("CT")
    data = pydicom.dcmread(tmp_path / "a" / "0001.dcm")
    assert (data.PatientID, data.PatientSex, data.SeriesDescription) == ("A 1", "F", "test CT")
    assert (data.Rows, data.Columns, data.PixelSpacing, data.InstanceNumber) == (5, 6, [2.5, 1.5], 1)


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="HU"):
        write_ct_series(tmp_path, pet(grid()), STUDY)
    with pytest.raises(InputError, match="SUVbw"):
        write_pet_series(tmp_path, ct(grid()), STUDY, injection=INJECTION, beds=BEDS)
    for wrong in (-1.0, np.nan, np.inf):
        values = np.full(grid().shape, wrong, np.float32)
        with pytest.raises(InputError, match="0 and above"):
            write_pet_series(
                tmp_path, Volume.from_array(values, grid(), Unit.SUVBW), STUDY, injection=INJECTION, beds=BEDS
            )
    sheared = grid().affine.copy()
    sheared[0, 2] = 1.0
    with pytest.raises(GeometryError, match="right angles"):
        write_ct_series(tmp_path, ct(Geometry((6, 5, 7), sheared)), STUDY)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="0001"):
        write_ct_series(tmp_path / "file", ct(grid()), STUDY)
