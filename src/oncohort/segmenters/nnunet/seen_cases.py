"""Which networks have seen a case while they were trained."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.cohort import Case, Cohort
from oncohort.errors import FormatError
from oncohort.formats import volume_files
from oncohort.formats.training_run import TrainingRun
from oncohort.storage import sha256_files


@dataclass(frozen=True)
class HeldFile:
    """The bytes behind an image.

    Attributes:
        sha256: Of them, if it is known.
        paths: Files, hashed when they are asked for.
    """

    sha256: str | None
    paths: tuple[Path, ...]

    def digest(self) -> str:
        """SHA-256 of the bytes.

        Raises:
            FormatError: A file cannot be read.
        """
        if self.sha256 is not None:
            return self.sha256
        try:
            return sha256_files(self.paths)
        except OSError as error:
            raise FormatError(
                expected="a file that can be read",
                found=error.strerror or str(error),
                where=str(error.filename or self.paths[0]),
                remedy="bring the file back, or ingest the data again",
            ) from error


@dataclass(frozen=True)
class SeenCases:
    """What the record of a training tells about the cases of a cohort.

    A fold has seen a case if it was trained on this case or another one of the same patient, or on an image with the
    same bytes. In the cohort that it was trained on, ids say who is who. In a cohort of another name, the same id of
    case and patient together count as the same: a harmonised cohort keeps both and has other bytes.

    Attributes:
        run: The record.
        cohort: Name of the cohort that is predicted.
        files: Images of its cases.
    """

    run: TrainingRun
    cohort: str
    files: dict[str, tuple[HeldFile, ...]]

    @staticmethod
    def of(run: TrainingRun, cohort: Cohort, roles: Collection[str]) -> SeenCases:
        """The cases of a cohort, whose images have these roles.

        Raises:
            FormatError: A row of the cohort lists no files although it should.
        """
        files = {
            case: tuple(_held(cohort, row) for row in cohort.volume_rows(case) if row["role"] in roles)
            for case in cohort.case_ids
        }
        return SeenCases(run, cohort.name, files)

    def folds(self, case: Case) -> frozenset[str]:
        """The folds that have seen a case.

        Raises:
            FormatError: An image cannot be read.
        """
        named = frozenset(fold.fold for fold in self.run.folds if self._is_named(case, fold.trained))
        digests = self._held(case)
        return named | {fold.fold for fold in self.run.folds if not digests.isdisjoint(self._digests(fold.trained))}

    @property
    def _is_own(self) -> bool:
        return self.cohort == self.run.cohort

    def _held(self, case: Case) -> set[str]:
        """SHA-256 of the images of a case; of one that the run knows no file is read."""
        locked = self.run.lock.get(case.id)
        if self._is_own and locked is not None and locked.patient == case.patient:
            return set(self._digests((case.id,)))
        return {file.digest() for file in self.files.get(case.id, ())}

    def _is_named(self, case: Case, trained: Collection[str]) -> bool:
        patients = {self.run.lock[one].patient for one in trained}
        if self._is_own:
            return case.id in trained or case.patient in patients
        return case.id in trained and case.patient in patients

    def _digests(self, trained: Collection[str]) -> Iterator[str]:
        """SHA-256 of the images of cases that the run knows."""
        files = [self.run.lock[one].files for one in trained]
        return (held[role] for held in files for role in self.run.channels if role in held)


def _held(cohort: Cohort, row: dict[str, Any]) -> HeldFile:
    known = row["sha256"]
    return HeldFile(known, () if known is not None else tuple(volume_files(cohort, row)))
