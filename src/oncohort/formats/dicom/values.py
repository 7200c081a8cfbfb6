"""Values of DICOM elements as text and numbers, with one exception for files that cannot be used."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

PYDICOM_ERRORS = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NotImplementedError,
    ArithmeticError,
    RecursionError,
    struct.error,
)
"""What pydicom raises on broken files; translated at this border."""


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Whose image a file is, whatever can be done with it: the UIDs of its header, "" where they are missing."""

    patient: str
    study: str
    series: str
    instance: str
    date: str
    sop_class: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that no case can use: its path, the reason in a few fixed words, the detail; whose it is, if known."""

    path: str
    reason: str
    detail: str
    identity: FileIdentity | None = None


class Unusable(Exception):  # noqa: N818 - it is turned into a RefusedFile before it leaves the room
    """One file cannot be used, for a reason in a few fixed words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class HeaderValues(Protocol):
    """The values of a header, or of one item of a sequence in it, by tag."""

    def text(self, tag: int) -> str:
        r"""The text of an element, several values parted by a backslash; "" if it is missing or empty."""
        ...

    def decoded(self, tag: int) -> str:
        """The text of an element in the character set of its file; "" if it is missing or empty."""
        ...

    def integer(self, tag: int) -> int:
        """The one whole number of an element."""
        ...

    def items(self, tag: int) -> Sequence[HeaderValues]:
        """The items of a sequence; none if it is missing or empty."""
        ...


@dataclass(frozen=True, slots=True)
class RawHeader:
    """What stands before the pixels of a file.

    Attributes:
        syntax: TransferSyntaxUID.
        media_class: MediaStorageSOPClassUID.
        values: the header.
        pixels_at: byte at which the element of the pixels begins.
        pixel_head: the first 12 bytes of that element, fewer at the end of the file.
    """

    syntax: str
    media_class: str
    values: HeaderValues
    pixels_at: int
    pixel_head: bytes


@lru_cache(maxsize=1 << 14)
def text_of(value: bytes) -> str:
    r"""The text of the bytes of an element, several values parted by a backslash; the same object for the same bytes.

    Examples:
        >>> text_of(b"ORIGINAL\\PRIMARY ")
        'ORIGINAL\\PRIMARY'
    """
    return sys.intern("\\".join(part.strip() for part in value.decode("latin-1").rstrip("\0 ").split("\\")))


def text(data: Dataset, tag: int) -> str:
    r"""The text of an element, several values parted by a backslash; "" if it is missing or empty."""
    if tag not in data:
        return ""
    element: Any = data.get_item(tag)
    if isinstance(element, RawDataElement):
        return text_of(element.value or b"")
    value = None if element is None else element.value
    parts = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return "\\".join("" if part is None else str(part).strip() for part in parts)


def decoded(data: Dataset, keyword: str) -> str:
    """The text of an element in the character set of its file; "" if it is missing or empty."""
    value = data.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")


def number(written: str, name: str) -> float:
    """The finite number in a text.

    Raises:
        Unusable: the text holds none.

    Examples:
        >>> number("-1024", "RescaleIntercept")
        -1024.0
    """
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unusable("broken DICOM", f"{name} is {written!r}")
    return value


def numbers(data: HeaderValues, tag: int, count: int, name: str) -> tuple[float, ...]:
    """The `count` numbers of an element that says where a slice lies.

    Raises:
        Unusable: there are not as many, or one is no number.
    """
    parts = data.text(tag).split("\\")
    if len(parts) != count:
        raise Unusable("no geometry", f"{name} is missing or has {len(parts)} values instead of {count}")
    return tuple(number(part, name) for part in parts)
