"""Longitudinal CT of melanoma: baseline and follow-up scans as cases of one patient, with lesions linked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError, shown
from oncohort.labels import LabelScheme
from oncohort.layouts import longitudinal_ct
from oncohort.sources.longitudinal_ct.lesions import LesionSheet, read_lesion_sheet, unknown_texts
from oncohort.sources.longitudinal_ct.listing import Scan, ScanKey, ScanListing, case_of, has_scan_names, list_scans
from oncohort.sources.prompt_rows import PromptFile, PromptReader
from oncohort.sources.protocol import CasePlan, SourcePlan, refuse_regions
from oncohort.sources.referenced import ImageFile, Refusal, as_stored, finding, open_case, stamp
from oncohort.sources.walking import refused_row, relative

Row = dict[str, Any]

_LOOKED_AT = 50
_WITHOUT_SHEET = 255  # lesions that a mask may hold whose sheet nobody has
_ORIGIN = "autoPET IV longitudinal clicks"


@dataclass(frozen=True)
class LongitudinalCtSource:
    """Reads the old and the present release of the longitudinal CT set; nothing is copied.

    Examples:
        >>> LongitudinalCtSource().name
        'longitudinal-ct'
    """

    name: str = longitudinal_ct.NAME
    description: str = "longitudinal CT of autoPET IV: inputsTr and targetsTr with <id>_{BL,FU}_{img,mask}_00.nii.gz"

    def detect(self, path: Path) -> bool:
        """Whether the first files of `inputsTr` are named like scans of this set."""
        return has_scan_names(path, _LOOKED_AT)

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`: one per scan.

        Args:
            path: The folder that holds `inputsTr` and `targetsTr`.
            roi: Must be None; labels are lesions by number.
            known: Not needed; ids are file names.
            progress: Not called; listing is quick.

        Raises:
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="labels are lesions by number")
        root = path.absolute()
        return _Planner(root, list_scans(root)).plan()

    def convert(self, case_plan: CasePlan, folder: Path) -> Row:
        """Rows that refer to the files of one scan; `folder` gets nothing.

        An image or mask that is damaged, cut short or on another grid refuses the case; clicks that cannot be read
        are refused alone.
        """
        root = Path(case_plan.work["root"])
        volumes, result = open_case(case_plan, root)
        if not volumes:
            return result
        clicks = PromptReader(root, case_plan.case, "ct", volumes["ct"].geometry).read(case_plan.work["prompts"])
        result["refused"] += clicks.refused
        result["findings"] += [*clicks.findings, *_strange_clicks(case_plan, root, clicks.prompts)]
        structures = [{"case": case_plan.case, **row} for row in case_plan.work["lesions"]]
        return {**result, "prompts": clicks.prompts, "structures": structures}


class _Planner:
    """Joins scans with the sheets of their patients."""

    def __init__(self, root: Path, listing: ScanListing) -> None:
        self.root = root
        self.listing = listing
        self.sheets: dict[str, LesionSheet] = {}
        self.refusals: dict[str, Refusal] = {}
        for patient, path in listing.sheets.items():
            try:
                self.sheets[patient] = read_lesion_sheet(path)
            except FormatError as error:
                self.refusals[patient] = Refusal("unreadable", str(error))
        self.lesions: dict[ScanKey, list[Row]] = {}
        for patient, sheet in self.sheets.items():
            for key, rows in (found for lesion in sheet.lesions for found in lesion.rows(patient)):
                self.lesions.setdefault(key, []).extend(rows)

    def plan(self) -> SourcePlan:
        general = tuple(self._findings())
        cases = [
            self._case(scan, general if position == 0 else ())
            for position, scan in enumerate(self.listing.scans.values())
        ]
        return SourcePlan(cases=tuple(cases), refused=tuple(self._refused()), scheme=self._scheme())

    def _case(self, scan: Scan, general: Sequence[Row]) -> CasePlan:
        patient = scan.key[0]
        shared = [stamp(self.listing.sheets[patient])] if patient in self.sheets else []
        clicks = scan.files.get("clicks")
        files = [scan.files[what] for what in ("img", "mask", "clicks") if what in scan.files]
        prompts = [PromptFile(str(clicks), "longitudinal", "click", _ORIGIN).to_dict()] if clicks else []
        return CasePlan(
            case=scan.case,
            patient=patient,
            row=_row(scan),
            files=(*(stamp(file) for file in files), *shared),
            work={
                "root": str(self.root),
                "shared": [one.path for one in shared],
                "images": [image.to_dict() for image in _images(scan)],
                "prompts": prompts,
                "lesions": self.lesions.get(scan.key, []),
                "has_sheet": patient in self.sheets,
            },
            findings=(*general, *self._scan_findings(scan)),
        )

    def _scheme(self) -> LabelScheme:
        numbers = {lesion.number for sheet in self.sheets.values() for lesion in sheet.lesions}
        if set(self.sheets) != {key[0] for key in self.listing.scans} or not numbers:
            numbers |= set(range(1, _WITHOUT_SHEET + 1))
        labels = {f"lesion_{number}": number for number in sorted(numbers)}
        return LabelScheme("longitudinal CT", labels, groups={longitudinal_ct.LESION: tuple(labels)})

    def _refused(self) -> list[Row]:
        rows: list[Row] = [dict(row) for row in self.listing.rows]
        rows += [refused_row(self.root, file, *why) for file, why in self.listing.others.items()]
        for patient, why in self.refusals.items():
            rows.append(refused_row(self.root, self.listing.sheets[patient], why.reason, why.detail))
        return sorted(rows, key=lambda row: (row["path"], row["reason"]))

    def _scan_findings(self, scan: Scan) -> Iterator[Row]:
        here = relative(self.root, scan.files["img"])
        if "mask" not in scan.files:
            remedy = "add the mask, or leave the case out of scoring"
            severity = "warning" if scan.split == "train" else "info"
            yield _finding("longitudinal_no_label", "image without a mask", remedy, here, scan.case, severity)
        if "clicks" not in scan.files:
            remedy = "nothing, if prompts are not needed"
            yield _finding("longitudinal_no_clicks", "image without clicks", remedy, here, scan.case, "info")

    def _findings(self) -> Iterator[Row]:
        patients = sorted({key[0] for key in self.listing.scans})
        sides = {patient: {key[1] for key in self.listing.scans if key[0] == patient} for patient in patients}
        single = [patient for patient in patients if len(sides[patient]) < 2]
        without = [patient for patient in patients if patient not in self.sheets]
        missing = sorted(case_of(key) for key in self.lesions if key not in self.listing.scans)
        for rule, names, text, remedy in (
            ("longitudinal_single_time_point", single, "patients have one time point", "fetch the other scans"),
            ("longitudinal_no_sheet", without, "patients have no sheet that can be read", "fetch <id>.csv"),
            ("longitudinal_missing_scan", missing, "scans that sheets name are not here", "fetch the scans"),
        ):
            if names:
                yield _finding(rule, f"{len(names)} {text}: {shown(names)}", remedy)
        if len(patients) != longitudinal_ct.PATIENTS["train"]:
            evidence = f"{len(patients)} patients; published are {longitudinal_ct.PATIENTS['train']}"
            remedy = "nothing, if this is a part of the published set"
            yield _finding("longitudinal_counts", evidence, remedy, severity="info")
        yield from self._sheet_findings()

    def _sheet_findings(self) -> Iterator[Row]:
        for patient, sheet in self.sheets.items():
            here = relative(self.root, self.listing.sheets[patient])
            numbers = {str(lesion.number) for lesion in sheet.lesions}
            merged = {
                lesion.texts["merged_into"].removesuffix(".0")
                for lesion in sheet.lesions
                if "merged_into" in lesion.texts
            }
            classes = unknown_texts(sheet.lesions, "topology_class", longitudinal_ct.TOPOLOGY_CLASSES)
            types = unknown_texts(sheet.lesions, "lesion_type", longitudinal_ct.LESION_TYPES)
            for rule, values, text in (
                ("longitudinal_sheet", sheet.unread, "cells that cannot be read"),
                ("longitudinal_topology", classes, "topology classes that are not published"),
                ("longitudinal_topology", sorted(merged - numbers), "lesions that others merged into have no row"),
                ("longitudinal_lesion_type", types, "lesion types that are not published"),
            ):
                if values:
                    yield _finding(rule, f"{len(values)} {text}: {shown(values)}", "look at the sheet", here)
        yield from self._releases()

    def _releases(self) -> Iterator[Row]:
        old = [patient for patient, sheet in self.sheets.items() if sheet.is_old]
        named = [scan.case for scan in self.listing.scans.values() if scan.is_old]
        if old or named:
            who = shown(dict.fromkeys([*named, *old]))
            evidence = f"{len(named)} scans have names and {len(old)} sheets have columns of the first release: {who}"
            remedy = "topology classes and volumes are in the present release"
            yield _finding("longitudinal_release", evidence, remedy, severity="info")
        true = [
            f"{patient} lesion {lesion.number}"
            for patient, sheet in self.sheets.items()
            for lesion in sheet.lesions
            if "cog_propagated" not in lesion.points and "cog_fu" in lesion.points
        ]
        if true:
            evidence = f"{len(true)} follow-up clicks are the centre of the lesion itself: {shown(true)}"
            remedy = "they tell a model where the truth is; leave them out where that matters"
            yield _finding("longitudinal_true_clicks", evidence, remedy, severity="info")


def _row(scan: Scan) -> Row:
    patient, side, number = scan.key
    return {
        "case": scan.case,
        "patient": patient,
        "timepoint": list(longitudinal_ct.SIDES).index(side) + 1,
        "group": patient,
        "split": scan.split,
        "licence": longitudinal_ct.LICENCE,
        "scan": longitudinal_ct.SIDES[side],
        "scan_number": number,
    }


def _images(scan: Scan) -> Iterator[ImageFile]:
    yield ImageFile("ct", str(scan.files["img"]), "HU", as_stored("as stored"))
    if "mask" in scan.files:
        yield ImageFile("lesions", str(scan.files["mask"]), "label", None, "ct")


def _strange_clicks(case_plan: CasePlan, root: Path, prompts: Sequence[Row]) -> Iterator[Row]:
    known = {row["lesion"] for row in case_plan.work["lesions"]}
    strange = sorted({row["lesion"] for row in prompts} - known)
    if strange and case_plan.work["has_sheet"]:
        evidence = f"{len(strange)} clicks are on lesions that the sheet does not have on this scan: {shown(strange)}"
        here = relative(root, case_plan.work["prompts"][0]["path"])
        yield _finding("longitudinal_click_lesion", evidence, "compare the clicks with the sheet", here, case_plan.case)


def _finding(
    rule: str, evidence: str, remedy: str, path: str = "", case: str | None = None, severity: str = "warning"
) -> Row:
    return finding(rule, evidence=evidence, remedy=remedy, path=path, case=case, severity=severity)
