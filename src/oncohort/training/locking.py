"""What a training sees: the SHA-256 of every file, by case and role, and the units of the images."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import SettingsError, shown
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

    A file that cannot be read has no hash; what its case lacks is for the export to say.

    Args:
        cohort: What is locked.
        roles: Roles whose files count; a case may lack some.
        store: Remembers hashes of files that have not changed since.
        jobs: Processes.
        progress: Called after every file.
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
        digest = row["sha256"] or found[id(row)]
        if digest is not None:
            files[case][row["role"]] = digest
    return {case: LockedCase(patients[case], held) for case, held in files.items()}


def require_roles(cohort: Cohort, roles: Iterable[str], *, test: Collection[str] = ()) -> None:
    """Raise if no case that may train has a role: the table tells before any file is read.

    Args:
        cohort: Whose table tells.
        roles: Of images and masks.
        test: Cases that are not trained on.

    Raises:
        SettingsError: A role that no case has.
    """
    there = {row["role"] for case in cohort.case_ids if case not in test for row in cohort.volume_rows(case)}
    lacking = [role for role in roles if role not in there]
    if lacking:
        raise SettingsError(
            expected=f"roles that a case to train on has: {shown(sorted(there), 20) or 'none'}",
            found=shown(lacking),
            where=f"cohort {cohort.name!r}",
            remedy="name other roles with channels=... or label_role=...",
        )


def channel_units(cohort: Cohort, roles: Iterable[str], cases: Iterable[str]) -> dict[str, str]:
    """What the numbers of the images of a role mean, for each of these roles.

    Args:
        cohort: Whose table says it.
        roles: Of the images.
        cases: Those that count; one may lack a role.

    Raises:
        SettingsError: Two cases differ in a unit, or none has a role.
    """
    wanted = tuple(roles)
    found: dict[str, tuple[str, str]] = {}
    for case in cases:
        for row in cohort.volume_rows(case):
            role, unit = row["role"], str(row["unit"])
            first, known = found.setdefault(role, (case, unit))
            if role in wanted and unit != known:
                raise SettingsError(
                    expected=f"{role} in one unit in all cases that are trained on or tested",
                    found=f"{known} in case {first}, {unit} in case {case}",
                    where=f"cohort {cohort.name!r}",
                    remedy=f"ingest the cases so that {role} has the same unit, or leave those with the other one out",
                )
    lacking = [role for role in wanted if role not in found]
    if lacking:
        raise SettingsError(
            expected=f"a case with {shown(wanted, 9)}",
            found=f"no {shown(lacking)} in any case",
            where=f"cohort {cohort.name!r}",
            remedy="name other roles with channels=...",
        )
    return {role: found[role][1] for role in wanted}


def _hash(files: list[Path]) -> str | None:
    try:
        return sha256_files(files)
    except OSError:
        return None
