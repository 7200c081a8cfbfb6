"""What every twin offers: one patient at a time, the files of the whole cohort, and the faults it can plant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from oncohort.phantoms.cohort import MOST_CASES, patient_age, patient_seed, patient_sex
from oncohort.phantoms.patient import PhantomPatient, phantom_patient
from oncohort.phantoms.tissues import Tracer

Size = Literal["small", "tiny"]
"""Grids as they are meant to be looked at, or as coarse as tests need them."""


@dataclass(frozen=True)
class TwinCase:
    """One patient to write.

    Attributes:
        number: From 1.
        seed: Of the cohort.
        size: Of the grids.
        root: The folder of the data, as it is published.
    """

    number: int
    seed: int
    size: Size
    root: Path

    @property
    def patient_seed(self) -> int:
        """Seed of the body, also for `phantom_patient`."""
        return patient_seed(self.seed, self.number)

    def draw(self, lesions: int, tracer: Tracer = "FDG") -> PhantomPatient:
        """The body of this patient on the grids of its size."""
        return phantom_patient(self.patient_seed, lesions=lesions, tracer=tracer, voxel_mm=self.voxel_mm)

    @property
    def voxel_mm(self) -> float:
        """Edge of the phantom's CT voxels; those of its PET are twice as long."""
        return 2.0 if self.size == "small" else 4.0

    @property
    def sex(self) -> str:
        """Women have odd numbers, men even ones."""
        return patient_sex(self.number)

    @property
    def age_years(self) -> int:
        """A plausible age."""
        return patient_age(self.number)

    def token(self, digits: int, *, of: int | None = None) -> str:
        """A hexadecimal name of the patient `of` (this one by default), different for every number below 1000.

        Examples:
            >>> case = TwinCase(2, 2026, "small", Path("x"))
            >>> case.token(10) != case.token(10, of=1), len(case.token(10))
            (True, 10)
        """
        value = patient_seed(self.seed, of or self.number) * 2654435761 * (2 * MOST_CASES + 1)
        return f"{value % 16**digits:0{digits}x}"


@dataclass
class WrittenCase:
    """What was written of one patient, and what a fault may still change.

    Attributes:
        case: The case as it was asked for.
        name: Its name in the layout.
        truth: What is true of it; goes to `phantom.json`.
        sheet: Cells for the sheets of the cohort.
        files: Files written, relative to the data.
    """

    case: TwinCase
    name: str
    truth: dict[str, Any]
    sheet: dict[str, Any] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """The folder of the data."""
        return self.case.root

    def add(self, path: Path) -> Path:
        """`path` after its file was noted."""
        self.files.add(path.relative_to(self.root).as_posix())
        return path

    def remove(self, path: Path) -> Path:
        """`path` after its file was deleted."""
        path.unlink(missing_ok=True)
        self.files.discard(path.relative_to(self.root).as_posix())
        return path


@dataclass(frozen=True)
class Fault:
    """A fault that the real set is known to have, or that downloads have.

    Attributes:
        name: What `phantom.json` calls it.
        number: Number of the case that gets it.
        expect: "finding", "refused" or "read": how a reader should answer; "read" means that nothing is lost.
        answer: Rule of the finding or reason of the refusal.
        plant: Changes the case and says which file the answer is about.
    """

    name: str
    number: int
    expect: Literal["finding", "refused", "read"]
    answer: str
    plant: Callable[[WrittenCase], Path]


@dataclass(frozen=True)
class Twin:
    """The writer of one published layout.

    Attributes:
        name: On the command line.
        source: Name of the source that reads it.
        description: One line.
        write_case: Draws one patient and writes its files.
        write_cohort: Writes the files that belong to no single case, from the rows of all: cells of the sheets,
            truth and names.
        faults: What can be planted.
    """

    name: str
    source: str
    description: str
    write_case: Callable[[TwinCase], WrittenCase]
    write_cohort: Callable[[Path, Sequence[Mapping[str, Any]]], None]
    faults: tuple[Fault, ...] = ()


def no_cohort_files(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes nothing: every file of the layout belongs to a case."""
