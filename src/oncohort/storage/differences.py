"""In which entries two records of work differ, as words of a message."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from oncohort.errors import shown

_MOST = 4  # entries that are named
_LONG = 60  # letters of a value; of a longer one the place is shown where it begins to differ
_BEFORE = 12  # letters of what is the same that stay in front of that place


def told_differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The entries that differ, each with both values; of work of another verb, the verb alone.

    Args:
        there: JSON values that stand in a folder.
        asked: JSON values that are wanted.

    Examples:
        >>> told_differences({"verb": "train", "settings": {"epochs": 2}}, {"verb": "train", "settings": {"epochs": 3}})
        'settings.epochs: 2 there, 3 asked'
    """
    if there.get("verb") != asked.get("verb"):
        there, asked = ({"verb": work.get("verb")} for work in (there, asked))
    before, now = _flat(there), _flat(asked)
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    told = shown((_told(name, before.get(name), now.get(name)) for name in names), _MOST, between="; ")
    return told or ("" if there == asked else "a mark of another version, with the same values")


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{above}{name}.")
        elif value is not None:
            found[f"{above}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def _told(name: str, there: str | None, asked: str | None) -> str:
    same = len(os.path.commonprefix([there or "", asked or ""]))  # noqa: RUF071 - letters are meant
    return f"{name}: {_short(there, same)} there, {_short(asked, same)} asked"


def _short(value: str | None, same: int) -> str:
    if value is None:
        return "none"
    if len(value) <= _LONG:
        return value or "an empty text"
    start = max(0, min(same - _BEFORE, len(value) - _LONG))
    end = start + _LONG
    return f"{'...' if start else ''}{value[start:end]}{'...' if end < len(value) else ''}"
