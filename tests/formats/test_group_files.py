"""One label map in several files, each with integers of its own."""

import numpy as np
import pytest

from oncohort.errors import FormatError, GeometryError
from oncohort.formats import write_volume
from oncohort.formats.group_files import GroupFile, group_paths, group_record, read_group_files
from oncohort.formats.row_files import bytes_behind, files_behind, stamp_behind
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.storage import sha256_file, sha256_files
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((4, 1, 1), np.diag([2.0, 2.0, 2.0, 1.0]))
SCHEME = LabelScheme(
    "two groups",
    {"liver": 1, "brain": 2, "left": 3, "right": 5},
    groups={"organs": ("liver", "brain"), "sides": ("left", "right")},
)
RECORD = group_record(
    {"organs": GroupFile("organs/a.nii.gz", 0, 2), "sides": GroupFile("sides/a.nii.gz", 2, 3)}, ("brain",)
)


def write(folder, name, values, *, grid=GRID, dtype=np.uint8):
    (folder / name).parent.mkdir(exist_ok=True)
    write_volume(folder / name, Volume.from_array(np.array(values, dtype).reshape(grid.shape), grid, Unit.LABEL))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "organs/a.nii.gz", [1, 1, 0, 0])
    write(tmp_path, "sides/a.nii.gz", [0, 1, 3, 0])
    return tmp_path


def test_integers_move_by_the_offset_and_background_stays(folder):
    labels = read_group_files(folder, RECORD, SCHEME, GRID)
    assert [layer.array.ravel().tolist() for layer in labels.layers] == [[1, 1, 0, 0], [0, 3, 5, 0]]
    assert {layer.array.dtype for layer in labels.layers} == {np.dtype(np.uint8)}
    assert labels.mask("left").ravel().tolist() == [False, True, False, False]
    assert labels.annotated == {"liver", "left", "right"}
    assert labels.state("brain") == "missing"


def test_nothing_is_read_before_it_is_asked_for(folder):
    labels = read_group_files(folder, RECORD, SCHEME, GRID)
    (folder / "sides/a.nii.gz").unlink()
    assert labels.layers[0].array.any()
    with pytest.raises(FormatError):
        labels.layers[1].array  # noqa: B018


def test_large_offsets_need_two_bytes(folder):
    record = group_record({"organs": GroupFile("organs/a.nii.gz", 300, 2)})
    layer = read_group_files(folder, record, SCHEME, GRID).layers[0].array
    assert (layer.dtype, layer.max()) == (np.uint16, 301)


def test_floats_and_signed_integers_are_labels_too(folder):
    for dtype in (np.float32, np.int16, np.int32):
        write(folder, "sides/a.nii.gz", [0, 1, 3, 0], dtype=dtype)
        assert read_group_files(folder, RECORD, SCHEME, GRID).values() == (1, 3, 5)


def test_integers_that_the_group_does_not_have_are_refused(folder):
    write(folder, "organs/a.nii.gz", [3, 0, 0, 0])  # would be "left"
    with pytest.raises(FormatError, match="labels from 0 to 2"):
        read_group_files(folder, RECORD, SCHEME, GRID).mask("left")


def test_another_grid_is_refused(folder):
    write(folder, "sides/a.nii.gz", [0, 1, 3, 0], grid=Geometry((4, 1, 1), np.eye(4)))
    with pytest.raises(GeometryError, match="sides"):
        read_group_files(folder, RECORD, SCHEME, GRID)


@pytest.mark.parametrize(
    "files",
    [
        None, 3, {}, {"organs": 3}, {"organs": {"file": "a"}}, {"organs": {"file": "a", "offset": "x", "highest": 1}},
        {"organs": {"file": "../../etc/passwd", "offset": 0, "highest": 1}},
        {"organs": {"file": "/etc/passwd", "offset": 0, "highest": 1}},
    ],
)  # fmt: skip
def test_a_damaged_record_is_told(folder, files):
    with pytest.raises(FormatError, match="ingest again"):
        group_paths(folder, {"rule": "one file per group", "files": files})


def test_all_files_stand_behind_the_row(folder):
    files = files_behind(folder, RECORD)
    assert files == [folder / "organs/a.nii.gz", folder / "sides/a.nii.gz"]
    assert bytes_behind(folder, RECORD) == sum(file.stat().st_size for file in files)
    assert set(stamp_behind(folder, RECORD)) == {"organs/a.nii.gz", "sides/a.nii.gz"}  # of one name, yet apart
    before = sha256_files(files)
    write(folder, "sides/a.nii.gz", [0, 1, 1, 0])
    assert sha256_files(files) != before != sha256_file(files[0])
    files[0].unlink()
    assert bytes_behind(folder, RECORD) is None
