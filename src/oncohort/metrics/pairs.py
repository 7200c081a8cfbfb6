"""Two masks of one structure, counted once; what costs more is computed when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from oncohort.geometry import Box
from oncohort.kernels import label_components, overlap_components
from oncohort.metrics.label_arrays import LabelArrays, Spacing
from oncohort.metrics.lesions import ComponentOverlap, LesionOverlap
from oncohort.metrics.matching import LesionMatching, Matching, match_lesions
from oncohort.metrics.metric import Presence
from oncohort.metrics.overlap import OverlapCounts
from oncohort.metrics.surface import SurfaceDistances
from oncohort.metrics.uptake import Uptake, UptakePair, measure_lesion_uptakes


@dataclass(frozen=True)
class PairSettings:
    """How lesions are told apart and matched.

    Args:
        connectivity: 6, 18 or 26: neighbours that make one component.
        matching: When a predicted lesion counts as one of the reference.
        reference_instances: The integers of the reference are lesion numbers; False: its components are lesions.
        prediction_instances: The same for the prediction.

    Raises:
        ValueError: Another connectivity.

    Examples:
        >>> PairSettings(connectivity=18, matching=Matching("any-overlap")).reference_instances
        False
    """

    connectivity: int
    matching: Matching
    reference_instances: bool = False
    prediction_instances: bool = False

    def __post_init__(self) -> None:
        if self.connectivity not in (6, 18, 26):
            raise ValueError(f"expected connectivity 6, 18 or 26, got {self.connectivity}")


@dataclass(frozen=True, eq=False)
class MaskPair:
    """All that the metrics need to know of a reference and a prediction of one structure.

    `overlap` is there at once; lesions and surfaces are computed when they are
    first asked for, and kept.

    Args:
        arrays: The two label arrays.
        structure: Position of the structure in `arrays.structures`.
        settings: How lesions are told apart and matched.
        image: (i, j, k), for instance SUV; None if there is none.
    """

    arrays: LabelArrays = field(repr=False)
    structure: int
    settings: PairSettings
    image: NDArray[Any] | None = field(default=None, repr=False)
    _matched: dict[Matching, MaskPair] = field(default_factory=dict, init=False, repr=False)

    def matched_by(self, matching: Matching) -> MaskPair:
        """The same masks with lesions matched by another rule; each rule is applied once."""
        if matching == self.settings.matching:
            return self
        if matching not in self._matched:
            self.lesion_overlap  # noqa: B018 - counted here, so that every rule shares it
            self._matched[matching] = self.under(replace(self.settings, matching=matching))
        return self._matched[matching]

    def under(self, settings: PairSettings) -> MaskPair:
        """The same masks with lesions told apart or matched otherwise.

        What this pair has computed and the settings do not change is not
        computed again: voxels, surfaces and uptake, and lesions if only the
        matching differs.
        """
        other = replace(self, settings=settings)
        is_matching_only = replace(settings, matching=self.settings.matching) == self.settings
        kept = ("overlap", "box", "uptake", *(("lesion_overlap",) if is_matching_only else ()))
        vars(other).update({name: vars(self)[name] for name in kept if name in vars(self)})
        return other

    @cached_property
    def overlap(self) -> OverlapCounts:
        """Voxels of each mask and of both."""
        return self.arrays.overlap(self.structure)

    @property
    def presence(self) -> Presence:
        """Which of the two masks hold any voxel."""
        return self.overlap.presence

    @property
    def is_reference_numbered(self) -> bool:
        """Whether the integers of the reference are lesion numbers."""
        return self.settings.reference_instances

    @property
    def connectivity(self) -> int:
        """Neighbours that make one component."""
        return self.settings.connectivity

    @property
    def spacing_mm(self) -> Spacing:
        """Edges of a voxel along i, j, k."""
        return self.arrays.spacing_mm

    @cached_property
    def box(self) -> Box:
        """The smallest box round both masks; empty if both are."""
        return self.arrays.box(self.structure)

    def masks(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Reference and prediction within `box`, uint8 or bool, 0 outside; not kept."""
        reference, prediction = (self.arrays.mask(self.structure, side=side, box=self.box) for side in (0, 1))
        return reference, prediction

    def lesion_maps(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lesion numbers of reference and prediction within `box`; not kept."""
        return self._number(self.masks())

    @cached_property
    def lesion_overlap(self) -> LesionOverlap:
        """Voxels of every lesion and of every pair of lesions."""
        voxel_ml = self.overlap.voxel_ml
        if any(self._by_number):
            return LesionOverlap.of_maps(*self.lesion_maps(), voxel_ml=voxel_ml)
        counts = overlap_components(*self.arrays.roomy_masks(self.structure), self.settings.connectivity)
        return LesionOverlap.of_components(counts, voxel_ml=voxel_ml)

    def _number(self, masks: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
        reference, prediction = (
            self.arrays.numbers_within(mask, side=side, box=self.box)
            if by_number
            else label_components(mask, self.settings.connectivity)[0]
            for side, (mask, by_number) in enumerate(zip(masks, self._by_number, strict=True))
        )
        return reference, prediction

    @property
    def _by_number(self) -> tuple[bool, bool]:
        return self.settings.reference_instances, self.settings.prediction_instances

    @cached_property
    def lesions(self) -> LesionMatching:
        """Which lesions match."""
        return match_lesions(self.lesion_overlap, self.settings.matching)

    @property
    def voxel_surface(self) -> SurfaceDistances:
        """Distances between the border voxels of the masks."""
        return self.arrays.surface(self.structure, "voxels")

    @property
    def element_surface(self) -> SurfaceDistances:
        """Distances between the surface elements of the masks, with their areas."""
        return self.arrays.surface(self.structure, "elements")

    def share_within(self, tolerance_mm: float) -> float:
        """Surface Dice of the elements: the share of both surfaces that lies within a tolerance of the other."""
        return self.arrays.share_within(self.structure, tolerance_mm)

    @cached_property
    def uptake(self) -> UptakePair:
        """What the image holds within each mask.

        Raises:
            ValueError: There is no image, or its shape is another.
        """
        reference, prediction = (self._uptake_of(mask != 0) for mask in self.masks())
        return UptakePair(reference, prediction)

    def _uptake_of(self, mask: NDArray[Any]) -> Uptake:
        return measure_lesion_uptakes(self.require_image(), mask, 1, start=self.box.start, spacing_mm=self.spacing_mm)[
            0
        ]

    def require_image(self) -> NDArray[Any]:
        """The image.

        Raises:
            ValueError: There is none, or its shape is another.
        """
        shape = self.arrays.codes[0].shape
        if self.image is None or self.image.shape != shape:
            found = "none" if self.image is None else f"one of shape {self.image.shape}"
            raise ValueError(f"expected an image of shape {shape} to measure uptake in, got {found}")
        return self.image

    @property
    def reference_components(self) -> ComponentOverlap:
        """Lesions of the reference and what the prediction shares with them."""
        return self.lesion_overlap.reference_components

    @property
    def prediction_components(self) -> ComponentOverlap:
        """Lesions of the prediction and what the reference shares with them."""
        return self.lesion_overlap.prediction_components


def compare_masks(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    spacing_mm: Spacing,
    settings: PairSettings,
    image: NDArray[Any] | None = None,
) -> MaskPair:
    """Everything that two masks have in common; whatever is not 0 belongs to the mask.

    Args:
        reference: bool or integers (i, j, k), any memory order and byte order.
        prediction: The same shape.
        spacing_mm: Edges of a voxel along i, j, k.
        settings: How lesions are told apart and matched.
        image: The same shape, for uptake; None if no metric needs it.

    Raises:
        ValueError: The shapes differ or are not three-dimensional, or lesion numbers are negative.
        TypeError: Numbers that are no integers.

    Examples:
        >>> import numpy as np
        >>> reference = np.zeros((8, 8, 8), bool)
        >>> reference[1:5, 1:5, 1:5] = True
        >>> settings = PairSettings(connectivity=18, matching=Matching("any-overlap"))
        >>> pair = compare_masks(reference, np.roll(reference, 2, axis=0), spacing_mm=(10, 10, 10), settings=settings)
        >>> pair.overlap.both, pair.reference_components.sizes, pair.lesions.tp
        (32, (64,), 1)
    """
    arrays = LabelArrays.of_masks(reference, prediction, spacing_mm=spacing_mm)
    return MaskPair(arrays, 0, settings, image)


def compare_labels(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    structures: Mapping[str, Collection[int]],
    *,
    spacing_mm: Spacing,
    settings: PairSettings,
    image: NDArray[Any] | None = None,
) -> dict[str, MaskPair]:
    """A pair of masks per structure of two label maps; all are counted in one pass.

    Args:
        reference: Integers (i, j, k), any memory order and byte order; labels that no structure names are background.
        prediction: The same shape.
        structures: Name and labels; structures may share labels (a group, the union of all).
        spacing_mm: Edges of a voxel along i, j, k.
        settings: How lesions are told apart and matched.
        image: The same shape, for uptake; None if no metric needs it.

    Raises:
        ValueError: The shapes differ or are not three-dimensional, a structure has no label or the label 0,
            or there are more than 255 labels that are no uint8.
        TypeError: Numbers that are no integers.

    Examples:
        >>> import numpy as np
        >>> labels = np.zeros((4, 4, 4), np.uint8)
        >>> labels[0], labels[1] = 3, 7
        >>> structures = {"liver": [3], "spleen": [7], "both": [3, 7]}
        >>> settings = PairSettings(connectivity=18, matching=Matching("any-overlap"))
        >>> pairs = compare_labels(labels, labels, structures, spacing_mm=(1, 1, 1), settings=settings)
        >>> {name: pair.overlap.both for name, pair in pairs.items()}
        {'liver': 16, 'spleen': 16, 'both': 32}
    """
    arrays = LabelArrays.of_labels(reference, prediction, tuple(structures.values()), spacing_mm=spacing_mm)
    return {name: MaskPair(arrays, n, settings, image) for n, name in enumerate(structures)}


def compare_all_labels(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    spacing_mm: Spacing,
    settings: PairSettings,
    image: NDArray[Any] | None = None,
) -> dict[int, MaskPair]:
    """A pair of masks per label that occurs in either of two label maps of bytes, ascending; counted in one pass.

    Args:
        reference: uint8 or bool (i, j, k), any memory order; 0 is background.
        prediction: The same shape.
        spacing_mm: Edges of a voxel along i, j, k.
        settings: How lesions are told apart and matched.
        image: The same shape, for uptake; None if no metric needs it.

    Raises:
        ValueError: The shapes differ or are not three-dimensional.
        TypeError: Numbers that are no bytes.

    Examples:
        >>> import numpy as np
        >>> labels = np.array([[[0, 3, 9, 9]]], np.uint8)
        >>> settings = PairSettings(connectivity=18, matching=Matching("any-overlap"))
        >>> pairs = compare_all_labels(labels, labels, spacing_mm=(1, 1, 1), settings=settings)
        >>> {label: pair.overlap.both for label, pair in pairs.items()}
        {3: 1, 9: 2}
    """
    arrays = LabelArrays.of_bytes(reference, prediction, spacing_mm=spacing_mm)
    return {codes[0]: MaskPair(arrays, n, settings, image) for n, codes in enumerate(arrays.structures)}
