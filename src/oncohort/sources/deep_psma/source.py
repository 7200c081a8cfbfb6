"""DEEP-PSMA: each patient has two cases, one per tracer, that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.compute import ProgressCallback
from oncohort.formats.rigid_transforms import largest_shift_mm
from oncohort.labels import LabelScheme
from oncohort.layouts import deep_psma
from oncohort.sources.deep_psma.listing import TracerFolder, TracerListing, list_tracers
from oncohort.sources.protocol import CasePlan, SourcePlan, refuse_regions
from oncohort.sources.referenced import ImageFile, as_stored, finding, open_case, stamp
from oncohort.sources.walking import first_entries, refused_row, relative
from oncohort.volume import Volume

Row = dict[str, Any]

_LOOKED_AT = 50
_TRANSFORM_TOLERANCE_MM = 1.0
SCHEME = LabelScheme("DEEP-PSMA", {deep_psma.LESION: deep_psma.LESION_VALUE}, aliases={"ttb": deep_psma.LESION})
"""The total tumour burden is the lesion."""
ORGAN_SCHEME = LabelScheme(
    "totseg_24", {f"organ_group_{number}": number for number in range(1, deep_psma.ORGAN_GROUPS + 1)}
)
"""Of `totseg_24.nii.gz`, whose groups have numbers and no published names."""


@dataclass(frozen=True)
class DeepPsmaSource:
    """Reads the published folders of DEEP-PSMA; nothing is copied.

    Examples:
        >>> DeepPsmaSource().name
        'deep-psma'
    """

    name: str = deep_psma.NAME
    description: str = "DEEP-PSMA: train_0001/{PSMA,FDG}/ with CT, PET, TTB, totseg_24, threshold.json and rigid.tfm"

    def detect(self, path: Path) -> bool:
        """Whether one of the first folders holds a tracer with its PET."""
        folders = first_entries(path, _LOOKED_AT)
        return any((folder / name / deep_psma.PET_FILE).is_file() for folder in folders for name in deep_psma.TRACERS)

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`: one per patient and tracer that has a PET.

        Args:
            path: The folder that holds those of the patients.
            roi: Must be None; there is one label.
            known: Not needed; ids are folder names.
            progress: Not called; listing is quick.

        Raises:
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="the only label is the tumour burden")
        root = path.absolute()
        listing = list_tracers(root)
        whole = [tracer for tracer in listing.tracers if deep_psma.PET_FILE in tracer.files]
        partners = {tracer.case: _partner(tracer, whole) for tracer in whole}
        return SourcePlan(
            cases=tuple(_case_plan(root, tracer, partners[tracer.case]) for tracer in whole),
            refused=tuple(sorted(_refused(root, listing), key=lambda row: (row["path"], row["reason"]))),
            scheme=SCHEME,
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> Row:
        """Rows that refer to the files of one case; `folder` gets nothing.

        An image that is damaged, cut short, or a tumour burden on another grid than its PET refuses the case.
        """
        root = Path(case_plan.work["root"])
        volumes, result = open_case(case_plan, root)
        if volumes:
            result["findings"] += _organ_grid(case_plan, volumes)
        return result


def _partner(tracer: TracerFolder, whole: Sequence[TracerFolder]) -> TracerFolder | None:
    return next((one for one in whole if one.patient == tracer.patient and one is not tracer), None)


def _refused(root: Path, listing: TracerListing) -> Iterator[Mapping[str, str]]:
    yield from listing.rows
    yield from (refused_row(root, file, *why) for file, why in listing.others.items())
    for tracer in listing.tracers:
        if deep_psma.PET_FILE not in tracer.files:
            detail = f"case {tracer.case} lacks {deep_psma.PET_FILE}"
            yield from (refused_row(root, file, "missing channel", detail) for file in tracer.files.values())
            continue
        yield from (refused_row(root, file, why.reason, why.detail) for file, why in tracer.unusable())


def _case_plan(root: Path, tracer: TracerFolder, partner: TracerFolder | None) -> CasePlan:
    unusable = {file for file, _ in tracer.unusable()}
    files = [tracer.files[name] for name in sorted(tracer.files) if tracer.files[name] not in unusable]
    return CasePlan(
        case=tracer.case,
        patient=tracer.patient,
        row=_row(tracer),
        files=tuple(stamp(file) for file in files),
        work={"root": str(root), "shared": [], "images": [image.to_dict() for image in _images(tracer)]},
        findings=tuple(_findings(root, tracer, partner)),
    )


def _row(tracer: TracerFolder) -> Row:
    row: Row = {
        "case": tracer.case,
        "patient": tracer.patient,
        "tracer": tracer.tracer,
        "centre": deep_psma.CENTRE,
        "group": tracer.patient,
        "split": tracer.split,
        "licence": deep_psma.LICENCE,
    }
    if isinstance(tracer.threshold_suv, float):
        row["suv_threshold"] = tracer.threshold_suv
    return row


def _images(tracer: TracerFolder) -> Iterator[ImageFile]:
    names = (deep_psma.PET_FILE, *(name for name in deep_psma.VOLUMES if name != deep_psma.PET_FILE))
    for name in (name for name in names if name in tracer.files):
        role, unit = deep_psma.VOLUMES[name]
        scale = None if unit == "label" else as_stored(f"as stored in {name}")
        if role == "organs":
            scale = {"label_scheme": ORGAN_SCHEME.to_dict()}
        if role == "pet" and scale is not None and isinstance(tracer.to_other_tracer, np.ndarray):
            scale = {**scale, "to_other_tracer": tracer.to_other_tracer.tolist()}
        yield ImageFile(role, str(tracer.files[name]), unit, scale, "pet" if role == "lesions" else None)


def _findings(root: Path, tracer: TracerFolder, partner: TracerFolder | None) -> Iterator[Row]:
    here = relative(root, tracer.folder)
    for name, severity, remedy in (
        (deep_psma.CT_FILE, "warning", "add the CT, or use the PET alone"),
        (deep_psma.TTB_FILE, "warning" if tracer.split == "train" else "info", "leave the case out of scoring"),
        (deep_psma.ORGANS_FILE, "info", "nothing, if organs are not needed"),
        (deep_psma.THRESHOLD_FILE, "warning", "take the threshold from the published file"),
        (deep_psma.RIGID_FILE, "info", "nothing, if the tracers are not compared voxel by voxel"),
    ):
        if name not in tracer.files:
            yield _finding("deep_psma_missing_file", tracer, here, f"no {name}", remedy, severity)
    if partner is None:
        remedy = "add the other tracer, or score with a profile of single cases"
        yield _finding("deep_psma_single_tracer", tracer, here, f"only {tracer.tracer} of this patient", remedy)
    elif tracer.tracer == deep_psma.TRACERS[0]:
        yield from _transform_findings(here, tracer, partner)
    suv = tracer.threshold_suv
    if tracer.tracer == "PSMA" and isinstance(suv, float) and suv != deep_psma.PSMA_THRESHOLD_SUV:
        evidence = f"SUV threshold {suv:g}; published is {deep_psma.PSMA_THRESHOLD_SUV:g} for every PSMA scan"
        yield _finding("deep_psma_threshold", tracer, here, evidence, "compare threshold.json with the published one")


def _transform_findings(here: str, tracer: TracerFolder, partner: TracerFolder) -> Iterator[Row]:
    there, back = tracer.to_other_tracer, partner.to_other_tracer
    if isinstance(there, np.ndarray) and isinstance(back, np.ndarray):
        apart = largest_shift_mm(back @ there)
        if apart > _TRANSFORM_TOLERANCE_MM:
            evidence = f"the two transforms of the patient are no inverses: {apart:.1f} mm apart"
            yield _finding("deep_psma_transforms", tracer, here, evidence, "find out which one was used")


def _organ_grid(case_plan: CasePlan, volumes: Mapping[str, Volume]) -> list[Row]:
    organs = volumes.get("organs")
    grids = [volumes[role].geometry for role in ("ct", "pet") if role in volumes]
    if organs is None or len(grids) < 2 or any(grid.is_same_grid(organs.geometry) for grid in grids):
        return []
    return [
        finding(
            "deep_psma_organ_grid",
            evidence=f"{deep_psma.ORGANS_FILE} lies on the grid of neither CT nor PET",
            remedy="resample it before it is used with them",
            path=relative(Path(case_plan.work["root"]), Path(case_plan.files[0].path).parent),
            case=case_plan.case,
        )
    ]


def _finding(rule: str, tracer: TracerFolder, path: str, evidence: str, remedy: str, severity: str = "warning") -> Row:
    return finding(rule, evidence=evidence, remedy=remedy, path=path, case=tracer.case, severity=severity)
