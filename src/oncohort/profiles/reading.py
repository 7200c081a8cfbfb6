"""Profiles by name or from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oncohort.errors import SettingsError
from oncohort.profiles.schema import Profile
from oncohort.storage import parse_toml, read_settings_text

_DATA = files("oncohort.profiles") / "data"
_SUFFIX = ".toml"


def list_profiles() -> dict[str, str]:
    """Title of every profile that comes with Oncohort, by name.

    Examples:
        >>> list(list_profiles())[:2]
        ['autopet-i', 'autopet-iii']
    """
    names = sorted(entry.name.removesuffix(_SUFFIX) for entry in _DATA.iterdir() if entry.name.endswith(_SUFFIX))
    return {name: load_profile(name).title for name in names}


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile of this name, or the one in a TOML file.

    Anything that ends in `.toml` or holds a slash is a path.

    Raises:
        SettingsError: There is no such profile, or the file breaks the schema.

    Examples:
        >>> profile = load_profile("autopet-iii")
        >>> profile.components.connectivity, profile.metrics
        (18, ('dice', 'fpv_ml', 'fnv_ml', 'volume_difference_ml'))
    """
    path = Path(name_or_path)
    if path.suffix == _SUFFIX or len(path.parts) > 1:
        return parse_profile(_read(path), where=str(path))
    packaged = _DATA / f"{name_or_path}{_SUFFIX}"
    if not packaged.is_file():
        raise SettingsError(
            expected=f"a profile: {', '.join(list_profiles())}",
            found=repr(str(name_or_path)),
            where="profile",
            remedy="choose one of these, or give the path of a .toml file",
        )
    return parse_profile(packaged.read_text(encoding="utf-8"), where=f"profile {name_or_path}")


def parse_profile(text: str, *, where: str) -> Profile:
    """The profile that TOML text describes.

    Args:
        text: The whole file.
        where: What errors call it.

    Raises:
        SettingsError: The text is no TOML or breaks the schema; every broken key is named.
    """
    try:
        values = parse_toml(text)
    except ValueError as error:
        raise SettingsError(expected="TOML", found=str(error), where=where, remedy="correct the line named") from error
    try:
        profile = Profile.model_validate(values)
    except ValidationError as error:
        raise SettingsError(
            expected="a profile as docs/profiles.md describes it",
            found=_describe(error, values),
            where=where,
            remedy="correct the keys named",
        ) from error
    profile._text = text
    return profile


def _read(path: Path) -> str:
    try:
        return read_settings_text(path)
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(
            expected="a profile file", found=found, where=str(path), remedy="name a readable .toml file"
        ) from error


def _describe(error: ValidationError, values: Mapping[str, Any]) -> str:
    return "; ".join(f"{_key(problem['loc'], values)}: {problem['msg']}" for problem in error.errors())


def _key(location: Sequence[int | str], values: Mapping[str, Any]) -> str:
    """Where a problem lies: `metric.dice.weight`, with the number of the metric where it has no name."""
    found: Any = values
    words = []
    for part in location:
        found = _inside(found, part)
        name = found.get("label", found.get("name")) if isinstance(found, dict) and isinstance(part, int) else None
        words.append(name if isinstance(name, str) else str(part))
    return ".".join(words) or "profile"


def _inside(values: Any, part: int | str) -> Any:
    if isinstance(values, list) and isinstance(part, int):
        return values[part] if part < len(values) else None
    return values.get(part) if isinstance(values, dict) else None
