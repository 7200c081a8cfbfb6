"""Outputs that are no inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from oncohort.errors import OutputError

_Identity = tuple[int, int]


def require_apart(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raise if the output folder is, or holds, something that is read: it would be lost when the folder is emptied.

    Folders are told by what they are on disk, not by their names; links are followed. An output folder inside an input
    is nothing that this looks for.

    Args:
        out: The output folder, which need not be there yet.
        inputs: Files and folders that are read; what is not there cannot be lost.

    Raises:
        OutputError: One of the inputs is `out`, or lies in it.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     (Path(there) / "cohort").mkdir()
        ...     require_apart(f"{there}/scores", [f"{there}/cohort"])
    """
    wanted = _identity(str(out))
    if wanted is None or not Path(out).is_dir():
        return
    known, real = dict[str, bool](), dict[str, str]()
    for path in inputs:
        if any(_is_within(place, wanted, known) for place in _places(path, real)):
            raise _not_apart(out, path)


def require_no_input(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raise if the output folder is itself something that is read; what is read may lie in it.

    Args:
        out: The output folder, which need not be there yet.
        inputs: Files and folders that are read.

    Raises:
        OutputError: One of the inputs is `out`.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     (Path(there) / "masks").mkdir()
        ...     require_no_input(there, [f"{there}/masks"])
    """
    wanted = _identity(str(out))
    for path in () if wanted is None else inputs:
        if _identity(str(path)) == wanted:
            raise _not_apart(out, path)


def _not_apart(out: str | Path, path: str | Path) -> OutputError:
    return OutputError(
        expected="an output folder apart from what is read",
        found=f"one that is or holds an input: {path}",
        where=str(out),
        remedy="choose another output folder",
    )


def _places(path: str | Path, real: dict[str, str]) -> tuple[str, ...]:
    """Where something lies, with links and without; of a plain file its folder will do."""
    written = os.path.abspath(path)  # noqa: PTH100 - texts, for cohorts of many files
    try:
        mode = os.lstat(written).st_mode
    except OSError:
        return ()
    place = os.path.dirname(written) if S_ISREG(mode) else written  # noqa: PTH120
    if place not in real:
        real[place] = os.path.realpath(place)
    return place, real[place]


def _is_within(path: str, wanted: _Identity, known: dict[str, bool]) -> bool:
    """Whether a path or one of the folders above it is the wanted one."""
    if path not in known:
        above = os.path.dirname(path)  # noqa: PTH120 - texts are the keys, for cohorts of many files
        known[path] = _identity(path) == wanted or (above != path and _is_within(above, wanted, known))
    return known[path]


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return found.st_dev, found.st_ino
