import numpy as np
import pytest

from oncohort.errors import GeometryError
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((2, 3, 4), np.eye(4))


def test_voxels_are_read_once_and_late():
    calls = []
    volume = Volume(GRID, Unit.HU, lambda: calls.append(1) or np.ones(GRID.shape, np.int16))
    assert calls == []
    assert volume.array.dtype == np.int16
    assert volume.array is volume.array
    assert calls == [1]


def test_voxels_are_read_only_and_not_copied():
    array = np.zeros(GRID.shape, np.float32)
    volume = Volume.from_array(array, GRID, Unit.SUVBW, {"rule": "START"})
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    assert np.shares_memory(volume.array, array)
    assert array.flags.writeable
    assert volume.record == {"rule": "START"}
    assert Volume.from_array(array, GRID, Unit.HU).record == {}


def test_the_shape_is_that_of_the_grid():
    with pytest.raises(GeometryError, match=r"shape \(2, 3, 4\), found \(4, 3, 2\)"):
        Volume.from_array(np.zeros((4, 3, 2)), GRID, Unit.HU)
    with pytest.raises(GeometryError):
        _ = Volume(GRID, Unit.HU, lambda: np.zeros((4, 3, 2))).array


def test_another_record_keeps_the_voxels():
    volume = Volume.from_array(np.ones(GRID.shape), GRID, Unit.HU).with_record({"a": 1})
    assert (volume.record, volume.unit, volume.geometry) == ({"a": 1}, Unit.HU, GRID)
    assert volume.array.sum() == 24
