"""What a voxel's number means."""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """The unit of a volume, written as the tables write it.

    Examples:
        >>> Unit("SUVbw") is Unit.SUVBW
        True
    """

    HU = "HU"
    SUVBW = "SUVbw"
    BQML = "Bq/ml"
    PROBABILITY = "probability"
    LABEL = "label"
    NONE = "1"


USUAL_UNITS = {"ct": Unit.HU, "pet": Unit.SUVBW}
"""Unit of an image by the kind of its role, unless something says otherwise."""
