"""Every file of a folder in the layout of the longitudinal CT set: of a scan, of a patient, or of nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.layouts import longitudinal_ct
from oncohort.sources.nnunet.names import is_text
from oncohort.sources.walking import first_entries, walk_folder

_VOLUME = re.compile(longitudinal_ct.VOLUME_PATTERN, re.DOTALL)
_CLICKS = re.compile(longitudinal_ct.CLICKS_PATTERN, re.DOTALL)
_SHEET = re.compile(longitudinal_ct.SHEET_PATTERN, re.DOTALL)

ScanKey = tuple[str, str, int]
"""Patient, BL or FU, number."""


@dataclass
class Scan:
    """One CT of a patient.

    Attributes:
        key: Patient, BL or FU, and number.
        files: Paths by what they are: `img`, `mask`, `clicks`.
        is_old: Whether an image or mask has the name of the first release.
    """

    key: ScanKey
    files: dict[str, Path] = field(default_factory=dict)
    is_old: bool = False

    @property
    def case(self) -> str:
        """The case id."""
        return case_of(self.key)

    @property
    def split(self) -> str | None:
        """`train` or `test`, by the folder of the image."""
        folder = self.files["img"].parent.name
        return {"Tr": "train", "Ts": "test"}.get(folder[-2:])


@dataclass
class ScanListing:
    """What lies below a folder.

    Attributes:
        scans: Those with an image, by key, baseline first.
        sheets: CSV file per patient that has a scan.
        others: Reason and detail of each file that nothing has a use for.
        rows: Rows of refusal for what is no file.
    """

    scans: dict[ScanKey, Scan] = field(default_factory=dict)
    sheets: dict[str, Path] = field(default_factory=dict)
    others: dict[Path, tuple[str, str]] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()


def case_of(key: ScanKey) -> str:
    """The case id of a scan.

    Examples:
        >>> case_of(("022", "FU", 0))
        '022_FU_00'
    """
    patient, side, number = key
    return f"{patient}_{side}_{number:02d}"


def has_scan_names(path: Path, most: int) -> bool:
    """Whether one of the first files in an `inputsTr` or `inputsTs` is named like a scan of this set."""
    folders = (path / longitudinal_ct.INPUTS_FOLDER, path / longitudinal_ct.TEST_INPUTS_FOLDER)
    entries = (entry for folder in folders for entry in first_entries(folder, most))
    return any(_VOLUME.fullmatch(entry.name) for entry in entries)


def list_scans(root: Path) -> ScanListing:
    """Every file below `root`, each once."""
    walk = walk_folder(root)
    listing = ScanListing(rows=walk.refused)
    found: dict[ScanKey, Scan] = {}
    late: list[Path] = []
    for file in walk.files:
        if not is_text(str(file.relative_to(root))):
            listing.others[file] = ("name is no text", "rename the file in UTF-8")
        elif not _take(found, listing, file):
            late.append(file)
    listing.scans = {key: found[key] for key in sorted(found) if "img" in found[key].files}
    for key in set(found) - set(listing.scans):
        for file in found[key].files.values():
            listing.others[file] = ("no images", f"the image of scan {case_of(key)} is not here")
    _take_sheets(listing, late)
    return listing


def _take(found: dict[ScanKey, Scan], listing: ScanListing, file: Path) -> bool:
    volume = _VOLUME.fullmatch(file.name)
    match = volume or _CLICKS.fullmatch(file.name)
    if match is None:
        return False
    key = (match["patient"], match["side"], int(match["number"]))
    what = volume["what"] if volume else "clicks"
    scan = found.setdefault(key, Scan(key))
    if what in scan.files:
        listing.others[file] = ("duplicate case", f"the same {what} of {case_of(key)} as {scan.files[what]}")
        return True
    scan.files[what] = file
    scan.is_old = scan.is_old or bool(volume and volume["old"])
    return True


def _take_sheets(listing: ScanListing, files: list[Path]) -> None:
    patients = {patient for patient, _, _ in listing.scans}
    for file in files:
        match = _SHEET.fullmatch(file.name)
        if match and match["patient"] in patients and match["patient"] not in listing.sheets:
            listing.sheets[match["patient"]] = file
        else:
            listing.others[file] = ("not part of the layout", "neither image, mask nor clicks of a scan, nor its sheet")
