"""One case as a picture or a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Case, Cohort
from oncohort.description import is_synthetic
from oncohort.errors import InputError, SettingsError
from oncohort.formats import open_cohort
from oncohort.pictures.points import At
from oncohort.pictures.subjects import Subject, Wanted, subject_of, when_words
from oncohort.reporting.drawing import VIEWS, WINDOWS
from oncohort.reporting.sheets import MIP, CutCase, SheetSettings, cut_case, draw_sheet
from oncohort.reporting.sheets.page import SheetPage, render_sheet
from oncohort.sources.enhance_pet.facts import UNIDENTIFIED
from oncohort.storage import write_bytes

PLANES = (*VIEWS, MIP)
"""What a sheet can show."""

_PAGE_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class ShownCase:
    """A drawn case; notebooks show it.

    Args:
        png: The picture.
        facts: What it shows, as JSON values.
        path: The file that was written; None without one.
    """

    png: bytes = field(repr=False)
    facts: Mapping[str, Any]
    path: Path | None = None

    def _repr_png_(self) -> bytes:
        return self.png


def show_case(  # noqa: PLR0913 - what is shown, and how
    cohort: Cohort | str | Path,
    case: str,
    *,
    out: str | Path | None = None,
    window: str | Sequence[str] = "mediastinum",
    suv: tuple[float, float] = (0.0, 10.0),
    planes: Sequence[str] = PLANES,
    at: At = None,
    roles: Sequence[str] | None = None,
    predictions: Mapping[str, str | Path] | None = None,
    timepoints: int = 4,
) -> ShownCase:
    """A sheet of one case: CT, PET and PET over CT in three planes, and the projection of the PET.

    Contours of masks, boxes and prompts are drawn where the cohort has them. Other
    time points of the patient stand side by side under the sheet.

    Args:
        cohort: The cohort, or its folder.
        case: Id of the case.
        out: File to write, PNG or HTML by its suffix; None writes nothing.
        window: Windows of the CT by name, a row each; see `oncohort.reporting.drawing.WINDOWS`.
        suv: SUV shown white and SUV shown black.
        planes: Of "axial", "coronal", "sagittal" and "mip".
        at: A voxel (i, j, k) of the case's reference grid, or the number of a lesion by size; default the largest.
        roles: Roles to show; None for all.
        predictions: Folder of predictions by model.
        timepoints: Most time points of the patient to show side by side; 1 for the case alone.

    Raises:
        SettingsError: A window, plane, role, point or suffix that there is not.
        InputError: The cohort has no such case, or a file of it cannot be read.
        MissingNeedError: The case has neither CT nor PET.
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import ingest, write_phantom_cohort
        >>> with TemporaryDirectory() as folder:
        ...     phantoms = write_phantom_cohort(f"{folder}/phantoms", cases=1, form="nnunet")
        ...     cohort = ingest(phantoms.source, phantoms.data, out=f"{folder}/cohort")
        ...     picture = show_case(cohort, cohort.case_ids[0], planes=["axial", "mip"])
        >>> picture.png[1:4], picture.facts["planes"]
        (b'PNG', ['axial', 'mip'])
    """
    opened = cohort if isinstance(cohort, Cohort) else open_cohort(cohort)
    settings = _settings(opened, window, suv, planes)
    target = None if out is None else _checked_target(Path(out))
    folders = {name: Path(folder) for name, folder in (predictions or {}).items()}
    wanted = Wanted(at, None if roles is None else tuple(roles), folders)
    chosen = opened[case]
    subject = subject_of(opened, chosen, wanted)
    cut = cut_case(subject.sheet, settings)
    strip = _strip(opened, chosen, settings, wanted.roles, timepoints)
    drawn = draw_sheet(cut, settings, strip)
    facts = _facts(chosen, subject, cut, settings, strip) | {"structures": list(drawn.names)}
    if target is not None:
        _write(target, drawn.png, opened, facts)
    return ShownCase(drawn.png, facts, target)


def _settings(
    cohort: Cohort, window: str | Sequence[str], suv: tuple[float, float], planes: Sequence[str]
) -> SheetSettings:
    names = (window,) if isinstance(window, str) else tuple(window)
    _require_known("window", names, tuple(WINDOWS))
    _require_known("planes", tuple(planes), PLANES)
    low, high = suv
    if not 0 <= low < high < float("inf"):
        raise SettingsError(
            expected="two SUV, the lower first", found=f"{low:g},{high:g}", where="suv", remedy="write for example 0,10"
        )
    return SheetSettings(tuple(WINDOWS[name] for name in names), (low, high), tuple(planes), is_synthetic(cohort))


def _require_known(where: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise SettingsError(
            expected=f"one or more of {', '.join(known)}",
            found=", ".join(unknown) or "none",
            where=where,
            remedy="see docs/show.md",
        )


def _checked_target(path: Path) -> Path:
    if path.suffix.lower() not in (".png", *_PAGE_SUFFIXES):
        raise SettingsError(
            expected="a file that ends in .png or .html", found=str(path), where="out", remedy="correct its suffix"
        )
    return path


def _strip(
    cohort: Cohort, case: Case, settings: SheetSettings, roles: tuple[str, ...] | None, timepoints: int
) -> tuple[CutCase, ...]:
    """The time points of the patient, each at its own largest lesion; nothing if the case is the only one."""
    ids = _same_patient(cohort, case)
    if len(ids) < 2 or timepoints < 2:
        return ()
    place = ids.index(case.id)
    start = max(0, min(place - timepoints // 2, len(ids) - timepoints))
    views = SheetSettings(settings.windows[:1], settings.suv, ("axial", "coronal", MIP), settings.synthetic)
    found = []
    for name in ids[start : start + timepoints]:
        try:
            held = None if roles is None else tuple(role for role in roles if role in cohort[name])
            other = cut_case(subject_of(cohort, cohort[name], Wanted(roles=held)).sheet, views)
        except InputError:
            if name == case.id:
                raise
            continue
        found.append(CutCase(**{**vars(other), "facts": {"when": "; ".join(when_words(cohort[name]))}}))
    return tuple(found) if len(found) > 1 else ()


def _same_patient(cohort: Cohort, case: Case) -> list[str]:
    if case.patient == UNIDENTIFIED:
        return [case.id]
    rows = cohort.tables.cases.filter(pl.col("patient") == case.patient)
    order = ["timepoint", "study_date", "case"]
    return list(rows.sort(order, nulls_last=True)["case"])


def _facts(
    case: Case, subject: Subject, cut: CutCase, settings: SheetSettings, strip: Sequence[CutCase]
) -> dict[str, Any]:
    views = cut.views.values()
    return {
        "case": case.id,
        "patient": case.patient,
        "ct": subject.ct_role,
        "pet": subject.pet_role,
        "planes": list(cut.views),
        "windows": [window.name for window in settings.windows] if subject.ct_role else [],
        "suv": list(cut.pet_window) if subject.pet_role else None,
        "at_mm": [round(float(part), 3) for part in subject.point.mm],
        "at": subject.point.words,
        "lesion": subject.point.lesion,
        "lesions": subject.point.lesions,
        "boxes": sum(len(view.boxes) for view in views if not view.is_projection),
        "prompts": sum(len(view.prompts) for view in views if not view.is_projection),
        "missing_predictions": list(subject.missing),
        "timepoints": [other.title for other in strip],
        "synthetic": settings.synthetic,
    }


def _write(path: Path, png: bytes, cohort: Cohort, facts: Mapping[str, Any]) -> None:
    if path.suffix.lower() not in _PAGE_SUFFIXES:
        write_bytes(path, png)
        return
    findings = cohort.tables.findings.filter(pl.col("case") == facts["case"]).to_dicts()
    row = cohort.tables.cases.filter(pl.col("case") == facts["case"]).to_dicts()[0]
    known = {name: value for name, value in row.items() if value is not None}
    page = SheetPage(cohort.name, facts["case"], png, known, cohort.volume_rows(facts["case"]), findings, facts)
    write_bytes(path, render_sheet(page).encode())
