"""What everything that makes masks offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from oncohort.cohort import Case, Cohort
from oncohort.compute import Measured
from oncohort.errors import MissingNeedError, SettingsError
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

LESION_SCHEME = LabelScheme("lesion", {"lesion": 1})
"""Labels of every lesion segmenter."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a segmenter says of one case.

    Attributes:
        mask: On the grid of the first role that the segmenter needs.
        probability: From 0 to 1, on the grid of the mask; None if it was not asked for.
        notes: Doubts that a reader should know.
        measured: Time and memory of the program that made the mask; None if this process made it.
        facts: What else is recorded of the case, JSON values.
    """

    mask: LabelMap
    probability: Volume | None = None
    notes: tuple[str, ...] = ()
    measured: Measured | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


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
        """Roles that a case must have; the mask lies on the grid of the first. Known once it is prepared."""
        ...

    @property
    def main(self) -> str | None:
        """The parameter that `NAME:VALUE` fills; None if there is no such."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the packages that its masks depend on besides Oncohort, by name; known once it is prepared."""
        ...

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files and folders that it reads besides the cases."""
        ...

    def prepared(self, cohort: Cohort) -> Segmenter:
        """The segmenter, checked and bound to a cohort before any case is touched.

        Its `repr` names all that its masks depend on besides the case: it is part of what says that a finished case
        stands. It can be pickled.

        Raises:
            SettingsError: A parameter is wrong for this cohort.
            MissingNeedError: No case has what it needs, or something that it calls is not there.
        """
        ...

    def predict(self, case: Case) -> Prediction:
        """What it says of a case; called on what `prepared` gave.

        Raises:
            MissingNeedError: The case lacks what `needs` names.
            InputError: This case alone has no prediction.
        """
        ...

    def close(self) -> None:
        """Let go of what was held between cases; it can be used again."""
        ...


class PlainSegmenter(ABC):
    """A segmenter that only needs the case: it is ready at once, works in this process and holds nothing.

    What the record of a layer has under `warnings` becomes the notes of the prediction.
    """

    @property
    def versions(self) -> Mapping[str, str]:
        """None: Oncohort's own says it all."""
        return {}

    @property
    def inputs(self) -> tuple[Path, ...]:
        """None besides the cases."""
        return ()

    def prepared(self, cohort: Cohort) -> Self:
        """The segmenter itself."""
        return self

    @abstractmethod
    def segment(self, case: Case) -> LabelMap:
        """The mask of a case.

        Raises:
            MissingNeedError: The case lacks what `needs` names.
        """

    def predict(self, case: Case) -> Prediction:
        """The mask of a case, with the doubts that its record names.

        Raises:
            MissingNeedError: The case lacks what `needs` names.
        """
        mask = self.segment(case)
        notes = tuple(str(note) for layer in mask.layers for note in layer.record.get("warnings", ()))
        return Prediction(mask, notes=notes)

    def close(self) -> None:  # noqa: B027 - nothing is held
        """Nothing is held."""


class UnpreparedSegmenter(ABC):
    """Settings of a segmenter that must know the cohort before its first case; `prepared` gives the one that predicts.

    It has `name`, `description`, `needs` and `main` like any other.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    main: ClassVar[str | None]

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Roles that a case must have."""

    @property
    def versions(self) -> Mapping[str, str]:
        """None: what is called is known once it is prepared."""
        return {}

    @property
    def inputs(self) -> tuple[Path, ...]:
        """None besides the cases."""
        return ()

    @abstractmethod
    def prepared(self, cohort: Cohort) -> Segmenter:
        """The segmenter, checked and bound to a cohort.

        Raises:
            InputError: It cannot segment this cohort.
        """

    def predict(self, case: Case) -> Prediction:
        """Nothing: it must be prepared first.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError(
            expected="a segmenter that was prepared for a cohort",
            found="its settings alone",
            where=f"segmenter {self.name}, case {case.id}",
            remedy="call prepared(cohort) and use what it gives, or call oncohort.segment",
        )

    def close(self) -> None:  # noqa: B027 - nothing is held
        """Nothing is held."""


class PreparedSegmenter(ABC):
    """What `prepared` gives: it answers for the settings that it was made from.

    Attributes:
        settings: The segmenter that was prepared.
    """

    settings: UnpreparedSegmenter

    @property
    def name(self) -> str:
        """Word by which a study file names it."""
        return self.settings.name

    @property
    def description(self) -> str:
        """One line that says what it does."""
        return self.settings.description

    @property
    def needs(self) -> tuple[str, ...]:
        """Roles that a case must have."""
        return self.settings.needs

    @property
    def main(self) -> str | None:
        """The parameter that `NAME:VALUE` fills."""
        return self.settings.main

    @property
    def versions(self) -> Mapping[str, str]:
        """None that is recorded for all cases."""
        return {}

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files and folders that it reads besides the cases."""
        return self.settings.inputs

    def prepared(self, cohort: Cohort) -> Segmenter:
        """The segmenter for another cohort, or again for the same one.

        Raises:
            InputError: It cannot segment that cohort.
        """
        return self.settings.prepared(cohort)

    @abstractmethod
    def predict(self, case: Case) -> Prediction:
        """What it says of a case.

        Raises:
            InputError: This case alone has no prediction.
        """

    def close(self) -> None:  # noqa: B027 - nothing is held
        """Nothing is held."""


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
