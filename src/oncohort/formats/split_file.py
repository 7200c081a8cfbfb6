"""A split as a JSON file."""

from __future__ import annotations

from pathlib import Path

from oncohort.errors import FormatError
from oncohort.splits import Split
from oncohort.storage import read_json, write_json

_MOST_BYTES = 256 << 20


def write_split(path: str | Path, split: Split) -> None:
    """Write a split, with seed, strata and content hash.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(path, split.to_dict())


def read_split(path: str | Path) -> Split:
    """The split that a file holds.

    Raises:
        FormatError: There is no such file, it is no split, or it was edited.
        LeakageError: A patient or study stands in two parts.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> split = Split({"a": "a", "b": "b"}, test=("a",), folds=(("b",),))
        >>> with TemporaryDirectory() as there:
        ...     write_split(f"{there}/split.json", split)
        ...     read_split(f"{there}/split.json").test
        ('a',)
    """
    values = read_json(path, most_bytes=_MOST_BYTES)
    if not isinstance(values, dict):
        raise FormatError(
            expected="a split", found=type(values).__name__, where=str(path), remedy="make one with `oncohort split`"
        )
    return Split.from_dict(values, where=str(path))
