"""Every file below a folder, each once, links followed without going round in circles."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from oncohort.sources.protocol import FileStamp

_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        stamps: regular files with size and time, in order of name; linked folders come last.
        refused: rows (`path` relative to the folder, `reason`, `detail`) of all that is no file.
    """

    stamps: tuple[FileStamp, ...]
    refused: tuple[dict[str, str], ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The paths of the regular files, in the same order."""
        return tuple(Path(stamp.path) for stamp in self.stamps)


def walk_folder(root: Path) -> Walk:
    """Every regular file below `root`, and a row for each entry that is none.

    Links to files and folders are followed; a folder that was already met is not entered again.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     _ = (Path(there) / "a.txt").write_text("a")
        ...     [path.name for path in walk_folder(Path(there)).files]
        ['a.txt']
    """
    walker = _Walker(root)
    pending = [str(root)]
    while pending:
        folder = pending.pop(0)
        pending.extend(walker.enter(folder))
    return Walk(tuple(walker.stamps), tuple(walker.refused))


def first_files(root: Path) -> Iterator[Path]:
    """Files below `root` as the file system gives them, one by one; links to folders are not followed."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def first_entries(folder: Path, most: int) -> list[Path]:
    """At most so many entries of one folder, as the file system gives them; none if it cannot be read.

    Examples:
        >>> first_entries(Path("/no/such/folder"), 10)
        []
    """
    try:
        return list(islice(folder.iterdir(), most))
    except OSError:
        return []


def relative(root: Path, path: str | Path) -> str:
    """`path` as the tables name it: relative to `root`, with forward slashes; bytes that are no text as escapes.

    A path on another drive of Windows stays absolute.
    """
    try:
        text = Path(os.path.relpath(path, root)).as_posix()
    except ValueError:
        text = Path(path).as_posix()
    return os.fsencode(text).decode("utf-8", "backslashreplace")


@dataclass
class _Walker:
    root: Path
    stamps: list[FileStamp] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    met: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, folder: str) -> list[str]:
        """Take the files of a folder and of those below it; give the linked folders found."""
        status = os.stat(folder)  # noqa: PTH116 - Path objects double the time of a walk
        if (status.st_dev, status.st_ino) in self.met:
            self.refuse(folder, "duplicate", "a link to a folder that was already read")
            return []
        linked: list[str] = []
        pending = [folder]
        while pending:
            below: list[str] = []
            for entry in self._entries(pending.pop()):
                if not _is_folder(entry):
                    self._take(entry)
                else:
                    (linked if entry.is_symlink() else below).append(entry.path)
            pending += reversed(below)
        return linked

    def refuse(self, path: str, reason: str, detail: str) -> None:
        self.refused.append({"path": relative(self.root, path), "reason": reason, "detail": detail})

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            status = os.stat(folder)  # noqa: PTH116 - as above
            self.met.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(folder, error)
            return []

    def _take(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat()
        except OSError as error:
            if entry.is_symlink() and error.errno in _NOWHERE:
                self.refuse(entry.path, "unreadable", "a link that leads nowhere")
            else:
                self._unreadable(entry.path, error)
            return
        if stat.S_ISREG(status.st_mode):
            self.stamps.append(FileStamp(entry.path, status.st_size, status.st_mtime_ns))
        else:
            self.refuse(entry.path, "not DICOM", "neither a file nor a folder")

    def _unreadable(self, path: str, error: OSError) -> None:
        self.refuse(path, "unreadable", error.strerror or str(error))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def refused_row(root: Path, path: str | Path, reason: str, detail: str) -> dict[str, str]:
    """One row of `refused.parquet`."""
    return {"path": relative(root, path), "reason": reason, "detail": detail}
