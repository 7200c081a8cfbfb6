"""Gzip: independent members of 4 MiB, compressed in threads by libdeflate, read by isal.

Writing must give equal bytes for equal voxels, on every machine: hashes of
files identify versions. isal compresses faster but breaks this, about once in
800 processes; libdeflate keeps it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import deflate
from isal import igzip, isal_zlib

from oncohort.errors import FormatError

MEMBER_BYTES = 4 << 20
_LEVEL = 1
_THREADS = 2
_GZIP_MAGIC = b"\x1f\x8b"
_DECODE_ERROR: Any = isal_zlib.error  # its stubs call it an instance
_LARGEST_RATIO = 1100  # deflate cannot shrink bytes further than 1032 times


def compress(data: memoryview) -> Iterator[bytes]:
    """`data` as gzip members, in order, one after the other readable by every gzip reader.

    Equal data give equal bytes: no time stamp is written, and nothing depends on the processor.

    Examples:
        >>> import gzip
        >>> gzip.decompress(b"".join(compress(memoryview(b"voxels" * 1000)))) == b"voxels" * 1000
        True
    """
    pieces = [data[start : start + MEMBER_BYTES] for start in range(0, max(1, len(data)), MEMBER_BYTES)]
    if len(pieces) == 1:
        yield _member(pieces[0])
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(_member, pieces)


def compress_whole(data: memoryview) -> bytes:
    """`data` as one gzip member, in one thread, for readers that stop after the first.

    The streams of JavaScript (`DecompressionStream`) do so, and with them the BIDS validator.

    Examples:
        >>> import zlib
        >>> reader = zlib.decompressobj(31)
        >>> reader.decompress(compress_whole(memoryview(b"voxels"))), reader.unused_data
        (b'voxels', b'')
    """
    return _member(data)


def _member(piece: memoryview) -> bytes:
    return bytes(deflate.gzip_compress(piece, _LEVEL))


def read_bytes(path: Path, count: int | None = None) -> bytes:
    """The first `count` bytes of a file, decompressed if it is gzip; all of it if `count` is None.

    No more than `count` bytes are ever expanded, so a hostile file cannot fill
    the memory.

    Raises:
        FormatError: The file is missing, unreadable or damaged.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            limit = os.fstat(raw.fileno()).st_size * (_LARGEST_RATIO if zipped else 1)
            if count is not None:
                count = min(count, limit)  # what the file cannot hold is not even asked for
            if not zipped:
                return raw.read(-1 if count is None else count)
            with igzip.IGzipFile(fileobj=raw, mode="rb") as stream:
                return bytes(stream.read(-1 if count is None else count))
    except (OSError, EOFError, zlib.error, _DECODE_ERROR) as error:
        raise FormatError(
            expected="a readable file",
            found=str(error) or type(error).__name__,
            where=str(path),
            remedy="fetch or write the file again",
        ) from error
