"""Calls of programs that make masks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from oncohort.cohort import Case, Cohort
from oncohort.compute import Measured
from oncohort.errors import MissingNeedError, PredictionError, WorkerError, shown
from oncohort.formats import write_volume
from oncohort.units import Unit
from oncohort.workers.programs import Ran, run_program


def find_program(name: str) -> str | None:
    """Where a program lies: on the search path, else beside the Python that runs this."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def call_program(
    words: Sequence[str],
    *,
    folder: Path,
    timeout_s: float,
    case: str,
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run a program on a case.

    Args:
        words: The program and its arguments.
        folder: Where it runs.
        timeout_s: Seconds after which it is stopped.
        case: The case's id.
        variables: Environment variables that it gets besides those of this process.

    Raises:
        PredictionError: It cannot be run, fails, or takes too long.
    """
    where, remedy = f"case {case}, {words[0]}", "run the program by hand"
    try:
        ran = run_program(words, folder=folder, timeout_s=timeout_s, variables=variables)
    except WorkerError as error:
        raise PredictionError(expected=error.expected, found=error.found, where=where, remedy=remedy) from error
    if ran.status == 0:
        return ran
    if ran.status is None:
        expected, found = f"an end within {timeout_s:g} s", "none; it was stopped"
    else:
        expected, found = "exit status 0", f"status {ran.status}: {ran.last_words or 'it said nothing'}"
    raise PredictionError(expected=expected, found=found, where=where, remedy=remedy)


def require_file(path: Path | None, what: str, ran: Ran, *, case: str, program: str) -> Path:
    """The file that a program had to write.

    Raises:
        PredictionError: It is not there.
    """
    if path is not None and path.is_file():
        return path
    raise PredictionError(
        expected=what,
        found=f"no file{'; it said: ' if ran.last_words else ''}{ran.last_words}",
        where=f"case {case}, {program}",
        remedy="run the program by hand",
    )


def measured(ran: Ran) -> Measured:
    """Time and memory of a program that has ended."""
    return Measured(ran.seconds, ran.peak_memory_mib)


def write_role(case: Case, role: str, path: Path, *, segmenter: str) -> None:
    """Write the image of a role for a program.

    Raises:
        MissingNeedError: The case lacks the role.
        OutputError: The file cannot be written.
    """
    if role not in case:
        raise MissingNeedError(
            expected=f"role {role!r} for {segmenter}",
            found=f"roles {', '.join(case.roles) or 'none'}",
            where=f"case {case.id}",
            remedy="name another role, or leave the case out",
        )
    write_volume(path, case.image(role))


def require_roles(
    cohort: Cohort,
    roles: Collection[str],
    *,
    segmenter: str,
    remedy: str = "ingest the images that are missing, or choose another segmenter",
) -> None:
    """Raise unless at least one case of a cohort has images of all these roles.

    Args:
        cohort: Whose table says it.
        roles: That every prediction needs.
        segmenter: Word of the segmenter.
        remedy: What helps if there is no such case.

    Raises:
        MissingNeedError: Naming the roles that are missing, or masks.
    """
    held = [{row["role"] for row in cohort.volume_rows(case) if row["unit"] != Unit.LABEL} for case in cohort.case_ids]
    if any(found.issuperset(roles) for found in held):
        return
    everywhere = sorted(set().union(*held))
    missing = [role for role in roles if role not in everywhere]
    of_all = f"roles of images: {shown(everywhere, 9) or 'none'}"
    raise MissingNeedError(
        expected=f"at least one case with {shown(roles, 9)} for segmenter {segmenter}",
        found=f"no {shown(missing)} ({of_all})" if missing else "none with all",
        where=f"cohort {cohort.name!r}",
        remedy=remedy,
    )


def require_program(name: str, *, segmenter: str, package: str) -> str:
    """Where a program of a package lies.

    Raises:
        MissingNeedError: It is not installed.
    """
    found = find_program(name)
    if found is None:
        raise MissingNeedError(
            expected=f"the program {name} for segmenter {segmenter!r}",
            found="no such program on the search path",
            where="this computer",
            remedy=f"pip install {package}, in an environment of its own whose programs are on the search path",
        )
    return found
