"""CT in its window, PET in inverted grey, and PET in hot colours over CT."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

from oncohort.reporting.drawing.plane import Plane

_OPAQUE = 0.75  # of the hot colours over a CT
_CLEAR, _RISE = 0.06, 0.4  # of the SUV window: below it is clear, above it opaque


def show_image(axes: Any, plane: Plane, colours: Any, window: tuple[float, float]) -> Any:
    """An image in axes of mm; pixels between their centres are interpolated."""
    return axes.imshow(
        plane.pixels,
        cmap=colours,
        vmin=window[0],
        vmax=window[1],
        origin="lower",
        extent=plane.extent_mm,
        interpolation="bilinear",
        aspect="auto",
    )


@lru_cache(maxsize=1)
def hot_over() -> ListedColormap:
    """The hot colours, from clear to nearly opaque, for PET over CT."""
    share = np.linspace(0.0, 1.0, 256)
    table = colormaps["hot"](0.12 + 0.88 * share)
    table[:, 3] = _OPAQUE * np.clip((share - _CLEAR) / (_RISE - _CLEAR), 0.0, 1.0)
    return ListedColormap(table, name="hot-over")
