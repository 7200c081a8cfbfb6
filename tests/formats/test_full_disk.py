"""A limit on the size of files stands for a full disk: the operating system itself refuses the bytes."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from oncohort.errors import OutputError
from oncohort.formats import write_volume
from oncohort.formats.parquet import write_table
from oncohort.geometry import Geometry
from oncohort.storage import write_bytes
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((20, 20, 20), np.eye(4))
NOISE = np.random.default_rng(0).random(GRID.shape).astype(np.float32)


@contextmanager
def full_disk(limit: int = 2000) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


WRITERS = {
    "a.nii": lambda path: write_volume(path, Volume.from_array(NOISE, GRID, Unit.SUVBW)),
    "a.nii.gz": lambda path: write_volume(path, Volume.from_array(NOISE, GRID, Unit.SUVBW)),
    "a.mha": lambda path: write_volume(path, Volume.from_array(NOISE, GRID, Unit.SUVBW)),
    "a.parquet": lambda path: write_table(path, pl.DataFrame({"x": NOISE.ravel()}), kind="x", version="1.0"),
    "a.bin": lambda path: write_bytes(path, NOISE.tobytes()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_explained_and_leaves_the_old_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    with full_disk(), pytest.raises(OutputError, match="File too large") as caught:
        WRITERS[name](tmp_path / name)
    assert caught.value.where == str(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert (tmp_path / name).read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    WRITERS[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size > 2000
