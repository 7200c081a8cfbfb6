"""Folders of predictions: one file per case, named by the case."""

from __future__ import annotations

from pathlib import Path

from oncohort.formats.nifti import integer_labels, write_label_map
from oncohort.formats.reading import read_volume
from oncohort.storage import decode_stem, encode_stem
from oncohort.volume import LabelMap, Volume

PREDICTION_SUFFIXES = (".nii.gz", ".mha")
_PROBABILITY = ".prob"


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


def read_prediction(path: str | Path) -> Volume:
    """The integer labels of a prediction file, read on first use.

    Raises:
        FormatError: The file cannot be read, or holds other than whole numbers.
        GeometryError: The file has no usable grid.
    """
    return integer_labels(read_volume(path), path)


def write_prediction(folder: str | Path, case: str, label_map: LabelMap) -> Path:
    """Write the prediction for `case` as NIfTI and return its path.

    Raises:
        OutputError: The file cannot be written.
    """
    path = Path(folder) / f"{encode_stem(case)}.nii.gz"
    write_label_map(path, label_map)
    return path
