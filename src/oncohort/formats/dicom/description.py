"""What the header of one file says of scanner, protocol and reconstruction."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from oncohort.formats.dicom.values import PYDICOM_ERRORS, decoded

KEYWORDS = (
    "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "SeriesDescription", "ProtocolName",
    "BodyPartExamined", "PatientPosition", "ImageType", "KVP", "XRayTubeCurrent", "Exposure", "ConvolutionKernel",
    "SliceThickness", "GantryDetectorTilt", "ContrastBolusAgent", "ReconstructionMethod",
    "AttenuationCorrectionMethod", "ScatterCorrectionMethod", "RandomsCorrectionMethod", "SeriesType",
    "CountsSource", "RadiopharmaceuticalRoute",
)  # fmt: skip
"""Attributes that `describe_file` gives."""

_MOST_CHARACTERS = 1024


def describe_file(path: str | Path) -> dict[str, str]:
    r"""The attributes of `KEYWORDS` that a file has, as text, several values parted by a backslash.

    A file that cannot be read has none; texts longer than 1024 characters are cut.
    """
    try:
        data = dcmread(path, stop_before_pixels=True, specific_tags=list(KEYWORDS))
        found = {name: _text(data, name) for name in KEYWORDS}
    except PYDICOM_ERRORS:
        return {}
    return {name: text[:_MOST_CHARACTERS] for name, text in found.items() if text}


def _text(data: Dataset, name: str) -> str:
    value = data.get(name)
    if isinstance(value, MultiValue):
        return "\\".join(str(part) for part in value)
    return decoded(data, name)
