"""From the rescaled numbers of a PET to activity concentration."""

from __future__ import annotations

from oncohort.suv.factor import SuvScale
from oncohort.suv.header import PetHeader
from oncohort.suv.stored import stored_quantity


def activity_factor(header: PetHeader) -> SuvScale:
    """What turns the rescaled values of a series into Bq/ml, as they were decay-corrected by the scanner.

    Nothing is decayed or corrected here: BQML is taken as it is, CNTS by Philips' private factor (7053,1009), CPS by
    the volume of a voxel and its calibration.

    Raises:
        SuvRefusal: The numbers are uptake already, or nothing says how much activity they are.

    Examples:
        >>> activity_factor(PetHeader("series 1", {"Units": "BQML"}, ())).factor
        1.0
    """
    stored = stored_quantity(header)
    if stored.quantity != "activity":
        raise header.refusal(
            "unsupported_units",
            expected="Units BQML, CNTS with (7053,1009), or CPS, to become Bq/ml",
            found=f"Units {header.text('Units')}, which are uptake values",
            remedy="convert to SUV",
        )
    parts = {name: {"value": part.value, "source": part.source} for name, part in stored.parts.items()}
    record = {"rule": stored.rule, "factor": stored.factor, **parts, "warnings": list(stored.notes)}
    return SuvScale((stored.factor,) * max(1, len(header.frame_of_slice)), stored.rule, record, stored.notes)
