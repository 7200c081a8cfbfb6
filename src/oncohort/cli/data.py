"""Data: phantom."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from oncohort.cli.output import Common, ExitCode, NotNegative, print_json, say, shown_progress
from oncohort.phantoms import write_phantom_cohort

_COMMON = Common()


def phantom(
    form: Literal["dicom", "nnunet"],
    *,
    out: Path,
    cases: NotNegative = 8,
    seed: NotNegative = 2026,
    common: Common = _COMMON,
) -> int:
    """Write synthetic PET/CT patients with lesions of known volume and uptake.

    Args:
        form: Layout on disk: dicom (CT, PET, RTSTRUCT) or nnunet (raw data set).
        out: Folder of the patients.
        cases: Number of patients.
        seed: Seed of the random numbers that make them.
    """
    with shown_progress() as progress:
        written = write_phantom_cohort(
            out,
            cases=cases,
            seed=seed,
            form=form,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    if common.json:
        print_json({"out": str(out), "cases": cases, "seed": seed, "form": form, "synthetic": True})
    say(f"{cases} synthetic patients: {written.data} (what is true of them: {written.truth})")
    return ExitCode.DONE
