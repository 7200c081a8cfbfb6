"""Clicks, scribbles and boxes of an interaction, in voxel indices of a grid, and the heat maps that models take."""

from oncohort.prompts.heat_maps import (
    HEAT_MAP_KINDS,
    HEAT_MAP_UNITS,
    HeatMap,
    HeatMapEncoding,
    draw_heat_map,
    require_encoding,
)
from oncohort.prompts.hits import count_hits
from oncohort.prompts.prompt import KINDS, POLARITIES, Prompt
from oncohort.prompts.scribbles import STRATEGIES, Scribble, draw_scribble

__all__ = [
    "HEAT_MAP_KINDS",
    "HEAT_MAP_UNITS",
    "KINDS",
    "POLARITIES",
    "STRATEGIES",
    "HeatMap",
    "HeatMapEncoding",
    "Prompt",
    "Scribble",
    "count_hits",
    "draw_heat_map",
    "draw_scribble",
    "require_encoding",
]
