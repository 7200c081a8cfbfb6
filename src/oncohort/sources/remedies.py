"""What to do about each reason of refusal."""

from __future__ import annotations

REMEDIES: dict[str, str] = {
    "unreadable": "check the permissions and the link, or fetch the file again",
    "broken DICOM": "fetch the file again",
    "truncated": "fetch the file again",
    "compressed": "decompress the series with a DICOM toolkit",
    "multi-frame": "export the series as one file per slice",
    "segmentation object": "export the contours as RTSTRUCT, or the mask as NIfTI in an nnU-Net folder",
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
    "reference missing": "add the series that the contours were drawn on",
    "reference refused": "mend the series that the contours were drawn on",
    "reference mismatch": "export the contours again with the study they belong to",
    "several references": "export one structure set per series",
    "no regions": "leave the file out, or draw the region",
    "contours off the slices": "export the contours on the slices of their series",
    "changed or unreadable": "run the same command again",
    "missing channel": "add the image of this channel",
    "unknown channel": "rename the file, or add the channel to dataset.json",
    "no images": "add the images of this label map",
    "duplicate case": "keep the case in one of the two folders",
    "impossible grid": "repair the affine in the header",
    "other grid": "resample the file onto the grid of the first channel",
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
