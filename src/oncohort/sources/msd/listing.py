"""Which files of a Decathlon task belong together: what `dataset.json` lists, checked against what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from oncohort.errors import shown
from oncohort.layouts import msd as layout
from oncohort.sources.nnunet.names import is_text
from oncohort.sources.protocol import FileStamp
from oncohort.sources.referenced import Row, finding
from oncohort.sources.walking import Walk, refused_row, relative

_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class MsdCase:
    """The files of one case.

    Attributes:
        name: File name of the image without ending.
        split: `train` or `test`.
        image: With three axes, or four.
        label: The label map, if there is one.
    """

    name: str
    split: str
    image: FileStamp
    label: FileStamp | None


@dataclass
class MsdListing:
    """Every file under the folder of a task.

    Attributes:
        cases: By split (train first) and name.
        dataset: `dataset.json`.
        refused: Rows of files that no case has a use for.
        findings: Where the lists and the files differ.
    """

    cases: list[MsdCase] = field(default_factory=list)
    dataset: FileStamp | None = None
    refused: list[dict[str, str]] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)


def list_msd(root: Path, walk: Walk, facts: Mapping[str, Any]) -> MsdListing:
    """The files of a walk under `root`, by case.

    An image that no list names belongs to the label of its own name.
    """
    files = {relative(root, stamp.path): stamp for stamp in walk.stamps if is_text(stamp.path)}
    listing = MsdListing(dataset=files.pop(layout.DATASET_FILE, None), refused=list(walk.refused))
    for stamp in walk.stamps:
        if not is_text(stamp.path):
            listing.refused.append(refused_row(root, stamp.path, "name is no text", "rename the file in UTF-8"))
    listed = {split: dict(_pairs(facts.get(key), split)) for split, key in layout.LISTS.items()}
    taken: dict[str, str] = {}
    for split, folder in layout.IMAGE_FOLDERS.items():
        for image in sorted(name for name in files if _is_image(name, folder)):
            _take(listing, files, split, image, listed[split], taken)
    used = {stamp.path for case in listing.cases for stamp in (case.image, case.label) if stamp is not None}
    for name, stamp in files.items():
        if stamp.path not in used:
            listing.refused.append(refused_row(root, stamp.path, *_why_other(name, taken)))
    listing.findings += _differences(listed, files)
    return listing


def _take(
    listing: MsdListing,
    files: Mapping[str, FileStamp],
    split: str,
    image: str,
    listed: Mapping[str, str | None],
    taken: dict[str, str],
) -> None:
    name = PurePosixPath(image).name
    stem = next(name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending))
    if stem in taken:
        return
    taken[stem] = image
    label = listed.get(image) or f"{layout.LABEL_FOLDERS[split]}/{name}"
    listing.cases.append(MsdCase(stem, split, files[image], files.get(label)))


def _pairs(entries: Any, split: str) -> Iterator[tuple[str, str | None]]:
    """Image and label of each entry of a list; what is no entry is left to the findings."""
    for entry in entries if isinstance(entries, list) else ():
        image = entry.get("image") if isinstance(entry, dict) else entry
        label = entry.get("label") if isinstance(entry, dict) else None
        if isinstance(image, str):
            yield _plain(image), _plain(label) if isinstance(label, str) else None


def _plain(path: str) -> str:
    return PurePosixPath(path).as_posix().removeprefix("./")


def _is_image(name: str, folder: str) -> bool:
    path = PurePosixPath(name)
    return path.parent.as_posix() == folder and name.endswith(_ENDINGS) and not path.name.startswith(".")


def _why_other(name: str, taken: Mapping[str, str]) -> tuple[str, str]:
    path = PurePosixPath(name)
    if path.name.startswith(layout.HIDDEN_PREFIX):
        return "not part of the layout", "attributes that macOS wrote into the archive"
    if not name.endswith(_ENDINGS):
        return "not part of the layout", "neither dataset.json, an image nor a label map"
    if path.parent.as_posix() in layout.LABEL_FOLDERS.values():
        return "no images", "a label map without image"
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    if path.parent.as_posix() in layout.IMAGE_FOLDERS.values() and stem in taken:
        return "duplicate case", f"the case has {taken[stem]}"
    return "not part of the layout", "an image in none of the folders of the layout"


def _differences(listed: Mapping[str, Mapping[str, str | None]], files: Mapping[str, FileStamp]) -> Iterator[Row]:
    names = {name for images in listed.values() for name in images}
    labels = {label for images in listed.values() for label in images.values() if label is not None}
    images = {name for name in files if any(_is_image(name, folder) for folder in layout.IMAGE_FOLDERS.values())}
    lost = sorted((names | labels) - files.keys())
    if lost:
        yield _finding("msd_listed_without_file", f"{len(lost)} listed files are not there: {shown(lost)}")
    unlisted = sorted(images - names)
    if unlisted:
        yield _finding("msd_not_listed", f"{len(unlisted)} images are in no list, and were taken: {shown(unlisted)}")


def _finding(rule: str, evidence: str) -> Row:
    return finding(rule, evidence=evidence, remedy="fetch the archive again", path=layout.DATASET_FILE)
