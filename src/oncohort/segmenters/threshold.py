"""Everything at or above one SUV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oncohort.cohort import Case
from oncohort.segmenters.parameters import require_positive
from oncohort.segmenters.protocol import LESION_SCHEME, PlainSegmenter, require_suv
from oncohort.volume import LabelMap


@dataclass(frozen=True)
class Threshold(PlainSegmenter):
    """Voxels of the PET at or above a fixed SUV.

    Organs with physiological uptake are included; it is a yardstick, not a
    diagnosis.

    Args:
        suv: Smallest SUV (body weight) that is lesion.

    Raises:
        SettingsError: `suv` is no positive number.

    Examples:
        >>> Threshold(suv=2.5)
        Threshold(suv=2.5)
    """

    suv: float

    name: ClassVar[str] = "threshold"
    description: ClassVar[str] = "every voxel of the PET at or above a fixed SUV"
    needs: ClassVar[tuple[str, ...]] = ("pet",)
    main: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        require_positive("suv", self.suv, segmenter=self.name)

    def segment(self, case: Case) -> LabelMap:
        """The mask of a case on the grid of its PET.

        Raises:
            MissingNeedError: The case has no PET in SUV.
        """
        pet = require_suv(case, segmenter=self.name)
        return LabelMap.from_masks({"lesion": pet.array >= self.suv}, pet.geometry, LESION_SCHEME)
