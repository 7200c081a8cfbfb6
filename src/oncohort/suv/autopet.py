"""The conversion by which the published autoPET volumes were made, for comparison only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oncohort.suv.clock import parse_time
from oncohort.suv.factor import SuvScale
from oncohort.suv.header import PetHeader, as_text

RULE = "autopet-compat"
_USED = (
    "PatientWeight",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "AcquisitionTime",
)


def autopet_factor(slices: Sequence[Mapping[str, object]], *, where: str) -> SuvScale:
    """The factor of the script that made autoPET's SUV: 1000 W / (D * 2^(-(t_acq - t_inj) / T)).

    Times are times of day of the first slice given; neither units, decay correction, dates nor vendors are looked at.
    The script takes an arbitrary first file, here it is the first slice. Use it to reproduce released volumes only.
    Source: lab-midas/TCIA_processing.

    Args:
        slices: per slice, values by DICOM keyword, sorted by file name.
        where: file or series named in messages.

    Raises:
        SuvRefusal: A tag is missing or no number (`autopet_tag_missing`).

    Examples:
        >>> tags = {"PatientWeight": 70, "RadionuclideTotalDose": 368.08e6, "RadionuclideHalfLife": 6586.2,
        ...         "RadiopharmaceuticalStartTime": "100000", "AcquisitionTime": "110000"}
        >>> round(autopet_factor([tags], where="series 1").factor, 10)
        0.0002777781
    """
    tags = {name: as_text(slices[0].get(name)) for name in _USED}
    header = PetHeader(where, tags, ())
    weight, dose, half_life = (_number(header, name) for name in _USED[:3])
    injected, acquired = (_seconds_of_day(header, name) for name in _USED[3:])
    try:
        factor = 1000 * weight / (dose * 2 ** (-(acquired - injected) / half_life))
    except (ZeroDivisionError, OverflowError):
        raise _missing(header, "RadionuclideTotalDose") from None
    warning = "units, decay correction and dates were not checked: only to reproduce autoPET's volumes"
    record = {
        "recipe": RULE,
        "recipe_version": 1,
        "rule": RULE,
        "normalisation": "BW",
        "factor": factor,
        "tags": tags,
        "seconds_since_injection": {"value": acquired - injected, "source": "AcquisitionTime of the first slice"},
        "warnings": [warning],
    }
    return SuvScale((factor,) * len(slices), RULE, record, (warning,))


def _number(header: PetHeader, name: str) -> float:
    value = header.number(name)
    if value is None or value == 0:
        raise _missing(header, name)
    return value


def _seconds_of_day(header: PetHeader, name: str) -> float:
    clock = parse_time(header.text(name))
    if clock is None:
        raise _missing(header, name)
    return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6


def _missing(header: PetHeader, name: str) -> Exception:
    return header.refusal("autopet_tag_missing", expected=name, found=header.text(name) or "none")
