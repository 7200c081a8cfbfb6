"""Screenshots as DICOM: secondary capture images in colour, without a position in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from oncohort.formats.dicom.study import DicomStudy, study_facts, write_dataset


def write_captures(
    folder: str | Path, pictures: NDArray[np.uint8], study: DicomStudy, more: Mapping[str, Any]
) -> tuple[str, ...]:
    """Write pictures as a secondary capture series, `0001.dcm` and so on.

    Args:
        folder: Made if missing.
        pictures: Red, green and blue (picture, row, column, 3).
        study: Patient, study and time.
        more: Further attributes of the series by keyword, `SeriesInstanceUID` among them.

    Returns:
        The SOPInstanceUIDs, in order.

    Raises:
        OutputError: A file cannot be written.
    """
    template = Dataset()
    _, rows, columns, _ = pictures.shape
    facts = {
        **study_facts(study),
        "SOPClassUID": SecondaryCaptureImageStorage,
        "Modality": "OT",
        "ConversionType": "WSD",
        "ImageType": ["DERIVED", "SECONDARY"],
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        **more,
    }
    for keyword, value in facts.items():
        setattr(template, keyword, value)
    uids = tuple(study.uid(facts["SeriesInstanceUID"], number) for number in range(len(pictures)))
    for number, (uid, picture) in enumerate(zip(uids, pictures, strict=True), start=1):
        template.SOPInstanceUID = uid
        template.InstanceNumber = number
        template.PixelData = np.ascontiguousarray(picture).tobytes() + b"\0" * (picture.size % 2)
        write_dataset(Path(folder) / f"{number:04d}.dcm", template)
    return uids
