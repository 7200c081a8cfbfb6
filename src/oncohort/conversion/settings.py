"""What decides the content of converted files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from oncohort.formats.dicom.correction import Correction
from oncohort.formats.dicom.header import Identity
from oncohort.formats.dicom.series import SuvRecipe
from oncohort.units import Unit

TableForm = Literal["csv", "parquet"]
PetUnit = Literal["suv", "bqml"]


@dataclass(frozen=True)
class ConversionSettings:
    """What is converted, and how.

    Args:
        unit: Of PET: `suv` (body weight) or `bqml`.
        suv_recipe: How a PET becomes SUV; see docs/suv.md.
        identity: `folder` takes the files of each folder for one series where headers do not say it.
        table: Form of the slice tables.
        correct: What may be corrected by resampling, if it is there: `tilt`, `gaps`.

    Examples:
        >>> ConversionSettings(unit="bqml").pet_unit
        <Unit.BQML: 'Bq/ml'>
    """

    unit: PetUnit = "suv"
    suv_recipe: SuvRecipe = "suv"
    identity: Identity = "header"
    table: TableForm = "csv"
    correct: tuple[Correction, ...] = ()

    @property
    def pet_unit(self) -> Unit:
        """The unit of PET volumes."""
        return Unit.BQML if self.unit == "bqml" else Unit.SUVBW

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {**asdict(self), "correct": sorted(self.correct)}
