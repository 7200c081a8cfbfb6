"""Conversion: DICOM series as NIfTI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from oncohort.cli.output import Common, ExitCode, print_json, say, show_table, shown_progress
from oncohort.conversion import Conversion, ConversionSettings
from oncohort.conversion import convert as convert_folder
from oncohort.errors import SettingsError
from oncohort.formats.dicom.correction import Correction
from oncohort.refusals import costs_a_case, remedy_for

_COMMON = Common()
_SHOWN = 50


def convert(  # noqa: PLR0913 - one keyword for each flag
    path: Path,
    *,
    out: Path,
    unit: Literal["suv", "bqml"] = "suv",
    suv_recipe: Literal["suv", "autopet-compat"] = "suv",
    identity: Literal["header", "folder"] = "header",
    table: Literal["csv", "parquet"] = "csv",
    correct: str = "",
    common: Annotated[Common, Parameter(name="*")] = _COMMON,
) -> int:
    """Write every CT and PET series below a folder as NIfTI, with sidecar and slice table; the rest is refused.

    Args:
        path: A folder of DICOM files.
        out: Folder of the new files.
        unit: Unit of PET: suv (body weight) or bqml.
        suv_recipe: Rules of SUV: suv, or autopet-compat, which reproduces the published autoPET values.
        identity: What says which files are one series: header, or folder where the headers have no identifiers.
        table: Form of the slice tables.
        correct: What may be corrected by resampling, with commas between: tilt (shear), gaps (onto a regular stack).
    """
    settings = ConversionSettings(unit, suv_recipe, identity, table, _corrections(correct))
    with shown_progress() as progress:
        done = convert_folder(
            path, out=out, settings=settings, overwrite=common.overwrite, jobs=common.jobs, progress=progress
        )
    if common.json:
        print_json({"out": str(out), **done.to_dict()})
    _show(done)
    say(f"files: {out}")
    return ExitCode.DONE if done.is_complete else ExitCode.REFUSED


def _corrections(text: str) -> tuple[Correction, ...]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    known: dict[str, Correction] = {"tilt": "tilt", "gaps": "gaps"}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(
            expected="tilt, gaps, or both with a comma between",
            found=", ".join(unknown),
            where="--correct",
            remedy="correct the name",
        )
    return tuple(sorted({known[name] for name in names}))


def _show(done: Conversion) -> None:
    rows = [
        [row["path"], row["modality"], row["unit"], "x".join(map(str, row["shape"])), len(row["warnings"])]
        for row in done.series[:_SHOWN]
    ]
    show_table(f"{len(done.series)} series", ["file", "modality", "unit", "shape", "warnings"], rows)
    for row in done.series[:_SHOWN]:
        for warning in row["warnings"]:
            say(f"{row['path']}: {warning}")
    lost: dict[tuple[str, str], int] = {}
    for row in done.refused:
        if costs_a_case(row):
            key = (row["reason"], row["detail"])
            lost[key] = lost.get(key, 0) + 1
    refused = [[reason, count, detail, remedy_for(reason)] for (reason, detail), count in lost.items()]
    if refused:
        show_table("refused", ["reason", "files", "detail", "remedy"], refused[:_SHOWN])
