"""The elements of a little-endian DICOM file one by one, without reading the values of those passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from oncohort.formats.dicom.values import Unusable

FIRST_BYTES = 16 * 1024
"""What is read of a file at first; the headers of nearly all CT and PET slices are shorter."""

DEEPEST = 32
"""Sequences within sequences that are followed."""

UNDEFINED = 0xFFFFFFFF
"""A length that says that a delimiter ends the value."""

PIXEL_TAGS = frozenset({0x7FE00010, 0x7FE00009, 0x7FE00008})
"""Integer, double and float pixels: the header ends before them."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE  # group and element as they lie in the file
_DELIMITERS = frozenset({_ITEM, _ITEM_END, _SEQUENCE_END})
_SHORT = frozenset(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_16)
_LONG = frozenset(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32)
_EXPLICIT = Struct("<I2sH").unpack_from
_IMPLICIT = Struct("<II").unpack_from
_LENGTH = Struct("<I").unpack_from
_HEAD = 12

Element = tuple[bytes, int, int, bytes]
"""VR (b"" if implicit), where the value begins, its length as it is written, and as much of it as was at hand."""

Found = dict[int, Element]
"""Elements by tag; of several with one tag the last."""


class UnknownHeader(Exception):  # noqa: N818 - no error: pydicom is asked instead
    """The walk does not know what pydicom would make of this header."""


class Window:
    """The bytes of a file, held piece by piece.

    Attributes:
        size: bytes of the file.
        heads: start and stop of all bytes that decided how the file was walked.
    """

    __slots__ = ("_base", "_buffer", "_descriptor", "_first", "_last", "heads", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size = descriptor, size
        self.heads: list[tuple[int, int]] = []
        self._load(0)
        self._first = self._buffer

    def first(self) -> bytes:
        """The first piece of the file."""
        return self._first

    def piece(self, position: int) -> tuple[bytes, int, int]:
        """Bytes in which an element at `position` has its whole head, where they begin, and for how far that holds."""
        if not self._base <= position <= self._last:
            self._load(position)
        return self._buffer, self._base, self._last

    def cut(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop`, fewer at the end of the file."""
        if start >= self._base and stop <= self._base + len(self._buffer):
            return self._buffer[start - self._base : stop - self._base]
        return os.pread(self._descriptor, stop - start, start)

    def _load(self, position: int) -> None:
        self._buffer, self._base = os.pread(self._descriptor, FIRST_BYTES, position), position
        at_end = position + len(self._buffer) >= self.size
        self._last = position + len(self._buffer) - (8 if at_end else _HEAD)


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a file that holds elements.

    Attributes:
        start: of the first element.
        end: no element begins here or later.
        implicit: whether elements carry no VR.
        depth: how many sequences this lies in.
    """

    start: int
    end: int
    implicit: bool
    depth: int = 0


def as_in_file(tags: Iterable[int]) -> dict[int, int]:
    """What `find_elements` may be asked for: tags by group and element as a 32-bit number of the file.

    Examples:
        >>> as_in_file([0x00080018])
        {1572872: 524312}
    """
    return {(tag & 0xFFFF) << 16 | tag >> 16: tag for tag in tags}


INSIDE = as_in_file({0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD})
"""Ends of the elements of an item."""

OUTSIDE = {**INSIDE, **as_in_file(PIXEL_TAGS)}
"""Ends of the elements of a file, beside the end of the file."""


def find_elements(window: Window, span: Span, asked: Mapping[int, int], ends: Mapping[int, int], found: Found) -> int:
    """Put the elements that are asked for into `found`, and give the position at which the span ends.

    Elements that are not asked for are passed over; of sequences of undefined length every item is gone through,
    since nothing else says where they end.

    Args:
        window: of the file.
        span: where the elements lie.
        asked: from `as_in_file`; holds all of `ends`.
        ends: the first of these ends the walk.
        found: is filled.

    Returns:
        The position of the element that ended the walk, or of the end of the span.

    Raises:
        UnknownHeader: something that needs the full rules.
        Unusable: an element reaches beyond the end of the file, or sequences lie in each other too deep.
    """
    return (_find_implicit if span.implicit else _find_explicit)(window, span, asked, ends, found)


def _find_implicit(window: Window, span: Span, asked: Mapping[int, int], ends: Mapping[int, int], found: Found) -> int:
    position, end, depth, heads = span.start, span.end, span.depth, window.heads
    buffer, base, last = window.piece(position)
    while position + 8 <= end:
        if position > last:
            buffer, base, last = window.piece(position)
        raw, length = _IMPLICIT(buffer, position - base)
        heads.append((position, position + 8))
        after = position + 8 + length
        if raw in asked or after > end:
            if raw in ends:
                return position
            if after > end:
                after = _far_end(window, (raw, b"", position + 8, length), end, depth)
            found[asked.get(raw, 0)] = b"", position + 8, length, buffer[position + 8 - base : after - base]
        position = after
    return _fitting(position, end, depth)


def _find_explicit(window: Window, span: Span, asked: Mapping[int, int], ends: Mapping[int, int], found: Found) -> int:
    position, end, depth, heads = span.start, span.end, span.depth, window.heads
    buffer, base, last = window.piece(position)
    while position + 8 <= end:
        if position > last:
            buffer, base, last = window.piece(position)
        raw, vr, length = _EXPLICIT(buffer, position - base)
        start = position + 8
        if vr not in _SHORT:
            vr, start, length = _long_head(buffer, position - base, position)
        heads.append((position, start))
        after = start + length
        if raw in asked or after > end:
            if raw in ends:
                return position
            if after > end:
                after = _far_end(window, (raw, vr, start, length), end, depth)
            found[asked.get(raw, 0)] = vr, start, length, buffer[start - base : after - base]
        position = after
    return _fitting(position, end, depth)


def _fitting(position: int, end: int, depth: int) -> int:
    if depth and position != end:
        raise UnknownHeader
    return end


def _long_head(buffer: bytes, offset: int, position: int) -> tuple[bytes, int, int]:
    """VR, where the value begins, and its length, of an explicit element whose length is not of 16 bits."""
    raw, vr, _ = _EXPLICIT(buffer, offset)
    if vr in _LONG and offset + _HEAD <= len(buffer):
        return vr, position + _HEAD, _LENGTH(buffer, offset + 8)[0]
    if raw in _DELIMITERS:
        return b"", position + 8, _LENGTH(buffer, offset + 4)[0]
    raise UnknownHeader


def _far_end(window: Window, head: tuple[int, bytes, int, int], end: int, depth: int) -> int:
    """Where an element of undefined length ends; a defined one here reaches too far."""
    raw, vr, start, length = head
    if length != UNDEFINED:
        raise _beyond(window, raw, length, end)
    if vr not in (b"", b"SQ") or (not vr and not _may_be_sequence(raw)):
        raise UnknownHeader
    position = start
    for _, after in items(window, start, length, Span(start, end, not vr, depth)):
        position = after
    return position + 8


@lru_cache(maxsize=1 << 10)
def _may_be_sequence(raw: int) -> bool:
    """Whether nothing says that the element is none: private and unknown ones may be one."""
    try:
        return dictionary_VR((raw & 0xFFFF) << 16 | raw >> 16) == "SQ"
    except KeyError:
        return True


def read_explicit(window: Window, position: int) -> tuple[int, bytes, int, int]:
    """Group and element as in the file, VR, where the value begins, and its length, of the element at `position`.

    Raises:
        UnknownHeader: another VR, or the file ends before the value.
    """
    buffer, base, _ = window.piece(position)
    raw, vr, length = _EXPLICIT(buffer, position - base)
    start = position + 8
    if vr not in _SHORT:
        vr, start, length = _long_head(buffer, position - base, position)
    window.heads.append((position, start))
    return raw, vr, start, length


def items(window: Window, start: int, length: int, around: Span) -> Iterator[tuple[Span, int]]:
    """The content of each item of a sequence, and where the next item begins.

    Every item is gone through, to see that its elements fill it.

    Args:
        window: of the file.
        start: where the first item begins.
        length: of the sequence in bytes; `UNDEFINED` if a delimiter ends it.
        around: what the sequence lies in.

    Raises:
        UnknownHeader: items that do not fill the sequence.
        Unusable: sequences lie in each other too deep, or have no end.
    """
    if around.depth >= DEEPEST:
        raise Unusable("broken DICOM", f"sequences lie in each other more than {DEEPEST} deep")
    stop = around.end if length == UNDEFINED else start + length
    position = start
    while length == UNDEFINED or position < stop:
        if position + 8 > stop:
            raise _beyond(window, _SEQUENCE_END, 0, stop)
        raw, item_length = _IMPLICIT(window.cut(position, position + 8))
        window.heads.append((position, position + 8))
        if raw == _SEQUENCE_END and length == UNDEFINED:
            return
        if raw != _ITEM:
            raise UnknownHeader
        end = stop if item_length == UNDEFINED else position + 8 + item_length
        if end > stop:
            raise _beyond(window, _ITEM, item_length, stop)
        content = Span(position + 8, end, around.implicit, around.depth + 1)
        content, position = _item(window, content, item_length)
        yield content, position


def _item(window: Window, content: Span, length: int) -> tuple[Span, int]:
    """The content of an item without its delimiter, and where the next item begins."""
    finish = find_elements(window, content, INSIDE, INSIDE, {})
    if length != UNDEFINED:
        if finish != content.end:
            raise UnknownHeader
        return content, finish
    if finish == content.end:
        raise _beyond(window, _ITEM_END, 0, finish)
    if _IMPLICIT(window.cut(finish, finish + 8)) != (_ITEM_END, 0):
        raise UnknownHeader
    return Span(content.start, finish, content.implicit, content.depth), finish + 8


def _beyond(window: Window, raw: int, length: int, end: int) -> Unusable | UnknownHeader:
    """Why an element cannot be read that reaches beyond the end of the file, or only of its sequence."""
    if end < window.size:
        return UnknownHeader()
    name = f"({raw & 0xFFFF:04x},{raw >> 16:04x})"
    return Unusable("truncated", f"the file ends after {end} bytes, inside element {name} of {length} bytes")
