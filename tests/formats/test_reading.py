import numpy as np
import pytest

from oncohort.errors import FormatError
from oncohort.formats.reading import VOLUME_SUFFIXES, read_volume, write_volume
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((2, 3, 4), np.diag([-2.0, -2, 3, 1]))
SEVEN = Volume.from_array(np.full(GRID.shape, 7, np.int16), GRID, Unit.HU)
MAGIC = {"a.nii": b"\\\x01", "a.nii.gz": b"\x1f\x8b", "a.mha": b"Ob", "b.NII.GZ": b"\x1f\x8b", "a.b.Mha": b"Ob"}


@pytest.mark.parametrize("name", MAGIC)
def test_the_name_says_the_format(tmp_path, name):
    facts = write_volume(tmp_path / name, SEVEN)
    assert (tmp_path / name).read_bytes()[:2] == MAGIC[name]
    assert facts["bytes"] == (tmp_path / name).stat().st_size
    volume = read_volume(tmp_path / name, Unit.HU)
    assert np.array_equal(volume.array, SEVEN.array)
    assert volume.unit is Unit.HU
    assert read_volume(str(tmp_path / name)).unit is Unit.NONE


@pytest.mark.parametrize("name", ["a.nrrd", "a", "nii.gz.txt", "a.gz"])
def test_other_names_are_refused_both_ways(tmp_path, name):
    for attempt in (lambda: read_volume(tmp_path / name), lambda: write_volume(tmp_path / name, SEVEN)):
        with pytest.raises(FormatError, match=r"ends in \.nii\.gz, \.nii, \.mha"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_metaimage_header_is_read_and_not_written(tmp_path):
    header = "NDims = 3\nDimSize = 2 3 4\nElementSpacing = 2 2 3\nElementType = MET_SHORT\nElementDataFile = a.raw"
    (tmp_path / "a.mhd").write_text(f"ObjectType = Image\n{header}")
    (tmp_path / "a.raw").write_bytes(SEVEN.array.tobytes(order="F"))
    volume = read_volume(tmp_path / "a.mhd", Unit.HU)
    assert np.array_equal(volume.array, SEVEN.array)
    assert volume.geometry.is_same_grid(GRID)
    with pytest.raises(FormatError, match="ends in"):
        write_volume(tmp_path / "b.mhd", SEVEN)


def test_suffixes_are_listed_longest_first():
    assert VOLUME_SUFFIXES == (".nii.gz", ".nii", ".mha")
