"""Data: phantom."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from oncohort.cli.output import Common, ExitCode, NotNegative, print_json, say, shown_progress
from oncohort.errors import SettingsError
from oncohort.phantoms import PhantomCohort, write_phantom_cohort
from oncohort.phantoms.twins import TWINS, write_twin

_COMMON = Common()

Form = Literal[
    "dicom",
    "nnunet",
    "pants",
    "msd",
    "autopet",
    "autopet-tcia",
    "deep-psma",
    "longitudinal-ct",
    "lung-pet-ct-dx",
    "enhance-pet",
    "enhance-pet-v1",
]
"""Plain layouts, then twins of published data sets."""


def phantom(
    form: Form,
    *,
    out: Path,
    cases: NotNegative = 8,
    seed: NotNegative = 2026,
    with_faults: Annotated[bool, Parameter(name="--with-faults", negative="")] = False,
    common: Common = _COMMON,
) -> int:
    """Write synthetic patients with lesions that are known exactly.

    Args:
        form: Layout on disk: dicom (CT, PET, RTSTRUCT), nnunet (raw data set), or that of a published data set.
        out: Folder of the patients.
        cases: Number of patients.
        seed: Seed of the random numbers that make them.
        with_faults: Plant the known faults of the published data set.
    """
    write = _writer(form, with_faults=with_faults)
    with shown_progress() as progress:
        written = write(out, cases=cases, seed=seed, overwrite=common.overwrite, jobs=common.jobs, progress=progress)
    if common.json:
        print_json({"out": str(out), "cases": cases, "seed": seed, "form": form, "synthetic": True})
    say(f"{cases} synthetic patients: {written.data} (what is true of them: {written.truth})")
    return ExitCode.DONE


def _writer(form: Form, *, with_faults: bool) -> Callable[..., PhantomCohort]:
    if form not in ("dicom", "nnunet"):
        return partial(write_twin, form, with_faults=with_faults)
    if with_faults:
        raise SettingsError(
            expected=f"--with-faults and one of {', '.join(TWINS)}",
            found=form,
            where="oncohort phantom",
            remedy="leave out --with-faults, or name a published data set",
        )
    return partial(write_phantom_cohort, form=form)
