"""Training cases that `dataset.json` lists: which of the named files are there, and what happens to all others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.errors import shown
from oncohort.formats.case_sheet import CASE_SHEET
from oncohort.formats.nnunet_listed import LISTED_KEY, ListedCase, ListedCases, ListedFile
from oncohort.formats.nnunet_raw import DATASET_FILE, RawCase, RawDataset, RawListing, case_files
from oncohort.sources.nnunet.names import case_id, is_text
from oncohort.sources.referenced import Row, finding
from oncohort.sources.walking import refused_row

_SHOWN = 200  # characters of a path in a message


@dataclass(frozen=True)
class Followed:
    """Training cases from the list, test cases from the folder.

    Attributes:
        listing: Cases whose files are all there, and the files of the folder that none of them and no refusal names.
        refused: Rows of the entries that cannot be used, and of their files.
        findings: What the list made of environment variables.
    """

    listing: RawListing
    refused: tuple[dict[str, str], ...]
    findings: tuple[Row, ...]


def follow_list(root: Path, dataset: RawDataset, listing: RawListing, listed: ListedCases) -> Followed:
    """The cases of a folder whose `dataset.json` lists the training cases.

    Args:
        root: The folder, absolute.
        dataset: What `dataset.json` says.
        listing: All files of the folder, by name.
        listed: The entries of the list.
    """
    follower = _Follower(root, dataset, listing)
    for stem, what in listed.broken.items():
        follower.refuse(stem, "", "broken entry", what)
    for case in listed.cases:
        follower.take(case)
    return follower.followed()


def pointer(stem: str, place: str) -> str:
    """Where an entry, or one path of it, stands: `dataset.json` with a JSON pointer (RFC 6901).

    Examples:
        >>> pointer("a/b", "images/0")
        'dataset.json#/dataset/a~1b/images/0'
    """
    name = _text(stem).replace("~", "~0").replace("/", "~1")
    return "/".join(part for part in (f"{DATASET_FILE}#", LISTED_KEY, name, place) if part)


@dataclass
class _Follower:
    root: Path
    dataset: RawDataset
    listing: RawListing
    taken: dict[str, RawCase] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)
    left: dict[Path, str] = field(default_factory=dict)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    present: list[Path] = field(init=False)
    names: dict[str, Path] = field(init=False)
    targets: dict[str, Path] = field(init=False)

    def __post_init__(self) -> None:
        held = (file for case in self.listing.cases for file in case_files(case))
        self.present = sorted({*self.listing.others, *held})
        self.names = {str(file): file for file in self.present}
        self.targets = {os.path.realpath(file): file for file in reversed(self.present)}

    def take(self, case: ListedCase) -> None:
        """Make a case of an entry, or refuse it with the files that it names."""
        trouble = next(self._troubles(case), None)
        if trouble is not None:
            self.refuse(case.stem, *trouble)
            detail = f"case {_text(case.stem)}: {trouble[1]} ({trouble[0] or 'its entry'} in {DATASET_FILE})"
            there = [file.path for file in case.files if _why_missing(file.path) is None and is_text(str(file.path))]
            self.left |= {self._file(path): detail for path in there}
            return
        numbers = zip(self.dataset.channels, (self._file(file.path) for file in case.images), strict=True)
        label = None if case.label is None else self._file(case.label.path)
        self.taken[case_id(case.stem)] = RawCase(case.stem, "train", dict(numbers), label)
        for name in dict.fromkeys(name for file in case.files for name in file.variables):
            self.replaced.setdefault(name, []).append(case.stem)

    def refuse(self, stem: str, place: str, reason: str, detail: str) -> None:
        """Set one entry aside."""
        row = refused_row(self.root, self.root / DATASET_FILE, reason, f"case {_text(stem)}: {detail}")
        self.rows.append({**row, "path": pointer(stem, place)})

    def followed(self) -> Followed:
        """What all entries came to."""
        tests = tuple(case for case in self.listing.cases if case.split == "test")
        cases = (*sorted(self.taken.values(), key=lambda case: case.stem), *tests)
        used = {file for case in cases for file in case_files(case)}
        left = {file: detail for file, detail in self.left.items() if file not in used and not self._is_shared(file)}
        rows = [refused_row(self.root, file, "case refused", detail) for file, detail in left.items()]
        others = tuple(file for file in self.present if file not in used and file not in left)
        return Followed(RawListing(cases, others), (*self.rows, *rows), tuple(self._findings()))

    def _file(self, path: Path) -> Path:
        """The file as the folder has it, if it lies there."""
        return self.names.get(str(path)) or self.targets.get(os.path.realpath(path)) or path

    def _is_shared(self, file: Path) -> bool:
        return file in (self.root / DATASET_FILE, self.root / CASE_SHEET)

    def _troubles(self, case: ListedCase) -> Iterator[tuple[str, str, str]]:
        """Place, reason and detail of what is wrong with an entry."""
        if case_id(case.stem) in self.taken:
            yield "", "duplicate case", f"the same case as {self.taken[case_id(case.stem)].stem!r}"
        channels = [f"{number:04d} ({name})" for number, name in self.dataset.channels.items()]
        if len(case.images) < len(channels):
            yield "images", "missing channel", f"lacks channel {', '.join(channels[len(case.images) :])}"
        if len(case.images) > len(channels):
            yield "images", "unknown channel", f"{len(case.images)} images for {len(channels)} channels"
        for file in case.files:
            yield from self._file_troubles(file)

    def _file_troubles(self, file: ListedFile) -> Iterator[tuple[str, str, str]]:
        why = _why_missing(file.path)
        if why is not None:
            yield file.place, "missing file", f"{_text(file.written)!r}: {why}"
        elif not is_text(str(file.path)):
            yield file.place, "name is no text", f"{_text(file.written)!r} is no UTF-8"

    def _findings(self) -> Iterator[Row]:
        for name, stems in self.replaced.items():
            yield finding(
                "nnunet_variable",
                evidence=f"${name} was replaced by its value, as nnU-Net does, in paths of {_listed(stems)}",
                remedy="ingest with the value that is meant; the cohort holds the paths with it",
                path=DATASET_FILE,
                severity="info",
            )


def _listed(stems: Sequence[str]) -> str:
    return f"{len(stems)} case{'s' if len(stems) > 1 else ''}: {shown(stems)}"


def _why_missing(path: Path) -> str | None:
    """Why there is no file, without its path: the value of a variable may stand in it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return error.strerror or type(error).__name__
    return None if stat.S_ISREG(mode) else "no plain file"


def _text(value: str) -> str:
    """Words of a stranger as tables and messages can hold them."""
    plain = value.encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."
