"""Pictures of cases: show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from oncohort.cli.benchmarks import named_folders
from oncohort.cli.output import ExitCode, Json, print_json, say
from oncohort.errors import SettingsError
from oncohort.formats import open_cohort
from oncohort.pictures import PLANES, parse_at, show_case
from oncohort.storage import encode_stem


@Parameter(name="*")
@dataclass(frozen=True)
class Look:
    """How the case is shown.

    Args:
        window: Windows of the CT with commas between, a row each: mediastinum, lung, soft-tissue, liver, bone,
            brain, wide.
        suv: SUV shown white and SUV shown black.
        planes: Of axial, coronal, sagittal and mip.
        at: Voxel i,j,k of the reference grid, or "lesion N", the Nth by size.
        roles: Roles to show, with commas between; default all.
        timepoints: Most time points of the patient side by side; 1 for the case alone.
    """

    window: str = "mediastinum"
    suv: str = "0,10"
    planes: str = ",".join(PLANES)
    at: str | None = None
    roles: str | None = None
    timepoints: Annotated[int, Parameter(validator=Number(gte=1))] = 4


_LOOK = Look()


def show(
    cohort: Path,
    case: str,
    *,
    out: Path | None = None,
    predictions: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    look: Look = _LOOK,
    json: Json = False,
) -> int:
    """Draw one case: CT, PET and PET over CT in three planes with masks, boxes and prompts.

    Args:
        cohort: The cohort folder.
        case: Id of the case.
        out: File to write, .png or .html; default the case's name with .png in this folder.
        predictions: Folder of a model, repeatable; NAME=FOLDER names the model, otherwise the folder does.
        json: Print one machine-readable document on stdout.
    """
    picture = show_case(
        open_cohort(cohort),
        case,
        out=Path(f"{encode_stem(case)}.png") if out is None else out,
        window=_parts(look.window),
        suv=_suv(look.suv),
        planes=_parts(look.planes),
        at=None if look.at is None else parse_at(look.at),
        roles=None if look.roles is None else _parts(look.roles),
        predictions=named_folders(predictions) if predictions else {},
        timepoints=look.timepoints,
    )
    if json:
        print_json({"out": str(picture.path), **picture.facts})
    say(f"picture: {picture.path}")
    return ExitCode.DONE


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _suv(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(
            expected="LOW,HIGH, two numbers", found=repr(text), where="--suv", remedy="write for example --suv 0,10"
        ) from error
    return low, high
