"""From volumes to the planes that a sheet shows; nothing larger is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box, Geometry
from oncohort.reporting.drawing import (
    CORONAL,
    VIEWS,
    Extent,
    Plane,
    View,
    body_extent,
    coronal_maximum,
    grown,
    shortened,
    shown_extent,
    slice_plane,
    union_of,
)
from oncohort.reporting.sheets.box_cutting import cut_boxes
from oncohort.reporting.sheets.subject import (
    CutCase,
    CutMask,
    CutPrompt,
    CutView,
    Overlay,
    PromptMark,
    SheetCase,
    SheetSettings,
)
from oncohort.units import Unit
from oncohort.volume import Volume

MIP = "mip"
"""The name of the projection among the planes."""

_AIR_HU, _AIR_SHARE = -1024.0, 0.04  # of the upper end of the PET's window
_TISSUE_HU = -300.0
_LARGEST = 1e9
_MARGIN_MM = 12.0
_TALLEST_MM = {1: 900.0, 2: 600.0}
_TALL_MM = 450.0  # of a plane on sheets of three rows or more


def cut_case(case: SheetCase, settings: SheetSettings) -> CutCase:
    """The planes of a case, with masks, boxes and prompts where they cut them.

    Coronal and sagittal planes of long scans are cut round the point where the planes
    cross; the projection shows the whole scan.

    Args:
        case: Its volumes are read here.
        settings: Which planes.
    """
    window, unit = _pet_window(case.pet, settings.suv)
    rows = max(1, len(settings.windows) * (case.ct is not None) + (case.pet is not None))
    rows += case.ct is not None and case.pet is not None
    tallest = _TALLEST_MM.get(rows, _TALL_MM)
    views = {name: _plane_view(case, VIEWS[name], window, tallest) for name in settings.planes if name in VIEWS}
    views = _aligned(views)
    if MIP in settings.planes and case.pet is not None:
        views[MIP] = _projection(case, case.pet, window)
    return CutCase(case.title, case.caption, case.point_words, views, unit, window)


def _pet_window(pet: Volume | None, suv: tuple[float, float]) -> tuple[tuple[float, float], str]:
    """What is white and what is black, and in which unit; a PET that is no SUV is shown up to its upper end."""
    if pet is None:
        return suv, ""
    if pet.unit is Unit.SUVBW:
        return suv, "SUV"
    top = max(float(np.percentile(_shown(pet.array[::2, ::2, ::2], 0.0), 99.9)), 1e-6)
    return (0.0, float(f"{top:.2g}")), "" if pet.unit is Unit.NONE else str(pet.unit)


def _plane_view(case: SheetCase, view: View, window: tuple[float, float], tallest: float) -> CutView:
    depth = float(case.point_mm[view.through])
    across, up = (float(part) for part in view.place(case.point_mm[None])[0])
    ct = _image(case.ct, view, depth, _AIR_HU)
    pet = _image(case.pet, view, depth, 0.0)
    masks = tuple(found for overlay in case.overlays for found in _cut_overlay(overlay, view, depth))
    boxes = tuple(box for group in case.boxes for box in cut_boxes(group, view, depth))
    shown = [
        *(body_extent(plane, above=_TISSUE_HU) for plane in (ct,) if plane is not None),
        *(body_extent(plane, above=_AIR_SHARE * window[1]) for plane in (pet,) if plane is not None),
        *(mask.plane.extent_of(mask.plane.pixels) for mask in masks),
        *(_span(box.corners_mm) for box in boxes),
    ]
    extent = _round(shown, _scan_extent(ct, pet, (across, up)), (across, up))
    found = CutView(view, False, ct, pet, shortened(extent, tallest, up), (across, up), masks, boxes)
    return replace(found, prompts=tuple(_cut_prompts(case.prompts, view, depth)))


def _aligned(views: dict[str, CutView]) -> dict[str, CutView]:
    """The same part of the patient in every view, so that panels are of one height and width."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for view in views.values():
        left, right, bottom, top = view.extent_mm
        across = (left, right) if view.view.across_sign > 0 else (-right, -left)
        spans.setdefault(view.view.across, []).append(across)
        spans.setdefault(view.view.up, []).append((bottom, top))
    shared = {axis: (min(low for low, _ in found), max(high for _, high in found)) for axis, found in spans.items()}
    return {name: replace(view, extent_mm=_extent_in(view.view, shared)) for name, view in views.items()}


def _extent_in(view: View, spans: Mapping[int, tuple[float, float]]) -> Extent:
    low, high = spans[view.across]
    across = (low, high) if view.across_sign > 0 else (-high, -low)
    return (*across, *spans[view.up])


def _image(volume: Volume | None, view: View, depth: float, fill: float) -> Plane | None:
    if volume is None:
        return None
    found = slice_plane(volume.array, volume.geometry, view, depth, interpolation="linear", fill=fill)
    return found.with_pixels(_shown(found.pixels, fill))


def _shown(pixels: NDArray[Any], fill: float) -> NDArray[Any]:
    """Values that can be drawn: what is no number is air, what is infinite is very large."""
    return np.asarray(np.clip(np.nan_to_num(pixels, nan=fill), -_LARGEST, _LARGEST))


def _scan_extent(ct: Plane | None, pet: Plane | None, point: tuple[float, float]) -> Extent:
    """What may be shown: the CT, which is often shorter than the PET, unless the planes cross outside of it."""
    if ct is not None and _holds(ct.extent_mm, point):
        return ct.extent_mm
    return union_of([plane.extent_mm for plane in (ct, pet) if plane is not None])


def _holds(extent: Extent, point: tuple[float, float]) -> bool:
    left, right, bottom, top = extent
    return left <= point[0] <= right and bottom <= point[1] <= top


def _round(shown: list[Extent | None], scan: Extent, point: tuple[float, float]) -> Extent:
    """The scan cut to what is worth showing; all of it if the point would lie outside."""
    extents = [extent for extent in shown if extent is not None]
    extent = grown(union_of(extents), _MARGIN_MM, scan) if extents else scan
    return extent if _holds(extent, point) else scan


def _cut_overlay(overlay: Overlay, view: View, depth: float) -> Iterator[CutMask]:
    for layer in overlay.masks.layers:
        plane = slice_plane(layer.array, layer.geometry, view, depth, interpolation="nearest", fill=0)
        yield from _labels_of(overlay, plane)


def _labels_of(overlay: Overlay, plane: Plane) -> Iterator[CutMask]:
    known = {value: name for name, value in overlay.masks.scheme.labels.items()}
    for value in (int(found) for found in np.unique(plane.pixels) if found > 0):
        yield _cut_mask(overlay, known.get(value, f"label {value}"), plane.with_pixels(plane.pixels == value))


def _cut_mask(overlay: Overlay, name: str, plane: Plane) -> CutMask:
    words = f"{overlay.origin}: {name}" if overlay.origin else name
    colour = overlay.colours.get(name, overlay.colours.get("", "#b9c4cc"))
    return CutMask(words, colour, overlay.dashes, plane)


def _cut_prompts(prompts: tuple[PromptMark, ...], view: View, depth: float | None) -> Iterator[CutPrompt]:
    for prompt in prompts:
        near = prompt.points_mm
        if depth is not None:
            near = near[np.abs(near[:, view.through] - depth) <= prompt.reach_mm]
        if len(near):
            yield CutPrompt(prompt.kind, prompt.polarity, view.place(near))


def _projection(case: SheetCase, pet: Volume, window: tuple[float, float]) -> CutView:
    plane = coronal_maximum(pet.array, pet.geometry)
    plane = plane.with_pixels(_shown(plane.pixels, 0.0))
    masks = tuple(found for overlay in case.overlays if overlay.is_projected for found in _projected(overlay))
    boxes = tuple(box for group in case.boxes for box in cut_boxes(group, CORONAL, None))
    across, up = (float(part) for part in CORONAL.place(case.point_mm[None])[0])
    extent = shown_extent(plane, [mask.plane for mask in masks], air=_AIR_SHARE * window[1], margin_mm=_MARGIN_MM)
    prompts = tuple(_cut_prompts(case.prompts, CORONAL, None))
    return CutView(CORONAL, True, None, plane, extent, (across, up), masks, boxes, prompts)


def _projected(overlay: Overlay) -> Iterator[CutMask]:
    known = {value: name for name, value in overlay.masks.scheme.labels.items()}
    for layer in overlay.masks.layers:
        box, array = _occupied(layer.array, layer.geometry)
        if array is None:
            continue
        for value in (int(found) for found in np.unique(array) if found > 0):
            plane = coronal_maximum(array == value, box)
            yield _cut_mask(overlay, known.get(value, f"label {value}"), plane)


def _occupied(array: NDArray[np.generic], geometry: Geometry) -> tuple[Geometry, NDArray[np.generic] | None]:
    """The part of a mask that holds labels."""
    from_mask = Box.of_mask(array)
    if from_mask is None:
        return geometry, None
    return geometry.crop(from_mask), array[from_mask.slices]


def _span(corners: NDArray[np.float64]) -> Extent:
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(right), float(bottom), float(top)
