"""Output folders: continued when they hold the same work, refused otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, OutputError
from oncohort.storage.apart import require_apart, require_no_input
from oncohort.storage.atomic import PARTIAL_PREFIX, read_json, write_json
from oncohort.storage.differences import told_differences

WORK_FILE = Path(".oncohort") / "work.json"


def claim_folder(
    path: str | Path, work: Mapping[str, Any], *, overwrite: bool, inputs: Sequence[str | Path] = ()
) -> Path:
    """The folder at `path`, ready for this work.

    A folder that is new or empty is claimed; one that holds the same work is
    continued, without the unfinished files that a killed run left in it.
    Anything else is refused. `overwrite` empties a folder that carries
    Oncohort's mark; a folder without it is never emptied.

    Args:
        path: The output folder.
        work: What identifies the work, JSON-able (verb, source, settings).
        overwrite: Replace other work of ours that stands there.
        inputs: Files and folders that are read; they may lie in a folder that is continued.

    Raises:
        OutputError: The folder holds something else, is itself an input or would be emptied with one in it, or cannot
            be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as parent:
        ...     first = claim_folder(f"{parent}/out", {"verb": "ingest"}, overwrite=False)
        ...     again = claim_folder(f"{parent}/out", {"verb": "ingest"}, overwrite=False)
        ...     first == again
        True
    """
    folder = Path(path)
    wanted = json.loads(json.dumps(dict(work)))  # as the file will say it: tuples are lists there
    if folder.exists() and not folder.is_dir():
        raise _occupied(folder, "a file", "name a folder")
    require_no_input(folder, inputs)
    present = _work_in(folder)
    if present == wanted:
        _sweep(folder)
        return folder
    if present is not None and overwrite:
        require_apart(folder, inputs)
        write_json(folder / WORK_FILE, {})  # killed while emptying, the folder is still ours but nobody's work
        _empty(folder)
    elif present is not None:
        differs = told_differences(present, wanted) if present else "unreadable mark"
        raise _occupied(folder, f"other work ({differs})", "choose another output folder, or add --overwrite")
    elif folder.is_dir() and _holds_foreign_files(folder):
        raise _occupied(folder, "files that Oncohort did not write", "choose a new or empty output folder")
    write_json(folder / WORK_FILE, wanted)
    return folder


def read_work(path: str | Path) -> dict[str, Any]:
    """What marks the folder at `path`: the work that claimed it, or nothing."""
    return _work_in(Path(path)) or {}


def release_folder(path: str | Path) -> None:
    """Remove a folder that was claimed for work that came to nothing; one without Oncohort's mark stays.

    Raises:
        OutputError: The folder cannot be emptied.
    """
    folder = Path(path)
    if _work_in(folder) is None:
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise _occupied(folder, str(error), "make the folder writable or choose another output folder") from error


def remove_unlisted(folder: str | Path, keep: Collection[Path]) -> None:
    """Delete the files under `folder` that are not in `keep`, then folders left empty."""
    root = Path(folder)
    if not root.is_dir():
        return
    wanted = {path.absolute() for path in keep}
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.absolute() not in wanted:
            path.unlink()


def _sweep(folder: Path) -> None:
    unfinished = [path for path in folder.rglob(f"{PARTIAL_PREFIX}*") if not path.is_dir()]
    for path in unfinished:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _occupied(folder, str(error), "make the folder writable or choose another output folder") from error


def _work_in(folder: Path) -> dict[str, Any] | None:
    mark = folder / WORK_FILE
    if not mark.is_file():
        return None
    try:
        present = read_json(mark)
    except FormatError:
        return {}
    return present if isinstance(present, dict) else {}


def _holds_foreign_files(folder: Path) -> bool:
    """Whether there is more than the folder of the mark, which a run killed before its first file leaves behind."""
    try:
        return any(path.name != WORK_FILE.parent.name for path in folder.iterdir())
    except OSError as error:
        raise _occupied(folder, str(error), "make the folder readable or choose another output folder") from error


def _empty(folder: Path) -> None:
    mark = folder / WORK_FILE
    try:
        for path in (*folder.iterdir(), *mark.parent.iterdir()):
            if path in (mark, mark.parent):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise _occupied(folder, str(error), "make the folder writable or choose another output folder") from error


def _occupied(folder: Path, found: str, remedy: str) -> OutputError:
    return OutputError(expected="a new folder or one with the same work", found=found, where=str(folder), remedy=remedy)
