"""The header of a DICOM file by a walk over its elements: a part of the rules, many times faster than all of them.

Whatever the walk is not sure to read as pydicom does (byte order, deflation, odd VRs, character sets, items that do
not fit) raises `UnknownHeader`, and pydicom reads the file. What no reader should follow is refused.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import lru_cache

from pydicom.datadict import tag_for_keyword

from oncohort.formats.dicom.elements import (
    INSIDE,
    OUTSIDE,
    UNDEFINED,
    Element,
    Found,
    Span,
    UnknownHeader,
    Window,
    as_in_file,
    find_elements,
    items,
    read_explicit,
)
from oncohort.formats.dicom.layout import Layouts, make_layout
from oncohort.formats.dicom.private import PRIVATE_TAGS
from oncohort.formats.dicom.values import RawHeader, Unusable, text_of

LONGEST_VALUE = 1 << 20
"""Bytes of a value that somebody wants to see."""

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
_ENCAPSULATED = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"

_KEYWORDS = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate",
    "AcquisitionDate", "AcquisitionDateTime", "SeriesTime", "AcquisitionTime", "Modality", "Manufacturer",
    "StudyDescription", "SeriesDescription", "PatientID", "PatientSex", "PatientAge", "PatientSize",
    "PatientWeight", "SliceThickness", "ConvolutionKernel", "ActualFrameDuration", "StudyInstanceUID",
    "SeriesInstanceUID", "SeriesNumber", "AcquisitionNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation",
    "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "CorrectedImage", "BitsAllocated", "BitsStored",
    "DoseCalibrationFactor", "HighBit", "PixelRepresentation", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "Units", "DecayCorrection", "SUVType", "FrameReferenceTime", "DecayFactor",
    "RadiopharmaceuticalInformationSequence", "Radiopharmaceutical", "RadiopharmaceuticalStartTime",
    "RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartDateTime",
    "TimezoneOffsetFromUTC", "RadionuclideCodeSequence", "RadiopharmaceuticalCodeSequence", "CodeValue", "CodeMeaning",
)  # fmt: skip

TAGS: dict[str, int] = {name: tag_for_keyword(name) or 0 for name in _KEYWORDS}
"""Tags by keyword: everything that `DicomHeader` is made of."""

_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
_PIXEL_GROUP = b"\xe0\x7f"
_AFTER_STRUCTURES = 0x30060002  # label of a structure set: nothing that is wanted comes later
_TEXT = (b"", b"LO", b"SH")
_CHARACTER_SETS = frozenset(
    (
        *("", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 192", "GB18030", "GBK", "ISO 2022 GBK"),
        *("ISO 2022 IR 58", "ISO 2022 IR 87", "ISO 2022 IR 149"),
        *(f"{kind} {number}" for kind in ("ISO_IR", "ISO 2022 IR") for number in (*range(100, 102), 109, 110)),
        *(f"{kind} {number}" for kind in ("ISO_IR", "ISO 2022 IR") for number in (126, 127, 138, 144, 148, 166)),
    )
)


_STRUCTURE_ENDS = {**OUTSIDE, **as_in_file([_AFTER_STRUCTURES])}
_INNER = {**as_in_file(TAGS.values()), **INSIDE}
_OUTER = {**_INNER, **as_in_file(PRIVATE_TAGS), **_STRUCTURE_ENDS}
_NOTHING: Element = (b"", 0, 0, b"")
_CHARACTERS = TAGS["SpecificCharacterSet"]
_LAYOUTS = Layouts()


@dataclass(slots=True)
class WalkedValues:
    """The values of a header, or of one item of a sequence in it; the file must be open while they are asked for.

    Attributes:
        window: of the file.
        span: where the elements lie.
        characters: SpecificCharacterSet of whatever this lies in.
        found: the elements.
    """

    window: Window
    span: Span
    characters: str = ""
    found: Found = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=dict)

    @staticmethod
    def of(window: Window, span: Span, found: Found, characters: str = "") -> WalkedValues:
        """The values of elements that were found by a walk."""
        values = {tag: value for tag, (_, _, length, value) in found.items() if len(value) == length}
        return WalkedValues(window, span, characters, found, values)

    def text(self, tag: int) -> str:
        """The text of an element as it is written; "" if it is missing.

        Raises:
            UnknownHeader: it is a sequence of undefined length.
            Unusable: it is longer than `LONGEST_VALUE`.
        """
        if tag not in self.found:
            return ""
        value = self.values.get(tag)
        return text_of(self._whole(tag) if value is None else value)

    def decoded(self, tag: int) -> str:
        """The text of an element if it is plain ASCII.

        Raises:
            UnknownHeader: its characters or its VR need the full rules.
            Unusable: it is longer than `LONGEST_VALUE`.
        """
        if tag not in self.found:
            return ""
        value = self.values.get(tag)
        characters = self.text(_CHARACTERS) or self.characters
        return _plain(self.found[tag][0], self._whole(tag) if value is None else value, characters)

    def integer(self, tag: int) -> int:
        """The one unsigned 16-bit number of an element.

        Raises:
            UnknownHeader: it is missing or something else.
        """
        value = self.values.get(tag, b"")
        if len(value) != 2 or self.found[tag][0] not in (b"", b"US"):
            raise UnknownHeader
        return value[0] | value[1] << 8

    def items(self, tag: int) -> list[WalkedValues]:
        """The items of a sequence; none if it is missing.

        Raises:
            UnknownHeader: it is no sequence, or its items do not fill it.
        """
        if tag not in self.found:
            return []
        vr, start, length, _ = self.found[tag]
        if vr not in (b"", b"SQ"):
            raise UnknownHeader
        characters = self.text(_CHARACTERS) or self.characters
        return [self._item(content, characters) for content, _ in items(self.window, start, length, self.span)]

    def _item(self, content: Span, characters: str) -> WalkedValues:
        found: Found = {}
        find_elements(self.window, content, _INNER, INSIDE, found)
        return WalkedValues.of(self.window, content, found, characters)

    def _whole(self, tag: int) -> bytes:
        _, start, length, _ = self.found.get(tag, _NOTHING)
        if length == UNDEFINED:
            raise UnknownHeader
        if length > LONGEST_VALUE:
            raise Unusable("broken DICOM", f"element ({tag >> 16:04x},{tag & 0xFFFF:04x}) of {length} bytes")
        return self.window.cut(start, start + length)


@lru_cache(maxsize=1 << 12)
def _plain(vr: bytes, value: bytes, characters: str) -> str:
    if vr not in _TEXT or not value.isascii() or b"\\" in value or b"\x1b" in value:
        raise UnknownHeader
    if any(part not in _CHARACTER_SETS for part in characters.split("\\")):
        raise UnknownHeader
    return sys.intern(value.decode("ascii").rstrip("\0 ").strip().strip("\0"))


def walk_header(window: Window) -> RawHeader:
    """What stands before the pixels of a little-endian file; of a deflated one only the meta information.

    Args:
        window: of a file with the mark of DICOM.

    Raises:
        UnknownHeader: pydicom must be asked.
        Unusable: the file ends inside an element, sequences lie in each other too deep, or a value is too long.
    """
    for layout in _LAYOUTS.of_size(window.size):
        values = layout.cut(window)
        if values is not None:
            span = Span(layout.start, window.size, layout.syntax == IMPLICIT)
            walked = WalkedValues(window, span, "", layout.found, values)
            return RawHeader(
                layout.syntax, layout.media_class, walked, layout.end, window.cut(layout.end, layout.end + 12)
            )
    return _walk(window)


def _walk(window: Window) -> RawHeader:
    if window.size >= UNDEFINED:
        raise UnknownHeader
    syntax, media_class, position = _meta(window)
    if syntax == DEFLATED:
        nothing = WalkedValues(window, Span(0, 0, implicit=False))
        return RawHeader(syntax, media_class, nothing, window.size, b"")
    span, found = Span(position, window.size, _is_implicit(syntax)), dict[int, Element]()
    _check_first(window, span)
    end = find_elements(window, span, _OUTER, _STRUCTURE_ENDS, found)
    values, head = WalkedValues.of(window, span, found), window.cut(end, end + 12)
    _check_end(head, values.text(TAGS["SOPClassUID"]))
    if head[:2] == _PIXEL_GROUP and _LAYOUTS.is_expected(window.size):
        layout = make_layout(window, (syntax, media_class), (position, end), found)
        if layout is not None:
            _LAYOUTS.remember(window.size, layout)
    return RawHeader(syntax, media_class, values, end, head)


def _check_end(head: bytes, sop_class: str) -> None:
    """Whether the walk ended at pixels, the end of the file, or the regions of a structure set."""
    if head[:2] == b"\xfe\xff" or (head[:2] == b"\x06\x30" and sop_class != _STRUCTURES):
        raise UnknownHeader


def _meta(window: Window) -> tuple[str, str, int]:
    """Transfer syntax and SOP class of the meta information, and where it ends."""
    found: dict[int, bytes] = {}
    position = 132
    while position + 12 <= window.size:
        if window.cut(position, position + 2) != b"\2\0":
            return _uid(found.get(0x10, b"")), _uid(found.get(0x02, b"")), position
        raw, vr, start, length = read_explicit(window, position)
        position = start + length
        if raw >> 16 in (0x02, 0x10):
            found[raw >> 16] = _meta_uid(window, vr, start, length)
    raise UnknownHeader


def _meta_uid(window: Window, vr: bytes, start: int, length: int) -> bytes:
    if vr != b"UI" or length > 64:
        raise UnknownHeader
    window.heads.append((start, start + length))
    return window.cut(start, start + length)


def _uid(value: bytes) -> str:
    written = value.decode("latin-1").rstrip("\0 ")
    if not written.replace(".", "").isdigit():
        raise UnknownHeader
    return written


def _is_implicit(syntax: str) -> bool:
    if syntax == IMPLICIT:
        return True
    if syntax in (EXPLICIT, _RLE) or syntax.startswith(_ENCAPSULATED):
        return False
    raise UnknownHeader


def _check_first(window: Window, span: Span) -> None:
    """Whether the first element looks like the transfer syntax says, as far as pydicom looks."""
    head = window.cut(span.start, span.start + 6)
    has_vr = len(head) == 6 and all(0x40 < byte < 0x5B for byte in head[4:])
    if has_vr == span.implicit or head[:2] == b"\0\0":
        raise UnknownHeader
