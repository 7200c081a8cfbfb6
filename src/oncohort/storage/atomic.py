"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, OutputError

PARTIAL_PREFIX = ".partial-"
"""Begins the name of every file that is not finished; what a killed run leaves is deleted by the next one."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    The bytes are flushed to disk before the rename. When the block fails, the
    temporary file is removed and an earlier `path` stays as it was.

    Args:
        path: Where the file is to stand; missing folders are made.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_path(f"{folder}/a.txt") as temporary:
        ...         _ = temporary.write_text("whole")
        ...     Path(f"{folder}/a.txt").read_text()
        'whole'
    """
    target = Path(path)
    try:
        temporary = _temporary_beside(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield temporary
        _replace(temporary, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(target.suffixes[-2:])[-12:].lower()  # writers choose the format by it
    handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, suffix=suffix, dir=target.parent)
    os.close(handle)
    return Path(name)


def _replace(temporary: Path, target: Path) -> None:
    temporary.chmod(0o666 & ~_umask())
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    temporary.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cannot_write(target: Path, error: OSError) -> OutputError:
    """The error that says why `target` cannot be written, and that the same command continues."""
    return OutputError(
        expected="a place that can be written",
        found=error.strerror or str(error),
        where=str(target),
        remedy="free space or choose another output folder; what was finished is kept and the same command continues",
    )


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_bytes(f"{folder}/deep/a.bin", b"12")
        ...     Path(f"{folder}/deep/a.bin").read_bytes()
        b'12'
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON, keys in the order given, NaN refused.

    Raises:
        OutputError: The file cannot be written.
        ValueError: `value` holds a NaN or an infinity, which JSON cannot say.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_json(f"{folder}/a.json", {"cases": 3})
        ...     read_json(f"{folder}/a.json")
        {'cases': 3}
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"))  # file names that are no text become JSON escapes


def read_json(path: str | Path, *, most_bytes: int | None = None) -> Any:
    """The value in a JSON file.

    Args:
        path: The file.
        most_bytes: A longer file is refused without being parsed; None takes any length.

    Raises:
        FormatError: The file is missing, unreadable, too long or no JSON.
    """
    try:
        return json.loads(_read_text(Path(path), most_bytes))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(
            expected="a readable JSON file",
            found=str(error) or type(error).__name__,
            where=str(path),
            remedy="restore the file or name another one",
        ) from error


def _read_text(path: Path, most_bytes: int | None) -> str:
    if most_bytes is None:
        return path.read_text(encoding="utf-8")
    if path.exists() and not path.is_file():
        raise ValueError("no plain file")
    with path.open("rb") as stream:
        data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"more than {most_bytes} bytes")
    return data.decode()
