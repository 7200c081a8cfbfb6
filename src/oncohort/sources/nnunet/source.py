"""nnU-Net raw data set folders as cases, referenced where they lie.

Channel names decide the roles: CT is `ct`; PET, PT and SUV are `pet`; any other
name is the role itself, in lower case and percent-encoded. A second channel of
one role becomes `ct.2`, with a warning, because some published data sets name
their PET "CT". Labels are `lesions` when every label's name says lesion, tumour
or the like, and `organs` otherwise. Unlabelled cases are kept; a case that lacks
a channel, or one of whose files cannot be read or lies on another grid, is
refused as a whole with the reason beside the file. Where `dataset.json` lists
the training cases (key `dataset`), the files that it names are read wherever
they lie, and no others are training cases, as in nnU-Net. Where the record of
our own export stands beside it (`oncohort.json`), roles, units and patients are
those of the cohort that was exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.formats.case_sheet import CASE_SHEET, read_case_sheet
from oncohort.formats.nnunet_listed import LISTED_KEY, listed_cases
from oncohort.formats.nnunet_raw import (
    DATASET_FILE,
    SPLITS,
    RawCase,
    RawDataset,
    case_files,
    list_files,
    read_dataset,
)
from oncohort.formats.nnunet_record import RECORD_FILE, NnunetRecord, RecordedChannel, read_nnunet_record
from oncohort.sources.nnunet.listed import Followed, follow_list, pointer
from oncohort.sources.nnunet.names import (
    case_id,
    channel_roles,
    channel_units,
    is_lesion,
    is_text,
    label_role,
    label_scheme,
)
from oncohort.sources.protocol import CasePlan, SourcePlan, refuse_regions
from oncohort.sources.referenced import Refusal, as_stored, finding, open_image, refuse_case, stamp, volume_row
from oncohort.sources.walking import refused_row
from oncohort.units import Unit
from oncohort.volume import Volume


@dataclass(frozen=True)
class NnunetSource:
    """Reads nnU-Net raw data set folders; nothing is copied.

    Examples:
        >>> NnunetSource().name
        'nnunet'
    """

    name: str = "nnunet"
    description: str = "nnU-Net raw data set folder: dataset.json, imagesTr, labelsTr (imagesTs, labelsTs, cases.csv)"

    def detect(self, path: Path) -> bool:
        """Whether `dataset.json` stands beside `imagesTr`, `imagesTs` or `labelsTr`."""
        folders = ("imagesTr", "imagesTs", "labelsTr")
        return (path / DATASET_FILE).is_file() and any((path / name).is_dir() for name in folders)

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`, by file names or the list in `dataset.json`; `convert` reads headers.

        Args:
            path: The folder that holds `dataset.json`.
            roi: Must be None; labels have names in `dataset.json`.
            known: Not needed; ids are file names.
            progress: Not called; listing is quick.

        Raises:
            FormatError: There is no usable `dataset.json`, or `cases.csv` or `oncohort.json` is wrong.
            LabelError: Two labels share an integer.
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="the labels of dataset.json are all kept")
        root = path.absolute()
        folder = _Folder(root, read_dataset(root), _sheet(root), read_nnunet_record(root))
        followed = folder.followed()
        named = [case for case in followed.listing.cases if is_text(case.stem)]
        kept, twice = _parted([case for case in named if not folder.missing(case)])
        nameless = [file for case in followed.listing.cases if not is_text(case.stem) for file in case_files(case)]
        unused = [one for case in named for one in folder.incomplete(case)]
        unused += [(file, "name is no text", "rename the file in UTF-8") for file in nameless]
        unused += [(file, *folder.why_other(file)) for file in followed.listing.others]
        unused += [(file, "duplicate case", "it is a training case") for file in twice]
        used = {file for case in kept for file in case_files(case)} | set(folder.shared())
        refused = [*followed.refused, *(refused_row(root, *one) for one in unused if one[0] not in used)]
        return SourcePlan(
            cases=tuple(folder.plans(kept, followed.findings)),
            refused=tuple(sorted(refused, key=lambda row: row["path"])),
            scheme=label_scheme(folder.dataset),
            meta={"dataset": {key: value for key, value in folder.dataset.facts.items() if key != LISTED_KEY}},
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows that refer to the files of one case; `folder` gets nothing.

        A file that is damaged, cut short or on another grid than the first
        channel refuses the case.
        """
        root = Path(case_plan.work["root"])
        rows: list[dict[str, Any]] = []
        first: Volume | None = None
        for entry in case_plan.work["volumes"]:
            path = root / entry["path"]
            volume = open_image(path, Unit(entry["unit"]), None if first is None else first.geometry)
            if isinstance(volume, Refusal):
                files = dict.fromkeys(root / each["path"] for each in case_plan.work["volumes"])
                return refuse_case(case_plan, root, files, path, volume)
            first = first or volume
            scale = None if volume.unit is Unit.LABEL else as_stored(entry["rule"])
            rows.append(volume_row(case_plan.case, entry["role"], path, volume, scale))
        return {"case": dict(case_plan.row), "volumes": rows, "refused": [], "findings": []}


@dataclass(frozen=True)
class _Folder:
    """One raw data set folder: where it is and what it says of itself."""

    root: Path
    dataset: RawDataset
    sheet: Mapping[str, Mapping[str, Any]]
    record: NnunetRecord | None

    @property
    def fitting(self) -> NnunetRecord | None:
        """The record of our own export, unless `dataset.json` has other channels by now."""
        return self.record if self.record is not None and self.record.is_of(self.dataset) else None

    @property
    def recorded(self) -> Mapping[int, RecordedChannel]:
        """Channels of that record."""
        return {} if self.fitting is None else self.fitting.channels

    def shared(self) -> list[Path]:
        """Files that speak of all cases."""
        names = (DATASET_FILE, CASE_SHEET, *((RECORD_FILE,) if self.record else ()))
        return [self.root / name for name in names if (self.root / name).is_file()]

    @property
    def is_listed(self) -> bool:
        """Whether `dataset.json` lists the training cases."""
        return LISTED_KEY in self.dataset.facts

    def followed(self) -> Followed:
        """All cases and files: by names, the training cases by the list if there is one."""
        listing = list_files(self.root, self.dataset)
        listed = listed_cases(self.root, self.dataset)
        return Followed(listing, (), ()) if listed is None else follow_list(self.root, self.dataset, listing, listed)

    def missing(self, case: RawCase) -> list[str]:
        """Channels that a case lacks, as number and name."""
        return [f"{number:04d} ({name})" for number, name in self.dataset.channels.items() if number not in case.images]

    def incomplete(self, case: RawCase) -> list[tuple[Path, str, str]]:
        """File, reason and detail for every file of a case that lacks a channel."""
        missing = self.missing(case)
        detail = f"case {case.stem} lacks channel {', '.join(missing)}"
        return [(file, "missing channel", detail) for file in case_files(case)] if missing else []

    def why_other(self, file: Path) -> tuple[str, str]:
        """Reason and detail of a file that no case has a use for."""
        reason, detail = _why_other(file)
        is_image = reason in ("unknown channel", "no images")
        if self.is_listed and is_image and file.parent in (self.root / name for name in SPLITS["train"]):
            return "not listed", "dataset.json lists the training cases, and none of them names this file"
        return reason, detail

    def plans(self, cases: Sequence[RawCase], findings: Sequence[Mapping[str, Any]]) -> Iterator[CasePlan]:
        general = (*findings, *self._findings({case_id(case.stem) for case in cases}))
        patients = {} if self.fitting is None else self.fitting.patients
        for position, case in enumerate(cases):
            name = case_id(case.stem)
            facts = dict(self.sheet.get(name, {}))
            patient = str(facts.pop("patient", patients.get(name, name)))
            row = {"case": name, "patient": patient, "split": case.split, "licence": self._licence(), **facts}
            yield CasePlan(
                case=name,
                patient=patient,
                row=row,
                files=tuple(stamp(file) for file in (*case_files(case), *self.shared())),
                work={"root": str(self.root), "volumes": self._volumes(case)},
                findings=(*(general if position == 0 else ()), *self._unlabelled(case, name)),
            )

    def _licence(self) -> str | None:
        said = self.dataset.facts.get("licence") or self.dataset.facts.get("license")
        return str(said) if said else None

    def _volumes(self, case: RawCase) -> list[dict[str, str]]:
        roles = channel_roles(self.dataset, self.recorded)
        units = channel_units(roles, self.recorded)
        volumes = []
        for number, file in case.images.items():
            rule = f"as stored; channel {number} is named {self.dataset.channels[number]!r}"
            volumes.append(
                {"role": roles[number], "path": self._relative(file), "unit": str(units[number]), "rule": rule}
            )
        if case.label is not None:
            role = label_role(self.dataset)
            volumes.append({"role": role, "path": self._relative(case.label), "unit": str(Unit.LABEL), "rule": ""})
        return volumes

    def _relative(self, file: Path) -> str:
        """Relative to the folder, or absolute where it lies elsewhere."""
        return (file.relative_to(self.root) if file.is_relative_to(self.root) else file).as_posix()

    def _findings(self, names: set[str]) -> Iterator[dict[str, Any]]:
        yield from self._channel_findings()
        mixed = label_role(self.dataset) == "organs" and [name for name in self.dataset.labels if is_lesion(name)]
        if mixed:
            yield finding(
                "nnunet_lesions_among_organs",
                evidence=f"labels {', '.join(mixed)} stand beside others, so the role of the masks is organs",
                remedy="keep lesions in a data set of their own to score them as lesions",
                path=DATASET_FILE,
                severity="info",
            )
        for name in sorted(set(self.sheet) - names):
            yield finding(
                "case_sheet_unknown_case", evidence=f"no case {name!r}", remedy="correct cases.csv", path=CASE_SHEET
            )

    def _channel_findings(self) -> Iterator[dict[str, Any]]:
        if self.record is not None and self.fitting is None:
            yield finding(
                "nnunet_record",
                evidence=f"{RECORD_FILE} names other channels than {dict(self.dataset.channels)}",
                remedy="export again, or remove the record; channel names gave the roles, and every case is a patient",
                path=RECORD_FILE,
            )
        roles = channel_roles(self.dataset, self.recorded).items()
        named = [role for number, role in roles if number not in self.recorded or self.recorded[number].role is None]
        doubled = sorted(role for role in named if role.partition(".")[2])
        if doubled:
            yield finding(
                "nnunet_channel_names",
                evidence=f"channels {dict(self.dataset.channels)} gave roles {', '.join(doubled)}",
                remedy="if one of them is the PET, correct channel_names in dataset.json and ingest again",
                path=DATASET_FILE,
            )

    def _unlabelled(self, case: RawCase, name: str) -> Iterator[dict[str, Any]]:
        if case.label is None and case.split == "train":
            yield finding(
                "nnunet_no_label",
                evidence="no label in its entry" if self.is_listed else "images in imagesTr without a file in labelsTr",
                remedy="add the label map, or leave the case out of scoring",
                path=pointer(case.stem, "label")
                if self.is_listed
                else f"labelsTr/{case.stem}{self.dataset.file_ending}",
                case=name,
            )


def _sheet(root: Path) -> dict[str, dict[str, Any]]:
    path = root / CASE_SHEET
    return read_case_sheet(path) if path.is_file() else {}


def _parted(cases: Sequence[RawCase]) -> tuple[list[RawCase], list[Path]]:
    """The first case of every id, and the files of the others."""
    first: dict[str, RawCase] = {}
    twice: list[Path] = []
    for case in cases:
        if first.setdefault(case_id(case.stem), case) is not case:
            twice += case_files(case)
    return list(first.values()), twice


def _why_other(file: Path) -> tuple[str, str]:
    if not file.is_file():
        return "unreadable", "a link that leads nowhere"
    if file.parent.name in ("labelsTr", "labelsTs") and file.name.endswith((".nii.gz", ".nii", ".mha")):
        return "no images", "a label map without any image of its case"
    if file.parent.name in ("imagesTr", "imagesTs") and file.name.endswith((".nii.gz", ".nii", ".mha")):
        return "unknown channel", "the name does not end in a channel number and file ending of dataset.json"
    return "not part of the layout", "neither dataset.json, cases.csv, an image nor a label map"
