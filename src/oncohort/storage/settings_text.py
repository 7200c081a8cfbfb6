"""Settings that people write as TOML: profiles, recipes, study files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oncohort.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import ValidationError

LARGEST_SETTINGS = 4_000_000
"""Bytes of the largest settings file that is read; real ones have a few thousand."""


def read_settings_text(path: str | Path) -> str:
    """The text of a settings file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no UTF-8, or far too large for settings.
    """
    with Path(path).open("rb") as file:
        data = file.read(LARGEST_SETTINGS + 1)
    if len(data) > LARGEST_SETTINGS:
        raise ValueError(f"more than {LARGEST_SETTINGS:,} bytes")
    return data.decode("utf-8").replace("\r\n", "\n")


def parse_toml(text: str) -> dict[str, Any]:
    """The values that TOML text holds.

    Raises:
        ValueError: It is no TOML, or lists lie within each other too deeply to be read.

    Examples:
        >>> parse_toml('suv = 4.0')
        {'suv': 4.0}
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("lists within each other, too deep to be read") from error


def as_tuple(value: object) -> object:
    """A TOML list as a tuple; anything else as it is.

    Examples:
        >>> as_tuple(["a", "b"])
        ('a', 'b')
    """
    return tuple(value) if isinstance(value, list) else value


def parse_setting(text: str) -> Any:
    """The value of a setting on a command line: as TOML says, except that a text needs no quotes.

    Examples:
        >>> [parse_setting(text) for text in ("4.0", "[16, 16]", "true", "ExperimentPlanner")]
        [4.0, [16, 16], True, 'ExperimentPlanner']
    """
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text


def wrong_setting(error: ValidationError, *, where: str, remedy: str) -> SettingsError:
    """The error that names the first setting that a model of pydantic refuses, and how many more there are."""
    problem = error.errors()[0]
    setting = ".".join(str(part) for part in problem["loc"]) or "file"
    others = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return SettingsError(
        expected=f"{setting}: {problem['msg']}{others}",
        found=repr(problem["input"])[:200] if problem["type"] != "missing" else "nothing",
        where=where,
        remedy=remedy,
    )
