"""A small collection in the form of Lung-PET-CT-Dx, written with pydicom and plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from dicom_files import write_pet, write_series

SIZE = (40, 40)
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
HEADER = (
    *("No.", "NewPatientID", "Sex", "Age", "weight (kg)", "T-Stage", "N-Stage", "\uff2d-Stage"),
    *("Histopathological grading", "Smoking History"),
)
"""Columns of the sheet as it is published; the M is full-width."""


def tags(patient: str, *, study: str = "1.9.1", date: str = "20070425", **more: Any) -> dict[str, Any]:
    return {
        "PatientID": f"Lung_Dx-{patient}",
        "StudyInstanceUID": study,
        "StudyDate": date,
        "FrameOfReferenceUID": "1.9.8",
        "SliceThickness": "4",
        **more,
    }


def write_ct(
    root: Path, patient: str, uid: str, *, slices: int = 12, change=lambda data, k: None, **more: Any
) -> list[Path]:
    """A CT; slice k has the SOPInstanceUID `<uid>.<k>` and lies 4 mm above the one before."""
    folder = root / "manifest-1" / "Lung-PET-CT-Dx" / f"Lung_Dx-{patient}" / "04-25-2007-NA-Chest" / uid
    return write_series(folder, uid=uid, shape=(*SIZE, slices), tags=tags(patient, **more), change=change)


def write_lung_pet(root: Path, patient: str, uid: str, *, slices: int = 12, **more: Any) -> list[Path]:
    folder = root / "manifest-1" / "Lung-PET-CT-Dx" / f"Lung_Dx-{patient}" / uid
    return write_pet(folder, uid=uid, shape=(20, 20, slices), tags=tags(patient, **more))


def write_screenshots(root: Path, patient: str, uid: str, *, slices: int = 3, **more: Any) -> list[Path]:
    def change(data, k):
        data.SOPClassUID, data.SamplesPerPixel, data.PhotometricInterpretation = SECONDARY_CAPTURE, 3, "RGB"
        del data.ImagePositionPatient, data.ImageOrientationPatient

    return write_ct(root, patient, uid, slices=slices, change=change, **more)


Box = tuple[str, int, int, int, int]


def voc(*boxes: Box, size: tuple[int, int] = SIZE) -> str:
    objects = "".join(
        f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><Difficult>0</Difficult><bndbox>"
        f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in boxes
    )
    return (
        '<annotation verified="no"><folder>Unknow</folder><filename>Unknow</filename><path>Unknow</path>'
        "<source>Unknow<database>Unknown</database></source>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>1</depth></size>"
        f"<segmented>0</segmented>{objects}</annotation>"
    )


def annotate(root: Path, folder: str, sop: str, *boxes: Box, size: tuple[int, int] = SIZE) -> Path:
    path = root / "Annotation" / folder / f"{sop}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(voc(*boxes, size=size))
    return path


def write_clinical(root: Path, *rows: Sequence[Any], header: Sequence[str] = HEADER) -> Path:
    book = Workbook()
    book.active.append(list(header))
    for row in rows:
        book.active.append(list(row))
    path = root / "statistics-clinical-20201221.xlsx"
    book.save(path)
    return path


def write_collection(root: Path) -> Path:
    """A0001: two reconstructions and a PET of its own study, boxed on both; G0002: a CT and screenshots."""
    write_ct(root, "A0001", "1.1.1")
    write_ct(root, "A0001", "1.1.2", SeriesNumber=3)
    write_lung_pet(root, "A0001", "1.1.3", study="1.9.2")
    for k in range(3, 8):
        annotate(root, "A0001", f"1.1.1.{k}", ("A", 5, 6, 20, 21))
    for k in range(4, 8):
        annotate(root, "A0001", f"1.1.2.{k}", ("A", 6, 7, 20, 20))
    write_ct(root, "G0002", "1.2.1", study="1.9.3")
    write_screenshots(root, "G0002", "1.2.2", study="1.9.3")
    annotate(root, "G0002", "1.2.1.5", ("G", 1, 2, 8, 9))
    annotate(root, "G0002", "1.2.2.1", ("G", 10, 20, 300, 400), size=(512, 512))
    write_clinical(
        root,
        (1, "A0001", "F", 63, 60.5, "1A", 0, "1b", " G1-G2 ", 1),
        (2, "G0002", "M", 70, None, 2, 2, 3, None, 0),
    )
    (root / "manifest-1" / "metadata.csv").write_text("Series UID\n")
    (root / "manifest-1" / "Lung-PET-CT-Dx" / "LICENSE").write_text("CC BY 4.0")
    return root
