"""RLE of DICOM (PS3.5 annex G): segments of runs, one for each byte of a pixel."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 64
"""Number and places of the segments, before them."""


def unpack_frame(frame: bytes, shape: tuple[int, int], item_bytes: int) -> NDArray[Any]:
    """The pixels of a frame, unsigned, in the byte order of this machine.

    Args:
        frame: header and segments.
        shape: rows and columns.
        item_bytes: bytes of a pixel; the first segment holds the most significant ones.

    Raises:
        ValueError: A segment lies outside of the frame or does not hold as many bytes.
    """
    starts = [int.from_bytes(frame[4 * n : 4 * n + 4], "little") for n in range(1, item_bytes + 1)]
    bounds = [*starts, len(frame)]
    if bounds != sorted(bounds) or starts[0] < HEADER_BYTES:
        raise ValueError(f"RLE segments that begin at {starts} of {len(frame)} bytes")
    pixels = np.empty((*shape, item_bytes), np.uint8)
    for number, (start, stop) in enumerate(pairwise(bounds)):
        unpacked = unpack_runs(frame[start:stop], shape[0] * shape[1])
        pixels[..., item_bytes - 1 - number] = np.frombuffer(unpacked, np.uint8).reshape(shape)
    return pixels.view(f"<u{item_bytes}")[..., 0].astype(f"=u{item_bytes}", copy=False)


def unpack_runs(packed: bytes, count: int) -> bytes:
    """The `count` bytes that runs hold; what follows the last of them is padding and not looked at.

    A run is n from 0 to 127 and n + 1 bytes as they are, or n from 129 to 255 and one byte that stands 257 - n times.

    Raises:
        ValueError: They hold fewer bytes, or a run goes beyond them.

    Examples:
        >>> unpack_runs(bytes([1, 7, 8, 254, 9]), 5).hex()
        '0708090909'
    """
    unpacked = bytearray()
    position, end, filled = 0, len(packed), 0
    while filled < count and position + 1 < end:
        head = packed[position]
        if head < 128:
            unpacked += packed[position + 1 : position + 2 + head]
            position += 2 + head
        elif head > 128:
            unpacked += packed[position + 1 : position + 2] * (257 - head)
            position += 2
        else:
            position += 1
        filled = len(unpacked)
    if filled != count:
        raise ValueError(f"an RLE segment of {filled} bytes or more instead of {count}")
    return bytes(unpacked)
