"""A generated CT series of 300 slices to `.nii.gz`: `oncohort convert` beside dcm2niix, each as its own program."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import util
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless

from benchmarks.timing import Cost, show, timed
from oncohort.formats.dicom.series import read_series
from oncohort.formats.dicom.study import DicomStudy
from oncohort.formats.dicom.writing import write_ct_series
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

SHAPE = (512, 512, 300)
_ROUNDS = 3
_COMPRESSED_SLICES = 40


@dataclass(frozen=True)
class Run:
    """What one call of a program cost, and the voxels that it wrote."""

    cost: Cost
    memory_mib: float
    file: Path


def measure_conversion(shape: tuple[int, int, int] = SHAPE) -> None:
    """Print wall and CPU seconds, memory and size of file; both must write the same voxels."""
    print("conversion: CT series of 300 slices to .nii.gz, program start included")
    with TemporaryDirectory() as folder:
        ct = make_ct(shape)
        source = Path(folder, "dicom")
        write_ct_series(source, ct, DicomStudy("BENCH", datetime(2026, 1, 5), {}, "benchmark"))
        runs: dict[str, list[Run]] = {}
        for _ in range(_ROUNDS):
            for name, command in _programs(Path(folder), source).items():
                runs.setdefault(name, []).append(_run(command, Path(folder, "out")))
                assert np.array_equal(_voxels(runs[name][-1].file, ct), ct.array), name
        _report(runs, ct.array.nbytes)
        _compare_jpeg_2000(source)


def _report(runs: dict[str, list[Run]], volume_bytes: int) -> None:
    ours = _middle(runs["oncohort convert"])
    for name, tried in runs.items():
        one = _middle(tried)
        size = one.file.stat().st_size
        note = f"memory {one.memory_mib:.0f} MiB ({one.memory_mib * 2**20 / volume_bytes:.2f} x volume)"
        show(name, one.cost, f"{note}, file {size / 1e6:.1f} MB, {one.cost.wall_s / ours.cost.wall_s:.2f} x the wall")
    if len(runs) == 1:
        print("  not measured: dcm2niix is not installed")


def make_ct(shape: tuple[int, int, int]) -> Volume:
    """A body with lungs and bones, soft edges and noise of 12 HU; the same on every machine."""
    random = np.random.default_rng(2026)
    columns, rows, slices = shape
    x, y = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows), indexing="ij")
    voxels = np.empty(shape, np.int16, order="F")
    for k in range(slices):
        z = 2 * k / slices - 1
        hu = np.full((columns, rows), -1000.0)
        for value, cx, cy, rx, ry in (
            (40, 0, 0, 0.8, 0.6),
            (-850, -0.4, 0, 0.25 * (1 - z * z) + 0.01, 0.4),
            (-850, 0.4, 0, 0.25 * (1 - z * z) + 0.01, 0.4),
            (700, 0, 0.4, 0.1, 0.1),
            (120, 0.1 * z, 0, 0.12, 0.12),
        ):
            share = np.clip((1 - np.hypot((x - cx) / rx, (y - cy) / ry)) * 40, 0, 1)
            hu += (value - hu) * share
        noise = random.normal(0, 12, (columns, rows))
        voxels[:, :, k] = np.clip(np.rint(hu + noise * np.where(hu > -999, 1, 0.3)), -1024, 3071)
    affine = np.diag([-0.8, -0.8, 1.5, 1.0])
    affine[:3, 3] = 205.0, 205.0, -225.0
    return Volume.from_array(voxels, Geometry(shape, affine), Unit.HU)


def _programs(folder: Path, source: Path) -> dict[str, list[str]]:
    out = folder / "out"
    found = {"oncohort convert": [sys.executable, "-m", "oncohort", "convert", str(source), "--out", str(out)]}
    if util.find_spec("dcm2niix"):
        from dcm2niix import bin as program

        command = [program, "-f", "ct", "-b", "y", "-o", str(out)]
        found |= {
            "dcm2niix -z y (gzip level 6)": [*command, "-z", "y", str(source)],
            "dcm2niix -z y -1": [*command, "-z", "y", "-1", str(source)],
        }
    return found


def _run(command: Sequence[str], out: Path) -> Run:
    """One call in an empty folder; its file is moved out of the way of the next."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory = 0
    while process.poll() is None:
        memory = max(memory, _high_water_kib(process.pid))
        time.sleep(0.01)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert process.returncode == 0, command
    (written,) = out.glob("*.nii.gz")
    kept = out.parent / f"{len(list(out.parent.iterdir()))}.nii.gz"
    shutil.move(written, kept)
    return Run(Cost(cpu, wall), memory / 1024, kept)


def _high_water_kib(process: int) -> int:
    """The most memory that a running program has held so far; 0 where Linux does not say so."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _voxels(path: Path, ct: Volume) -> NDArray[np.int16]:
    """The voxels of a file in the order of `ct`; dcm2niix turns the rows round."""
    image = nib.load(path)
    turned = np.asarray(image.dataobj)
    for axis in range(3):
        if image.affine[axis, axis] * ct.geometry.affine[axis, axis] < 0:
            turned = np.flip(turned, axis)
    return turned


def _middle(runs: Sequence[Run]) -> Run:
    return min(runs, key=lambda run: abs(run.cost.wall_s - median(one.cost.wall_s for one in runs)))


def _compare_jpeg_2000(source: Path) -> None:
    """Some of the slices in JPEG 2000: read as a series, and with pydicom alone."""
    folder = source.parent / "jpeg2000"
    folder.mkdir()
    for path in sorted(source.iterdir())[:_COMPRESSED_SLICES]:
        data = dcmread(path)
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        data.save_as(folder / path.name)
    paths = sorted(folder.iterdir())
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        voxels, cost = timed(lambda: read_series(folder).array)
        ours.append(cost.cpu_s)
        alone, cost = timed(lambda: [dcmread(path).pixel_array for path in paths])
        theirs.append(cost.cpu_s)
        assert np.array_equal(voxels, np.stack(alone).transpose(2, 1, 0).astype(np.int32) - 1024)
    seconds = f"read_series {median(ours):.2f} s CPU, pydicom alone {median(theirs):.2f} s"
    print(f"  JPEG 2000, {len(paths)} slices: {seconds}: {median(theirs) / median(ours):.2f} times as long")
