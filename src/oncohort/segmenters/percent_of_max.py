"""Hot components, each cut at a share of its own maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oncohort.cohort import Case
from oncohort.geometry import Box
from oncohort.kernels import CONNECTIVITIES, find_maxima, label_components
from oncohort.segmenters.parameters import require_positive, wrong_parameter
from oncohort.segmenters.protocol import LESION_SCHEME, PlainSegmenter, require_suv
from oncohort.volume import LabelMap


@dataclass(frozen=True)
class PercentOfMax(PlainSegmenter):
    """Components of the PET at or above a seed SUV, each cut at a percentage of its own maximum.

    Nothing grows beyond the seed SUV: a component whose cut lies below it
    stays whole.

    Args:
        percent: Share of the component's maximum, above 0 up to 100.
        seed_suv: Smallest SUV (body weight) that belongs to a component.
        connectivity: 6, 18 or 26.

    Raises:
        SettingsError: A parameter is out of range.

    Examples:
        >>> PercentOfMax(percent=41, seed_suv=4.0, connectivity=18)
        PercentOfMax(percent=41, seed_suv=4.0, connectivity=18)
    """

    percent: float
    seed_suv: float
    connectivity: int

    name: ClassVar[str] = "percent-of-max"
    description: ClassVar[str] = "components at or above a seed SUV, each cut at a percentage of its own maximum"
    needs: ClassVar[tuple[str, ...]] = ("pet",)
    main: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        require_positive("percent", self.percent, segmenter=self.name, limit=100)
        require_positive("seed_suv", self.seed_suv, segmenter=self.name)
        if isinstance(self.connectivity, bool) or self.connectivity not in CONNECTIVITIES:
            raise wrong_parameter(self.name, "connectivity 6, 18 or 26", repr(self.connectivity))

    def segment(self, case: Case) -> LabelMap:
        """The mask of a case on the grid of its PET.

        Raises:
            MissingNeedError: The case has no PET in SUV.
        """
        pet = require_suv(case, segmenter=self.name)
        mask = np.zeros(pet.geometry.shape, bool, order="F" if pet.array.flags.f_contiguous else "C")
        seeds = pet.array >= self.seed_suv
        box = Box.of_mask(seeds)
        if box is not None:
            mask[box.slices] = self._cut(seeds[box.slices], pet.array[box.slices])
        return LabelMap.from_masks({"lesion": mask}, pet.geometry, LESION_SCHEME)

    def _cut(self, seeds: NDArray[np.bool_], suv: NDArray[np.float32]) -> NDArray[np.bool_]:
        components, count = label_components(seeds, self.connectivity)
        cuts = np.zeros(count + 1)
        cuts[1:] = find_maxima(components, count, suv).astype(np.float64) * self.percent / 100.0
        return np.asarray(seeds & (suv >= cuts[components]), dtype=np.bool_)
