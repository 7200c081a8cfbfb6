"""How the pixels of one classic slice lie in its file and in space."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

from oncohort.formats.dicom.compression import Cut, FrameLayout, check_frame, refuse_syntax
from oncohort.formats.dicom.values import HeaderValues, RawHeader, Unusable, number, numbers

UNCOMPRESSED = {
    "1.2.840.10008.1.2": (True, "<"),
    "1.2.840.10008.1.2.1": (False, "<"),
    "1.2.840.10008.1.2.2": (False, ">"),
}
"""Transfer syntaxes of pixels as they are: implicit VR or not, byte order."""

_PIXEL_DATA = (0x7FE0, 0x0010)
_HEAD_BYTES = 12


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One slice: its pixels in the file, and its place in the patient.

    Attributes:
        rows: pixels along a column.
        columns: pixels along a row.
        dtype: NumPy type of a stored pixel with byte order, such as "<i2".
        bits_stored: bits of a pixel that count.
        offset: byte at which the pixels begin.
        slope: RescaleSlope; None if the header does not say.
        intercept: RescaleIntercept; None if the header does not say.
        position_mm: centre of the first pixel, DICOM patient coordinates (LPS).
        row_direction: unit vector along a row, towards higher columns (LPS).
        column_direction: unit vector along a column, towards higher rows (LPS).
        spacing_mm: distance between rows, distance between columns.
        syntax: TransferSyntaxUID of compressed pixels, which begin with the item at `offset`; "" if uncompressed.
    """

    rows: int
    columns: int
    dtype: str
    bits_stored: int
    offset: int
    slope: float | None
    intercept: float | None
    position_mm: tuple[float, ...]
    row_direction: tuple[float, ...]
    column_direction: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    syntax: str = ""


def image_facts(raw: RawHeader, size: int, cut: Cut) -> ImageFacts:
    """The slice that a header describes.

    Args:
        raw: the header.
        size: bytes of the file.
        cut: gives bytes of the file.

    Raises:
        Unusable: no decoder, several frames, in colour, no geometry, or fewer bytes than pixels.
    """
    compressed = raw.syntax not in UNCOMPRESSED
    if compressed:
        refuse_syntax(raw.syntax)
    data = raw.values
    implicit, order = UNCOMPRESSED.get(raw.syntax, (False, "<"))
    if number(data.text(0x00280008) or "1", "NumberOfFrames") != 1:
        raise Unusable("multi-frame", "only classic series with one slice per file are read")
    rows, columns, dtype, bits = _pixel_type(data, order)
    if compressed:
        offset = _first_item(raw)
        check_frame(cut, offset, size, FrameLayout(raw.syntax, rows, columns, dtype, bits))
    else:
        offset = _pixel_offset(raw, implicit=implicit, order=order, expected=rows * columns * int(dtype[2]), size=size)
    orientation = numbers(data, 0x00200037, 6, "ImageOrientationPatient")
    return ImageFacts(
        rows,
        columns,
        sys.intern(dtype),
        bits,
        offset,
        _scaling(data, 0x00281053, "RescaleSlope"),
        _scaling(data, 0x00281052, "RescaleIntercept"),
        numbers(data, 0x00200032, 3, "ImagePositionPatient"),
        orientation[:3],
        orientation[3:],
        numbers(data, 0x00280030, 2, "PixelSpacing"),
        sys.intern(raw.syntax) if compressed else "",
    )


def _pixel_type(data: HeaderValues, order: str) -> tuple[int, int, str, int]:
    tags = (0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103)
    rows, columns, allocated, stored, high, signed = (data.integer(tag) for tag in tags)
    if min(rows, columns) < 1 or allocated not in (8, 16, 32) or not 1 <= stored <= allocated or high != stored - 1:
        raise Unusable("broken DICOM", f"{rows} x {columns} pixels of {stored} bits in {allocated}, high bit {high}")
    if data.integer(0x00280002) != 1 or data.text(0x00280004) != "MONOCHROME2":
        raise Unusable("not grey", data.text(0x00280004) or "no photometric interpretation")
    return rows, columns, f"{order}{'i' if signed else 'u'}{allocated // 8}", stored


def _pixel_offset(raw: RawHeader, *, implicit: bool, order: str, expected: int, size: int) -> int:
    head = raw.pixel_head
    if len(head) < _HEAD_BYTES:
        raise Unusable("truncated", "the file ends before its pixel data")
    if struct.unpack(order + "HH", head[:4]) != _PIXEL_DATA:
        raise Unusable("broken DICOM", "no integer pixel data")
    start = raw.pixels_at + (8 if implicit else _HEAD_BYTES)
    (length,) = struct.unpack(order + "I", head[4:8] if implicit else head[8:12])
    if not expected <= length <= expected + 1:
        raise Unusable("broken DICOM", f"{length} bytes of pixel data instead of {expected}")
    if size - start < expected:
        raise Unusable("truncated", f"{size - start} of {expected} bytes of pixel data")
    return start


def _first_item(raw: RawHeader) -> int:
    head = raw.pixel_head
    if len(head) < _HEAD_BYTES:
        raise Unusable("truncated", "the file ends before its pixel data")
    if struct.unpack("<HH", head[:4]) != _PIXEL_DATA or head[8:] != b"\xff\xff\xff\xff":
        raise Unusable("broken DICOM", "no compressed pixel data")
    return raw.pixels_at + _HEAD_BYTES


def _scaling(data: HeaderValues, tag: int, name: str) -> float | None:
    written = data.text(tag)
    return number(written, name) if written else None
