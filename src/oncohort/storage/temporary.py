"""Folders that last no longer than the process that made them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from oncohort.storage.hashing import sha256_bytes

_NAME = re.compile(r"oncohort-([1-9][0-9]{0,8})-([0-9a-f]{8})-[a-z0-9_]{8}", re.ASCII)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder of this user alone, where the system keeps temporary files; it goes when it is cleaned up.

    Its name says which process made it: a process that was killed leaves its folder behind, and the next call on the
    same computer by the same user removes it.

    Examples:
        >>> with temporary_folder() as there:
        ...     Path(there).name.startswith(f"oncohort-{os.getpid()}-")
        True
    """
    if os.name == "posix":
        _sweep(Path(tempfile.gettempdir()))
    return tempfile.TemporaryDirectory(prefix=f"oncohort-{os.getpid()}-{_computer()}-", ignore_cleanup_errors=True)


@cache
def _computer() -> str:
    """Where process numbers mean the same: a computer, or on Linux the container; they may share the folder."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return sha256_bytes(f"{platform.node()} {space}".encode())[:8]


def _sweep(parent: Path) -> None:
    """Remove what killed processes of this user and computer have left."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            is_left = found is not None and found[2] == _computer() and not _is_alive(int(found[1]))
            if is_left and _is_ours(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
