"""What a sheet shows of a case: images, masks, boxes and prompts with their grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box, Geometry
from oncohort.reporting.drawing import Plane, View, Window
from oncohort.volume import LabelMap, Volume

_FEW = 8  # names of a legend that need no order by size


@dataclass(frozen=True)
class Overlay:
    """Masks of one origin, drawn as contours.

    Args:
        origin: Name of the model, or "" for masks of the cohort.
        masks: On any grid.
        colours: Colour by label name; labels without one are named by their integer.
        dashes: "solid", "dashed", "dotted" or "dashdot".
        is_projected: Whether the maximum-intensity projection shows their outlines.
    """

    origin: str
    masks: LabelMap
    colours: Mapping[str, str]
    dashes: str = "solid"
    is_projected: bool = True


@dataclass(frozen=True)
class BoxGroup:
    """Boxes of one lesion by one reader: one box, or one in each slice.

    Args:
        name: Words of the legend.
        colour: Of the lines.
        geometry: The grid that the boxes count in.
        boxes: Half-open, in voxels.
    """

    name: str
    colour: str
    geometry: Geometry
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class PromptMark:
    """A click or a scribble.

    Args:
        kind: "click" or "scribble".
        polarity: "foreground" or "background".
        points_mm: (n, 3), RAS+ mm.
        reach_mm: How far from a plane it is still shown in it.
    """

    kind: str
    polarity: str
    points_mm: NDArray[np.float64]
    reach_mm: float


@dataclass(frozen=True)
class SheetCase:
    """One case as a sheet shows it; voxels are read when it is cut.

    Args:
        title: Words above the images.
        caption: Facts, one sentence each.
        point_mm: Where the planes cross, (3,) RAS+ mm.
        point_words: What is there, such as "largest of 3 lesions, 12.1 ml".
        ct: In HU.
        pet: In SUV or another unit.
        overlays: Masks.
        boxes: Boxes.
        prompts: Prompts.
    """

    title: str
    caption: tuple[str, ...]
    point_mm: NDArray[np.float64]
    point_words: str = ""
    ct: Volume | None = None
    pet: Volume | None = None
    overlays: tuple[Overlay, ...] = ()
    boxes: tuple[BoxGroup, ...] = ()
    prompts: tuple[PromptMark, ...] = ()


@dataclass(frozen=True)
class SheetSettings:
    """How a sheet looks.

    Args:
        windows: Windows of the CT, a row each.
        suv: SUV shown white and SUV shown black.
        planes: Of "axial", "coronal", "sagittal" and "mip", in order.
        synthetic: Whether to write "synthetic" into the picture.
    """

    windows: tuple[Window, ...]
    suv: tuple[float, float] = (0.0, 10.0)
    planes: tuple[str, ...] = ("axial", "coronal", "sagittal", "mip")
    synthetic: bool = False


@dataclass(frozen=True)
class CutMask:
    """One label in one view: everything above zero is inside."""

    name: str
    colour: str
    dashes: str
    plane: Plane


@dataclass(frozen=True)
class CutBox:
    """A box in one view: corners (n, 2) in mm."""

    name: str
    colour: str
    corners_mm: NDArray[np.float64]


@dataclass(frozen=True)
class CutPrompt:
    """A click or scribble in one view: points (n, 2) in mm."""

    kind: str
    polarity: str
    points_mm: NDArray[np.float64]


@dataclass(frozen=True)
class CutView:
    """One view of a case in pixels.

    Args:
        view: Which way it looks.
        is_projection: Whether it is a maximum along the line of sight.
        ct: None without.
        pet: None without.
        extent_mm: What is shown of it.
        point_mm: Where the other planes cut it, across and up.
    """

    view: View
    is_projection: bool
    ct: Plane | None
    pet: Plane | None
    extent_mm: tuple[float, float, float, float]
    point_mm: tuple[float, float]
    masks: tuple[CutMask, ...] = ()
    boxes: tuple[CutBox, ...] = ()
    prompts: tuple[CutPrompt, ...] = ()

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of what is shown."""
        left, right, bottom, top = self.extent_mm
        return right - left, top - bottom

    def area_of(self, mask: Plane) -> float:
        """Square millimetres of a mask in the part that is shown."""
        left, right, bottom, top = self.extent_mm
        rows = (mask.rows_mm > bottom) & (mask.rows_mm < top)
        columns = (mask.columns_mm > left) & (mask.columns_mm < right)
        return float((mask.pixels[np.ix_(rows, columns)] > 0).sum()) * mask.spacing_mm[0] * mask.spacing_mm[1]


@dataclass(frozen=True)
class CutCase:
    """A case as a few planes, without volumes.

    Args:
        title: As in `SheetCase`, like `caption` and `point_words`.
        views: By name; "mip" is the projection.
        pet_unit: Unit of the PET in words, "" without one.
        pet_window: What is shown white and what black.
    """

    title: str
    caption: tuple[str, ...]
    point_words: str
    views: Mapping[str, CutView]
    pet_unit: str = ""
    pet_window: tuple[float, float] = (0.0, 10.0)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def planes(self) -> tuple[CutView, ...]:
        """The views that are no projection."""
        return tuple(view for view in self.views.values() if not view.is_projection)

    @property
    def has_ct(self) -> bool:
        """Whether any plane shows a CT."""
        return any(view.ct is not None for view in self.planes)

    @property
    def has_pet(self) -> bool:
        """Whether any plane shows a PET."""
        return any(view.pet is not None for view in self.planes)

    def mask_names(self) -> tuple[tuple[str, str, str], ...]:
        """Name, colour and dashes of every label that is seen: few as they are drawn, many by size."""
        pixels: dict[tuple[str, str, str], float] = {}
        for view in self.views.values():
            for mask in view.masks:
                key = mask.name, mask.colour, mask.dashes
                area = view.area_of(mask.plane)
                if area > 0:
                    pixels[key] = pixels.get(key, 0.0) + area
        return tuple(pixels) if len(pixels) <= _FEW else tuple(sorted(pixels, key=lambda key: -pixels[key]))
