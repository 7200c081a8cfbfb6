"""Lung-PET-CT-Dx as any downloader leaves it: DICOM found by headers, boxes joined by SOPInstanceUID."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError, InputError
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import read_headers, sort_headers
from oncohort.formats.dicom.values import RefusedFile
from oncohort.labels import LabelScheme
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.dicom.conversion import convert_case
from oncohort.sources.dicom.facts import case_row, study_findings
from oncohort.sources.dicom.studies import Study, name_cases
from oncohort.sources.lung_pet_ct_dx.annotations import AnnotatedImage, Notes, read_annotations
from oncohort.sources.lung_pet_ct_dx.clinical import ClinicalSheet, choose_sheet, compare_facts, compare_studies
from oncohort.sources.lung_pet_ct_dx.joining import (
    CaseBoxes,
    Joined,
    find_places,
    join_annotations,
    note_folders,
    note_patients,
)
from oncohort.sources.lung_pet_ct_dx.lesions import LungBoxes, place_boxes
from oncohort.sources.lung_pet_ct_dx.metadata import readable_metadata
from oncohort.sources.lung_pet_ct_dx.patches import PATCH_FILE, apply_patches, read_patches
from oncohort.sources.lung_pet_ct_dx.series import LungSeries, pair_days, pairing_findings, sort_series
from oncohort.sources.protocol import CasePlan, FileStamp, SourcePlan, refuse_regions
from oncohort.sources.walking import first_files, refused_row, relative, walk_folder
from oncohort.storage import file_stamp

_LOOKED_AT = 400  # files, until the names are given up


@dataclass(frozen=True)
class LungPetCtDxSource:
    """Reads Lung-PET-CT-Dx: CT and PET as DICOM, boxes as VOC XML, the clinical sheet.

    Examples:
        >>> LungPetCtDxSource().name
        'lung-pet-ct-dx'
    """

    name: str = layout.NAME
    description: str = "Lung-PET-CT-Dx: DICOM tree of any downloader, Annotation/<patient>/<SOPInstanceUID>.xml, xlsx"
    journal: Path | None = None

    def remembering(self, journal: Path) -> LungPetCtDxSource:
        """This source, which keeps the headers that it reads in the file `journal`."""
        return replace(self, journal=journal)

    def detect(self, path: Path) -> bool:
        """Whether one of the first names is of the collection: its folder, a patient's, or that of an annotation."""
        return any(_is_of_collection(file.relative_to(path)) for file in islice(first_files(path), _LOOKED_AT))

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of a folder: scans of one patient and day, with the boxes drawn on them.

        Args:
            path: an existing folder.
            roi: must be None; there are no regions.
            known: study -> case id of an earlier ingestion.
            progress: called while headers and annotations are read.

        Raises:
            InputError: `path` is no folder.
            SettingsError: regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="all boxes are kept")
        if not path.is_dir():
            raise InputError(expected="a folder", found="none", where=str(path), remedy="name an existing folder")
        return _Planner(path.absolute(), known or {}, self.journal, progress).plan()

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows of one case after its volumes were written; boxes of a volume that was refused go with it."""
        result = convert_case(case_plan, folder)
        written = {row["role"] for row in result["volumes"]} | {None}
        root = Path(case_plan.work["root"])
        lost = {row["slice_uid"] for row in case_plan.work["boxes"] if row["volume"] not in written}
        files = case_plan.work["annotations"]
        detail = "the volume that its image belongs to was refused"
        result["refused"] += [refused_row(root, root / files[uid], "reference refused", detail) for uid in sorted(lost)]
        return {
            **result,
            "boxes": [row for row in case_plan.work["boxes"] if row["volume"] in written],
            "structures": [
                row for row in case_plan.work["structures"] if {row["volume"], row["other_volume"]} <= written
            ],
        }


def _is_of_collection(path: Path) -> bool:
    folders = path.parts[:-1]
    if any(name == layout.COLLECTION_FOLDER or layout.PATIENT_PATTERN.match(name) for name in folders):
        return True
    is_patient = bool(folders) and layout.SHORT_PATIENT_PATTERN.match(folders[-1]) is not None
    return is_patient and path.suffix == ".xml" and path.stem.replace(".", "").isdigit()


@dataclass
class _Planner:
    """One plan in the making."""

    root: Path
    known: Mapping[str, str]
    journal: Path | None
    progress: ProgressCallback | None
    notes: Notes = field(default_factory=Notes)
    refused: list[RefusedFile] = field(default_factory=list)
    named: dict[Path, str] = field(default_factory=dict)

    def plan(self) -> SourcePlan:
        walk = walk_folder(self.root)
        kinds = _by_kind(walk.files)
        self.named = {
            path: relative(self.root, path) for kind in ("xml", "xlsx", "patches", "metadata") for path in kinds[kind]
        }
        headers = read_headers(kinds["dicom"], self.progress, self.journal)
        series = sort_series(sort_headers(headers))
        studies = pair_days(series.scans, self.known)
        cases = dict(zip(name_cases(studies, self.known), studies, strict=True))
        sheet = self._sheet(kinds["xlsx"])
        images, patches = self._images(kinds)
        joined = self._join(cases, series, headers, images)
        told, other = readable_metadata(kinds["metadata"], headers, self.notes, self.named)
        self.refused += [*series.refused, *joined.refused, *other]
        self.refused += [RefusedFile(str(path), "not part of the layout", "read by nobody") for path in kinds["other"]]
        shared = [*([sheet.path] if sheet else []), *patches, *told]
        plans = tuple(self._case(case, study, joined.cases.get(case), sheet, shared) for case, study in cases.items())
        return self._finished(plans, shared, walk.refused, series.findings)

    def _sheet(self, paths: Sequence[Path]) -> ClinicalSheet | None:
        sheet, others = choose_sheet(paths, self.notes, self.named)
        for path, detail in others.items():
            reason = "not part of the layout" if detail == "not part of the layout" else "broken clinical sheet"
            self.refused.append(RefusedFile(str(path), reason, detail))
        return sheet

    def _images(self, kinds: Mapping[str, Sequence[Path]]) -> tuple[list[AnnotatedImage], list[Path]]:
        images, refused = read_annotations(kinds["xml"], self.notes, self.named, self.progress)
        self.refused += refused
        applied = []
        for path in kinds["patches"]:
            try:
                images = apply_patches(
                    images, read_patches(path, self.notes, self.named[path]), self.notes, self.named[path]
                )
            except FormatError as error:
                self.refused.append(RefusedFile(str(path), "broken patch file", error.found))
            else:
                applied.append(path)
        return images, applied

    def _join(
        self,
        cases: Mapping[str, Study],
        series: LungSeries,
        headers: Sequence[DicomHeader | RefusedFile],
        images: Sequence[AnnotatedImage],
    ) -> Joined:
        read = [one for one in headers if isinstance(one, DicomHeader)]
        places, aside = find_places(cases, {one.path: one.instance for one in read}, series)
        joined = join_annotations(images, places, aside, self.notes, self.named)
        owners = {one.instance: one.patient for one in read}
        owners |= {one.identity.instance: one.identity.patient for one in series.refused if one.identity is not None}
        patients: dict[str, list[str]] = defaultdict(list)
        for case, study in cases.items():
            patients[study.patient].append(case)
        note_folders(images, owners, patients, self.notes, self.named)
        if images:
            note_patients(joined, patients, self.notes)
        return joined

    def _case(
        self,
        case: str,
        study: Study,
        found: CaseBoxes | None,
        sheet: ClinicalSheet | None,
        shared: Sequence[Path],
    ) -> CasePlan:
        found = found or CaseBoxes()
        histology = layout.class_of(study.patient)
        letter = "" if histology is None else histology.letter
        boxes = place_boxes(case, letter, study, found.drawn)
        for evidence in boxes.gaps:
            self.notes.add("slice_gap", case, self.named[found.files[0]], evidence)
        short = layout.person_of(study.patient).removeprefix(layout.PATIENT_PREFIX)
        clinical = {} if sheet is None else sheet.patients.get(short, {})
        row = {**case_row(case, study, timepoint=1), "patient": layout.person_of(study.patient)}
        if sheet is not None:
            compare_facts(case, row, clinical, self.notes, self.named[sheet.path])
        facts = {
            "group": letter or None,
            "licence": layout.LICENCE,
            "histology": None if histology is None else histology.name,
            "histology_sct": None if histology is None else histology.sct,
            **_empty_clinical(sheet),
            **clinical,
        }
        findings = (*study_findings(self.root, case, study), *pairing_findings(case, study))
        return CasePlan(
            case=case,
            patient=row["patient"],
            row={**row, **facts},
            files=(*_slices(study), *(_stamp(path) for path in (*found.files, *shared))),
            work=self._work(study, boxes, found),
            findings=tuple({**one, "path": self._relative(one["path"])} for one in findings),
        )

    def _work(self, study: Study, boxes: LungBoxes, found: CaseBoxes) -> dict[str, Any]:
        return {
            "root": str(self.root),
            "volumes": {role: one.series.to_dict() for role, one in study.volumes.items()},
            "masks": [],
            "scheme": _NO_LABELS.to_dict(),
            "boxes": list(boxes.boxes),
            "structures": list(boxes.structures),
            "annotations": {path.stem: self.named[path] for path in found.files},
        }

    def _relative(self, path: str) -> str:
        return relative(self.root, path) if Path(path).is_absolute() else path

    def _finished(
        self,
        plans: Sequence[CasePlan],
        shared: Sequence[Path],
        walked: Iterable[Mapping[str, str]],
        missing: Iterable[Mapping[str, Any]],
    ) -> SourcePlan:
        compare_studies([plan.row for plan in plans], self.notes)
        timepoints = _timepoints(plans)
        general = [{**row, "path": self._relative(row["path"]), "case": None} for row in missing]
        by_case: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.notes.rows():
            (by_case[row["case"]] if row["case"] else general).append(row)
        finished = []
        for number, plan in enumerate(plans):
            own = (*(general if number == 0 else ()), *plan.findings, *by_case[plan.case])
            finished.append(replace(plan, row={**plan.row, "timepoint": timepoints[plan.case]}, findings=own))
        unused = [] if plans else [RefusedFile(str(path), "not part of the layout", "no case") for path in shared]
        rows = [refused_row(self.root, one.path, one.reason, one.detail) for one in (*self.refused, *unused)]
        ordered = sorted((*walked, *rows), key=lambda row: (row["path"], row["reason"]))
        return SourcePlan(cases=tuple(finished), refused=tuple(ordered), scheme=_NO_LABELS)


def _timepoints(plans: Sequence[CasePlan]) -> dict[str, int]:
    """The number of each case among those of its patient, by date."""
    counts: dict[str, int] = defaultdict(int)
    numbers = {}
    for plan in sorted(plans, key=lambda one: one.row["study_date"] or ""):
        counts[plan.patient] += 1
        numbers[plan.case] = counts[plan.patient]
    return numbers


_NO_LABELS = LabelScheme("regions", {})


def _by_kind(files: Iterable[Path]) -> dict[str, list[Path]]:
    kinds: dict[str, list[Path]] = {name: [] for name in ("xml", "xlsx", "patches", "metadata", "other", "dicom")}
    for path in files:
        ending = path.suffix.lower().removeprefix(".")
        if path.name == PATCH_FILE:
            kinds["patches"].append(path)
        elif path.name == layout.METADATA_FILE:
            kinds["metadata"].append(path)
        elif path.name == "LICENSE":
            kinds["other"].append(path)
        else:
            kinds[ending if ending in ("xml", "xlsx") else "dicom"].append(path)
    return kinds


def _empty_clinical(sheet: ClinicalSheet | None) -> dict[str, None]:
    """The columns of the sheet, empty: tables have one form whatever a patient's row says."""
    columns = {} if sheet is None else next(iter(sheet.patients.values()), {})
    return dict.fromkeys(columns)


def _slices(study: Study) -> list[FileStamp]:
    return [
        FileStamp(one.path, one.bytes, one.mtime_ns) for found in study.volumes.values() for one in found.series.slices
    ]


def _stamp(path: Path) -> FileStamp:
    stamp = file_stamp(path)
    return FileStamp(str(path), stamp["bytes"], stamp["mtime_ns"])
