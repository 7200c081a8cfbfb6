"""Segmenters by name, and from the settings of a study file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from oncohort.errors import SettingsError
from oncohort.segmenters.command import Command
from oncohort.segmenters.liver_threshold import LiverThreshold
from oncohort.segmenters.percent_of_max import PercentOfMax
from oncohort.segmenters.protocol import Segmenter
from oncohort.segmenters.threshold import Threshold

SEGMENTERS: dict[str, type[Threshold] | type[PercentOfMax] | type[LiverThreshold] | type[Command]] = {
    segmenter.name: segmenter for segmenter in (Threshold, PercentOfMax, LiverThreshold, Command)
}
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
    return kind(**parameters)


def _difference(needed: set[str], known: set[str], given: set[str]) -> str:
    missing = [f"no {name}" for name in sorted(needed - given)]
    unknown = [f"an unknown {name}" for name in sorted(given - known)]
    return " and ".join(missing + unknown)
