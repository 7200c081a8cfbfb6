"""Pictures as PNG files: equal pictures are equal bytes."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from matplotlib import colors
from numpy.typing import NDArray
from PIL import Image

from oncohort.reporting.palette import MODEL_COLOURS, OTHER_COLOUR, REFERENCE_COLOUR, STAMP_COLOUR

_GREYS = 112
_COMPRESSION = 5  # a third of the time of 9, for an eighth more bytes


def encode_png(pixels: NDArray[np.uint8], *, indexed: bool) -> bytes:
    """A PNG of pixels (rows, columns, RGB), without date or program name.

    Args:
        pixels: Red, green, blue.
        indexed: In the 256 colours of the report, a third of the bytes; greys keep their level to 1 in 112.

    Examples:
        >>> encode_png(np.zeros((2, 2, 3), np.uint8), indexed=False)[1:4]
        b'PNG'
    """
    stream = io.BytesIO()
    if indexed:
        _in_palette(pixels).save(stream, format="png", optimize=True)
    else:
        Image.fromarray(np.ascontiguousarray(pixels)).save(stream, format="png", compress_level=_COMPRESSION)
    return stream.getvalue()


def _in_palette(pixels: NDArray[np.uint8]) -> Image.Image:
    palette = _palette()
    indices = np.array(Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE))
    grey = (pixels[..., 0] == pixels[..., 1]) & (pixels[..., 1] == pixels[..., 2])
    indices[grey] = np.rint(pixels[..., 0][grey] * ((_GREYS - 1) / 255.0)).astype(np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette(palette.getpalette() or [])
    return picture


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """Greys, and each line colour blended with black, grey, white and the reference's."""
    greys = [np.full(3, level) for level in np.linspace(0.0, 1.0, _GREYS)]
    inks = [np.array(colors.to_rgb(ink)) for ink in (REFERENCE_COLOUR, *MODEL_COLOURS, OTHER_COLOUR, STAMP_COLOUR)]
    blends = [ink + share * (grey - ink) for ink in inks for grey in (0.0, 0.5, 1.0) for share in np.arange(6) / 6.5]
    under = inks[0]
    blends += [ink + share * (under - ink) for ink in inks[1:5] for share in (0.2, 0.4, 0.6, 0.8)]
    table = np.round(255 * np.array([*greys, *blends])).astype(np.uint8)
    holder = Image.new("P", (1, 1))
    holder.putpalette(table.tobytes())
    return holder
