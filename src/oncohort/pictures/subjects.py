"""From a case of a cohort to what a sheet shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oncohort.cohort import Case, Cohort
from oncohort.errors import FormatError, MissingNeedError, SettingsError
from oncohort.formats.predictions import find_prediction, read_prediction
from oncohort.geometry import Box
from oncohort.pictures.points import At, Point, find_point
from oncohort.prompts import Prompt
from oncohort.reporting.drawing import PROMPT_COLOURS
from oncohort.reporting.palette import structure_colours
from oncohort.reporting.sheets import BoxGroup, Overlay, PromptMark, SheetCase
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

_DASHES = ("dashed", "dotted", "dashdot")
_MOST_PROJECTED = 4  # labels of masks that are no lesions, in the projection
_REACH_MM = 2.5
_PET_UNITS = (str(Unit.SUVBW), str(Unit.BQML))


@dataclass(frozen=True)
class Wanted:
    """What is to be shown of a case.

    Args:
        at: Where the planes cross.
        roles: Roles to show; None for all.
        predictions: Folders of predictions by model.
    """

    at: At = None
    roles: tuple[str, ...] | None = None
    predictions: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A case ready to be cut, with what a machine wants to know of it."""

    sheet: SheetCase
    point: Point
    ct_role: str | None
    pet_role: str | None
    missing: tuple[str, ...]


def subject_of(cohort: Cohort, case: Case, wanted: Wanted) -> Subject:
    """Images, masks, boxes and prompts of a case.

    Raises:
        SettingsError: A role that the case does not have, or no such voxel or lesion.
        MissingNeedError: The case has no image that can be shown.
    """
    roles = _checked_roles(case, wanted.roles)
    units = {row["role"]: row["unit"] for row in cohort.volume_rows(case.id)}
    ct_role, pet_role = _image_roles(roles, units)
    if ct_role is None and pet_role is None:
        raise MissingNeedError(
            expected="a CT or a PET",
            found=", ".join(roles) or "no volumes",
            where=f"case {case.id}",
            remedy="choose another case, or other --roles",
        )
    ct, pet = (case.image(role) if role else None for role in (ct_role, pet_role))
    masks = {role: found for role in roles if units[role] == str(Unit.LABEL) for found in [case.label_map(role)]}
    taken = [*cohort.scheme.labels, *wanted.predictions]
    boxes = tuple(_box_groups(cohort, case, tuple(role for role in (ct_role, pet_role) if role), taken))
    prompts, prompt_boxes = _prompts(cohort, case)
    predicted, missing = _predictions(cohort, case, wanted.predictions)
    shown = pet if ct is None else ct
    assert shown is not None
    point = find_point(case, wanted.at, masks=masks, boxes=boxes, grid=shown.geometry)
    sheet = SheetCase(
        title=case.id,
        caption=_caption(
            case, {"CT": (ct_role, ct), "PET": (pet_role, pet)}, _unshown(units, (ct_role, pet_role)), missing
        ),
        point_mm=point.mm,
        point_words=f"Planes through {point.words}, at {_millimetres(point.mm)}.",
        ct=ct,
        pet=pet,
        overlays=(*_overlays(cohort, masks), *predicted),
        boxes=(*boxes, *prompt_boxes),
        prompts=prompts,
    )
    return Subject(sheet, point, ct_role, pet_role, missing)


def _checked_roles(case: Case, roles: tuple[str, ...] | None) -> tuple[str, ...]:
    unknown = [role for role in roles or () if role not in case]
    if unknown:
        raise SettingsError(
            expected=f"roles of the case: {', '.join(case.roles) or 'it has none'}",
            found=", ".join(unknown),
            where=f"case {case.id}",
            remedy="correct --roles, or leave it out",
        )
    return case.roles if roles is None else tuple(dict.fromkeys(roles))


def _image_roles(roles: Sequence[str], units: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The CT and the PET among roles: the first by name, else the first by unit."""
    images = [role for role in roles if units[role] != str(Unit.LABEL)]
    ct = [role for role in images if units[role] == str(Unit.HU) or _is_named(role, "ct")]
    pet = [role for role in images if units[role] in _PET_UNITS or _is_named(role, "pet")]
    return next(iter(ct), None), next((role for role in pet if role not in ct[:1]), None)


def _is_named(role: str, word: str) -> bool:
    return role == word or role.startswith((f"{word}.", f"{word}_"))


def _overlays(cohort: Cohort, masks: Mapping[str, LabelMap]) -> Iterator[Overlay]:
    own = [name for found in masks.values() for name in found.scheme.labels]
    colours = structure_colours(list(dict.fromkeys([*cohort.scheme.labels, *own])))
    for role, found in masks.items():
        is_few = len(found.scheme.labels) <= _MOST_PROJECTED
        yield Overlay("", found, colours, is_projected=is_few or role.startswith("lesions"))


def _predictions(
    cohort: Cohort, case: Case, folders: Mapping[str, Path]
) -> tuple[tuple[Overlay, ...], tuple[str, ...]]:
    """Masks of models, and the models that have none for the case.

    With one label, models differ in colour; with several, colours name structures and
    dashes the models.
    """
    labels = list(cohort.scheme.labels)
    found, missing = [], []
    for number, (model, folder) in enumerate(folders.items()):
        path = find_prediction(folder, case.id)
        if path is None:
            missing.append(model)
            continue
        masks = read_prediction(path, cohort.scheme)
        if len(labels) <= 1:
            own = list(structure_colours([*labels, *folders]).values())[len(labels) + number]
            found.append(Overlay(model, masks, dict.fromkeys([*labels, ""], own)))
        else:
            few = len(labels) <= _MOST_PROJECTED
            dashes = _DASHES[number % len(_DASHES)]
            found.append(Overlay(model, masks, structure_colours(labels), dashes, is_projected=few))
    return tuple(found), tuple(missing)


def _rows_of(table: pl.DataFrame, case: Case) -> list[dict[str, Any]]:
    return table.filter(pl.col("case") == case.id).to_dicts()


def _box_groups(cohort: Cohort, case: Case, shown: tuple[str, ...], taken: Sequence[str]) -> Iterator[BoxGroup]:
    """Boxes of each lesion by each reader, of the images that are shown if they have any; colours by class."""
    rows = [row for row in _rows_of(cohort.tables.boxes, case) if row["volume"] in case]
    rows = [row for row in rows if row["volume"] in shown] or rows
    classes = sorted(set(cohort.tables.boxes["class"].fill_null("")))
    colours = list(structure_colours([*taken, *(f"box {kind}" for kind in classes)]).values())[len(taken) :]
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        key = row["volume"], row["lesion"] or "", row["class"] or "", row["reader"] or ""
        groups.setdefault(key, []).append(row)
    for (volume, lesion, kind, reader), members in groups.items():
        words = [f"class {kind}" if kind else "", f"lesion {lesion}" if lesion else "", reader]
        name = ", ".join(("box", *(word for word in words if word)))
        boxes = tuple(_box(row, case) for row in members)
        yield BoxGroup(name, colours[classes.index(kind)], case[volume].geometry, boxes)


def _box(row: Mapping[str, Any], case: Case) -> Box:
    corners = [row[name] for name in ("i0", "j0", "k0", "i1", "j1", "k1")]
    if None in corners:
        raise _no_box(str(corners), case)
    return _checked_box(Box((row["i0"], row["j0"], row["k0"]), (row["i1"], row["j1"], row["k1"])), case)


def _checked_box(box: Box, case: Case) -> Box:
    if box.is_empty:
        raise _no_box(repr(box), case)
    return box


def _no_box(found: str, case: Case) -> FormatError:
    return FormatError(
        expected="boxes that hold a voxel: i0 < i1, j0 < j1, k0 < k1",
        found=found,
        where=f"case {case.id}, boxes.parquet or prompts.parquet",
        remedy="ingest again, or correct the box",
    )


def _prompts(cohort: Cohort, case: Case) -> tuple[tuple[PromptMark, ...], tuple[BoxGroup, ...]]:
    """Clicks and scribbles, and boxes that were given as prompts."""
    marks, boxes = [], []
    for row in _rows_of(cohort.tables.prompts, case):
        if row["volume"] not in case:
            continue
        grid = case[row["volume"]].geometry
        prompt = Prompt.from_row(row, grid)
        if prompt.kind == "box":
            (i0, j0, k0), (i1, j1, k1) = np.round(prompt.points).astype(int).tolist()
            box = _checked_box(Box((i0, j0, k0), (i1, j1, k1)), case)
            colour = PROMPT_COLOURS[prompt.polarity]
            boxes.append(BoxGroup(f"prompt box, {prompt.polarity}", colour, grid, (box,)))
        else:
            reach = max(_REACH_MM, max(grid.spacing_mm) / 2)
            marks.append(PromptMark(prompt.kind, prompt.polarity, grid.to_mm(prompt.points), reach))
    return tuple(marks), tuple(boxes)


def _unshown(units: Mapping[str, str], shown: tuple[str | None, ...]) -> list[str]:
    return [role for role, unit in units.items() if unit != str(Unit.LABEL) and role not in shown]


def _caption(
    case: Case,
    images: Mapping[str, tuple[str | None, Volume | None]],
    unshown: Sequence[str],
    missing: Sequence[str],
) -> tuple[str, ...]:
    words = [_image_words(kind, role, volume) for kind, (role, volume) in images.items() if role and volume]
    words += [f"no {kind} shown" for kind, (role, _) in images.items() if role is None]
    words += [f"not shown: {', '.join(unshown)}"] if unshown else []
    words += [f"no prediction of {model}" for model in missing]
    return "; ".join([f"patient {case.patient}", *fact_words(case)]), "; ".join(words)


def when_words(case: Case) -> list[str]:
    """What tells the studies of a patient apart: time point, date, tracer."""
    number = case.facts.get("timepoint")
    words = ["" if number is None else f"time point {number}", case.facts.get("study_date"), case.facts.get("tracer")]
    return [str(word) for word in words if word]


def fact_words(case: Case) -> list[str]:
    """The facts of a case that a caption tells, in words."""
    facts = case.facts
    words = [
        *when_words(case),
        facts.get("sex") or "",
        f"{facts['age_years']:g} years" if facts.get("age_years") is not None else "",
        *(f"{name} {facts[name]}" for name in ("group", "centre", "licence") if facts.get(name)),
    ]
    return [str(word) for word in words if word]


def _image_words(kind: str, role: str, volume: Volume) -> str:
    shape = " × ".join(str(edge) for edge in volume.geometry.shape)
    spacing = " × ".join(f"{edge:.3g}" for edge in volume.geometry.spacing_mm)
    named = kind if role == kind.lower() else f"{kind} ({role})"
    return f"{named} {shape} voxels of {spacing} mm, {volume.geometry.orientation}"


def _millimetres(point: Any) -> str:
    return "(" + ", ".join(f"{float(part):.0f}" for part in point) + ") mm RAS+"
