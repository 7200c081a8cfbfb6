"""A CT or PET series on disk as that which a structure set or segmentation is written for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from oncohort.errors import FormatError
from oncohort.formats.dicom.geometry import stack_slices
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.study import DicomStudy, WrittenSeries
from oncohort.formats.dicom.values import PYDICOM_ERRORS, Unusable, decoded
from oncohort.geometry import Geometry
from oncohort.storage import sha256_bytes

_STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "FrameOfReferenceUID",
)  # fmt: skip
EARLIEST = datetime(1970, 1, 1)
"""Stands for a date that nothing shows: a header without StudyDate keeps it empty."""


@contextmanager
def tolerant() -> Iterator[None]:
    """Values of a header that break the rules of their VR, such as a long AccessionNumber, pass without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@dataclass(frozen=True)
class ReferencedSeries:
    """A series of CT or PET slices, in order, with the facts of its study.

    Attributes:
        images: the series and its slices along k.
        study: patient and study as the headers say.
        paths: the files, along k.
    """

    images: WrittenSeries
    study: DicomStudy
    paths: tuple[str, ...]

    @property
    def geometry(self) -> Geometry:
        """The grid of the slices."""
        return self.images.geometry

    def study_of(self, content: bytes) -> DicomStudy:
        """The study with UIDs for an object that holds this: the same for the same content, new for other content."""
        return replace(self.study, entropy=f"{self.images.uid} {sha256_bytes(content)}")

    def datasets(self) -> list[Dataset]:
        """The headers of the slices along k, without pixels.

        Raises:
            FormatError: a file changed and cannot be read any more.
        """
        try:
            return [dcmread(path, stop_before_pixels=True) for path in self.paths]
        except PYDICOM_ERRORS as error:
            found = f"{type(error).__name__}: {error}"[:300]
            raise _wrong(Path(self.paths[0]).parent, "the slices as they were", found) from error


def read_referenced_series(folder: str | Path) -> ReferencedSeries:
    """The one CT or PET series in a folder, for objects that are to refer to it; no pixel is read.

    Numbers are not looked at: a PET without SUV, or a CT that is not in HU, has a grid as well.

    Raises:
        FormatError: no series, several, one that is no volume, or one without frame of reference.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as empty:
        ...     try:
        ...         read_referenced_series(empty)
        ...     except FormatError as error:
        ...         print(error.expected)
        one CT or PET series
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _wrong(folder, "a folder with one CT or PET series", "no folder")
    index = index_files(sorted(path for path in folder.iterdir() if path.is_file()))
    if len(index.series) != 1:
        found = ", ".join(index.series) or "; ".join(sorted({one.reason for one in index.refused})) or "no files"
        raise _wrong(folder, "one CT or PET series", found)
    (headers,) = index.series.values()
    with tolerant():
        return _referenced(folder, headers)


def _referenced(folder: Path, headers: Sequence[DicomHeader]) -> ReferencedSeries:
    images = [header.image for header in headers if header.image is not None]
    try:
        stack = stack_slices(images)
    except Unusable as unusable:
        found = f"{unusable.reason} ({unusable.detail})"
        raise _wrong(folder, "slices that form one volume", found) from unusable
    ordered = [headers[index] for index in stack.order]
    instances = tuple(header.instance for header in ordered)
    if len(set(instances)) < len(instances) or stack.geometry.shape[2] != len(instances):
        raise _wrong(folder, "one file and SOPInstanceUID for every slice", f"{len(set(instances))} of them")
    first = _read(ordered[0].path)
    if not decoded(first, "FrameOfReferenceUID"):
        raise _wrong(folder, "a series with FrameOfReferenceUID", "none")
    facts = _facts(first)
    written = WrittenSeries(ordered[0].series, decoded(first, "SOPClassUID"), instances, stack.geometry)
    study = DicomStudy(ordered[0].patient, EARLIEST, facts, ordered[0].study)
    return ReferencedSeries(written, study, tuple(header.path for header in ordered))


def _read(path: str) -> Dataset:
    try:
        return dcmread(path, stop_before_pixels=True)
    except PYDICOM_ERRORS as error:
        raise _wrong(Path(path), "a DICOM header", f"{type(error).__name__}: {error}"[:300]) from error


def _facts(first: Dataset) -> Mapping[str, Any]:
    return {name: decoded(first, name) for name in _STUDY}


def _wrong(where: Path, expected: str, found: str) -> FormatError:
    remedy = "name a folder that holds the files of one series"
    return FormatError(expected=expected, found=found, where=str(where), remedy=remedy)
