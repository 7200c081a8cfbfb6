"""The pair of masks of every variant, made from that of the profile."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics import MaskPair, Matching, compare_masks
from oncohort.variation.choices import Removal, Variant


@dataclass(frozen=True, eq=False)
class SharedPair:
    """Reference and prediction of one structure, counted once for all variants.

    Voxels, surfaces and uptake are the same under every connectivity and
    matching; components are numbered once per connectivity; matching rules are
    applied to the same overlaps. Only masks without their small components are
    counted anew.

    Args:
        pair: Under the profile as it is written.

    Examples:
        >>> from oncohort.metrics import PairSettings
        >>> mask = np.ones((2, 2, 2), np.uint8)
        >>> settings = PairSettings(connectivity=6, matching=Matching("any-overlap"))
        >>> pair = compare_masks(mask, mask, spacing_mm=(1.0, 1.0, 1.0), settings=settings)
        >>> SharedPair(pair).without_small(Removal("prediction", 9, "voxels")).overlap.prediction
        0
    """

    pair: MaskPair
    _by_connectivity: dict[int, MaskPair] = field(default_factory=dict, init=False, repr=False)

    def under(self, variant: Variant) -> MaskPair:
        """The pair as a variant sees it."""
        if variant.removal is not None:
            return self.without_small(variant.removal)
        components = variant.profile.components
        if components is None:
            return self.pair
        pair = self._connected(components.connectivity)
        return pair.under(replace(pair.settings, matching=Matching(components.matching, components.threshold)))

    def without_small(self, removal: Removal) -> MaskPair:
        """The pair without its small components, or small numbered lesions.

        Components are those of the profile's connectivity.
        """
        settings = self.pair.settings
        least = removal.smallest(voxel_ml=self.pair.overlap.voxel_ml)
        goes = removal.concerns("reference"), removal.concerns("prediction")
        kept = [sizes >= (least if is_going else 0) for sizes, is_going in zip(self._sizes, goes, strict=True)]
        if all(of_side.all() for of_side in kept):
            return self.pair
        keeps = settings.reference_instances, settings.prediction_instances
        reference, prediction = (
            self._whole(np.where(of_side, np.arange(of_side.size), 0).astype(numbers.dtype)[numbers], keeps_numbers=by)
            for numbers, of_side, by in zip(self._maps, kept, keeps, strict=True)
        )
        spacing_mm, image = self.pair.spacing_mm, self.pair.image
        return compare_masks(reference, prediction, spacing_mm=spacing_mm, settings=settings, image=image)

    def _connected(self, connectivity: int) -> MaskPair:
        if connectivity == self.pair.settings.connectivity:
            return self.pair
        if connectivity not in self._by_connectivity:
            settings = replace(self.pair.settings, connectivity=connectivity)
            self._by_connectivity[connectivity] = self.pair.under(settings)
        return self._by_connectivity[connectivity]

    @cached_property
    def _maps(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lesion numbers of both masks within their box, in as few bytes as they need."""
        reference, prediction = (
            numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))), copy=False)
            for numbers in self.pair.lesion_maps()
        )
        return reference, prediction

    @cached_property
    def _sizes(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Voxels of every lesion number of both masks; what does not occur, and the background, counts as large."""
        reference, prediction = (
            np.where(sizes == 0, np.iinfo(np.int64).max, sizes)
            for sizes in (np.bincount(numbers[numbers > 0], minlength=1) for numbers in self._maps)
        )
        return reference, prediction

    def _whole(self, numbers: NDArray[Any], *, keeps_numbers: bool) -> NDArray[Any]:
        """Lesion numbers within the box as an array of the whole grid, so that its border stays where it is."""
        inside = numbers if keeps_numbers else (numbers != 0).astype(np.uint8)
        whole = np.zeros(self.pair.arrays.codes[0].shape, inside.dtype)
        whole[self.pair.box.slices] = inside
        return whole
