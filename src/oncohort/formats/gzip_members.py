"""Gzip with isal: independent members of 4 MiB, compressed in threads."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isal import igzip

from oncohort.errors import FormatError

MEMBER_BYTES = 4 << 20
_THREADS = 2
_GZIP_MAGIC = b"\x1f\x8b"


def compress(data: memoryview) -> Iterator[bytes]:
    """`data` as gzip members, in order, one after the other readable by every gzip reader.

    Equal data give equal bytes: no time stamp is written.

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


def _member(piece: memoryview) -> bytes:
    return bytes(igzip.compress(piece, compresslevel=1, mtime=0))


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
            if not zipped:
                return raw.read(-1 if count is None else count)
            with igzip.IGzipFile(fileobj=raw, mode="rb") as stream:
                return bytes(stream.read(-1 if count is None else count))
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(
            expected="a readable file",
            found=str(error) or type(error).__name__,
            where=str(path),
            remedy="fetch or write the file again",
        ) from error
