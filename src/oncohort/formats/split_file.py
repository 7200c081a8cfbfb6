"""A split as a JSON file."""

from __future__ import annotations

from pathlib import Path

from oncohort.errors import FormatError, InputError, OutputError
from oncohort.splits import SPLIT_TYPE, Split
from oncohort.storage import read_json, write_json

_MOST_BYTES = 256 << 20


def write_split(path: str | Path, split: Split) -> None:
    """Write a split, with seed, strata and content hash.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(path, split.to_dict())


def require_split_place(path: str | Path) -> None:
    """Raise unless `path` is free or holds a split, whole or edited: nothing else is ever replaced.

    Raises:
        OutputError: Something else stands there.

    Examples:
        >>> require_split_place("no/such/split.json")
    """
    place = Path(path)
    if not place.exists() and not place.is_symlink():
        return
    try:
        values = read_json(place, most_bytes=_MOST_BYTES)
    except FormatError:
        values = None
    if not isinstance(values, dict) or values.get("type") != SPLIT_TYPE:
        raise _occupied(place, "a folder" if place.is_dir() else "a file that is no split", "name another with --out")


def place_split(path: str | Path, split: Split, *, overwrite: bool = False) -> Split:
    """Write a split where nothing stands; where the same cases stand in the same parts already, leave the file alone.

    Args:
        path: A JSON file.
        split: What it holds then.
        overwrite: Replace another split. What is no split is never replaced.

    Returns:
        What the file holds now: the same parts, perhaps drawn with another seed or by other strata.

    Raises:
        OutputError: Another split or something else stands there, or the file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> split = Split({"a": "a", "b": "b"}, test=("a",), folds=(("b",),))
        >>> with TemporaryDirectory() as there:
        ...     _ = place_split(f"{there}/split.json", split)
        ...     place_split(f"{there}/split.json", split).test
        ('a',)
    """
    require_split_place(path)
    if overwrite or not Path(path).exists():
        write_split(path, split)
        return split
    try:
        present = read_split(path)
    except InputError:
        raise _occupied(Path(path), "an edited split", "name another with --out, or add --overwrite") from None
    if present.content_hash != split.content_hash:
        raise _occupied(Path(path), f"another split, {_facts(present)}", "name another with --out, or add --overwrite")
    return present


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


def _facts(split: Split) -> str:
    drawn = (
        "official" if split.origin == "official" else f"seed {split.seed}, strata {', '.join(split.strata) or 'none'}"
    )
    return f"{len(split.folds)} folds, {len(split.test)} test cases, {drawn} (content {split.content_hash[:12]})"


def _occupied(place: Path, found: str, remedy: str) -> OutputError:
    return OutputError(expected="a new file, or one with the same split", found=found, where=str(place), remedy=remedy)
