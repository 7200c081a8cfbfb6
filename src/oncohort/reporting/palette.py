"""Colours that stay apart for colour-blind readers, on white and on grey.

After M. Okabe and K. Ito, "Color universal design" (2008); the purple is
darkened so that a thin line of it is seen on white.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

REFERENCE_COLOUR = "#d55e00"
MODEL_COLOURS = ("#0072b2", "#a23b85", "#009e73", "#56b4e9")
OTHER_COLOUR = "#7a828a"
STAMP_COLOUR = "#8a4b00"
MODEL_COLOURS_ON_DARK = ("#4ba3dd", "#d37fbb", "#2fc597", "#93d3f8")


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """Colour of each model, in the order of the leaderboard; grey from the fifth on.

    Examples:
        >>> model_colours(["suv-4", "suv-2.5"])
        {'suv-4': '#0072b2', 'suv-2.5': '#a23b85'}
    """
    padded = (*MODEL_COLOURS, *[OTHER_COLOUR] * len(models))
    return dict(zip(models, padded, strict=False))


_STRUCTURES = ("#56b4e9", "#e07bc0", "#2fc597", "#f0e442", "#e69f00", "#4f7bff", "#ff6a3d", "#b9c4cc")
_GOLDEN = 0.61803398875  # steps of the colour circle that never come close to each other


def structure_colours(names: Sequence[str]) -> dict[str, str]:
    """Colour of each structure on images, by its place in the label scheme: the same in every case of a cohort.

    The first eight stay apart for colour-blind readers; further ones go round the colour circle.

    Examples:
        >>> list(structure_colours(["lesion", "liver"]).values())
        ['#56b4e9', '#e07bc0']
        >>> len(set(structure_colours([str(number) for number in range(130)]).values()))
        130
    """
    return {name: _structure_colour(place) for place, name in enumerate(names)}


def _structure_colour(place: int) -> str:
    if place < len(_STRUCTURES):
        return _STRUCTURES[place]
    turn = place - len(_STRUCTURES)
    lightness, saturation = ((0.65, 0.85), (0.55, 0.6), (0.75, 0.7))[turn % 3]
    parts = colorsys.hls_to_rgb(turn * _GOLDEN % 1.0, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
