"""A sheet as an HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from oncohort.reporting.drawing import DOTS_PER_INCH
from oncohort.reporting.html import fill_template

_DOTS_PER_CSS_PIXEL = DOTS_PER_INCH / 96


@dataclass(frozen=True)
class SheetPage:
    """What the page of a case shows.

    Args:
        cohort: Name of the cohort.
        case: Id of the case.
        png: The sheet.
        known: Facts of the case, by column.
        volumes: Rows of role, unit, shape, spacing_mm and orientation.
        findings: Rows of rule, severity, evidence and remedy.
        shown: What the sheet shows: `at`, `structures`, `synthetic`.
    """

    cohort: str
    case: str
    png: bytes = field(repr=False)
    known: Mapping[str, Any]
    volumes: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    shown: Mapping[str, Any]

    @property
    def width(self) -> int:
        """Of the sheet in CSS pixels, from the first chunk of the file."""
        (pixels,) = struct.unpack(">I", self.png[16:20])
        return round(int(pixels) / _DOTS_PER_CSS_PIXEL)


def render_sheet(page: SheetPage) -> str:
    """The page as text; every string is escaped, and it runs no script.

    Examples:
        >>> from oncohort.reporting.drawing import Canvas
        >>> shown = {"at": "the middle", "structures": [], "synthetic": False}
        >>> page = SheetPage("trial", "<b>A", Canvas(1.0, 1.0).png(indexed=False), {}, [], [], shown)
        >>> "Case &lt;b&gt;A" in render_sheet(page)
        True
    """
    uri = f"data:image/png;base64,{base64.b64encode(page.png).decode('ascii')}"
    return fill_template("sheet.html.j2", page=page, uri=uri, oncohort_version=version("oncohort"))
