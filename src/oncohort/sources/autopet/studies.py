"""autoPET as one folder per study: PETCT_<id>/<study>/{CT,CTres,PET,SUV,SEG}.nii.gz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oncohort.layouts import autopet
from oncohort.sources.autopet.listing import SHARED_FILES
from oncohort.sources.autopet.names import Identity, identify
from oncohort.sources.nnunet.names import is_text
from oncohort.sources.referenced import ImageFile, as_stored
from oncohort.sources.walking import first_entries, walk_folder

_LOOKED_AT = 20
_PREFIXES = {subset.subject_prefix: name for name, subset in autopet.SUBSETS.items()}


@dataclass
class StudyFolder:
    """One study: its folder, and its files by name."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """As the nnU-Net layout would name it, so that a person has one identity in both."""
        subject, study = self.folder.parent.name, self.folder.name
        for prefix, subset in _PREFIXES.items():
            if subject.startswith(prefix):
                return identify(f"{subset}_{subject.removeprefix(prefix)}_{study}")
        return Identity(f"{subject}_{study}", subject, study)

    @property
    def missing(self) -> str | None:
        """What the study lacks to be a case: a PET in SUV, a CT."""
        if "SUV.nii.gz" not in self.files:
            return "SUV.nii.gz"
        return None if {"CTres.nii.gz", "CT.nii.gz"} & set(self.files) else "CTres.nii.gz and CT.nii.gz"

    def images(self) -> Iterator[ImageFile]:
        """What a case is made of; all but the native CT share the grid of the SUV."""
        roles = {name: role for name, (role, _) in autopet.STUDY_FILES.items()}
        if "CTres.nii.gz" not in self.files:
            roles["CT.nii.gz"] = "ct"
        order = ["SUV.nii.gz", *(name for name in autopet.STUDY_FILES if name != "SUV.nii.gz")]
        for name in (name for name in order if name in self.files):
            unit = autopet.STUDY_FILES[name][1]
            yield ImageFile(
                role=roles[name],
                path=str(self.files[name]),
                unit=unit,
                scale=None if unit == "label" else as_stored(f"as stored in {name}"),
                like=None if name in ("SUV.nii.gz", "CT.nii.gz") else "pet",
            )


@dataclass
class StudyListing:
    """What lies below a folder of study folders; see `autopet_listing.Listing`."""

    studies: list[StudyFolder] = field(default_factory=list)
    shared: dict[str, Path] = field(default_factory=dict)
    others: dict[Path, tuple[str, str]] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()


def has_study_folders(path: Path) -> bool:
    """Whether one of the first folders below `path`, or below its only level of collection, holds such a study."""
    here = first_entries(path, _LOOKED_AT)
    subjects = [*here, *(entry for folder in here for entry in first_entries(folder, _LOOKED_AT))]
    prefixes = tuple(_PREFIXES)
    studies = (
        study
        for subject in subjects
        if subject.name.startswith(prefixes)
        for study in first_entries(subject, _LOOKED_AT)
    )
    return any((study / name).is_file() for study in studies for name in autopet.STUDY_FILES)


def list_study_folders(root: Path) -> StudyListing:
    """Every file below `root`, each once."""
    walk = walk_folder(root)
    listing = StudyListing(rows=walk.refused)
    studies: dict[Path, StudyFolder] = {}
    for file in walk.files:
        inside = file.relative_to(root)
        if not is_text(str(inside)):
            listing.others[file] = ("name is no text", "rename the file in UTF-8")
        elif file.name in autopet.STUDY_FILES and len(inside.parts) >= 3:
            studies.setdefault(file.parent, StudyFolder(file.parent)).files[file.name] = file
        elif file.name in SHARED_FILES and file.name not in listing.shared:
            listing.shared[file.name] = file
        else:
            listing.others[file] = ("not part of the layout", f"none of {', '.join(autopet.STUDY_FILES)}, and no sheet")
    listing.studies = _once(studies, listing)
    return listing


def _once(studies: Mapping[Path, StudyFolder], listing: StudyListing) -> list[StudyFolder]:
    kept: dict[str, StudyFolder] = {}
    for study in studies.values():
        first = kept.setdefault(study.identity.case, study)
        if first is not study:
            for file in study.files.values():
                listing.others[file] = ("duplicate case", f"the same subject and study as {first.folder}")
    return list(kept.values())
