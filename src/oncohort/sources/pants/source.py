"""PanTS as it is published: CT, 28 structures in one file each, their combined map, and the sheet; nothing is copied.

Only headers are read: the index of the whole set takes seconds, not hours. A case keeps what can be used of it: a
file that is damaged, or on another grid than the other structures, is refused alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import FormatError, InputError, shown
from oncohort.layouts import pants as layout
from oncohort.layouts.labels import scheme
from oncohort.sources.pants.conversion import convert_pants
from oncohort.sources.pants.listing import PantsCase, PantsListing, has_cases, list_cases
from oncohort.sources.pants.sheet import PantsSheet, read_pants_sheet
from oncohort.sources.protocol import CasePlan, SourcePlan, refuse_regions
from oncohort.sources.referenced import Row, finding
from oncohort.sources.walking import refused_row, walk_folder


@dataclass(frozen=True)
class PantsSource:
    """Reads the published folders, whole or in part (images or labels alone, some cases); nothing is copied.

    Examples:
        >>> PantsSource().name
        'pants'
    """

    name: str = layout.NAME
    description: str = "PanTS: ImageTr, ImageTe, LabelTr, LabelTe (folders PanTS_<8 digits>), metadata.xlsx"

    def detect(self, path: Path) -> bool:
        """Whether folders named `PanTS_<8 digits>` lie in one of the published folders, or in `path` itself."""
        return has_cases(path)

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases under `path`, by names and sheet; headers are read by `convert`.

        Args:
            path: The folder that holds the published ones.
            roi: Must be None; structures have names.
            known: Not needed; ids are names of folders.
            progress: Not called; listing is quick.

        Raises:
            InputError: `path` is no folder.
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="all structures are kept")
        if not path.is_dir():
            raise InputError(expected="a folder", found="none", where=str(path), remedy="name an existing folder")
        root = path.absolute()
        listing = list_cases(root, walk_folder(root))
        sheet = _usable_sheet(root, listing)
        plans = tuple(_plans(root, listing, sheet))
        return SourcePlan(
            cases=plans,
            refused=tuple(sorted(listing.refused, key=lambda row: (row["path"], row["reason"]))),
            scheme=scheme(layout.NAME),
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows that refer to the files of one case, after their headers were read; `folder` gets nothing."""
        return convert_pants(case_plan)


def _usable_sheet(root: Path, listing: PantsListing) -> PantsSheet | None:
    """What the sheet says; one that cannot be read, or that serves no case, is refused."""
    if listing.sheet is None:
        return None
    try:
        sheet = read_pants_sheet(listing.sheet.path)
    except FormatError as error:
        listing.refused.append(refused_row(root, listing.sheet.path, "unreadable", str(error)))
        listing.sheet = None
        return None
    if not listing.cases:
        why = "the sheet of the set, and there is no case"
        listing.refused.append(refused_row(root, listing.sheet.path, "not part of the layout", why))
    return sheet


def _plans(root: Path, listing: PantsListing, sheet: PantsSheet | None) -> Iterator[CasePlan]:
    general = tuple(_general_findings(listing, sheet)) if listing.cases else ()
    shared = () if listing.sheet is None else (listing.sheet,)
    for position, case in enumerate(listing.cases.values()):
        facts = {} if sheet is None else sheet.facts.get(case.name)
        split = layout.split_of(int(case.name.rpartition("_")[2]))
        yield CasePlan(
            case=case.name,
            patient=case.name,
            row={
                "case": case.name,
                "patient": case.name,
                "split": split,
                "licence": layout.LICENCE,
                **(facts or {}),
                **({} if case.report is None else {"report_file": case.report.path}),
            },
            files=(*case.files(), *shared),
            work=_work(root, case),
            findings=(*(general if position == 0 else ()), *_case_findings(case, split, is_listed=facts is not None)),
        )


def _work(root: Path, case: PantsCase) -> dict[str, Any]:
    folder = next((os.path.dirname(file.path) for file in case.structures.values()), None)  # noqa: PTH120 - 10,000 times
    return {
        "root": str(root),
        "ct": case.ct and case.ct.path,
        "folder": folder,
        "structures": [name for name in layout.STRUCTURES if name in case.structures],
        "combined": case.combined and case.combined.path,
    }


def _case_findings(case: PantsCase, split: str, *, is_listed: bool) -> Iterator[Row]:
    if case.folder_splits - {split}:
        yield finding(
            "pants_split",
            evidence=f"the folders say {', '.join(sorted(case.folder_splits))}; by its number it is of split {split}",
            remedy="put the case into the folders of its split; the number was taken",
            path=case.name,
            case=case.name,
        )
    if not is_listed:
        yield finding(
            "pants_case_without_row",
            evidence=f"no row in {layout.SHEET_FILE}",
            remedy="fetch the sheet again; age, sex and phase are unknown",
            path=layout.SHEET_FILE,
            case=case.name,
        )


def _general_findings(listing: PantsListing, sheet: PantsSheet | None) -> Iterator[Row]:
    yield finding(
        "pants_no_patients",
        evidence="the set publishes no patient ids; every case counts as a patient of its own",
        remedy="keep in mind that scans of one patient may stand in training and test",
        path=".",
        severity="info",
    )
    yield finding(
        "pants_licence",
        evidence=f"the publications of the set name different licences: {layout.LICENCE}",
        remedy="keep to the stricter one",
        path=".",
        severity="info",
    )
    if sheet is None:
        yield finding(
            "pants_no_sheet",
            evidence=f"no {layout.SHEET_FILE} that can be read at the top of the folder",
            remedy="fetch it; without it age, sex, phase, site and the tumour flag are unknown",
            path=layout.SHEET_FILE,
        )
        return
    yield from sheet.findings
    absent = sorted(set(sheet.facts) - set(listing.cases))
    if absent:
        yield finding(
            "pants_row_without_case",
            evidence=f"{len(absent)} of {len(sheet.facts)} rows have no files here: {shown(absent)}",
            remedy="nothing, if only a part of the set is wanted",
            path=layout.SHEET_FILE,
            severity="info",
        )
