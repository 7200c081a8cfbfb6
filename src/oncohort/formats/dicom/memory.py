"""Headers of files that have not changed, remembered from an earlier run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from pathlib import Path
from typing import Any

from oncohort.compute import ResultJournal
from oncohort.formats.dicom.header import DicomHeader, Identity, read_header, share_facts
from oncohort.formats.dicom.image import ImageFacts
from oncohort.formats.dicom.values import FileIdentity, RefusedFile

HEADERS_VERSION = "4"
"""Changes whenever the same file would give another header."""


_WHOSE = attrgetter(*(field.name for field in fields(FileIdentity)))
_IMAGE = attrgetter(*(field.name for field in fields(ImageFacts)))


class HeaderMemory:
    """Reads headers, and remembers each by path, size and modification time.

    Args:
        journal: Where they are remembered.
        identity: As `read_header` takes it; the same for all calls on one journal.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.txt")
        ...     _ = file.write_text("no image")
        ...     with ResultJournal(f"{folder}/headers.jsonl") as journal:
        ...         HeaderMemory(journal).read(file).reason
        'not DICOM'
    """

    def __init__(self, journal: ResultJournal, identity: Identity = "header") -> None:
        self._journal, self._identity = journal, identity

    def read(self, path: str | Path) -> DicomHeader | RefusedFile:
        """What a file says before its pixels, as `read_header` gives it; from memory, if the file has not changed."""
        name = str(path)
        try:
            status = os.stat(path)  # noqa: PTH116 - a quarter of the time of Path.stat
        except OSError:
            return read_header(path, self._identity)
        stamp = [status.st_size, status.st_mtime_ns]
        key = _key(name)
        known = _known(name, stamp, self._journal.get(key))
        if known is not None:
            return known
        found = read_header(path, self._identity)
        if isinstance(found, DicomHeader) or found.reason != "unreadable":
            self._journal.put(key, [*stamp, *_values(found)])
        return found

    def keep_only(self, paths: Sequence[str | Path]) -> None:
        """Forget files that are not in `paths`.

        Raises:
            OutputError: The journal cannot be written.
        """
        self._journal.prune({_key(str(path)) for path in paths})


def _key(name: str) -> str:
    return f"{HEADERS_VERSION} {encode_basestring_ascii(name)}"


def _values(found: DicomHeader | RefusedFile) -> list[Any]:
    if isinstance(found, RefusedFile):
        return ["refused", found.reason, found.detail, None if found.identity is None else _WHOSE(found.identity)]
    image = None if found.image is None else _IMAGE(found.image)
    identity = [found.patient, found.study, found.series, found.instance, found.modality, found.frame]
    return ["header", identity, found.facts, image, found.acquired]


def _known(name: str, stamp: list[int], values: Any) -> DicomHeader | RefusedFile | None:
    """What was remembered of a file, if it bears this stamp; damaged memories are none."""
    if not isinstance(values, list) or values[:2] != stamp:
        return None
    try:
        return _from_values(name, values)
    except (TypeError, ValueError, LookupError, AttributeError):
        return None


def _from_values(name: str, values: list[Any]) -> DicomHeader | RefusedFile:
    size, changed, kind, *rest = values
    if kind == "refused":
        reason, detail, identity = rest
        return RefusedFile(name, reason, detail, None if identity is None else FileIdentity(*identity))
    identity, facts, image, acquired = rest
    slice_image = None if image is None else _image(image)
    fields: list[Any] = [*map(sys.intern, identity), share_facts(facts), slice_image, sys.intern(acquired)]
    return DicomHeader(name, size, changed, *fields)


def _image(values: list[Any]) -> ImageFacts:
    fields: list[Any] = [tuple(value) if isinstance(value, list) else value for value in values]
    return ImageFacts(*fields)
