"""Sheets of single cases: planes and projection with masks, boxes and prompts."""

from oncohort.reporting.sheets.cutting import MIP, cut_case
from oncohort.reporting.sheets.draw import SheetPicture, draw_sheet
from oncohort.reporting.sheets.subject import (
    BoxGroup,
    CutCase,
    Overlay,
    PromptMark,
    SheetCase,
    SheetSettings,
)

__all__ = [
    "MIP",
    "BoxGroup",
    "CutCase",
    "Overlay",
    "PromptMark",
    "SheetCase",
    "SheetPicture",
    "SheetSettings",
    "cut_case",
    "draw_sheet",
]
