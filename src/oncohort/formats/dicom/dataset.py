"""The header of a DICOM file as pydicom reads it: every transfer syntax and character set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from oncohort.formats.dicom.values import RawHeader, decoded, text


@dataclass(frozen=True, slots=True)
class DatasetValues:
    """The values of a pydicom data set."""

    data: Dataset

    def text(self, tag: int) -> str:
        r"""The text of an element, several values parted by a backslash; "" if it is missing or empty."""
        return text(self.data, tag)

    def decoded(self, tag: int) -> str:
        """The text of an element in the character set of its file; "" if it is missing or empty."""
        return decoded(self.data, keyword_for_tag(tag))

    def integer(self, tag: int) -> int:
        """The one whole number of an element.

        Raises:
            LookupError: it is missing.
            TypeError: it is none.
        """
        return int(self.data[tag].value)

    def items(self, tag: int) -> Sequence[DatasetValues]:
        """The items of a sequence; none if it is missing or empty."""
        return [DatasetValues(item) for item in self.data.get(keyword_for_tag(tag)) or ()]


def parse_header(stream: IO[bytes], size: int) -> RawHeader:
    """What stands before the pixels of a file that is not deflated; nothing beyond its end is asked for.

    Raises:
        PYDICOM_ERRORS: the file is broken, or deflated.
    """
    bounded = _Bounded(stream, size)
    bounded.seek(0)
    data = dcmread(bounded, stop_before_pixels=True)
    syntax, media_class = (
        str(data.file_meta.get(name, "")) for name in ("TransferSyntaxUID", "MediaStorageSOPClassUID")
    )
    at = bounded.tell()
    return RawHeader(syntax, media_class, DatasetValues(data), at, bounded.read(12))


class _Bounded:
    """A file of which no read allocates more than its size; a damaged length may ask for four gigabytes."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, count: int = -1) -> bytes:
        if count < 0:
            raise ValueError("deflated data are not read")
        return self._stream.read(min(count, max(0, self._size - self._stream.tell())))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
