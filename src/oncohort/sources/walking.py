"""Every file below a folder, each once, links followed without going round in circles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        files: paths of regular files in order of name; linked folders come last.
        refused: rows (`path` relative to the folder, `reason`, `detail`) of all that is no file.
    """

    files: tuple[Path, ...]
    refused: tuple[dict[str, str], ...]


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
    pending = [root]
    while pending:
        folder = pending.pop(0)
        pending.extend(walker.enter(folder))
    return Walk(tuple(walker.files), tuple(walker.refused))


def first_files(root: Path) -> Iterator[Path]:
    """Files below `root` as the file system gives them, one by one; links to folders are not followed."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def relative(root: Path, path: str | Path) -> str:
    """`path` as the tables name it: relative to `root`, with forward slashes; bytes that are no text as escapes."""
    text = Path(os.path.relpath(path, root)).as_posix()
    return os.fsencode(text).decode("utf-8", "backslashreplace")


@dataclass
class _Walker:
    root: Path
    files: list[Path] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    met: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, folder: Path) -> list[Path]:
        """Take the files of a folder and of those below it; give the linked folders found."""
        status = folder.stat()
        if (status.st_dev, status.st_ino) in self.met:
            self.refuse(folder, "duplicate", "a link to a folder that was already read")
            return []
        linked: list[Path] = []
        for directory, below, names in os.walk(folder, onerror=self._unreadable):
            here = Path(directory)
            self._remember(here)
            below.sort()
            linked += [here / name for name in below if (here / name).is_symlink()]
            for name in sorted(names):
                self._take(here / name)
        return linked

    def refuse(self, path: Path, reason: str, detail: str) -> None:
        self.refused.append({"path": relative(self.root, path), "reason": reason, "detail": detail})

    def _remember(self, folder: Path) -> None:
        status = folder.stat()
        self.met.add((status.st_dev, status.st_ino))

    def _take(self, path: Path) -> None:
        try:
            is_file = path.is_file()
        except OSError as error:
            self._unreadable(error)
            return
        if is_file:
            self.files.append(path)
        elif path.is_symlink():
            self.refuse(path, "unreadable", "a link that leads nowhere")
        else:
            self.refuse(path, "not DICOM", "neither a file nor a folder")

    def _unreadable(self, error: OSError) -> None:
        self.refuse(Path(error.filename), "unreadable", error.strerror or str(error))


def refused_row(root: Path, path: str | Path, reason: str, detail: str) -> dict[str, str]:
    """One row of `refused.parquet`."""
    return {"path": relative(root, path), "reason": reason, "detail": detail}
