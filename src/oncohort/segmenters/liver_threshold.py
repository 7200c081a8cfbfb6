"""Everything hotter than healthy liver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oncohort.cohort import Case
from oncohort.errors import LabelError, MissingNeedError
from oncohort.metrics.reference_region import LIVER_SUV, ReferenceRegion, reference_region
from oncohort.segmenters.parameters import require_positive
from oncohort.segmenters.protocol import LESION_SCHEME, PlainSegmenter, require_suv
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, resample

_LIVER = "liver"


@dataclass(frozen=True)
class LiverThreshold(PlainSegmenter):
    """Voxels of the PET at or above `mean_factor` * mean + `sd_factor` * SD of the liver.

    Mean and SD are those of a 3 cm sphere deepest inside the right upper part of the label `liver` of the role
    `organs`. Mean + 2 SD is what DEEP-PSMA takes for FDG; PERCIST's 1.5 * mean + 2 SD refers to lean body mass. The
    mask's record holds threshold, mean, SD and centre; a mean outside 1.3 to 3.0 is a warning.

    Args:
        mean_factor: Multiple of the mean.
        sd_factor: Multiple of the standard deviation.

    Raises:
        SettingsError: A parameter is no positive number.

    Examples:
        >>> LiverThreshold(mean_factor=1.0, sd_factor=2.0)
        LiverThreshold(mean_factor=1.0, sd_factor=2.0)
    """

    mean_factor: float
    sd_factor: float

    name: ClassVar[str] = "liver-threshold"
    description: ClassVar[str] = "every voxel of the PET at or above the mean of the liver plus multiples of its SD"
    needs: ClassVar[tuple[str, ...]] = ("pet", "organs")
    main: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        require_positive("mean_factor", self.mean_factor, segmenter=self.name)
        require_positive("sd_factor", self.sd_factor, segmenter=self.name)

    def segment(self, case: Case) -> LabelMap:
        """The mask of a case on the grid of its PET.

        Raises:
            MissingNeedError: The case has no PET in SUV, no `organs`, no label `liver`, or no liver that holds the
                sphere.
        """
        pet = require_suv(case, segmenter=self.name)
        region = self._liver(case, pet)
        suv = region.cut(mean_factor=self.mean_factor, sd_factor=self.sd_factor)
        mask = LabelMap.from_masks({"lesion": pet.array >= suv}, pet.geometry, LESION_SCHEME)
        low, high = LIVER_SUV
        doubt = [] if low <= region.mean <= high else [f"mean SUV of the liver {region.mean:.2f}, not {low} to {high}"]
        record = {
            "rule": self.name,
            "suv": suv,
            "liver_mean": region.mean,
            "liver_sd": region.sd,
            "liver_centre_mm": list(region.centre_mm),
            "warnings": doubt,
        }
        return LabelMap(mask.geometry, tuple(layer.with_record(record) for layer in mask.layers), mask.scheme)

    def _liver(self, case: Case, pet: Volume) -> ReferenceRegion:
        organs = case.label_map("organs")
        try:
            liver = organs.mask(_LIVER)
        except LabelError as error:
            raise self._lacks(case, error.found) from error
        on_pet = Volume.from_array(liver.astype("uint8"), organs.geometry, Unit.LABEL)
        if not organs.geometry.is_same_grid(pet.geometry):
            on_pet = resample(on_pet, pet.geometry, interpolation="nearest", fill=0)
        found = reference_region(pet.array, on_pet.array > 0, pet.geometry)
        if found is None:
            raise self._lacks(case, "a liver without room for the sphere" if liver.any() else "an empty liver")
        return found

    def _lacks(self, case: Case, found: str) -> MissingNeedError:
        return MissingNeedError(
            expected=f"label {_LIVER!r} of organs that holds a sphere of 3 cm, for {self.name}",
            found=found,
            where=f"case {case.id}",
            remedy="add the liver to the organ masks, or leave the case out",
        )
