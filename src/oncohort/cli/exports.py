"""Cohorts: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from oncohort.cli.export_call import listed, pairs, write_export
from oncohort.cli.image_exports import bids_pet, mha, monai, nndetection, pants
from oncohort.cli.output import Common
from oncohort.cli.table_exports import coco, csv, voc
from oncohort.errors import SettingsError
from oncohort.exports import Channel, NnunetExport
from oncohort.exports.nnunet import CHANNEL_NAMES
from oncohort.formats.split_file import read_split

_COMMON = Common()

export = App(name="export", help="Write a cohort in the layout of another tool.")

for _layout in (mha, pants, monai, nndetection, bids_pet, coco, voc, csv):
    export.command(_layout)


@export.command
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
    common: Common = _COMMON,
) -> int:
    """Write an nnU-Net raw data set: dataset.json, labels without gaps, splits_final.json.

    Args:
        cohort: The cohort folder.
        out: Folder that becomes nnUNet_raw.
        number: Number of the data set, 1 to 999.
        name: Name of the data set.
        channels: Roles with commas between, each with =NORMALISATION where the usual one (ct as CT, pet=none) is not
            meant: ct, none, z-score, rescale.
        label_role: Role of the masks.
        labels: Labels that are written, with commas between; the others become background; default all.
        union: Name of the one label that all labels together become.
        gaps: close numbers labels 1, 2, 3; keep leaves their integers and names those between unused_4.
        images: reference names the files where they lie in dataset.json; copy writes them.
        region: NAME=LABEL+LABEL, repeatable: regions that are trained instead of labels.
        ignore: Label whose voxels the loss passes over.
        split: File of a split (oncohort split): folds and test set.
        fingerprint: Also write dataset_fingerprint.json, by which nnU-Net plans.
    """
    layout = NnunetExport(
        number=number,
        title=name,
        channels=tuple(_channel(text) for text in channels.split(",")),
        label_role=label_role,
        labels=listed(labels),
        union=union,
        images=images,
        regions={name: tuple(members.split("+")) for name, members in pairs(region, "--region", "LABEL+LABEL").items()},
        ignore=ignore,
        split=None if split is None else read_split(split),
        fingerprint=fingerprint,
        gaps=gaps,
    )
    return write_export(cohort, layout, out, common)


def _channel(text: str) -> Channel:
    role, _, kind = text.strip().partition("=")
    if not kind:
        return Channel.usual(role)
    for known in CHANNEL_NAMES:
        if kind == known:
            return Channel(role, known)  # type: ignore[arg-type]
    raise SettingsError(
        expected=f"a normalisation: {', '.join(CHANNEL_NAMES)}",
        found=repr(kind),
        where=f"--channels {text}",
        remedy="name one of them after the role, such as pet=z-score",
    )
