"""Segmenters by name, and from the settings of a study file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from oncohort.errors import SettingsError, shown
from oncohort.segmenters.command import Command
from oncohort.segmenters.liver_threshold import LiverThreshold
from oncohort.segmenters.moose import Moose
from oncohort.segmenters.nnunet import Nnunet
from oncohort.segmenters.percent_of_max import PercentOfMax
from oncohort.segmenters.protocol import Segmenter
from oncohort.segmenters.threshold import Threshold
from oncohort.segmenters.totalsegmentator import TotalSegmentator
from oncohort.storage import parse_setting

_KINDS: tuple[type[Any], ...] = (Threshold, PercentOfMax, LiverThreshold, TotalSegmentator, Moose, Nnunet, Command)

SEGMENTERS: dict[str, type[Any]] = {kind.name: kind for kind in _KINDS}
"""Every segmenter by the word that study files use, in the order of the help."""


def make_segmenter(settings: Mapping[str, Any]) -> Segmenter:
    """The segmenter that settings describe.

    Args:
        settings: `segmenter` names it, the other keys are its parameters; those without a usual value are needed.
            A key `name` (of the model, in a study file) is passed over.

    Raises:
        SettingsError: There is no such segmenter, or a parameter is unknown, missing or out of range.

    Examples:
        >>> make_segmenter({"name": "suv-2.5", "segmenter": "threshold", "suv": 2.5})
        Threshold(suv=2.5)
    """
    word = settings.get("segmenter")
    where = f"model {settings['name']!r}" if "name" in settings else f"segmenter {word!r}"
    if not isinstance(word, str) or word not in SEGMENTERS:
        raise SettingsError(
            expected=f"segmenter as one of {', '.join(SEGMENTERS)}",
            found=repr(word),
            where=where,
            remedy="name one of these",
        )
    kind = SEGMENTERS[word]
    parameters = {key: value for key, value in settings.items() if key not in ("name", "segmenter")}
    known = [field.name for field in fields(kind)]
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    if not needed <= set(parameters) <= set(known):
        raise SettingsError(
            expected=f"parameters {', '.join(known)} for {word}",
            found=_difference(needed, set(known), set(parameters)),
            where=where,
            remedy="correct the settings of the model",
        )
    made: Segmenter = kind(**parameters)
    return made


def segmenter_from_words(with_: str, parameters: Sequence[str] = ()) -> Segmenter:
    """The segmenter that the words of a command line describe.

    Args:
        with_: `NAME`, or `NAME:VALUE` where the value is that of the segmenter's main parameter.
        parameters: Further ones as `NAME=VALUE`; a value that is no TOML value is a text.

    Raises:
        SettingsError: There is no such segmenter, or a parameter is unknown, missing, given twice or out of range.

    Examples:
        >>> segmenter_from_words("threshold", ["suv=2.5"])
        Threshold(suv=2.5)
        >>> segmenter_from_words("command:my-model {pet} {mask}").needs
        ('pet',)
    """
    name, colon, value = with_.partition(":")
    kind = SEGMENTERS.get(name)
    pairs = [(key, text) for key, _, text in (word.partition("=") for word in parameters)]
    if colon and kind is not None:
        pairs.insert(0, (_main(kind, value), value))
    elif kind is not None and kind.main not in (None, *(key for key, _ in pairs)):
        raise _without_main(kind, with_)
    twice = {key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1}
    if twice:
        raise _wrong_word("every parameter once", f"{shown(sorted(twice))} more than once", with_)
    texts = () if kind is None else tuple(field.name for field in fields(kind) if field.type in ("str", str))
    return make_segmenter({"segmenter": name, **{key: _value(text, is_text=key in texts) for key, text in pairs}})


def _main(kind: type[Any], value: str) -> str:
    """The parameter that stands after the colon."""
    if kind.main is None:
        raise _wrong_word(f"{kind.name} alone", f"{kind.name}:{value}", kind.name)
    if not value.strip():
        raise _without_main(kind, f"{kind.name}:{value}")
    return str(kind.main)


def _without_main(kind: type[Any], found: str) -> SettingsError:
    return SettingsError(
        expected=f"{kind.main} of {kind.name}",
        found="none",
        where=f"--with {found}",
        remedy=f"write --with {kind.usage}",
    )


def _value(text: str, *, is_text: bool) -> Any:
    """A value of the command line; that of a parameter which is a text stays one."""
    value = parse_setting(text)
    return value if isinstance(value, str) or not is_text else text


def _wrong_word(expected: str, found: str, where: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where=f"--with {where}", remedy="docs/segment.md lists them")


def _difference(needed: set[str], known: set[str], given: set[str]) -> str:
    missing = [f"no {name}" for name in sorted(needed - given)]
    unknown = [f"an unknown {name}" for name in sorted(given - known)]
    return " and ".join(missing + unknown)
