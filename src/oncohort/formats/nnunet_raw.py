"""nnU-Net raw data sets: `dataset.json` and the file names of images and labels.

::

    dataset.json
    imagesTr/<case>_0000.nii.gz  <case>_0001.nii.gz     one file per channel
    labelsTr/<case>.nii.gz
    imagesTs/ labelsTs/                                 the same for test cases, optional
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.storage import WORK_FILE, encode_stem, read_json, write_json

DATASET_FILE = "dataset.json"
SPLITS = {"train": ("imagesTr", "labelsTr"), "test": ("imagesTs", "labelsTs")}
"""Folders of images and labels for each split."""

_ENDINGS = (".nii.gz", ".nii", ".mha")
_MOST_BYTES = 256 << 20  # of dataset.json


@dataclass(frozen=True)
class RawDataset:
    """What `dataset.json` says.

    Attributes:
        channels: Channel number and its name, such as 0: "CT".
        labels: Name and integers of each label but background; several integers make a region.
        file_ending: Of all images and labels.
        facts: Everything else in the file (name, description, licence ...), as it stands.

    Examples:
        >>> RawDataset({0: "CT", 1: "PET"}, {"lesion": (1,)}).file_ending
        '.nii.gz'
    """

    channels: Mapping[int, str]
    labels: Mapping[str, tuple[int, ...]]
    file_ending: str = ".nii.gz"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RawCase:
    """The files of one case.

    Attributes:
        stem: Part of the file names that all its files share.
        split: "train" or "test".
        images: File per channel number that was found.
        label: The label map, if there is one.
    """

    stem: str
    split: str
    images: Mapping[int, Path]
    label: Path | None


@dataclass(frozen=True)
class RawListing:
    """Every file of a raw data set folder: those of cases, and the others."""

    cases: tuple[RawCase, ...]
    others: tuple[Path, ...]


def read_dataset(folder: str | Path) -> RawDataset:
    """What the `dataset.json` of a raw data set says; the old form (`modality`, labels by number) is understood.

    Raises:
        FormatError: The file is missing or does not describe a raw data set.
    """
    path = Path(folder) / DATASET_FILE
    if not path.is_file():
        raise FormatError(
            expected="an nnU-Net raw data set (a folder with dataset.json, imagesTr and labelsTr)",
            found="no dataset.json",
            where=str(folder),
            remedy="name the folder that holds dataset.json",
        )
    values = read_json(path, most_bytes=_MOST_BYTES)
    try:
        return _parsed(values)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(
            expected="dataset.json with channel_names, labels and file_ending",
            found=f"{type(error).__name__}: {error}",
            where=str(path),
            remedy="correct it as the nnU-Net documentation of the dataset format says",
        ) from error


def _parsed(values: dict[str, Any]) -> RawDataset:
    names = values["channel_names"] if "channel_names" in values else values["modality"]
    channels = {int(number): str(name) for number, name in names.items()}
    if not channels:
        raise ValueError("no channels")
    ending = str(values.get("file_ending", ".nii.gz"))
    if ending not in _ENDINGS:
        raise ValueError(f"file_ending {ending!r}, which is not one of {', '.join(_ENDINGS)}")
    known = {"channel_names", "modality", "labels", "file_ending"}
    facts = {key: value for key, value in values.items() if key not in known}
    return RawDataset(dict(sorted(channels.items())), _labels(values["labels"]), ending, facts)


def _labels(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    labels = {}
    for name, value in (_by_name(key, value) for key, value in values.items()):
        integers = tuple(int(one) for one in value) if isinstance(value, list) else (int(value),)
        if integers != (0,):
            labels[name] = integers
    return labels


def _by_name(key: str, value: Any) -> tuple[str, Any]:
    """One label as (name, integers); the first version of nnU-Net wrote {"1": "tumor"}."""
    return (value, int(key)) if isinstance(value, str) and not value.isdigit() else (key, value)


def write_dataset(folder: str | Path, dataset: RawDataset, *, training_cases: int) -> None:
    """Write `dataset.json`, with the facts after what nnU-Net needs.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_dataset(there, RawDataset({0: "CT"}, {"lesion": (1,)}), training_cases=3)
        ...     read_dataset(there).facts
        {'numTraining': 3}
    """
    labels: dict[str, Any] = {"background": 0}
    labels.update({name: value[0] if len(value) == 1 else list(value) for name, value in dataset.labels.items()})
    write_json(
        Path(folder) / DATASET_FILE,
        {
            "channel_names": {str(number): name for number, name in dataset.channels.items()},
            "labels": labels,
            "file_ending": dataset.file_ending,
            **dataset.facts,
            "numTraining": training_cases,
        },
    )


def image_path(folder: str | Path, case: str, channel: int, *, split: str = "train", ending: str = ".nii.gz") -> Path:
    """Where the image of one channel of a case stands.

    Examples:
        >>> image_path("Dataset001", "fdg_1", 0).as_posix()
        'Dataset001/imagesTr/fdg_1_0000.nii.gz'
    """
    return Path(folder) / SPLITS[split][0] / f"{encode_stem(case)}_{channel:04d}{ending}"


def label_path(folder: str | Path, case: str, *, split: str = "train", ending: str = ".nii.gz") -> Path:
    """Where the label map of a case stands.

    Examples:
        >>> label_path("Dataset001", "fdg_1").as_posix()
        'Dataset001/labelsTr/fdg_1.nii.gz'
    """
    return Path(folder) / SPLITS[split][1] / f"{encode_stem(case)}{ending}"


def list_files(folder: str | Path, dataset: RawDataset) -> RawListing:
    """Every file under a raw data set folder, by case; files that no case has a use for are `others`.

    Labels without any image, channels that `dataset.json` does not name, and
    links that lead nowhere and all other files are `others`, as is `dataset.json`. Cases are sorted by
    split (train first) and name.
    """
    root = Path(folder)
    files = _files_under(root)
    cases: list[RawCase] = []
    present, used = {path for path in files if path.is_file()}, set[Path]()
    for split, (images_folder, labels_folder) in SPLITS.items():
        images = _images(sorted(present), root / images_folder, dataset)
        for stem, channels in sorted(images.items()):
            label = root / labels_folder / f"{stem}{dataset.file_ending}"
            case = RawCase(stem, split, dict(sorted(channels.items())), label if label in present else None)
            cases.append(case)
            used.update(case_files(case))
    return RawListing(tuple(cases), tuple(path for path in files if path not in used))


def _files_under(root: Path) -> list[Path]:
    """All files below `root` but the notes of an export, sorted; linked folders are entered, each once."""
    seen: set[str] = set()
    files: list[Path] = []
    for folder, folders, names in os.walk(root, followlinks=True):
        seen.add(os.path.realpath(folder))
        folders[:] = [name for name in folders if os.path.realpath(Path(folder, name)) not in seen]
        if (Path(folder) / WORK_FILE).is_file():
            folders[:] = [name for name in folders if name != WORK_FILE.parent.name]
        files += [Path(folder, name) for name in names]
    return sorted(files)


def case_files(case: RawCase) -> tuple[Path, ...]:
    """Images by channel, then the label map if there is one."""
    return (*case.images.values(), *([case.label] if case.label else []))


def _images(files: Iterable[Path], folder: Path, dataset: RawDataset) -> dict[str, dict[int, Path]]:
    pattern = re.compile(rf"(.+)_(\d{{4}}){re.escape(dataset.file_ending)}")
    found: dict[str, dict[int, Path]] = {}
    for path in files:
        match = pattern.fullmatch(path.name) if path.parent == folder else None
        if match and int(match[2]) in dataset.channels:
            found.setdefault(match[1], {})[int(match[2])] = path
    return found
