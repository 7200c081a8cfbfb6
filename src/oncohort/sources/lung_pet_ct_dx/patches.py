"""Patch records: corrections of annotation files that are applied when they are read; the files stay as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.voc_xml import VocAnnotation, VocBox
from oncohort.sources.lung_pet_ct_dx.annotations import AnnotatedImage, Notes

PATCH_FILE = "patches.json"
"""Name of a file of patch records, anywhere in the folder: a list of records."""

LARGEST_BYTES = 64 << 20
_STATES = ("proposed", "accepted", "rejected")


@dataclass(frozen=True)
class Patch:
    """One accepted correction.

    Attributes:
        id: of the record.
        sop: name of the annotation file.
        box: corners of the box that is meant; None if the file has one box.
        field: "name" or "box".
        before: what the file must say; otherwise the patch is stale.
        after: what is read instead; None drops the box.
    """

    id: str
    sop: str
    box: tuple[int, ...] | None
    field: str
    before: Any
    after: Any


def read_patches(path: Path, notes: Notes, named: str) -> list[Patch]:
    """The accepted records of a file; records of another form are noted and left out.

    Raises:
        FormatError: the file cannot be read, is too large, or holds no list.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
        records = json.loads(data) if len(data) <= LARGEST_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(path, str(error)) from error
    if not isinstance(records, list):
        raise _wrong(path, "something else, or too many bytes")
    patches = []
    for number, record in enumerate(records):
        patch = _patch(record)
        if patch is None:
            notes.add("patch_broken", "", named, f"record {number}")
        elif record.get("status") == "accepted":
            patches.append(patch)
    return patches


def _wrong(path: Path, found: str) -> FormatError:
    return FormatError(
        expected="a JSON list of patch records", found=found[:200], where=str(path), remedy="correct the file"
    )


def _patch(record: Any) -> Patch | None:
    if not isinstance(record, dict) or record.get("status") not in _STATES:
        return None
    target = record.get("target")
    if not isinstance(target, dict) or not isinstance(target.get("sop"), str):
        return None
    box, field, after = target.get("box"), target.get("field"), record.get("after")
    fits = _is_corners(after) if field == "box" else isinstance(after, str) and bool(after)
    if field not in ("name", "box") or not (box is None or _is_corners(box)) or not (after is None or fits):
        return None
    return Patch(
        str(record.get("id")), target["sop"], None if box is None else tuple(box), field, record.get("before"), after
    )


def _is_corners(value: Any) -> bool:
    whole = isinstance(value, list) and len(value) == 4 and all(type(part) is int and part >= 0 for part in value)
    return whole and value[0] <= value[2] and value[1] <= value[3]


def apply_patches(
    images: Sequence[AnnotatedImage], patches: Sequence[Patch], notes: Notes, named: str
) -> list[AnnotatedImage]:
    """The images with all patches applied whose `before` still holds; the others are noted as stale."""
    patched = list(images)
    places: dict[str, list[int]] = {}
    for place, image in enumerate(images):
        places.setdefault(image.sop, []).append(place)
    for patch in patches:
        changed = [(place, _apply(patched[place].content, patch)) for place in places.get(patch.sop, ())]
        applied = [(place, content) for place, content in changed if content is not None]
        for place, content in applied:
            patched[place] = replace(patched[place], content=content)
        rule = "patch_applied" if applied else "patch_stale"
        notes.add(rule, "", named, f"{patch.id}: {patch.field} of {patch.sop}")
    return patched


def _apply(content: VocAnnotation, patch: Patch) -> VocAnnotation | None:
    meant = [box for box in content.boxes if patch.box is None or _corners(box) == patch.box]
    if len(meant) != 1 or patch.before != (meant[0].name if patch.field == "name" else list(_corners(meant[0]))):
        return None
    boxes = tuple(new for box in content.boxes if (new := _changed(box, patch) if box is meant[0] else box) is not None)
    return replace(content, boxes=boxes)


def _changed(box: VocBox, patch: Patch) -> VocBox | None:
    if patch.after is None:
        return None
    return replace(box, name=patch.after) if patch.field == "name" else VocBox(box.name, *patch.after)


def _corners(box: VocBox) -> tuple[int, int, int, int]:
    return box.xmin, box.ymin, box.xmax, box.ymax
