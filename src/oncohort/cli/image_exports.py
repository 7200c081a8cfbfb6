"""Cohorts: export with voxels, beside nnU-Net."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from oncohort.cli.export_call import given_split, listed, pairs, write_export
from oncohort.cli.output import Common
from oncohort.exports import (
    BidsPetExport,
    BoxChoice,
    Masks,
    MhaExport,
    MonaiExport,
    NnDetectionExport,
    PantsExport,
)
from oncohort.exports.pants import OtherLabels

_COMMON = Common()
_Flag = Annotated[bool, Parameter(negative="")]


def mha(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    roles: str = "ct,pet",
    label_role: str = "lesions",
    labels: str = "",
    union: str | None = None,
    mask_slug: str = "tumor-lesion-segmentation",
    no_masks: _Flag = False,
    names: Literal["case", "uuid"] = "case",
    common: Common = _COMMON,
) -> int:
    """Write MetaImage files in the folders of Grand Challenge.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        roles: Roles of the images with commas between, each with =SLUG where the folder is called otherwise.
        label_role: Role of the masks.
        labels: Labels and groups that are written, with commas between; the others become background; default all.
        union: Name of the one label that all labels together become.
        mask_slug: Folder of the masks.
        no_masks: Write no masks.
        names: Files named by case, or by one UUID per case.
    """
    slugs = {role: slug or role for role, _, slug in (text.partition("=") for text in listed(roles))}
    masks = Masks(label_role, listed(labels), union)
    return write_export(cohort, MhaExport(slugs, masks, None if no_masks else mask_slug, names), out, common)


def pants(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    image_role: str = "ct",
    label_role: str = "organs",
    rename: Annotated[tuple[str, ...], Parameter(name="--rename", negative="")] = (),
    others: OtherLabels = "refuse",
    common: Common = _COMMON,
) -> int:
    """Write the layout of PanTS: one file per structure.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        image_role: Role of the CT.
        label_role: Role of the masks.
        rename: LABEL=STRUCTURE, repeatable: the published structure that a label is.
        others: What becomes of labels that PanTS does not have.
    """
    names = pairs(rename, "--rename", "STRUCTURE")
    return write_export(cohort, PantsExport(image_role, label_role, names, others), out, common)


def monai(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    channels: str = "ct,pet",
    task: Literal["segmentation", "detection"] = "segmentation",
    label_role: str = "lesions",
    labels: str = "",
    union: str | None = None,
    reader: str | None = None,
    images: Literal["reference", "copy"] = "reference",
    split: Path | None = None,
    fold: int | None = None,
    world: Literal["ras", "lps"] = "ras",
    empty: Literal["write", "leave-out"] = "write",
    common: Common = _COMMON,
) -> int:
    """Write a MONAI data list (decathlon form), with label maps or boxes.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        channels: Roles of the images, with commas between.
        task: Label maps for segmentation, or boxes of boxes.parquet on the first channel for detection.
        label_role: Role of the masks.
        labels: Labels and groups that are written, with commas between; the others become background; default all.
        union: Name of the one label that all labels together become.
        reader: Who drew the boxes, where there are several.
        images: reference names the files where they lie; copy writes them.
        split: File of a split (oncohort split): folds and test set.
        fold: The fold whose cases become validation; default every case carries its fold.
        world: Direction of the axes of boxes, as affine_lps_to_ras of MONAI is off (ras) or on (lps).
        empty: What becomes of a case without boxes.
    """
    drawn = task == "segmentation"
    layout = MonaiExport(
        channels=listed(channels),
        masks=Masks(label_role, listed(labels), union) if drawn else None,
        boxes=None if drawn else BoxChoice(None, reader),
        images=images,
        split=given_split(split),
        fold=fold,
        world=world,
        empty=empty,
    )
    return write_export(cohort, layout, out, common, split)


def nndetection(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    number: Annotated[int, Parameter(name="--id")],
    name: str,
    channels: str = "ct,pet",
    instances: Literal["masks", "boxes"] = "masks",
    label_role: str = "lesions",
    labels: str = "",
    union: str | None = None,
    reader: str | None = None,
    split: Path | None = None,
    common: Common = _COMMON,
) -> int:
    """Write an nnDetection raw data set: instance maps, their classes, dataset.yaml.

    Args:
        cohort: The cohort folder.
        out: Folder that becomes det_data; other tasks in it stay.
        number: Number of the task, 0 to 999.
        name: Name of the task.
        channels: Roles of the images, with commas between.
        instances: Connected components of masks, or filled boxes of boxes.parquet on the first channel.
        label_role: Role of the masks.
        labels: Labels and groups that are written, with commas between; default all.
        union: Name of the one label that all labels together become.
        reader: Who drew the boxes, where there are several.
        split: File of a split (oncohort split); its test set becomes imagesTs.
    """
    drawn = instances == "masks"
    layout = NnDetectionExport(
        number=number,
        title=name,
        channels=listed(channels),
        masks=Masks(label_role, listed(labels), union) if drawn else None,
        boxes=None if drawn else BoxChoice(None, reader),
        split=given_split(split),
    )
    return write_export(cohort, layout, out, common, split)


def bids_pet(  # noqa: PLR0913 - each choice is a flag
    cohort: Path,
    *,
    out: Path,
    pet_role: str = "pet",
    ct_role: str = "ct",
    no_ct: _Flag = False,
    label_role: str = "lesions",
    labels: str = "",
    union: str | None = None,
    no_masks: _Flag = False,
    activity: Literal["required", "if-known"] = "required",
    common: Common = _COMMON,
) -> int:
    """Write PET as BIDS: activity as raw data, SUV and masks as derivatives.

    Args:
        cohort: The cohort folder.
        out: A new folder.
        pet_role: Role of the PET.
        ct_role: Role of the CT, which BIDS has no place for; its folder is in .bidsignore.
        no_ct: Write no CT.
        label_role: Role of the masks.
        labels: Labels and groups that are written, with commas between; the others become background; default all.
        union: Name of the one label that all labels together become.
        no_masks: Write no masks.
        activity: Whether a case whose PET cannot be given in Bq/ml is refused, or written as SUV alone.
    """
    masks = None if no_masks else Masks(label_role, listed(labels), union)
    layout = BidsPetExport(pet_role, None if no_ct else ct_role, masks, activity)
    return write_export(cohort, layout, out, common)
