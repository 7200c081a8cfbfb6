"""Cohorts: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from oncohort.cli.export_call import given_split, listed, pairs, write_export
from oncohort.cli.image_exports import bids_pet, mha, monai, nndetection, pants
from oncohort.cli.output import Common
from oncohort.cli.table_exports import coco, csv, voc
from oncohort.errors import InputError, SettingsError
from oncohort.exports import NnunetExport, PromptDrawing, parse_channels
from oncohort.prompts import HeatMapEncoding

_COMMON = Common()

export = App(
    name="export",
    help="Write a cohort in the layout of another tool.",
    usage="Usage: oncohort export COHORT FORMAT --out DIR [OPTIONS]",
    group_commands="Formats",
)


def nnunet(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    number: Annotated[int, Parameter(name="--id")],
    name: str,
    channels: str = "ct,pet",
    label_role: str = "lesions",
    labels: str = "",
    union: str | None = None,
    gaps: Literal["close", "keep"] = "close",
    images: Literal["reference", "copy"] = "reference",
    region: Annotated[tuple[str, ...], Parameter(name="--region", negative="")] = (),
    ignore: str | None = None,
    split: Path | None = None,
    fingerprint: Annotated[bool, Parameter(negative="")] = False,
    prompt_encoding: str | None = None,
    prompt_step: int | None = None,
    prompt_origin: str | None = None,
    common: Common = _COMMON,
) -> int:
    """Write an nnU-Net raw data set: dataset.json, labels without gaps, splits_final.json.

    Args:
        cohort: The cohort folder.
        out: Folder that becomes nnUNet_raw; other data sets in it stay.
        number: Number of the data set, 1 to 999.
        name: Name of the data set.
        channels: Roles with commas between, each with =NORMALISATION where the usual one (ct as CT, pet=none) is not
            meant: ct, none, z-score, rescale. prompts.foreground and prompts.background are drawn from the prompts.
        label_role: Role of the masks.
        labels: Labels and groups that are written, with commas between; the others become background; default all.
        union: Name of the one label that all labels together become.
        gaps: close numbers labels 1, 2, 3; keep leaves their integers and names those between unused_4.
        images: reference names the files where they lie in dataset.json; copy writes them.
        region: NAME=LABEL+LABEL, repeatable: regions of labels and groups that are trained instead of labels.
        ignore: Label, or group, whose voxels the loss passes over.
        split: File of a split (oncohort split): folds and test set.
        fingerprint: Also write dataset_fingerprint.json, by which nnU-Net plans.
        prompt_encoding: How prompts are drawn: gaussian:sigma=3, edt:limit=40, inverted-edt:limit=40, disk:radius=2 or
            binary, with ,unit=mm (default voxel) and ,scale=FACTOR where they are meant.
        prompt_step: State of the interaction: prompts up to this step are drawn; default all, 0 none.
        prompt_origin: Reader or policy that made the prompts, where there are several.
    """
    layout = NnunetExport(
        number=number,
        title=name,
        channels=parse_channels(channels),
        label_role=label_role,
        labels=listed(labels),
        union=union,
        images=images,
        regions={name: tuple(members.split("+")) for name, members in pairs(region, "--region", "LABEL+LABEL").items()},
        ignore=ignore,
        split=given_split(split),
        fingerprint=fingerprint,
        gaps=gaps,
        prompts=_drawing(prompt_encoding, prompt_step, prompt_origin),
    )
    return write_export(cohort, layout, out, common, split)


def _drawing(encoding: str | None, step: int | None, origin: str | None) -> PromptDrawing | None:
    if encoding is not None:
        return PromptDrawing(_encoding(encoding), step, origin)
    if step is not None or origin is not None:
        raise SettingsError(
            expected="an encoding beside a step or an origin of prompts",
            found="none",
            where="--prompt-step, --prompt-origin",
            remedy="declare it, such as --prompt-encoding gaussian:sigma=3,unit=voxel",
        )
    return None


def _encoding(text: str) -> HeatMapEncoding:
    try:
        return HeatMapEncoding.from_text(text)
    except InputError as error:
        remedy = "see docs/export.md, channels of prompts"
        raise SettingsError(
            expected=error.expected, found=error.found, where="--prompt-encoding", remedy=remedy
        ) from error


for _layout in (nnunet, mha, pants, monai, nndetection, bids_pet, coco, voc, csv):
    _name = _layout.__name__.replace("_", "-")
    export.command(_layout, name=_name, usage=f"Usage: oncohort export COHORT {_name} --out PATH [OPTIONS]")
