"""The fingerprint of a data set from its files: Oncohort's single pass beside nnU-Net's own extractor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Contestant, DisagreementError, Values, Work
from benchmarks.conversion import make_ct
from benchmarks.volumes import CT, PERTURBED, SPECKLE, make_organs
from oncohort import read_volume
from oncohort.exports.fingerprint import fingerprint_case, fingerprint_dataset
from oncohort.formats.nifti import write_nifti
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

DATA_SET = "Dataset001_Fingerprint"
PERCENTILES = {"percentile_00_5": 0.005, "median": 0.5, "percentile_99_5": 0.995}
ORGANS = "31 structures"
_STANDARD_ERRORS = 5.0
_DRAWS = 10**8  # what nnU-Net draws of a data set
_TINY_DRAWS = 3 * 10**5
_AXES = "kji"


@dataclass(frozen=True)
class Foreground:
    """The exact distribution in which every case has the same weight, and what an estimate from draws may be.

    nnU-Net draws n voxels of every case with replacement, with the same seed in every case, so that draws of two cases
    may depend on each other. In one case, the share of draws up to a value has the standard deviation
    sqrt(F(1 - F) / n), F being the true share. That of a mean over cases is at most the mean of theirs, however they
    depend on each other (triangle inequality), and this at most sqrt(p(1 - p) / n) with p the mean of F, because
    sqrt(x(1 - x)) is concave. So the p-quantile of the draws lies between the true quantiles of p - z e and p + z e,
    e = sqrt(p(1 - p) / n), but for less than one in a million with z = 5.

    Attributes:
        values: (m,) ascending.
        reached: (m,) the share of voxels up to each value.
        draws: n, of every case.
    """

    values: NDArray[np.float64]
    reached: NDArray[np.float64]
    draws: int

    @staticmethod
    def of(cases: Sequence[NDArray[Any]], draws: int) -> Foreground:
        """From the foreground voxels of every case."""
        counted = [np.unique(voxels, return_counts=True) for voxels in cases]
        values = np.unique(np.concatenate([found for found, _ in counted]))
        weights = np.zeros(len(values))
        for found, counts in counted:
            weights[np.searchsorted(values, found)] += counts / counts.sum() / len(cases)
        return Foreground(values.astype(np.float64), np.cumsum(weights), draws)

    def bounds(self, share: float) -> tuple[float, float]:
        """The least and greatest quantile that draws may give."""
        error = _STANDARD_ERRORS * (share * (1 - share) / self.draws) ** 0.5
        places = np.searchsorted(self.reached, (max(0.0, share - error), share + error))
        low, high = self.values[np.minimum(places, len(self.values) - 1)]
        return float(low), float(high)

    def outside(self, properties: Mapping[str, float], *, step: float = 0.0) -> list[str]:
        """The percentiles beyond what draws may give; `step` is the relative width of a bin of a histogram."""
        bounds = {name: self.bounds(share) for name, share in PERCENTILES.items()}
        return [
            f"{name} {properties[name]} is not in {low} to {high}"
            for name, (low, high) in bounds.items()
            if not low - step * abs(low) <= properties[name] <= high + step * abs(high)
        ]


@dataclass(frozen=True)
class RawData:
    """A raw data set folder of nnU-Net, with what the fingerprint of it has to be."""

    folder: TemporaryDirectory[str]
    cases: tuple[str, ...]
    foreground: Foreground

    @property
    def raw(self) -> Path:
        return Path(self.folder.name) / "raw"

    def files(self, case: str) -> tuple[Path, Path]:
        """Image and labels of a case."""
        data = self.raw / DATA_SET
        return data / "imagesTr" / f"{case}_0000.nii.gz", data / "labelsTr" / f"{case}.nii.gz"


def make_raw(kind: str, *, tiny: bool, cases: int = 3) -> RawData:
    """Cases of CT (int16) that end in empty slices, more of them in each case, with labels of that kind (uint8).

    Labels in the empty slices are no foreground: nnU-Net cuts these slices off.
    """
    size = CT.shrunk(8) if tiny else CT
    data = RawData(TemporaryDirectory(), tuple(f"case_{n}" for n in range(cases)), Foreground.of([np.zeros(1)], 1))
    ct = make_ct(size.shape).array.copy(order="F")
    foreground = []
    for number, case in enumerate(data.cases):
        labels = make_organs(size, PERTURBED if kind == ORGANS else kind, seed=2026 + number)
        kept = size.shape[2] - 3 * number
        ct[:, :, kept:] = 0
        grid = Geometry(size.shape, np.diag([*size.spacing_mm, 1.0]))
        for path, array, unit in zip(data.files(case), (ct, labels.reference), (Unit.HU, Unit.LABEL), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_nifti(path, Volume.from_array(array, grid, unit))
        foreground.append(ct[:, :, :kept][labels.reference[:, :, :kept] > 0])
    names = {"background": 0, **{f"structure_{label}": label for label in labels.labels}}
    description = {"channel_names": {"0": "CT"}, "labels": names, "numTraining": cases, "file_ending": ".nii.gz"}
    (data.raw / DATA_SET / "dataset.json").write_text(json.dumps(description))
    draws = (_TINY_DRAWS if tiny else _DRAWS) // cases
    return replace(data, foreground=Foreground.of(foreground, draws))


def ours(data: RawData, cases: Sequence[str]) -> Values:
    parts = []
    for case in cases:
        image, labels = (read_volume(path) for path in data.files(case))
        parts.append(fingerprint_case([image.array], labels.array, image.geometry, where=case))
    return _values(fingerprint_dataset(parts), data, cases)


def nnunet(data: RawData, cases: Sequence[str]) -> Values:
    """nnU-Net's extractor with one worker, which is a thread here, so that its seconds and memory are seen."""
    folders = data.raw, data.raw.parent / "preprocessed"
    with nnunet_folders(*folders, draws=data.foreground.draws * len(cases)) as extractor:
        return _values(extractor(DATA_SET, 1).run(overwrite_existing=True), data, cases)


@contextmanager
def nnunet_folders(raw: Path, preprocessed: Path, *, draws: int = _DRAWS) -> Iterator[Any]:
    """nnU-Net's extractor, which reads and writes in these folders and draws so many voxels, while it lasts."""
    from multiprocessing.pool import ThreadPool

    from nnunetv2.experiment_planning.dataset_fingerprint import fingerprint_extractor as module

    class Extractor(module.DatasetFingerprintExtractor):  # type: ignore[misc]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.show_progress_bar = False
            self.num_foreground_voxels_for_intensitystats = draws

    class Threads:
        Pool = ThreadPool

    places = {"nnUNet_raw": str(raw), "nnUNet_preprocessed": str(preprocessed)}
    workers = patch.object(module.multiprocessing, "get_context", lambda _: Threads)
    with patch.multiple(module, **places), workers, redirect_stdout(StringIO()):
        yield Extractor


def _values(fingerprint: Mapping[str, Any], data: RawData, cases: Sequence[str]) -> Values:
    """Shapes, spacings and relative size, once the percentiles were found to lie where they must."""
    values: dict[str, dict[str, float]] = {}
    for number, case in enumerate(cases):
        values[case] = {
            f"voxels_{axis}": n for axis, n in zip(_AXES, fingerprint["shapes_after_crop"][number], strict=True)
        }
        values[case] |= {f"mm_{axis}": mm for axis, mm in zip(_AXES, fingerprint["spacings"][number], strict=True)}
    properties = fingerprint["foreground_intensity_properties_per_channel"]
    outside = data.foreground.outside(properties.get("0") or properties[0])
    if outside:
        raise DisagreementError(f"beyond the sampling error: {'; '.join(outside)}")
    return {**values, "data set": {"relative_size": float(fingerprint["median_relative_size_after_cropping"])}}


FINGERPRINT = Work(
    name="fingerprint",
    title="fingerprint of a data set for nnU-Net: three CT 512x512x300, from .nii.gz files",
    kinds=(ORGANS, SPECKLE),
    make=lambda kind, tiny: make_raw(kind, tiny=tiny),
    items=lambda data: data.cases,
    items_name="cases",
    ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
    peers=(
        Contestant(
            "nnU-Net fingerprint extractor",
            nnunet,
            "nnunetv2",
            "nnunetv2",
            linear=False,
            compares=frozenset({*(f"{what}_{axis}" for what in ("voxels", "mm") for axis in _AXES), "relative_size"}),
            tolerance=0.0,
        ),
    ),
    target_s={ORGANS: 4.9},
)
