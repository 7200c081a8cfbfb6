"""Cohorts: export of boxes and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from oncohort.cli.export_call import given_split, write_export
from oncohort.cli.output import Common
from oncohort.exports import BoxChoice, CocoExport, CsvExport, VocExport

_COMMON = Common()


def coco(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    role: str | None = None,
    reader: str | None = None,
    slices: Literal["boxed", "all"] = "boxed",
    split: Path | None = None,
    common: Common = _COMMON,
) -> int:
    """Write boxes on slices as COCO instances.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        role: Role of the volumes that the boxes lie on; default all.
        reader: Who drew the boxes, where there are several.
        slices: Slices with boxes, or all of every volume that has boxes.
        split: File of a split (oncohort split); its test set becomes a file of its own.
    """
    held_out = given_split(split)
    return write_export(cohort, CocoExport(BoxChoice(role, reader), slices, held_out), out, common, split)


def voc(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    role: str | None = None,
    reader: str | None = None,
    slices: Literal["boxed", "all"] = "boxed",
    split: Path | None = None,
    common: Common = _COMMON,
) -> int:
    """Write boxes on slices as PASCAL VOC files.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        role: Role of the volumes that the boxes lie on; default all.
        reader: Who drew the boxes, where there are several.
        slices: Slices with boxes, or all of every volume that has boxes.
        split: File of a split (oncohort split); its test set becomes ImageSets/Main/test.txt.
    """
    held_out = given_split(split)
    return write_export(cohort, VocExport(BoxChoice(role, reader), slices, held_out), out, common, split)


def csv(
    cohort: Path,
    *,
    out: Path,
    raw: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _COMMON,
) -> int:
    """Write the tables of a cohort as CSV files.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        raw: Write texts as they stand, also those that a spreadsheet would run as a formula.
    """
    return write_export(cohort, CsvExport(raw), out, common)
