"""autoPET III, IV and V as one nnU-Net raw data set, and autoPET I and II as one folder per study.

Facts come from the case id and the two metadata sheets, folds from `splits_final.json`, prompts from the files of
both challenges. Whether a study holds a lesion stands in its label alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError, shown
from oncohort.labels import LabelScheme
from oncohort.layouts import autopet, deep_psma
from oncohort.sources.autopet.folds import Folds, fold_findings, read_folds
from oncohort.sources.autopet.listing import StudyFiles, list_study_files
from oncohort.sources.autopet.names import Identity, identify, timepoints
from oncohort.sources.autopet.sheets import Sheets, read_sheets, sheet_facts, sheet_findings
from oncohort.sources.autopet.studies import has_study_folders, list_study_folders
from oncohort.sources.autopet.work import convert_study, image_files, prompt_files
from oncohort.sources.protocol import CasePlan, SourcePlan, refuse_regions
from oncohort.sources.referenced import ImageFile, Refusal, finding, stamp
from oncohort.sources.walking import first_entries, refused_row, relative
from oncohort.storage import read_json

Row = dict[str, Any]

_LOOKED_AT = 50
SCHEME = LabelScheme("autoPET", {autopet.LESION: 1}, aliases={"tumor": autopet.LESION, "tumour": autopet.LESION})
"""One label; the data set calls it `tumor`."""


@dataclass(frozen=True)
class AutopetSource:
    """Reads both published layouts of autoPET; nothing is copied.

    Examples:
        >>> AutopetSource().name
        'autopet'
    """

    name: str = autopet.NAME
    description: str = (
        "autoPET: nnU-Net folder with fdg_metadata.csv, psma_metadata.csv, splits_final.json and prompts, "
        "or PETCT_<id>/<study>/{CT,CTres,PET,SUV,SEG}.nii.gz"
    )

    def detect(self, path: Path) -> bool:
        """Whether `imagesTr` stands beside a metadata sheet or holds autoPET's names, or there are study folders."""
        images = path / autopet.IMAGES_FOLDER
        if not images.is_dir():
            return has_study_folders(path)
        if any((path / subset.sheet).is_file() for subset in autopet.SUBSETS.values()):
            return True
        names = [entry.name for entry in first_entries(images, _LOOKED_AT)]
        patterns = (autopet.CASE_PATTERN, deep_psma.CONVERTED_CASE_PATTERN)
        return any(re.fullmatch(rf"{pattern}_\d{{4}}\.nii\.gz", name) for name in names for pattern in patterns)

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`, by file names and sheets; headers and prompts are read by `convert`.

        Args:
            path: The folder that holds `imagesTr`, or the folders of the subjects.
            roi: Must be None; there is one label.
            known: Not needed; ids are file names.
            progress: Not called; listing is quick.

        Raises:
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="the only label is the lesion")
        root = path.absolute()
        found = _raw_studies(root) if (root / autopet.IMAGES_FOLDER).is_dir() else _folder_studies(root)
        return _Planner(root, found).plan()

    def convert(self, case_plan: CasePlan, folder: Path) -> Row:
        """Rows that refer to the files of one case; `folder` gets nothing.

        An image that is damaged, cut short or on another grid than the PET refuses the case; heat maps and prompts
        that cannot be used are refused alone.
        """
        return convert_study(case_plan)


@dataclass(frozen=True)
class _Study:
    """A study of either layout."""

    identity: Identity
    split: str
    images: tuple[ImageFile, ...]
    prompts: Mapping[str, Any]
    files: tuple[Path, ...]
    missing: str | None
    is_labelled: bool


@dataclass(frozen=True)
class _Found:
    """Both listings in one form."""

    studies: tuple[_Study, ...]
    shared: Mapping[str, Path]
    others: Mapping[Path, tuple[str, str]]
    rows: tuple[Mapping[str, str], ...]


def _raw_studies(root: Path) -> _Found:
    listing = list_study_files(root)
    studies = tuple(_raw_study(study) for _, study in sorted(listing.studies.items(), key=_train_first))
    return _Found(studies, listing.shared, listing.others, listing.rows)


def _train_first(item: tuple[tuple[str, str], StudyFiles]) -> tuple[bool, str]:
    return item[0][0] != "train", item[0][1]


def _raw_study(files: StudyFiles) -> _Study:
    lacking = [number for number in (autopet.CT_CHANNEL, autopet.PET_CHANNEL) if number not in files.images]
    names = ", ".join(f"{number:04d} ({autopet.CHANNEL_ROLES[number]})" for number in lacking)
    return _Study(
        identity=identify(files.case),
        split=files.split,
        images=() if lacking else tuple(image_files(files)),
        prompts=prompt_files(files),
        files=tuple(files.files()),
        missing=names or None,
        is_labelled=files.label is not None,
    )


def _folder_studies(root: Path) -> _Found:
    listing = list_study_folders(root)
    studies = tuple(
        _Study(
            identity=study.identity,
            split="train",
            images=() if study.missing else tuple(study.images()),
            prompts={},
            files=tuple(study.files[name] for name in sorted(study.files)),
            missing=study.missing,
            is_labelled="SEG.nii.gz" in study.files,
        )
        for study in sorted(listing.studies, key=lambda study: study.identity.case)
    )
    return _Found(studies, listing.shared, listing.others, listing.rows)


class _Planner:
    """Joins studies with the files that tell of the whole set."""

    def __init__(self, root: Path, found: _Found) -> None:
        self.root = root
        self.whole = [study for study in found.studies if study.missing is None]
        self.found = found
        self.sheets, self.refusals = read_sheets(found.shared)
        self.folds = self._read(autopet.SPLITS_FILE, read_folds)
        self.dataset = self._read(autopet.DATASET_FILE, read_json)
        self.shared = tuple(stamp(file) for name, file in found.shared.items() if name not in self.refusals)

    def _read(self, name: str, read: Any) -> Any:
        if name not in self.found.shared:
            return None
        try:
            return read(self.found.shared[name])
        except FormatError as error:
            self.refusals[name] = Refusal("unreadable", str(error))
            return None

    def plan(self) -> SourcePlan:
        identities = [study.identity for study in self.whole]
        numbers = timepoints(identities)
        general = list(self._findings(identities))
        folds = self.folds.fold_of() if isinstance(self.folds, Folds) else {}
        cases = []
        for position, study in enumerate(self.whole):
            case = study.identity.case
            row = {**_row(study, self.sheets), "timepoint": numbers[case]}
            row |= {"fold": folds[case]} if case in folds else {}
            findings = (*(general if position == 0 else ()), *_unlabelled(self.root, study))
            cases.append(self._case(study, row, findings))
        return SourcePlan(cases=tuple(cases), refused=tuple(self._refused()), scheme=SCHEME)

    def _case(self, study: _Study, row: Row, findings: Sequence[Row]) -> CasePlan:
        return CasePlan(
            case=study.identity.case,
            patient=study.identity.patient,
            row=row,
            files=(*(stamp(file) for file in study.files), *self.shared),
            work={
                "root": str(self.root),
                "shared": [one.path for one in self.shared],
                "images": [image.to_dict() for image in study.images],
                **study.prompts,
            },
            findings=tuple(findings),
        )

    def _refused(self) -> list[Row]:
        rows: list[Row] = [dict(row) for row in self.found.rows]
        rows += [refused_row(self.root, file, *why) for file, why in self.found.others.items()]
        for name, refusal in self.refusals.items():
            rows.append(refused_row(self.root, self.found.shared[name], refusal.reason, refusal.detail))
        for study in self.found.studies:
            detail = f"case {study.identity.case} lacks {study.missing}"
            rows += [refused_row(self.root, file, "missing channel", detail) for file in study.files if study.missing]
        if not self.whole:
            rows += [self._lonely(one.path) for one in self.shared]
        return sorted(rows, key=lambda row: (row["path"], row["reason"]))

    def _lonely(self, path: str) -> Row:
        return refused_row(self.root, path, "not part of the layout", "there is no case that it could tell of")

    def _findings(self, identities: Sequence[Identity]) -> Iterator[Row]:
        yield from _channel_findings(self.dataset, relative(self.root, self.root / autopet.DATASET_FILE))
        yield from sheet_findings(self.sheets, identities)
        if isinstance(self.folds, Folds):
            yield from fold_findings(
                self.folds, identities, relative(self.root, self.found.shared[autopet.SPLITS_FILE])
            )
        yield from _count_findings(identities)


def _row(study: _Study, sheets: Sheets) -> Row:
    identity = study.identity
    is_pair = identity.subset is None and identity.tracer is not None
    return {
        "case": identity.case,
        "patient": identity.patient,
        "study_date": identity.study_date,
        "tracer": identity.tracer,
        "centre": identity.centre,
        "group": identity.patient if is_pair else None,
        "split": study.split,
        "licence": identity.licence,
        **sheet_facts(sheets.of(identity)),
    }


def _unlabelled(root: Path, study: _Study) -> Iterator[Row]:
    if not study.is_labelled and study.split == "train":
        yield finding(
            "autopet_no_label",
            evidence="images without a label map",
            remedy="add the label map, or leave the case out of scoring",
            path=relative(root, study.files[0]),
            case=study.identity.case,
        )


def _channel_findings(dataset: Any, path: str) -> Iterator[Row]:
    names = dataset.get("channel_names") if isinstance(dataset, dict) else None
    if isinstance(names, dict) and str(names.get(str(autopet.PET_CHANNEL))).upper() == "CT":
        yield finding(
            "autopet_pet_named_ct",
            evidence=f"channel_names {json.dumps(names)[:200]}: nnU-Net clips and scales the PET like a CT",
            remedy="nothing here, channel 1 is read as PET; name it PET before training, and say which was used",
            path=path,
        )


def _count_findings(identities: Sequence[Identity]) -> Iterator[Row]:
    foreign = [one.case for one in identities if one.tracer is None]
    if foreign:
        yield finding(
            "autopet_case_name",
            evidence=f"{len(foreign)} case ids name no tracer and patient: {shown(foreign)}",
            remedy="the id was taken as the patient; rename cases of one patient, or they may leak",
            path="",
        )
    studies = Counter(one.subset for one in identities)
    for name, subset in autopet.SUBSETS.items():
        patients = len({one.patient for one in identities if one.subset == name})
        if studies[name] and (studies[name], patients) != (subset.studies, subset.patients):
            yield finding(
                "autopet_counts",
                evidence=f"{studies[name]} {subset.tracer} studies of {patients} patients; published are "
                f"{subset.studies} of {subset.patients}",
                remedy="nothing, if this is a part of the published set",
                path="",
                severity="info",
            )
