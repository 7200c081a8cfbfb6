"""Folders of predictions: one file per case, named by the case."""

from __future__ import annotations

from pathlib import Path

from oncohort.formats.nifti import integer_labels, read_label_map, write_label_map, write_nifti
from oncohort.formats.reading import VOLUME_SUFFIXES, read_volume
from oncohort.labels import LabelScheme
from oncohort.storage import decode_stem, encode_stem
from oncohort.volume import LabelMap, Volume

PREDICTION_SUFFIXES = (".nii.gz", ".mha")
_PROBABILITY = ".prob"

ANY_LABELS = LabelScheme("any", {})
"""The scheme of masks whose labels have no names."""


def find_prediction(folder: str | Path, case: str) -> Path | None:
    """The file with the prediction for `case`, or None."""
    for suffix in PREDICTION_SUFFIXES:
        path = Path(folder) / f"{encode_stem(case)}{suffix}"
        if path.is_file():
            return path
    return None


def list_predictions(folder: str | Path) -> dict[str, Path]:
    """Prediction files by the case that their name says, probabilities aside."""
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).iterdir()):
        suffix = next((suffix for suffix in PREDICTION_SUFFIXES if path.name.endswith(suffix)), None)
        if suffix is not None and path.is_file() and not path.name.startswith("."):
            stem = path.name[: -len(suffix)]
            if not stem.endswith(_PROBABILITY):
                found.setdefault(decode_stem(stem), path)
    return found


def list_unread(folder: str | Path) -> tuple[Path, ...]:
    """Volumes in a folder of predictions whose name ends in what no prediction ends in, such as `.nii`."""
    others = tuple(suffix for suffix in VOLUME_SUFFIXES if suffix not in PREDICTION_SUFFIXES)
    paths = sorted(Path(folder).iterdir())
    return tuple(path for path in paths if path.name.lower().endswith(others) and not path.name.startswith("."))


def read_prediction(path: str | Path, scheme: LabelScheme = ANY_LABELS) -> LabelMap:
    """The integer labels of a prediction file, voxels read on first use.

    A NIfTI file with four axes holds masks that overlap, one layer per step of
    the fourth.

    Args:
        path: NIfTI or MetaImage.
        scheme: Names of the labels.

    Raises:
        FormatError: The file cannot be read; when the voxels are read, also if one is no whole number.
        GeometryError: The file has no usable grid.
    """
    if not str(path).lower().endswith(".mha"):
        return read_label_map(path, scheme)
    volume = integer_labels(read_volume(path), path)
    return LabelMap(volume.geometry, (volume,), scheme)


def write_prediction(folder: str | Path, case: str, label_map: LabelMap) -> Path:
    """Write the prediction for `case` as NIfTI and return its path.

    Raises:
        OutputError: The file cannot be written.
    """
    path = Path(folder) / f"{encode_stem(case)}.nii.gz"
    write_label_map(path, label_map)
    return path


def write_probability(folder: str | Path, case: str, probability: Volume) -> Path:
    """Write the probability for `case` beside its mask, as float32, and return its path.

    Raises:
        OutputError: The file cannot be written.
    """
    path = Path(folder) / f"{encode_stem(case)}{_PROBABILITY}.nii.gz"
    write_nifti(path, probability)
    return path


def list_written(folder: str | Path) -> tuple[Path, ...]:
    """Files of a folder that are named like predictions or probabilities."""
    return tuple(
        path
        for path in sorted(Path(folder).iterdir())
        if path.name.endswith(PREDICTION_SUFFIXES) and path.is_file() and not path.name.startswith(".")
    )
