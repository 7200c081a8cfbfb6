"""Every file of a folder in autoPET's nnU-Net layout: of a study, of the whole set, or of nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.formats.nnunet_raw import SPLITS
from oncohort.layouts import autopet
from oncohort.sources.nnunet.names import case_id, is_text
from oncohort.sources.walking import walk_folder

SHARED_FILES = (
    autopet.DATASET_FILE,
    autopet.FINGERPRINT_FILE,
    autopet.SPLITS_FILE,
    autopet.FDG_SHEET,
    autopet.PSMA_SHEET,
)
"""Files that tell of the whole set, wherever in the folder they lie."""

_IMAGE = re.compile(rf"(?P<stem>.+)_(?P<channel>\d{{4}}){re.escape(autopet.FILE_ENDING)}", re.DOTALL)
_SPLIT_OF = {folder: split for split, folders in SPLITS.items() for folder in folders}


@dataclass
class StudyFiles:
    """The files of one case.

    Attributes:
        case: The case id.
        split: `train` or `test`.
        images: File per channel number.
        label: The label map, if there is one.
        prompts: File per ending of `layouts.autopet.PROMPT_ENDINGS`.
        copies: The same for copies in a folder `gc`.
    """

    case: str
    split: str
    images: dict[int, Path] = field(default_factory=dict)
    label: Path | None = None
    prompts: dict[str, Path] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)

    def files(self) -> Iterator[Path]:
        """All of them, images first."""
        yield from (self.images[channel] for channel in sorted(self.images))
        yield from [self.label] if self.label else []
        yield from (*self.prompts.values(), *self.copies.values())


@dataclass
class Listing:
    """What lies below a folder.

    Attributes:
        studies: By split and case, those with at least one image.
        shared: Files of the whole set by name.
        others: Reason and detail of each file that nothing has a use for.
        rows: Rows of refusal for what is no file.
    """

    studies: dict[tuple[str, str], StudyFiles] = field(default_factory=dict)
    shared: dict[str, Path] = field(default_factory=dict)
    others: dict[Path, tuple[str, str]] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()


def list_study_files(root: Path) -> Listing:
    """Every file below `root`, each once."""
    walk = walk_folder(root)
    listing = Listing(rows=walk.refused)
    late: list[Path] = []
    for file in walk.files:
        if not is_text(str(file.relative_to(root))):
            listing.others[file] = ("name is no text", "rename the file in UTF-8")
        elif not _take_image(listing, root, file):
            late.append(file)
    for file in late:
        if not (_take_label(listing, root, file) or _take_prompts(listing, file) or _take_shared(listing, file)):
            listing.others[file] = _why_other(root, file)
    _leave_twice(listing)
    return listing


def _take_image(listing: Listing, root: Path, file: Path) -> bool:
    found = _IMAGE.fullmatch(file.name)
    split = _SPLIT_OF.get(file.parent.name) if file.parent.parent == root else None
    if not found or split is None or file.parent.name != SPLITS[split][0]:
        return False
    if int(found["channel"]) not in autopet.SHIFTED_CHANNEL_ROLES:
        return False
    case = case_id(found["stem"])
    study = listing.studies.setdefault((split, case), StudyFiles(case, split))
    first = study.images.setdefault(int(found["channel"]), file)
    if first is not file:
        listing.others[file] = ("duplicate case", f"the same case and channel as {first.name}")
    return True


def _take_label(listing: Listing, root: Path, file: Path) -> bool:
    split = _SPLIT_OF.get(file.parent.name) if file.parent.parent == root else None
    if split is None or file.parent.name != SPLITS[split][1] or not file.name.endswith(autopet.FILE_ENDING):
        return False
    study = listing.studies.get((split, case_id(file.name.removesuffix(autopet.FILE_ENDING))))
    if study is None:
        return False
    if study.label is None:
        study.label = file
    else:
        listing.others[file] = ("duplicate case", f"the same case as {study.label.name}")
    return True


def _take_prompts(listing: Listing, file: Path) -> bool:
    ending = next((ending for ending in autopet.PROMPT_ENDINGS if file.name.endswith(ending)), None)
    if ending is None:
        return False
    case = case_id(file.name.removesuffix(ending))
    study = listing.studies.get(("train", case)) or listing.studies.get(("test", case))
    if study is None:
        listing.others[file] = ("not part of the layout", "prompts of a case whose images are not here")
        return True
    held = study.copies if file.parent.name == autopet.GC_FOLDER else study.prompts
    if ending in held:
        listing.others[file] = ("duplicate prompts", f"prompts of the same case as {held[ending]}")
    else:
        held[ending] = file
    return True


def _take_shared(listing: Listing, file: Path) -> bool:
    if file.name not in SHARED_FILES or file.name in listing.shared:
        return False
    listing.shared[file.name] = file
    return True


def _why_other(root: Path, file: Path) -> tuple[str, str]:
    is_image = file.name.endswith((".nii.gz", ".nii", ".mha"))
    if is_image and file.parent.parent == root and file.parent.name in ("labelsTr", "labelsTs"):
        return "no images", "a label map without any image of its case"
    if is_image and file.parent.parent == root and file.parent.name in ("imagesTr", "imagesTs"):
        return "unknown channel", "the name does not end in a known channel number and .nii.gz"
    return "not part of the layout", "neither an image, a label map, prompts nor a sheet"


def _leave_twice(listing: Listing) -> None:
    for split, case in [key for key in listing.studies if key[0] == "test" and ("train", key[1]) in listing.studies]:
        for file in listing.studies.pop((split, case)).files():
            listing.others[file] = ("duplicate case", "the case is in imagesTr")
