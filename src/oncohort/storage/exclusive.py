"""One call at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from oncohort.errors import OutputError
from oncohort.storage.atomic import cannot_write

_FILE = Path(".oncohort") / "lock"


@contextmanager
def exclusive(folder: str | Path) -> Iterator[None]:
    """Keep other calls out of a folder while the block runs; the end of the process ends it, too.

    A folder that is not there yet is not made: nobody works in it. Where the system has no such locks (Windows), nobody
    is kept out.

    Args:
        folder: Of the output.

    Raises:
        OutputError: Another process works there, or the folder cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     (Path(there) / ".oncohort").mkdir()
        ...     with exclusive(there):
        ...         (Path(there) / ".oncohort" / "lock").is_file()
        True
    """
    path = Path(folder) / _FILE
    if not path.parent.is_dir() or find_spec("fcntl") is None:
        yield
        return
    fcntl = import_module("fcntl")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise OutputError(
            expected="a folder in which no other call works",
            found="another process that works there",
            where=str(folder),
            remedy="wait for its end, or choose another output folder",
        ) from error
    try:
        yield
    finally:
        os.close(handle)
