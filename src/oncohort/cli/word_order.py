"""`oncohort export COHORT FORMAT`, which is `export FORMAT COHORT` to the parser."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from oncohort.errors import SettingsError

_HELP = ("--help", "-h")


def format_first(words: Sequence[str], formats: Collection[str]) -> list[str]:
    """The words of a call of `export` with the format before the cohort, whichever of the two comes first.

    Args:
        words: The whole call, from `export` on.
        formats: Names of the formats.

    Raises:
        SettingsError: None of the first two words is a format.

    Examples:
        >>> format_first(["export", "cohort", "csv", "--out", "tables"], ["csv", "voc"])
        ['export', 'csv', 'cohort', '--out', 'tables']
    """
    command, first, second = [*words, "", ""][:3]
    if not first or first.startswith("-"):
        return list(words)
    if second in formats and not (first in formats and Path(second).is_dir() and not Path(first).is_dir()):
        return [command, second, first, *words[3:]]
    if first in formats:
        return list(words)
    if any(flag in words for flag in _HELP):
        return [command, _HELP[0]]
    raise SettingsError(
        expected=f"a format after the cohort: {', '.join(formats)}",
        found="none" if not second or second.startswith("-") else repr(second),
        where=f"export {first}",
        remedy="oncohort export COHORT FORMAT --out DIR; docs/export.md tells of the formats",
    )
