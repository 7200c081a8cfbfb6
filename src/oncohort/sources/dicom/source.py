"""Any tree of DICOM files: CT and PET series, RT structure sets and segmentations, found by their headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import InputError
from oncohort.formats.dicom.header import has_dicom_mark
from oncohort.formats.dicom.index import DicomIndex, read_headers, sort_headers
from oncohort.formats.dicom.series import SuvRecipe, stack_series
from oncohort.formats.dicom.values import RefusedFile, Unusable
from oncohort.labels import LabelScheme
from oncohort.sources.dicom.conversion import convert_case
from oncohort.sources.dicom.facts import case_row, study_findings
from oncohort.sources.dicom.structures import SeriesLookup, attach
from oncohort.sources.dicom.studies import SeriesFound, StructuresFound, Study, name_cases, pair_studies
from oncohort.sources.protocol import CasePlan, FileStamp, SourcePlan
from oncohort.sources.walking import first_files, refused_row, walk_folder

_LOOKED_AT = 200  # files, until a folder without DICOM is given up

SCHEME_NAME = "regions"
"""Name of the label scheme: one label per region name, numbered in alphabetical order."""


@dataclass(frozen=True)
class DicomSource:
    """Reads any tree of DICOM files into cases: series paired by patient, study and frame of reference.

    Examples:
        >>> DicomSource().name
        'dicom'
    """

    name: str = "dicom"
    description: str = "any tree of DICOM files: CT and PET series, RTSTRUCT, SEG"
    journal: Path | None = None
    recipe: SuvRecipe = "suv"

    def with_recipe(self, recipe: SuvRecipe) -> DicomSource:
        """This source, which makes SUV by the rules named `recipe`."""
        return replace(self, recipe=recipe)

    def remembering(self, journal: Path) -> DicomSource:
        """This source, which keeps the headers that it reads in the file `journal`."""
        return replace(self, journal=journal)

    def detect(self, path: Path) -> bool:
        """Whether one of the first files under `path` bears the mark of DICOM."""
        return any(has_dicom_mark(file) for file in islice(first_files(path), _LOOKED_AT))

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases found by reading the header of every file under `path`, whatever its name.

        Args:
            path: an existing folder.
            roi: names of the regions to keep; None keeps all.
            known: StudyInstanceUID -> case id of an earlier ingestion, so that ids never change.
            progress: called every few hundred files.

        Raises:
            InputError: `path` is no folder.
        """
        if not path.is_dir():
            raise InputError(expected="a folder", found="none", where=str(path), remedy="name an existing folder")
        root = path.absolute()
        walk = walk_folder(root)
        index = sort_headers(read_headers(walk.files, progress, self.journal))
        series, broken = _usable_series(index, self.recipe)
        structures, unused = _usable_structures(index, series, roi)
        studies = pair_studies(series, structures)
        scheme = _scheme(structures)
        refused = [
            refused_row(root, one.path, one.reason, one.detail)
            for one in dict.fromkeys((*index.refused, *broken, *unused))
        ]
        names = name_cases(studies, known or {})
        timepoints = _timepoints(studies)
        return SourcePlan(
            cases=tuple(
                _case_plan(root, name, study, scheme, timepoint)
                for name, study, timepoint in zip(names, studies, timepoints, strict=True)
            ),
            refused=tuple(sorted((*walk.refused, *refused), key=lambda row: (row["path"], row["reason"]))),
            scheme=scheme,
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows of one case after its volumes were written under `folder / "volumes"`.

        One series is in memory at a time. A file that changed since the plan refuses its series; the case keeps the
        rest.
        """
        return convert_case(case_plan, folder)


def _usable_series(index: DicomIndex, recipe: SuvRecipe) -> tuple[list[SeriesFound], list[RefusedFile]]:
    found, refused = [], []
    for headers in index.series.values():
        try:
            found.append(SeriesFound(headers[0], stack_series(headers, recipe=recipe)))
        except Unusable as unusable:
            refused += [RefusedFile(header.path, unusable.reason, unusable.detail) for header in headers]
    return found, refused


def _usable_structures(
    index: DicomIndex, series: Iterable[SeriesFound], roi: Sequence[str] | None
) -> tuple[list[StructuresFound], list[RefusedFile]]:
    usable = {found.header.series: (found.header.patient, found.header.study) for found in series}
    lookup = SeriesLookup.of(index, usable)
    attached = [attach(header, lookup, roi) for header in index.structures]
    structures = [one for one in attached if isinstance(one, StructuresFound)]
    return structures, [one for one in attached if isinstance(one, RefusedFile)]


def _scheme(structures: Iterable[StructuresFound]) -> LabelScheme:
    names = sorted({name for drawn in structures for name in drawn.regions})
    return LabelScheme(SCHEME_NAME, {name: value for value, name in enumerate(names, start=1)})


def _timepoints(studies: Sequence[Study]) -> list[int]:
    counts: dict[str, int] = {}
    timepoints = []
    for study in studies:
        counts[study.patient] = counts.get(study.patient, 0) + 1
        timepoints.append(counts[study.patient])
    return timepoints


def _case_plan(root: Path, name: str, study: Study, scheme: LabelScheme, timepoint: int) -> CasePlan:
    masks = [
        {
            "role": role,
            "form": drawn.header.modality,
            "path": drawn.header.path,
            "volume": next(key for key, found in study.volumes.items() if found.header.series == drawn.target),
            "regions": list(drawn.regions),
        }
        for role, drawn in study.masks.items()
    ]
    slices = [
        FileStamp(one.path, one.bytes, one.mtime_ns) for found in study.volumes.values() for one in found.series.slices
    ]
    drawings = [
        FileStamp(drawn.header.path, drawn.header.bytes, drawn.header.mtime_ns) for drawn in study.masks.values()
    ]
    return CasePlan(
        case=name,
        patient=study.patient,
        row=case_row(name, study, timepoint),
        files=tuple(dict.fromkeys((*slices, *drawings))),
        work={
            "root": str(root),
            "volumes": {role: found.series.to_dict() for role, found in study.volumes.items()},
            "masks": masks,
            "scheme": scheme.to_dict(),
        },
        findings=tuple(study_findings(root, name, study)),
    )
