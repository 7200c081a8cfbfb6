"""Voxels with a grid and a unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from oncohort.errors import GeometryError
from oncohort.geometry import Geometry
from oncohort.units import Unit

Voxels = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels (i, j, k) on a grid, with a unit, read on first use.

    Args:
        geometry: The grid.
        unit: What a voxel's number means.
        source: Called once, without arguments, when the voxels are first asked for.
        record: Where the numbers come from: JSON values such as the SUV record of a PET.

    Examples:
        >>> import numpy as np
        >>> volume = Volume.from_array(np.zeros((2, 3, 4), np.int16), Geometry((2, 3, 4), np.eye(4)), Unit.HU)
        >>> volume.array.shape, volume.unit
        ((2, 3, 4), <Unit.HU: 'HU'>)
    """

    geometry: Geometry
    unit: Unit
    source: Callable[[], Voxels] = field(repr=False)
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @staticmethod
    def from_array(array: Voxels, geometry: Geometry, unit: Unit, record: Mapping[str, Any] | None = None) -> Volume:
        """A volume of voxels that are already in memory; nothing is copied.

        Raises:
            GeometryError: The array's shape is not the grid's.
        """
        require_shape(array, geometry)
        return Volume(geometry, unit, _Held(array), record or {})

    @cached_property
    def array(self) -> Voxels:
        """The voxels (i, j, k), read-only.

        Raises:
            GeometryError: The source gives another shape than the grid has.
            FormatError: The file behind the volume cannot be read.
        """
        array = self.source()
        require_shape(array, self.geometry)
        view = array.view()
        view.setflags(write=False)
        return view

    def with_record(self, record: Mapping[str, Any]) -> Volume:
        """The same voxels with another record of their origin."""
        return Volume(self.geometry, self.unit, self.source, record)


@dataclass(frozen=True, eq=False)
class _Held:
    array: Voxels

    def __call__(self) -> Voxels:
        return self.array


def require_shape(array: Voxels, geometry: Geometry) -> None:
    """Raise unless voxels (i, j, k) fill the grid.

    Raises:
        GeometryError: The array's shape is not the grid's.
    """
    if array.shape != geometry.shape:
        raise GeometryError(
            expected=f"voxels of shape {geometry.shape}",
            found=str(array.shape),
            where="volume",
            remedy="give voxels as (i, j, k)",
        )
