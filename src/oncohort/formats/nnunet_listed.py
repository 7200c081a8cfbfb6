"""The key `dataset` of an nnU-Net `dataset.json`: training cases whose files are named, wherever they lie.

::

    "dataset": {"<case>": {"images": ["images/ct.nii.gz", "/data/pet.nii.gz"], "label": "$LABELS/case.nii.gz"}}

One image per channel, in the order of `channel_names`. nnU-Net (2.8.1, `get_filenames_of_train_images_and_targets`)
replaces environment variables, takes relative paths from the folder of `dataset.json`, and then looks for no training
case in `imagesTr` and `labelsTr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.nnunet_raw import DATASET_FILE, RawDataset

LISTED_KEY = "dataset"

_MOST_PATHS = 1_000_000  # of all cases, a case counting as one more
_LONGEST_NAME, _LONGEST_PATH = 200, 4096  # characters
_MOST_VARIABLES = 16  # of one path
_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})", re.ASCII)


@dataclass(frozen=True)
class ListedFile:
    """One file that an entry names.

    Attributes:
        place: Where in the entry: `images/0`, or `label`.
        written: The path as it is written.
        path: Where nnU-Net looks for it, absolute.
    """

    place: str
    written: str
    path: Path

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that were replaced by their values."""
        names = (name.strip("{}") for name in _VARIABLE.findall(self.written))
        return tuple(name for name in names if os.path.expandvars(f"${{{name}}}") != f"${{{name}}}")


@dataclass(frozen=True)
class ListedCase:
    """One entry: images in the order of the channels, and the label map if it names one."""

    stem: str
    images: tuple[ListedFile, ...]
    label: ListedFile | None

    @property
    def files(self) -> tuple[ListedFile, ...]:
        """Images, then the label map."""
        return (*self.images, *([self.label] if self.label else []))


@dataclass(frozen=True)
class ListedCases:
    """All entries, and by name of a case what is wrong with those that have another form."""

    cases: tuple[ListedCase, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)


def listed_cases(folder: str | Path, dataset: RawDataset) -> ListedCases | None:
    """The training cases that `dataset.json` lists, sorted by name; None if it has no such list.

    No file is opened or looked for.

    Args:
        folder: The folder of `dataset.json`.
        dataset: What it says.

    Raises:
        FormatError: The list is no object of cases, or names more than a million files.

    Examples:
        >>> entry = {"images": ["ct.nii.gz"], "label": "/data/a.nii.gz"}
        >>> found = listed_cases("/set", RawDataset({0: "CT"}, {}, facts={"dataset": {"a": entry, "b": 3}}))
        >>> [file.path.as_posix() for file in found.cases[0].files], dict(found.broken)
        (['/set/ct.nii.gz', '/data/a.nii.gz'], {'b': 'no object but int'})
    """
    if LISTED_KEY not in dataset.facts:
        return None
    entries = dataset.facts[LISTED_KEY]
    if not isinstance(entries, dict):
        raise _no_list(folder, f"a value of type {type(entries).__name__}")
    if sum(map(_size, entries.values())) > _MOST_PATHS:
        raise _no_list(folder, f"more than {_MOST_PATHS} paths")
    wrong = {stem: what for stem, entry in sorted(entries.items()) if (what := _what_is_wrong(stem, entry))}
    cases = (_case(Path(folder), stem, entry) for stem, entry in sorted(entries.items()) if stem not in wrong)
    return ListedCases(tuple(cases), wrong)


def _size(entry: Any) -> int:
    images = entry.get("images") if isinstance(entry, dict) else None
    return 1 + (len(images) if isinstance(images, list) else 0)


def _case(folder: Path, stem: str, entry: Mapping[str, Any]) -> ListedCase:
    images = tuple(_file(folder, f"images/{number}", written) for number, written in enumerate(entry["images"]))
    label = entry.get("label")
    return ListedCase(stem, images, None if label is None else _file(folder, "label", label))


def _file(folder: Path, place: str, written: str) -> ListedFile:
    expanded = os.path.expandvars(written)
    if not Path(expanded).is_absolute():
        expanded = os.path.abspath(folder / expanded)  # noqa: PTH100 - as nnU-Net: without "..", and links stay links
    return ListedFile(place, written, Path(expanded))


def _what_is_wrong(stem: str, entry: Any) -> str | None:
    if not 0 < len(stem) <= _LONGEST_NAME:
        return f"a name of {len(stem)} characters"
    if not _is_text(stem):
        return "a name that is no text"
    if not isinstance(entry, dict):
        return f"no object but {type(entry).__name__}"
    if not isinstance(entry.get("images"), list):
        return f"images are no list but {type(entry.get('images')).__name__}"
    return next(_wrong_paths(entry), None)


def _wrong_paths(entry: Mapping[str, Any]) -> Iterator[str]:
    label = entry.get("label")
    named = [(f"images/{number}", path) for number, path in enumerate(entry["images"])]
    for place, path in (*named, *([("label", label)] if label is not None else [])):
        if not isinstance(path, str):
            yield f"{place} is no path but {type(path).__name__}"
        elif len(path) > _LONGEST_PATH:
            yield f"{place} has {len(path)} characters"
        elif not _is_text(path):
            yield f"{place} is no text"
        elif path.count("$") > _MOST_VARIABLES:
            yield f"{place} has more than {_MOST_VARIABLES} variables"


def _is_text(value: str) -> bool:
    """Whether no character is half a pair or NUL; the operating system takes neither in a path."""
    return not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in value)


def _no_list(folder: str | Path, found: str) -> FormatError:
    return FormatError(
        expected=f'`{LISTED_KEY}` as an object {{case: {{"images": [...], "label": ...}}}}',
        found=found,
        where=str(Path(folder) / DATASET_FILE),
        remedy=f"correct it, or remove the key `{LISTED_KEY}` so that imagesTr and labelsTr are read",
    )
