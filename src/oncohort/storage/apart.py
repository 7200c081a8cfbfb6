"""Outputs that are no inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

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
    known: dict[str, bool] = {}
    for path in filter(os.path.lexists, inputs):
        places = (os.path.abspath(path), os.path.realpath(path))  # noqa: PTH100 - with links, and without
        if any(_is_within(place, wanted, known) for place in places):
            raise OutputError(
                expected="an output folder apart from what is read",
                found=f"one that is or holds an input: {path}",
                where=str(out),
                remedy="choose another output folder",
            )


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
