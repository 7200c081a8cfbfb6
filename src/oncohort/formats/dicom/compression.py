"""Compressed pixels of one frame: found in the file, held against the header, decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from oncohort.formats.dicom.rle import HEADER_BYTES, unpack_frame
from oncohort.formats.dicom.values import PYDICOM_ERRORS, Unusable

Cut = Callable[[int, int], bytes]
"""Gives the bytes of a file from a start to a stop, fewer at its end."""

_RLE = "1.2.840.10008.1.2.5"

CODECS = {
    _RLE: "pydicom",
    **{f"1.2.840.10008.1.2.4.{number}": "pylibjpeg" for number in (90, 91, 201, 202, 203)},
    **{f"1.2.840.10008.1.2.4.{number}": "pyjpegls" for number in (80, 81)},
    **{f"1.2.840.10008.1.2.4.{number}": "gdcm" for number in (50, 51, 57, 70)},
}
"""The decoder that pydicom shall call by transfer syntax: RLE, JPEG 2000, JPEG-LS, JPEG.

One for each, so that all machines agree. Slices in RLE are unpacked by `oncohort.formats.dicom.rle`; the decoder of
pylibjpeg-rle panics on damaged data.
"""

_EXTENDED = "1.2.840.10008.1.2.4.51"
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MOST_FRAGMENTS = 4096
_HEAD = 1 << 16  # bytes of a codestream in which its size must stand
_SLACK = 1 << 16  # bytes by which compression may fail, beside twice the pixels
_SIZ = struct.Struct(">4sHH8IH3B")
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a segment


class FrameLayout(NamedTuple):
    """What the header of a file declares of its compressed pixels.

    Attributes:
        syntax: TransferSyntaxUID.
        rows: pixels along a column.
        columns: pixels along a row.
        dtype: NumPy type of a stored pixel.
        bits_stored: bits of a pixel that count.
    """

    syntax: str
    rows: int
    columns: int
    dtype: str
    bits_stored: int


def refuse_syntax(syntax: str, bits: int = 0) -> None:
    """Nothing if files in this transfer syntax can be read.

    Args:
        syntax: TransferSyntaxUID of a compressed file.
        bits: BitsStored; 0 if it is not known.

    Raises:
        Unusable: "compressed", with what would help.

    Examples:
        >>> refuse_syntax("1.2.840.10008.1.2.4.90")
    """
    name = UID(syntax).name or "no transfer syntax"
    if syntax not in CODECS or (syntax == _EXTENDED and bits > 8):
        raise Unusable("compressed", f"{name}: no decoder for it")
    if CODECS[syntax] not in get_decoder(UID(syntax)).available_plugins:
        raise Unusable("compressed", f"{name}: needs the extra codecs, pip install 'oncohort[codecs]'")


def find_frame(cut: Cut, start: int, size: int) -> int:
    """Where the compressed frame ends that begins with the first item at `start` (PS3.5 A.4).

    Args:
        cut: of the file.
        start: byte of the first item, which is the offset table.
        size: bytes of the file.

    Returns:
        The byte at which the delimiter of the sequence begins.

    Raises:
        Unusable: "truncated", or "broken DICOM" if there are no items.
    """
    position = start
    for _ in range(_MOST_FRAGMENTS):
        head = cut(position, position + 8)
        if len(head) < 8:
            raise Unusable("truncated", "the file ends before its compressed pixels do")
        if head[:4] == _END:
            return position
        if head[:4] != _ITEM:
            raise Unusable("broken DICOM", "compressed pixels that are no sequence of items")
        position += 8 + int.from_bytes(head[4:], "little")
        if position > size:
            raise Unusable("truncated", f"{size - start} of {position - start} bytes of compressed pixels")
    raise Unusable("broken DICOM", f"more than {_MOST_FRAGMENTS} fragments of one frame")


def check_frame(cut: Cut, start: int, size: int, layout: FrameLayout) -> None:
    """Hold what a codestream says of its size against the header, before anything is decoded.

    Raises:
        Unusable: "truncated", or "broken DICOM" if the sizes differ.
    """
    refuse_syntax(layout.syntax, layout.bits_stored)
    end = find_frame(cut, start, size)
    first = start + 8 + int.from_bytes(cut(start + 4, start + 8), "little")
    item_bytes = int(layout.dtype[-1])
    pixels = layout.rows * layout.columns * item_bytes
    if end - first > 2 * pixels + _SLACK:
        raise Unusable("broken DICOM", f"{end - first} compressed bytes for {pixels} bytes of pixels")
    length = int.from_bytes(cut(first + 4, first + 8), "little")
    head = cut(first + 8, first + 8 + min(length, _HEAD)) if first < end else b""
    if layout.syntax == _RLE:
        _check_segments(head, item_bytes)
        return
    found = _jpeg_2000(head) if head[:4] == b"\xff\x4f\xff\x51" else _jpeg(head)
    if found is None:
        raise Unusable("broken DICOM", "compressed pixels that do not say their size")
    rows, columns, components, precision = found
    if (rows, columns, components) != (layout.rows, layout.columns, 1) or precision > 8 * item_bytes:
        declared = f"{layout.rows} x {layout.columns} pixels of {8 * item_bytes} bits"
        detail = f"{rows} x {columns} pixels of {components} x {precision} bits"
        raise Unusable("broken DICOM", f"compressed are {detail}, the header says {declared}")


def decode_frame(data: bytes, layout: FrameLayout) -> NDArray[Any]:
    """The stored pixels (rows, columns) of a frame.

    Args:
        data: all items of the pixel data, which `check_frame` has looked at.
        layout: of the frame.

    Raises:
        ValueError: The decoder fails, or gives pixels of another size.
    """
    dtype = np.dtype(layout.dtype).newbyteorder("=")
    if layout.syntax == _RLE:
        return unpack_frame(_joined(data), (layout.rows, layout.columns), dtype.itemsize).view(dtype)
    declared: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": int(dtype.kind == "i"),
        "bits_allocated": 8 * dtype.itemsize,
        "bits_stored": layout.bits_stored,
        "pixel_keyword": "PixelData",
    }
    decoder = get_decoder(UID(layout.syntax))
    try:
        pixels, _ = decoder.as_array(data, raw=True, decoding_plugin=CODECS[layout.syntax], **declared)
    except (RuntimeError, *PYDICOM_ERRORS) as error:
        raise ValueError(f"compressed pixels that cannot be decoded ({error})"[:300]) from error
    if pixels.shape != (layout.rows, layout.columns):
        raise ValueError(f"decoded pixels of shape {pixels.shape}")
    return pixels.astype(dtype, copy=False)


def _joined(data: bytes) -> bytes:
    """The fragments of a frame, without the offset table before them and the delimiter behind."""
    pieces, position = [], 0
    while data[position : position + 4] == _ITEM:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        pieces.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    return b"".join(pieces[1:])


def _check_segments(head: bytes, item_bytes: int) -> None:
    """The header of a frame in RLE (PS3.5 G.5): one segment for each byte of a pixel."""
    segments = int.from_bytes(head[:4], "little")
    if len(head) < HEADER_BYTES or segments != item_bytes:
        raise Unusable("broken DICOM", f"{segments} RLE segments for pixels of {item_bytes} bytes")


def _jpeg_2000(head: bytes) -> tuple[int, int, int, int] | None:
    """Rows, columns, components and bits by the marker SIZ of a codestream (ISO 15444-1 A.5.1)."""
    if len(head) < _SIZ.size:
        return None
    _, _, _, right, bottom, left, top, _, _, _, _, components, depth, step_x, step_y = _SIZ.unpack_from(head)
    if (step_x, step_y) != (1, 1):
        return None
    return bottom - top, right - left, components, (depth & 0x7F) + 1


def _jpeg(head: bytes) -> tuple[int, int, int, int] | None:
    """Rows, columns, components and bits by the frame header of a JPEG or JPEG-LS stream (ISO 10918-1 B.2.2)."""
    if head[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 10 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if marker in _FRAMES:
            precision, rows, columns, components = struct.unpack_from(">BHHB", head, position + 4)
            return rows, columns, components, precision
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
        else:
            position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    return None
