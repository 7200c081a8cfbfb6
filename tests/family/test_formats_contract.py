"""What every volume format promises; a new one is tested by being registered."""

import numpy as np
import pytest

from oncohort.errors import FormatError, OutputError
from oncohort.formats.reading import VOLUME_SUFFIXES, read_volume, write_volume
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume, reorient

TURN = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = TURN @ np.diag([-1.171875, 2.0, 3.27])
OBLIQUE[:3, 3] = [-187.6543, 99.125, -1034.5]
GRID = Geometry((4, 5, 6), OBLIQUE)
DTYPES = ["uint8", "int16", "uint16", "int32", "float32"]


def volume(dtype="int16"):
    numbers = np.random.default_rng(7).integers(0, 200, GRID.shape)
    return Volume.from_array((numbers - 100 * (dtype == "int16")).astype(dtype), GRID, Unit.HU)


@pytest.fixture(params=VOLUME_SUFFIXES)
def path(request, tmp_path):
    return tmp_path / f"case 1{request.param}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("codes", ["LAS", "RAS", "LPS", "SAR", "PIL"])
def test_voxels_type_and_place_come_back(path, dtype, codes):
    written = reorient(volume(dtype), codes)
    write_volume(path, written)
    found = read_volume(path, Unit.HU)
    assert found.array.dtype == np.dtype(dtype)
    assert np.array_equal(found.array, written.array)
    assert found.geometry.is_same_grid(written.geometry)
    assert found.geometry.largest_offset_mm(written.geometry) < 1e-4
    assert found.geometry.orientation == codes
    assert found.unit is Unit.HU


def test_equal_volumes_give_equal_bytes(path):
    first = write_volume(path, volume())
    before = path.read_bytes()
    flipped = reorient(reorient(volume(), "RAS"), volume().geometry.orientation)
    assert write_volume(path, Volume(GRID, Unit.HU, flipped.source)) == first
    assert path.read_bytes() == before


def test_the_voxels_are_read_late(path):
    write_volume(path, volume())
    found = read_volume(path)
    path.unlink()
    with pytest.raises(FormatError) as caught:
        _ = found.array
    assert caught.value.where == str(path)


def test_reading_is_repeatable_and_read_only(path):
    write_volume(path, volume())
    first, second = read_volume(path), read_volume(path)
    assert np.array_equal(first.array, second.array)
    assert first.array is first.array
    assert not first.array.flags.writeable


def test_a_writer_that_fails_leaves_the_old_file(path):
    write_volume(path, volume())
    before = path.read_bytes()

    def broken():
        raise FormatError(expected="voxels", found="none", where="source", remedy="none")

    with pytest.raises(FormatError):
        write_volume(path, Volume(GRID, Unit.HU, broken))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_missing_folders_are_made_and_impossible_ones_refused(path):
    write_volume(path.parent / "deep" / path.name, volume())
    (path.parent / "file").write_text("x")
    with pytest.raises(OutputError):
        write_volume(path.parent / "file" / path.name, volume())


@pytest.mark.parametrize("part", [0.0, 0.3, 0.97])
def test_a_part_of_a_file_is_refused_and_named(path, part):
    write_volume(path, volume("float32"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(FormatError) as caught:
        _ = read_volume(path).array
    assert caught.value.where == str(path)
    assert caught.value.remedy
