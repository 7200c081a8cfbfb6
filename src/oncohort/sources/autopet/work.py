"""The files of one autoPET study become rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oncohort.geometry import Geometry
from oncohort.layouts import autopet
from oncohort.sources.autopet.listing import StudyFiles
from oncohort.sources.prompt_rows import PromptFile, PromptReader, PromptRows
from oncohort.sources.protocol import CasePlan
from oncohort.sources.referenced import ImageFile, as_stored, finding, open_case
from oncohort.sources.walking import relative

Row = dict[str, Any]

_UNITS = {"ct": "HU", "pet": "SUVbw"}
_KINDS = {
    autopet.PROMPTS_IV_ENDING: ("simple", "click", "autoPET IV clicks"),
    autopet.PROMPTS_V_ENDING: ("gc", "scribble", "autoPET V scribbles"),
}


def image_files(files: StudyFiles) -> Iterator[ImageFile]:
    """Channels and label of a study of the nnU-Net layout; all share the grid of the PET.

    Some shipped heat maps do not lie on the grid of their images, and are refused alone.
    """
    is_shifted = max(files.images) in set(autopet.SHIFTED_CHANNEL_ROLES) - set(autopet.CHANNEL_ROLES)
    roles = autopet.SHIFTED_CHANNEL_ROLES if is_shifted else autopet.CHANNEL_ROLES
    order = [autopet.PET_CHANNEL, *(number for number in sorted(files.images) if number != autopet.PET_CHANNEL)]
    for number in order:
        role = roles[number]
        scale = as_stored(f"as stored in channel {number}")
        if role.endswith("_prompts"):
            polarity = role.removesuffix("_prompts")
            scale = {**as_stored("heat map of prompts"), "encoding": None, "polarity": polarity}
        like = None if number == autopet.PET_CHANNEL else "pet"
        is_extra = role.endswith("_prompts")
        yield ImageFile(role, str(files.images[number]), _UNITS.get(role, "1"), scale, like, is_extra)
    if files.label is not None:
        yield ImageFile("lesions", str(files.label), "label", None, "pet")


def prompt_files(files: StudyFiles) -> dict[str, list[dict[str, str]]]:
    """Prompt files of a study, and those in a folder `gc` that copy another one (JSON values)."""
    found: dict[str, list[dict[str, str]]] = {"prompts": [], "copies": []}
    for ending, (dialect, kind, origin) in _KINDS.items():
        paths = [(files.prompts.get(ending), dialect), (files.copies.get(ending), "gc")]
        for path, expected in paths:
            if path is not None:
                one = PromptFile(str(path), expected, kind, origin)
                is_copy = any(other["origin"] == origin for other in found["prompts"])
                found["copies" if is_copy else "prompts"].append(one.to_dict())
    return found


def convert_study(case_plan: CasePlan) -> Row:
    """Rows that refer to the files of one study."""
    root = Path(case_plan.work["root"])
    volumes, result = open_case(case_plan, root)
    if not volumes:
        return result
    result["findings"] += _orientation(case_plan, volumes["pet"].geometry)
    if not case_plan.work.get("prompts"):
        return result
    reader = PromptReader(root, case_plan.case, "pet", volumes["pet"].geometry)
    rows = reader.read(case_plan.work["prompts"])
    _compare_copies(reader, case_plan.work["copies"], rows)
    return {
        **result,
        "prompts": rows.prompts,
        "refused": [*result["refused"], *rows.refused],
        "findings": [*result["findings"], *rows.findings],
    }


def _compare_copies(reader: PromptReader, copies: list[Mapping[str, str]], rows: PromptRows) -> None:
    """A copy in the other dialect is used to check the first file, never as further prompts."""
    for copy in (PromptFile(**values) for values in copies):
        unread = len(rows.refused)
        found = [prompt.to_row(reader.case, reader.volume) for prompt in reader.prompts_of(copy, rows)]
        first = [row for row in rows.prompts if row["origin"] == copy.origin]
        if len(rows.refused) == unread and _by_polarity(found) != _by_polarity(first):
            rows.findings.append(
                finding(
                    "prompt_copies_differ",
                    evidence=f"{len(found)} prompts here, {len(first)} in the other file of {copy.origin}",
                    remedy="find out which file was used; the one outside of the folder gc was taken",
                    path=relative(reader.root, copy.path),
                    case=reader.case,
                )
            )


def _by_polarity(rows: list[Row]) -> list[Any]:
    return sorted((row["polarity"], row["step"], row["points"]) for row in rows)


def _orientation(case_plan: CasePlan, grid: Geometry) -> list[Row]:
    """The published files are LAS but for four, which trip tools that ignore the header."""
    if case_plan.row["licence"] != autopet.LICENCE or grid.orientation == autopet.ORIENTATION:
        return []
    is_known = case_plan.case.startswith(autopet.LPS_CASES)
    return [
        finding(
            "autopet_orientation",
            evidence=f"axes are {grid.orientation}; published files are {autopet.ORIENTATION}"
            + (" but for four, of which this is one" if is_known else ""),
            remedy="read the affine, never the array alone; compare the case with the published one"
            if not is_known
            else "read the affine, never the array alone",
            path=relative(Path(case_plan.work["root"]), case_plan.files[0].path),
            case=case_plan.case,
            severity="info" if is_known else "warning",
        )
    ]
