"""Profiles by name or from a TOML file."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from oncohort.errors import SettingsError
from oncohort.profiles.schema import Profile

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
        profile = Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(expected="TOML", found=str(error), where=where, remedy="correct the line named") from error
    except ValidationError as error:
        raise SettingsError(
            expected="a profile as docs/profiles.md describes it",
            found=_describe(error),
            where=where,
            remedy="correct the keys named",
        ) from error
    profile._text = text
    return profile


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            expected="a profile file", found=str(error), where=str(path), remedy="name a readable .toml file"
        ) from error


def _describe(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(key) for key in problem['loc']) or 'profile'}: {problem['msg']}" for problem in error.errors()
    )
