"""A whole case from files: read two label maps, all Dice and surface metrics of every label."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from isal import igzip

from benchmarks.contest import Contestant, Values, Work
from benchmarks.peers_surface import surface_distance
from benchmarks.volumes import CT, KINDS, LabelPair, make_organs
from oncohort import score_files

_HEADER_BYTES = 352


@dataclass(frozen=True)
class FilePair:
    """Two `.nii.gz` files (uint8, gzip level 6, as most tools write them) and what they hold."""

    reference: Path
    prediction: Path
    arrays: LabelPair
    folder: TemporaryDirectory[str]


def make_files(kind: str, *, tiny: bool) -> FilePair:
    pair = make_organs(CT.shrunk(8) if tiny else CT, kind)
    folder = TemporaryDirectory()
    paths = [Path(folder.name) / f"{name}.nii.gz" for name in ("reference", "prediction")]
    for path, array in zip(paths, (pair.reference, pair.prediction), strict=True):
        _write(path, array, pair.spacing_mm)
    return FilePair(paths[0], paths[1], pair, folder)


def _write(path: Path, array: Any, spacing_mm: tuple[float, ...]) -> None:
    import nibabel

    image = nibabel.Nifti1Image(array, np.diag([*spacing_mm, 1.0]))
    path.write_bytes(gzip.compress(image.to_bytes(), 6))


def ours(files: FilePair, _: Sequence[int]) -> Values:
    scores = score_files(files.reference, files.prediction, profile="organs")
    values: dict[int, dict[str, float]] = {}
    for score in scores:
        if score.value is not None:
            values.setdefault(int(score.structure), {})[score.metric] = score.value
    return values


def reading(files: FilePair, _: Sequence[int]) -> Values:
    """Decompress both with isal and look at the bytes as arrays: the floor."""
    for path in (files.reference, files.prediction):
        data = igzip.decompress(path.read_bytes())
        np.frombuffer(data, np.uint8, offset=_HEADER_BYTES).reshape(files.arrays.reference.shape, order="F")
    return {}


def nibabel_and_surface_distance(files: FilePair, labels: Sequence[int]) -> Values:
    """What a script usually does: nibabel, then surface-distance, label by label."""
    import nibabel

    arrays = [np.asarray(nibabel.load(path).dataobj) for path in (files.reference, files.prediction)]
    return surface_distance(LabelPair(arrays[0], arrays[1], files.arrays.spacing_mm, tuple(labels)), labels)


FILES = Work(
    name="files",
    title="a whole case from two .nii.gz files 512x512x300: Dice, ASSD, HD95, NSD of 31 labels",
    kinds=KINDS,
    make=lambda kind, tiny: make_files(kind, tiny=tiny),
    items=lambda files: files.arrays.labels,
    items_name="labels",
    ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
    peers=(
        Contestant("isal: decompress both, nothing else", reading, "isal", "isal", linear=False),
        Contestant(
            "nibabel and surface-distance",
            nibabel_and_surface_distance,
            "surface_distance",
            "surface-distance",
            compares=frozenset({"nsd"}),
        ),
    ),
    target_s={},
)
