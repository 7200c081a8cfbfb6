"""Lists, numbers and first letters in running text."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

_NAMES = ("Dice ",)


def listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    Examples:
        >>> listed(["Dice", "FPV", "FNV"]), listed(["Dice"])
        ('Dice, FPV and FNV', 'Dice')
    """
    every = list(words)
    return " and ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else "".join(every)


def grouped(pairs: Iterable[tuple[Key, str]]) -> dict[Key, list[str]]:
    """Words by what is said of them, in the order of first mention.

    Examples:
        >>> grouped([("0", "Dice"), ("no value", "HD95"), ("0", "NSD")])
        {'0': ['Dice', 'NSD'], 'no value': ['HD95']}
    """
    found: dict[Key, list[str]] = {}
    for key, word in pairs:
        found.setdefault(key, []).append(word)
    return found


def lowered(text: str) -> str:
    """A sentence as a part of another: a small first letter unless the first word is a name, no mark at the end.

    Examples:
        >>> lowered("Volume of the reference."), lowered("SUVmax within it."), lowered("Dice of two masks.")
        ('volume of the reference', 'SUVmax within it', 'Dice of two masks')
    """
    plain = text.rstrip(".?")
    is_name = plain[1:2].isupper() or plain.startswith(_NAMES)
    return plain if is_name else plain[:1].lower() + plain[1:]


def verb(subjects: Sequence[str], singular: str, plural: str) -> str:
    """`singular` for one subject, `plural` for several.

    Examples:
        >>> verb(["Dice"], "has", "have"), verb(["Dice", "FPV"], "has", "have")
        ('has', 'have')
    """
    return singular if len(subjects) == 1 else plural


def sentence(text: str) -> str:
    """Text with a large first letter and a full stop.

    Examples:
        >>> sentence("each case counts once")
        'Each case counts once.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
