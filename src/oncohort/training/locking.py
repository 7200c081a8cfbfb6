"""Which bytes a training sees: the SHA-256 of every file, by case and role."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import FormatError
from oncohort.formats import fingerprint_volume, volume_files
from oncohort.formats.training_run import LockedCase
from oncohort.storage import content_key, sha256_files


def lock_cohort(
    cohort: Cohort,
    roles: Collection[str],
    *,
    store: ResultStore,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> dict[str, LockedCase]:
    """Patient and SHA-256 of the files of these roles for every case; of rows that have a hash already, that one.

    Args:
        cohort: What is locked.
        roles: Roles whose files count; a case may lack some.
        store: Remembers hashes of files that have not changed since.
        jobs: Processes.
        progress: Called after every file.

    Raises:
        FormatError: A file cannot be read.
    """
    rows = [(case, row) for case in cohort.case_ids for row in cohort.volume_rows(case) if row["role"] in roles]
    lacking = [row for _, row in rows if row["sha256"] is None]
    hashed = map_items(
        _hash,
        [volume_files(cohort, row) for row in lacking],
        keys=[content_key("sha256", fingerprint_volume(cohort, row)) for row in lacking],
        store=store,
        jobs=jobs,
        progress=progress,
        label="hash",
    )
    found = {id(row): digest for row, digest in zip(lacking, hashed, strict=True)}
    patients = dict(cohort.tables.cases.select("case", "patient").iter_rows())
    files: dict[str, dict[str, str]] = {case: {} for case in cohort.case_ids}
    for case, row in rows:
        files[case][row["role"]] = row["sha256"] or found[id(row)]
    return {case: LockedCase(patients[case], held) for case, held in files.items()}


def _hash(files: list[Path]) -> str:
    try:
        return sha256_files(files)
    except OSError as error:
        raise FormatError(
            expected="a file that can be read",
            found=error.strerror or str(error),
            where=str(error.filename or files[0]),
            remedy="bring the file back, or ingest the data again",
        ) from error
