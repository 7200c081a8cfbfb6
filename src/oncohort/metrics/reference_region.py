"""Uptake of a healthy organ in a sphere that lies wholly inside it: the yardstick of liver-based thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oncohort.geometry import Box, Geometry

LIVER_RADIUS_MM = 15.0
"""Radius of the sphere in the right upper lobe of the liver (EANM: a sphere of 3 cm)."""

LIVER_SUV = (1.3, 3.0)
"""A mean SUVbw of the liver outside these is a doubt about the image (EANM)."""


@dataclass(frozen=True)
class ReferenceRegion:
    """What a sphere inside an organ holds.

    Attributes:
        mean: Over its voxels, in the image's unit.
        sd: Standard deviation over its voxels (divided by their number).
        voxels: How many.
        centre_mm: Centre in RAS+ mm.
    """

    mean: float
    sd: float
    voxels: int
    centre_mm: tuple[float, float, float]

    def cut(self, *, mean_factor: float, sd_factor: float) -> float:
        """A threshold above healthy uptake: `mean_factor` * mean + `sd_factor` * SD.

        Examples:
            >>> ReferenceRegion(2.0, 0.25, 500, (0.0, 0.0, 0.0)).cut(mean_factor=1.0, sd_factor=2.0)
            2.5
        """
        return mean_factor * self.mean + sd_factor * self.sd


def reference_region(
    image: NDArray[Any], organ: NDArray[np.bool_], geometry: Geometry, *, radius_mm: float = LIVER_RADIUS_MM
) -> ReferenceRegion | None:
    """The sphere deepest inside the right upper part of an organ, and what it holds.

    A centre is possible where every voxel within the radius belongs to the organ. Of the possible centres right of and
    above the organ's median voxel (of all, if none lies there), the one farthest from the organ's border is taken, of
    several the uppermost.

    Args:
        image: (i, j, k), for example SUV.
        organ: The same shape; lesions are to be taken out before.
        geometry: The grid of both.
        radius_mm: Of the sphere.

    Returns:
        None where no such sphere fits into the organ.

    Raises:
        ValueError: The shapes differ.

    Source: EANM procedure guidelines for tumour imaging 2.0 (sphere of 3 cm in the right upper lobe of the liver).

    Examples:
        >>> image = np.full((20, 20, 20), 2.0)
        >>> found = reference_region(image, np.ones((20, 20, 20), bool), Geometry((20, 20, 20), np.diag([4, 4, 4, 1])))
        >>> found.mean, found.sd, found.voxels
        (2.0, 0.0, 251)
    """
    if image.shape != organ.shape or image.shape != geometry.shape:
        raise ValueError(f"expected one shape, got {image.shape}, {organ.shape} and {geometry.shape}")
    box = Box.of_mask(organ)
    if box is None:
        return None
    inside = np.pad(organ[box.slices], 1)
    depth = ndimage.distance_transform_edt(inside, sampling=geometry.spacing_mm)[1:-1, 1:-1, 1:-1]
    possible = np.argwhere(depth > radius_mm)
    if not possible.size:
        return None
    start = np.array(box.start)
    centre = _deepest(possible, depth, geometry, start, np.argwhere(organ[box.slices]))
    offsets = geometry.to_mm(np.indices(depth.shape).reshape(3, -1).T + start) - geometry.to_mm([centre + start])
    sphere = (offsets**2).sum(axis=1).reshape(depth.shape) <= radius_mm**2
    values = image[box.slices][sphere].astype(np.float64)
    x, y, z = (float(value) for value in geometry.to_mm([centre + start])[0])
    return ReferenceRegion(float(values.mean()), float(values.std()), int(values.size), (x, y, z))


def _deepest(
    possible: NDArray[np.int64],
    depth: NDArray[np.float64],
    geometry: Geometry,
    start: NDArray[np.int64],
    organ: NDArray[np.int64],
) -> NDArray[np.int64]:
    where = geometry.to_mm(possible + start)
    middle = np.median(geometry.to_mm(organ + start), axis=0)
    chosen = (where[:, 0] >= middle[0]) & (where[:, 2] >= middle[2])
    if not chosen.any():
        chosen[:] = True
    candidates, places = possible[chosen], where[chosen]
    depths = depth[tuple(candidates.T)]
    order = np.lexsort((places[:, 1], places[:, 0], places[:, 2], np.round(depths, 6)))
    best: NDArray[np.int64] = candidates[order[-1]]
    return best
