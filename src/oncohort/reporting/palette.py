"""Colours that stay apart for colour-blind readers, on white and on grey.

After M. Okabe and K. Ito, "Color universal design" (2008); the purple is
darkened so that a thin line of it is seen on white.
"""

from __future__ import annotations

from collections.abc import Sequence

REFERENCE_COLOUR = "#d55e00"
MODEL_COLOURS = ("#0072b2", "#a23b85", "#009e73", "#56b4e9")
OTHER_COLOUR = "#7a828a"
MODEL_COLOURS_ON_DARK = ("#4ba3dd", "#d37fbb", "#2fc597", "#93d3f8")


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """Colour of each model, in the order of the leaderboard; grey from the fifth on.

    Examples:
        >>> model_colours(["suv-4", "suv-2.5"])
        {'suv-4': '#0072b2', 'suv-2.5': '#a23b85'}
    """
    padded = (*MODEL_COLOURS, *[OTHER_COLOUR] * len(models))
    return dict(zip(models, padded, strict=False))
