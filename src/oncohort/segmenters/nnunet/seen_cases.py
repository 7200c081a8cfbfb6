"""Which networks have seen a case while they were trained."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from oncohort.cohort import Case, Cohort
from oncohort.errors import FormatError
from oncohort.formats import volume_files
from oncohort.formats.training_run import TrainedFold, TrainingRun
from oncohort.storage import sha256_files


@dataclass(frozen=True)
class HeldFile:
    """The bytes behind an image.

    Attributes:
        recorded: SHA-256 that the cohort has noted, if it has.
        paths: Files, hashed when they are asked for: they may have been changed or swapped since.
    """

    recorded: str | None
    paths: tuple[Path, ...]

    def digests(self) -> frozenset[str]:
        """SHA-256 of the bytes as they are now, and the one that was recorded.

        Raises:
            FormatError: A file cannot be read.
        """
        try:
            found = sha256_files(self.paths)
        except OSError as error:
            raise FormatError(
                expected="a file that can be read",
                found=error.strerror or str(error),
                where=str(error.filename or self.paths[0]),
                remedy="bring the file back, or ingest the data again",
            ) from error
        return frozenset({found} if self.recorded is None else {found, self.recorded})


@dataclass(frozen=True)
class Seen:
    """What the networks of a training know of a case.

    Attributes:
        folds: Those that have seen it.
        same_bytes: Other cases of the training that an image of it is the same as.
        patient: Folds that were trained on a patient with the same id in a cohort of another name, who may be another.
    """

    folds: frozenset[str] = frozenset()
    same_bytes: tuple[str, ...] = ()
    patient: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SeenCases:
    """What the record of a training tells about the cases of a cohort.

    A fold has seen a case if it was trained on this case or another one of the same patient, or on an image with the
    same bytes. In the cohort that it was trained on, ids say who is who. In a cohort of another name, the same id of
    case and patient together count as the same: a harmonised cohort keeps both and has other bytes. The id of the
    patient alone may be a coincidence there, and is told apart.

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
            case: tuple(
                HeldFile(row["sha256"], tuple(volume_files(cohort, row)))
                for row in cohort.volume_rows(case)
                if row["role"] in roles
            )
            for case in cohort.case_ids
        }
        return SeenCases(run, cohort.name, files)

    def look(self, case: Case) -> Seen:
        """What is known of a case; its images are hashed, whatever it is called.

        Raises:
            FormatError: An image cannot be read.
        """
        digests = frozenset[str]().union(*(file.digests() for file in self.files.get(case.id, ())))
        same = set[str]().union(*(self._cases_of_bytes.get(digest, ()) for digest in digests))
        folds = frozenset(
            fold.fold for fold in self.run.folds if not same.isdisjoint(fold.trained) or self._is_named(case, fold)
        )
        others = tuple(sorted(one for one in same if one != case.id))
        return Seen(folds, others, frozenset() if self._is_own else self._folds_of_patient(case) - folds)

    @property
    def _is_own(self) -> bool:
        return self.cohort == self.run.cohort

    @cached_property
    def _patients(self) -> dict[str, frozenset[str]]:
        """Patients that each fold was trained on."""
        lock = self.run.lock
        return {fold.fold: frozenset(lock[one].patient for one in fold.trained) for fold in self.run.folds}

    @cached_property
    def _cases_of_bytes(self) -> dict[str, list[str]]:
        """Cases that the run knows by the SHA-256 of their images."""
        found: dict[str, list[str]] = {}
        for case, locked in self.run.lock.items():
            for role in self.run.channels:
                if role in locked.files:
                    found.setdefault(locked.files[role], []).append(case)
        return found

    def _is_named(self, case: Case, fold: TrainedFold) -> bool:
        is_patient = case.patient in self._patients[fold.fold]
        return case.id in fold.trained or is_patient if self._is_own else case.id in fold.trained and is_patient

    def _folds_of_patient(self, case: Case) -> frozenset[str]:
        return frozenset(fold for fold, patients in self._patients.items() if case.patient in patients)
