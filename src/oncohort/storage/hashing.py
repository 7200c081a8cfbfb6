"""Fingerprints of bytes, files and settings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def sha256_bytes(data: bytes | memoryview) -> str:
    """SHA-256 of `data` in hexadecimal.

    Examples:
        >>> sha256_bytes(b"abc")[:16]
        'ba7816bf8f01cfea'
    """
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in pieces."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_files(paths: Sequence[Path]) -> str:
    """SHA-256 of a file's bytes; of several, SHA-256 of the lines that `sha256sum` prints for them.

    The lines name the files relative to the folder that holds them all, in the order of these names.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     one, two = Path(folder) / "one.txt", Path(folder) / "two.txt"
        ...     _ = one.write_bytes(b"abc"), two.write_bytes(b"")
        ...     sha256_files([one]) == sha256_file(one), sha256_files([two, one]) == sha256_files([one, two])
        (True, True)
    """
    if len(paths) == 1:
        return sha256_file(paths[0])
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    lines = (f"{sha256_file(folder / name)}  {name}\n" for name in names)
    return sha256_bytes("".join(lines).encode(errors="surrogateescape"))


def content_key(*parts: Any) -> str:
    """One key for all that a result depends on.

    Equal parts give equal keys on every machine; order matters, the order of
    mapping keys does not.

    Examples:
        >>> content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
        True
        >>> content_key("suv", 2.5) == content_key("suv", 4.0)
        False
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return sha256_bytes(text.encode())


def file_stamp(path: str | Path) -> dict[str, int]:
    """Size and modification time of a file, the cheap sign that it has not changed."""
    status = Path(path).stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
