"""What everything that makes masks offers."""

from __future__ import annotations

from typing import Protocol

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

LESION_SCHEME = LabelScheme("lesion", {"lesion": 1})
"""Labels of every lesion segmenter."""


class Segmenter(Protocol):
    """Turns a case into a mask on the grid of one of its images; deterministic, the case stays as it was."""

    @property
    def name(self) -> str:
        """Word by which a study file names it."""
        ...

    @property
    def description(self) -> str:
        """One line that says what it does."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Roles that a case must have; the mask lies on the grid of the first."""
        ...

    def segment(self, case: Case) -> LabelMap:
        """The mask of a case.

        Raises:
            MissingNeedError: The case lacks what `needs` names.
        """
        ...


def require_suv(case: Case, *, segmenter: str) -> Volume:
    """The PET of a case, which must be in SUV.

    Raises:
        MissingNeedError: There is no `pet`, or its unit is another one.
    """
    if "pet" not in case:
        found = f"no pet (roles: {', '.join(case.roles) or 'none'})"
        remedy = "see refused.parquet for a PET that was refused, or leave the case out"
        raise MissingNeedError(expected=f"pet for {segmenter}", found=found, where=f"case {case.id}", remedy=remedy)
    pet = case.image("pet")
    if pet.unit is not Unit.SUVBW:
        raise MissingNeedError(
            expected=f"pet in {Unit.SUVBW} for {segmenter}",
            found=f"pet in {pet.unit}",
            where=f"case {case.id}",
            remedy="ingest the DICOM series, so that the SUV can be computed",
        )
    return pet
