"""Index of a generated folder in the layout of PanTS: 9,901 cases of 29 small files, headers only."""

import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.timing import peak_memory_mib, show, timed
from oncohort import write_volume
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.layouts import pants
from oncohort.units import Unit
from oncohort.volume import Volume

_GRID = Geometry((24, 24, 16), np.diag([-0.8, -0.8, 1.25, 1.0]))


def measure_index() -> None:
    files = 1 + len(pants.STRUCTURES)
    print(f"index: {pants.CASES} generated cases in the layout of PanTS, {files} files each, 1 process")
    with TemporaryDirectory() as folder:
        root = Path(folder) / "PanTS"
        began = time.perf_counter()
        _write_cases(root, pants.CASES)
        print(f"  written in {time.perf_counter() - began:.0f} s; the files are in the memory of the system")
        cohort, first = timed(lambda: ingest("pants", root, out=Path(folder) / "cohort"))
        assert len(cohort) == pants.CASES
        show(f"ingest {len(cohort)} cases (first)", first, "target 60 s wall")
        again, second = timed(lambda: ingest("pants", root, out=Path(folder) / "cohort"))
        assert len(again) == pants.CASES
        show("ingest again, nothing changed", second, "target 10 s wall")
    print(f"  peak memory {peak_memory_mib():.0f} MiB")


def _write_cases(root: Path, count: int) -> None:
    image, masks = _image(), {name: _mask(position) for position, name in enumerate(pants.STRUCTURES)}
    for number in range(1, count + 1):
        case, split = pants.case_id(number), pants.split_of(number)
        images = root / pants.IMAGE_FOLDERS[split] / case
        labels = root / pants.LABEL_FOLDERS[split] / case / pants.STRUCTURES_FOLDER
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        (images / pants.CT_FILE).write_bytes(image)
        for name, content in masks.items():
            (labels / f"{name}{pants.FILE_ENDING}").write_bytes(content)


def _image() -> bytes:
    noise = np.random.default_rng(0).integers(-100, 200, _GRID.shape).astype(np.int16)
    return _file(Volume.from_array(noise, _GRID, Unit.HU))


def _mask(position: int) -> bytes:
    """A box for two of three structures, nothing for the third."""
    array = np.zeros(_GRID.shape, np.uint8)
    edges = list(pairwise(range(0, 25, 4)))
    low, high = edges[position % len(edges)]
    array[low:high, 5:9, 3:9] = position % 3 > 0
    return _file(Volume.from_array(array, _GRID, Unit.LABEL))


def _file(volume: Volume) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.nii.gz"
        write_volume(path, volume)
        return path.read_bytes()
