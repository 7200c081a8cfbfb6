"""The files of a PanTS folder, by case.

Archives are unpacked in several ways: the published folders (`ImageTr`, `LabelTr` ...), the case folders of the label
archive at the top, or a folder per archive. What decides is the folder of the case and what lies below it; what
stands above says the split at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath

from oncohort.layouts import pants as layout
from oncohort.sources.nnunet.names import is_text
from oncohort.sources.protocol import FileStamp
from oncohort.sources.walking import Walk, refused_row

_CASE = re.compile(layout.CASE_PATTERN)
_SPLIT = re.compile(r"(?:Image|Label|Report)(Tr|Te)(?![A-Za-z])")
_SPLITS = {"Tr": "train", "Te": "test"}
_SLOTS = {layout.CT_FILE: "ct", layout.COMBINED_FILE: "combined", layout.REPORT_FILE: "report"}
_LOOKED_AT = 50  # names in a folder, until it is known whether cases lie in it


@dataclass
class PantsCase:
    """The files of one case.

    Attributes:
        name: The case id.
        ct: The image.
        structures: File by published name of the structure; all lie in one folder.
        combined: The map of all structures.
        report: The report.
        folder_splits: Splits that the names of the folders say.
    """

    name: str
    ct: FileStamp | None = None
    structures: dict[str, FileStamp] = field(default_factory=dict)
    combined: FileStamp | None = None
    report: FileStamp | None = None
    folder_splits: set[str] = field(default_factory=set)

    def files(self) -> list[FileStamp]:
        """Every file of the case: CT, structures, map, report."""
        ordered = [self.ct, *(self.structures.get(name) for name in layout.STRUCTURES), self.combined, self.report]
        return [file for file in ordered if file is not None]


@dataclass
class PantsListing:
    """Every file under a folder.

    Attributes:
        cases: Case by id, in order of the ids.
        sheet: The sheet at the top.
        refused: Rows of everything else.
    """

    cases: dict[str, PantsCase]
    sheet: FileStamp | None
    refused: list[dict[str, str]]


def has_cases(folder: Path) -> bool:
    """Whether a published folder in `folder`, or `folder` itself, holds folders of cases; by names alone."""
    published = (*layout.IMAGE_FOLDERS.values(), *layout.LABEL_FOLDERS.values())
    return any(_names_cases(place) for place in (*(folder / name for name in published), folder))


def list_cases(root: Path, walk: Walk) -> PantsListing:
    """The files of a walk under `root`, by case."""
    lister = _Lister(root)
    for stamp in walk.stamps:
        lister.take(stamp)
    lister.join_structures()
    cases = {name: lister.cases[name] for name in sorted(lister.cases) if lister.cases[name].files()}
    return PantsListing(cases, lister.sheet, [*walk.refused, *lister.refused])


def _names_cases(folder: Path) -> bool:
    try:
        return any(_CASE.fullmatch(entry.name) for entry in islice(folder.iterdir(), _LOOKED_AT))
    except OSError:
        return False


@dataclass(frozen=True)
class _Place:
    """What a folder is: of which case and split, whether it is that of the structures, and has a name of text."""

    case: str
    split: str | None
    has_structures: bool
    is_text: bool


@dataclass
class _Lister:
    root: Path
    cases: dict[str, PantsCase] = field(default_factory=dict)
    sheet: FileStamp | None = None
    refused: list[dict[str, str]] = field(default_factory=list)
    places: dict[str, _Place | None] = field(default_factory=dict)
    folders: dict[str, dict[str, dict[str, FileStamp]]] = field(default_factory=dict)

    def take(self, stamp: FileStamp) -> None:
        """Give a file to its case, or refuse it."""
        head, _, name = stamp.path.rpartition(_SEPARATOR)
        if head not in self.places:
            self.places[head] = _place(PurePath(head).relative_to(self.root).parts)
        place = self.places[head]
        if place is None:
            self._take_shared(stamp, head, name)
        elif not place.is_text:
            self.refuse(stamp, "name is no text", "rename the folders above it in UTF-8")
        elif place.has_structures:
            self._take_structure(stamp, head, name, place)
        else:
            self._take_file(stamp, name, place)

    def join_structures(self) -> None:
        """Keep of each case the folder with most structures; the files of others are refused."""
        for name, folders in self.folders.items():
            case = self.cases[name]
            kept = max(folders, key=lambda folder: (len(folders[folder]), -list(folders).index(folder)))
            case.structures = folders[kept]
            for folder, files in folders.items():
                for stamp in files.values() if folder != kept else ():
                    self.refuse(stamp, "duplicate case", f"the structures of {name} are taken from {kept}")

    def refuse(self, stamp: FileStamp, reason: str, detail: str) -> None:
        self.refused.append(refused_row(self.root, stamp.path, reason, detail))

    def _take_shared(self, stamp: FileStamp, head: str, name: str) -> None:
        if name == layout.SHEET_FILE and PurePath(head) == self.root and is_text(stamp.path):
            self.sheet = stamp
        else:
            self.refuse(stamp, "not part of the layout", f"neither {layout.SHEET_FILE} nor in the folder of a case")

    def _take_structure(self, stamp: FileStamp, head: str, name: str, place: _Place) -> None:
        structure = name.removesuffix(layout.FILE_ENDING)
        if structure in _STRUCTURES and name.endswith(layout.FILE_ENDING):
            case = self._case(place)
            self.folders.setdefault(case.name, {}).setdefault(head, {})[structure] = stamp
        elif name.endswith((".nii", ".nii.gz")) and not name.startswith("."):
            self.refuse(stamp, "unknown structure", "PanTS has no structure of this name")
        else:
            self.refuse(stamp, "not part of the layout", "no mask of a structure")

    def _take_file(self, stamp: FileStamp, name: str, place: _Place) -> None:
        slot = _SLOTS.get(name)
        if slot is None:
            self.refuse(stamp, "not part of the layout", "neither CT, combined map, report nor mask of a structure")
            return
        case = self._case(place)
        taken: FileStamp | None = getattr(case, slot)
        if taken is None:
            setattr(case, slot, stamp)
        else:
            self.refuse(stamp, "duplicate case", f"the case has {taken.path}")

    def _case(self, place: _Place) -> PantsCase:
        if place.case not in self.cases:
            self.cases[place.case] = PantsCase(place.case)
        case = self.cases[place.case]
        if place.split is not None:
            case.folder_splits.add(place.split)
        return case


_SEPARATOR = str(PurePath("a", "b"))[1]
_STRUCTURES = frozenset(layout.STRUCTURES)


def _place(parts: tuple[str, ...]) -> _Place | None:
    """What the folder with these names below the root is; None if it is in no folder of a case."""
    found = next(_cases_in(parts), None)
    if found is None:
        return None
    below = parts[found + 1 :]
    splits = [_SPLITS[match[1]] for match in map(_SPLIT.search, parts[:found]) if match]
    split = splits[-1] if splits else None
    if below in ((), (layout.STRUCTURES_FOLDER,)):
        return _Place(parts[found], split, has_structures=bool(below), is_text=is_text("".join(parts)))
    return None


def _cases_in(parts: tuple[str, ...]) -> Iterator[int]:
    return (position for position, part in enumerate(parts) if _CASE.fullmatch(part))
