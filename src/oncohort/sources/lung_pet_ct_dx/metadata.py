"""`metadata.csv` of the downloader: how many images each series should have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from oncohort.errors import FormatError
from oncohort.formats.csv_rows import read_csv_rows
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.values import RefusedFile
from oncohort.layouts import lung_pet_ct_dx as layout
from oncohort.sources.lung_pet_ct_dx.annotations import Notes


def count_images(headers: Iterable[DicomHeader | RefusedFile]) -> Counter[str]:
    """Images met by SeriesInstanceUID, those that were refused among them, each SOPInstanceUID once."""
    met = set()
    for one in headers:
        if isinstance(one, DicomHeader):
            met.add((one.series, one.instance))
        elif one.identity is not None:
            met.add((one.identity.series, one.identity.instance))
    return Counter(series for series, _ in met)


def compare_metadata(path: Path, counts: Counter[str], notes: Notes, named: str) -> None:
    """Note the series of which there are fewer images than the downloader says that it fetched.

    Args:
        path: the file.
        counts: from `count_images`.
        notes: gets what is missing.
        named: the path as the tables name it.

    Raises:
        FormatError: it cannot be read, or has other columns.
    """
    for row in read_csv_rows(path, layout.METADATA_COLUMNS):
        series, subject, images = (row[name] for name in layout.METADATA_COLUMNS)
        if images.isascii() and images.isdigit() and counts[series] < int(images[:9]):
            notes.add(
                "series_incomplete", "", named, f"{subject}, series {series}: {counts[series]} of {images} images"
            )


def readable_metadata(
    paths: Sequence[Path], headers: Sequence[DicomHeader | RefusedFile], notes: Notes, named: dict[Path, str]
) -> tuple[list[Path], list[RefusedFile]]:
    """The files of the downloader that could be compared, and those that are none."""
    read, refused = [], []
    counts = count_images(headers)
    for path in paths:
        try:
            compare_metadata(path, counts, notes, named[path])
        except FormatError as error:
            refused.append(RefusedFile(str(path), "not part of the layout", f"expected {error.expected}"))
        else:
            read.append(path)
    return read, refused
