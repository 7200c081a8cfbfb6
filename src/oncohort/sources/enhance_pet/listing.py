"""Which file of an ENHANCE.PET folder is what of which case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.formats.case_sheet import CASE_SHEET
from oncohort.layouts import enhance_pet as layout
from oncohort.sources.walking import refused_row, walk_folder

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z")
_IMAGES = (".nii", ".nii.gz", ".mha", ".nrrd")
_GROUPS = {
    re.sub(r"[ _-]", "", name.lower()): group.name
    for group in layout.GROUPS.values()
    for name in (group.folder, group.model)
}


@dataclass(frozen=True)
class Listing:
    """The files of a folder, sorted.

    Attributes:
        root: The folder that was read; paths of refusals start here.
        base: Where the sheets lie.
        masks_folder: What paths of masks start from.
        images: Image file by case and role.
        masks: Mask file by case and group.
        shared: Sheets, `labels.json` and `cases.csv` by name.
        image_folders: Names of the image folders that hold cases.
        groups: Groups that have a folder with cases.
        refused: Rows of `refused.parquet`.
    """

    root: Path
    base: Path
    masks_folder: Path
    images: dict[str, dict[str, Path]] = field(default_factory=dict)
    masks: dict[str, dict[str, Path]] = field(default_factory=dict)
    shared: dict[str, Path] = field(default_factory=dict)
    image_folders: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    refused: list[dict[str, str]] = field(default_factory=list)

    def files(self, case: str) -> list[Path]:
        """Images, then masks of one case."""
        return [*self.images.get(case, {}).values(), *self.masks.get(case, {}).values()]

    def cases(self) -> list[str]:
        """The ids that occur, sorted."""
        return sorted({*self.images, *self.masks})

    def refuse(self, path: Path, reason: str, detail: str) -> None:
        """Add a row of refusal."""
        self.refused.append(refused_row(self.root, path, reason, detail))


def find_base(path: Path) -> Path | None:
    """The folder of the layout: `path` itself, or the only folder in it that is one; None if there is none."""
    if _is_base(path):
        return path
    inside = [folder for folder in _folders(path) if _is_base(folder)]
    return inside[0] if len(inside) == 1 else None


def list_files(root: Path, base: Path) -> Listing:
    """Every file below `root`: of a case, of the whole set, or refused."""
    data = _data_folder(base)
    listing = Listing(root, base, data / layout.MASKS_FOLDER)
    walk = walk_folder(root)
    listing.refused.extend(walk.refused)
    found: dict[tuple[str, str, str], list[Path]] = {}
    for path in walk.files:
        place = _place(listing, data, path)
        if place is not None:
            found.setdefault(place, []).append(path)
    for (kind, case, name), paths in found.items():
        if len(paths) == 1:
            (listing.images if kind == layout.IMAGES_FOLDER else listing.masks).setdefault(case, {})[name] = paths[0]
            continue
        for path in paths:
            others = ", ".join(str(other.relative_to(base)) for other in paths if other != path)
            listing.refuse(path, "two files of one case", f"also {others}; they may be of two versions")
    return listing


def _place(listing: Listing, data: Path, path: Path) -> tuple[str, str, str] | None:
    """Kind of file, case, and role or group; None after the file was taken as a shared one or refused."""
    parts = path.relative_to(data).parts if path.is_relative_to(data) else ()
    if path.parent == listing.base and path.name in _SHARED:
        listing.shared[path.name] = path
        return None
    if len(parts) != 3 or parts[0] not in (layout.IMAGES_FOLDER, layout.MASKS_FOLDER):
        listing.refuse(path, *_why_elsewhere(path))
        return None
    name = image_role(parts[1]) if parts[0] == layout.IMAGES_FOLDER else mask_group(parts[1])
    case = re.fullmatch(layout.CASE_FILE_PATTERN, path.name)
    if name is None or case is None:
        listing.refuse(path, *_why_unnamed(path, known_folder=name is not None))
        return None
    (listing.image_folders if parts[0] == layout.IMAGES_FOLDER else listing.groups).add(
        parts[1] if parts[0] == layout.IMAGES_FOLDER else name
    )
    return parts[0], case["case"], name


def image_role(folder: str) -> str | None:
    """The role of the images in a folder.

    Examples:
        >>> image_role("PT_0001-1683"), image_role("CT"), image_role("MR")
        ('pet', 'ct', None)
    """
    match = re.fullmatch(layout.IMAGE_FOLDER_PATTERN, folder)
    return layout.IMAGE_ROLES[match["kind"]] if match else None


def mask_group(folder: str) -> str | None:
    """The group of labels that a folder holds, by its name with spaces or hyphens or by the name of the model.

    Examples:
        >>> mask_group("Peripheral Bones"), mask_group("Body-Composition"), mask_group("clin_ct_ribs")
        ('peripheral_bones', 'body_composition', 'ribs')
    """
    return _GROUPS.get(re.sub(r"[ _-]", "", folder.lower()))


_SHARED = (*layout.SHEETS.values(), layout.LABELS_FILE, CASE_SHEET)


def _why_elsewhere(path: Path) -> tuple[str, str]:
    if path.name.lower().endswith(_IMAGES) and not path.name.startswith("."):
        return "unknown folder", f"expected {layout.IMAGES_FOLDER}/CT, .../PT or {layout.MASKS_FOLDER}/<group>"
    if path.name.lower().endswith(_ARCHIVES):
        return "not part of the layout", "an archive; unpack it first"
    return "not part of the layout", f"neither an image, a mask nor one of {', '.join(_SHARED)}"


def _why_unnamed(path: Path, *, known_folder: bool) -> tuple[str, str]:
    if not path.name.lower().endswith(_IMAGES) or path.name.startswith("."):
        return _why_elsewhere(path)
    if not known_folder:
        return "unknown folder", f"{path.parent.name!r} is neither CT, PT nor one of the seven groups of labels"
    return "no case id", "expected four digits and .nii.gz"


def _data_folder(base: Path) -> Path:
    inner = base / layout.DATA_FOLDER
    return inner if inner.is_dir() else base


def _is_base(folder: Path) -> bool:
    """Whether a folder has masks of a known group, or images with a sheet or `labels.json` beside them."""
    data = _data_folder(folder)
    if any(mask_group(child.name) for child in _folders(data / layout.MASKS_FOLDER)):
        return True
    has_images = any(image_role(child.name) for child in _folders(data / layout.IMAGES_FOLDER))
    return has_images and any((folder / name).is_file() for name in (*layout.SHEETS.values(), layout.LABELS_FILE))


def _folders(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(child for child in path.iterdir() if child.is_dir())
    except OSError:
        return
