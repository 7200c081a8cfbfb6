"""Metrics of the distance between the surfaces of two masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from oncohort.metrics.metric import EITHER_EMPTY, Direction, Metric, Presence, Symmetry
from oncohort.metrics.surface import (
    SurfaceDistances,
    assd_directed_mm,
    assd_mm,
    contour_dice,
    hausdorff_mm,
    hd95_directed_mm,
    hd95_mm,
)

_VOXELS = frozenset({"voxel_surface"})
_ELEMENTS = frozenset({"element_surface"})


class HasSurfaces(Protocol):
    """A pair of masks of which the surfaces are known."""

    @property
    def voxel_surface(self) -> SurfaceDistances:
        """Distances between border voxels."""
        ...

    @property
    def element_surface(self) -> SurfaceDistances:
        """Distances between surface elements."""
        ...

    def share_within(self, tolerance_mm: float) -> float:
        """Share of the surface elements of both masks with one of the other mask within a tolerance."""
        ...


def _assd_mm(pair: HasSurfaces) -> float:
    return assd_mm(pair.voxel_surface)


def _assd_directed_mm(pair: HasSurfaces) -> float:
    return assd_directed_mm(pair.voxel_surface)


def _assd_elements_mm(pair: HasSurfaces) -> float:
    return assd_mm(pair.element_surface)


def _assd_elements_directed_mm(pair: HasSurfaces) -> float:
    return assd_directed_mm(pair.element_surface)


def _hausdorff_mm(pair: HasSurfaces) -> float:
    return hausdorff_mm(pair.voxel_surface)


def _hd95_mm(pair: HasSurfaces) -> float:
    return hd95_mm(pair.voxel_surface)


def _hd95_directed_mm(pair: HasSurfaces) -> float:
    return hd95_directed_mm(pair.voxel_surface)


def _nsd(pair: HasSurfaces, *, tolerance_mm: float) -> float:
    return pair.share_within(tolerance_mm)


def _contour_dice(pair: HasSurfaces) -> float:
    return contour_dice(pair.voxel_surface)


def _distance(name: str, formula: Callable[..., float], needs: frozenset[str], description: str) -> Metric:
    return Metric(
        name=name,
        description=description,
        unit="mm",
        direction=Direction.LOWER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=EITHER_EMPTY,
        formula=formula,
        needs=needs,
    )


SURFACE_METRICS = (
    _distance("assd_mm", _assd_mm, _VOXELS, "Mean distance of the border voxels of both masks to the other border."),
    _distance(
        "assd_directed_mm", _assd_directed_mm, _VOXELS, "Mean of the two mean distances from one border to the other."
    ),
    _distance(
        "assd_elements_mm",
        _assd_elements_mm,
        _ELEMENTS,
        "Mean distance of the surface elements of both masks to the other surface, weighted by area.",
    ),
    _distance(
        "assd_elements_directed_mm",
        _assd_elements_directed_mm,
        _ELEMENTS,
        "Mean of the two area-weighted mean distances from one surface to the other.",
    ),
    _distance("hausdorff_mm", _hausdorff_mm, _VOXELS, "Greatest distance of a border voxel to the other border."),
    _distance(
        "hd95_mm", _hd95_mm, _VOXELS, "95th percentile of the distances of the border voxels of both masks together."
    ),
    _distance(
        "hd95_directed_mm",
        _hd95_directed_mm,
        _VOXELS,
        "Greater of the two 95th percentiles of the distances from one border to the other.",
    ),
    Metric(
        name="nsd",
        description="Share of both surfaces that lies within a tolerance of the other, weighted by area.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=frozenset({Presence.BOTH_EMPTY}),
        formula=_nsd,
        parameters=frozenset({"tolerance_mm"}),
        missing_value=0.0,
        needs=_ELEMENTS,
    ),
    Metric(
        name="contour_dice",
        description="Share of the border voxels of both masks, volume border included, that are border voxels of both.",
        unit="1",
        direction=Direction.HIGHER,
        symmetry=Symmetry.SAME,
        twin=None,
        undefined=frozenset({Presence.BOTH_EMPTY}),
        formula=_contour_dice,
        missing_value=0.0,
        needs=_VOXELS,
    ),
)
"""Metrics that follow from the distances between two surfaces."""
