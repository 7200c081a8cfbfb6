"""Headers of many DICOM files, sorted into series."""

from __future__ import annotations

import filecmp
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from oncohort.compute import Progress, ProgressCallback, ResultJournal
from oncohort.formats.dicom.header import DicomHeader, Identity, identity_of, read_frames, read_header
from oncohort.formats.dicom.memory import HeaderMemory
from oncohort.formats.dicom.values import RefusedFile

_FILES_PER_REPORT = 200


@dataclass(frozen=True)
class DicomIndex:
    """What a set of files holds; every file stands in exactly one place.

    Attributes:
        series: CT and PET slices by SeriesInstanceUID, in order of path.
        structures: RT structure sets and segmentations, in order of path.
        refused: files that no case can use.
    """

    series: Mapping[str, tuple[DicomHeader, ...]]
    structures: tuple[DicomHeader, ...]
    refused: tuple[RefusedFile, ...]


def index_files(
    paths: Sequence[str | Path], progress: ProgressCallback | None = None, *, identity: Identity = "header"
) -> DicomIndex:
    """Files sorted into series by their headers; each is read once, up to its pixels.

    A file that is byte for byte another one is refused as a duplicate, and so are localizers.

    Args:
        paths: files, in the order that decides which of two duplicates is kept.
        progress: called every few hundred files.
        identity: "folder" takes also files without PatientID or UIDs.

    Examples:
        >>> index_files([]).series
        {}
    """
    return sort_headers(read_headers(paths, progress, identity=identity), identity=identity)


def sort_headers(found: Sequence[DicomHeader | RefusedFile], *, identity: Identity = "header") -> DicomIndex:
    """Headers sorted into series; of files that are byte for byte the same the first is kept.

    Files with several frames are opened again, and each frame is a slice.
    """
    found = [one for each in found for one in _with_frames(each, identity)]
    refused = [one for one in found if isinstance(one, RefusedFile)]
    headers, duplicates = _without_duplicates([one for one in found if isinstance(one, DicomHeader)])
    series: dict[str, list[DicomHeader]] = {}
    structures = []
    for header in headers:
        if header.image is None:
            structures.append(header)
        elif "LOCALIZER" in header.facts.get("ImageType", "").upper():
            detail = f"ImageType {header.facts['ImageType']}"
            refused.append(RefusedFile(header.path, "localizer", detail, identity_of(header)))
        else:
            series.setdefault(header.series, []).append(header)
    by_series = {uid: tuple(slices) for uid, slices in series.items()}
    return DicomIndex(by_series, tuple(structures), (*refused, *duplicates))


def _with_frames(found: DicomHeader | RefusedFile, identity: Identity) -> Sequence[DicomHeader | RefusedFile]:
    if isinstance(found, DicomHeader) or found.reason != "multi-frame":
        return (found,)
    frames = read_frames(found.path, identity)
    return (frames,) if isinstance(frames, RefusedFile) else frames


def read_headers(
    paths: Sequence[str | Path],
    progress: ProgressCallback | None = None,
    journal: Path | None = None,
    *,
    identity: Identity = "header",
) -> list[DicomHeader | RefusedFile]:
    """The header of every file, in the order of the files.

    Args:
        paths: files.
        progress: called every few hundred files.
        journal: file of the headers of an earlier run; what has not changed since is not opened.
        identity: "folder" takes also files without PatientID or UIDs.

    Raises:
        OutputError: the journal cannot be written.
    """
    if journal is None:
        return _read_each(paths, progress, partial(read_header, identity=identity))
    with ResultJournal(journal) as opened:
        memory = HeaderMemory(opened, identity)
        found = _read_each(paths, progress, memory.read)
        memory.keep_only(paths)
    return found


def _read_each(
    paths: Sequence[str | Path],
    progress: ProgressCallback | None,
    read: Callable[[str | Path], DicomHeader | RefusedFile],
) -> list[DicomHeader | RefusedFile]:
    started = time.monotonic()
    found = []
    for done, path in enumerate(paths, start=1):
        found.append(read(path))
        if progress is not None and (done % _FILES_PER_REPORT == 0 or done == len(paths)):
            progress(Progress(done, len(paths), "reading headers", time.monotonic() - started))
    return found


def _without_duplicates(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], list[RefusedFile]]:
    kept: dict[str, list[DicomHeader]] = {}
    duplicates = []
    for header in headers:
        twins = kept.setdefault(header.instance, [])
        twin = next((twin for twin in twins if _same_bytes(twin, header)), None)
        if twin is None:
            twins.append(header)
        else:
            duplicates.append(RefusedFile(header.path, "duplicate", f"the same bytes as {twin.path}"))
    dropped = {refused.path for refused in duplicates}
    return [header for header in headers if header.path not in dropped], duplicates


def _same_bytes(one: DicomHeader, other: DicomHeader) -> bool:
    if one.bytes != other.bytes:
        return False
    try:
        return filecmp.cmp(one.path, other.path, shallow=False)
    except OSError:
        return False
