"""Why a file was set aside: the reasons of refusal, what each costs, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_IMAGE_REASONS = frozenset(
    {
        "not DICOM",
        "not an image",
        "empty file",
        "duplicate",
        "localizer",
        "not part of the layout",
        "region not selected",
        "secondary capture",
        "secondary_capture",
        "bolus_tracking",
        "duplicate_slice",
    }
)
"""Reasons of refusal that say that a file never was an image of a case; all others cost the user a series or a case."""

REMEDIES: dict[str, str] = {
    "unreadable": "check the permissions and the link, or fetch the file again",
    "broken DICOM": "fetch the file again",
    "truncated": "fetch the file again",
    "compressed": "install the extra that the detail names, or decompress the series with a DICOM toolkit",
    "multi-frame": "export the series as one file per slice",
    "fractional segmentation": "choose a threshold and write a BINARY segmentation: docs/dicom-objects.md",
    "not CT or PET": "nothing, if this modality is not needed",
    "not grey": "export the original images, not screenshots",
    "no identity": "restore PatientID and UIDs; de-identify by replacing them, not by emptying them",
    "no geometry": "export the original images with position, orientation and spacing",
    "single slice": "add the other slices of the series",
    "mixed orientation": "split the series by orientation",
    "same position": "split the series by acquisition",
    "gantry tilt": "correct the tilt with a converter, then ingest NIfTI",
    "uneven gaps": "find the slice that is missing or refused, see the other reasons for this series",
    "two series with one UID": "give each series a SeriesInstanceUID of its own",
    "not HU": "use a reconstruction in Hounsfield units",
    "no rescale": "restore RescaleSlope and RescaleIntercept",
    "no SUV": "correct the tag that the detail names, from the scan protocol",
    "no activity": "convert to SUV, or leave this PET out",
    "reference missing": "add the series, or the slices, that the mask was drawn on",
    "reference refused": "mend the series that the mask was drawn on",
    "reference mismatch": "export the mask again with the study they belong to",
    "several references": "export one structure set or segmentation per series",
    "no regions": "leave the file out, or draw the region",
    "contours off the slices": "export the contours on the slices of their series",
    "segments off the slices": "export the segmentation on the slices of its series",
    "scout_or_single": "fetch the other slices, if it is no scout",
    "few_slices": "fetch the other slices, if it is a scan",
    "not of this collection": "ingest other patients with source dicom",
    "not_well_formed": "fetch the annotation file again",
    "broken annotation": "correct the annotation file",
    "sop_not_in_collection": "fetch the series with this image, if it is still published",
    "broken clinical sheet": "take the sheet as it was published",
    "broken patch file": "correct the file",
    "changed or unreadable": "run the same command again",
    "missing channel": "add the image of this channel",
    "unknown channel": "rename the file, or add the channel to dataset.json",
    "missing file": "restore the file, or correct its path in dataset.json",
    "broken entry": "correct the entry of this case in dataset.json",
    "not listed": "name the file in dataset.json, or remove its key `dataset`",
    "no images": "add the images of this label map",
    "duplicate case": "keep the case in one of the two folders",
    "duplicate prompts": "keep one file of the prompts of each case",
    "unreadable prompts": "fetch the prompts again",
    "not a rigid transform": "fetch the file again",
    "impossible grid": "repair the affine in the header",
    "other grid": "resample the file onto the grid of the first channel",
    "no CT": "fetch the CT of this case",
    "two files of one case": "keep the files of one version in the folder",
    "no case id": "rename the file to the four digits of its case",
    "unknown folder": "move the file to the folder of its kind",
    "other numbering": "fetch labels.json and the masks of one release",
    "unknown structure": "rename the file to that of a structure, or leave it out",
    "other channels": "correct the modalities in dataset.json, or fetch the image again",
    "numbering unknown": "add the files of single structures, which tell what the integers of the map mean",
    "name is no text": "rename the file or its folder in UTF-8",
    "case refused": "mend the file of this case that is named with another reason",
}
"""One remedy per reason that costs a series or a case."""


def remedy_for(reason: str) -> str:
    """The remedy for a reason of refusal.

    Examples:
        >>> remedy_for("truncated")
        'fetch the file again'
    """
    return REMEDIES.get(reason, "see docs/ingest.md")


def costs_a_case(refused: Mapping[str, Any]) -> bool:
    """Whether a row of `refused` cost the user an image, rather than naming a file that never was one.

    Examples:
        >>> costs_a_case({"reason": "truncated"}), costs_a_case({"reason": "not DICOM"})
        (True, False)
    """
    return refused["reason"] not in NO_IMAGE_REASONS
