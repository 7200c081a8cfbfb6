"""Data: phantom, suv."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from oncohort.cli.output import Common, ExitCode, Json, NotNegative, print_json, say, shown_progress
from oncohort.formats.dicom_series import read_pet
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


def suv(folder: Path, *, json: Json = False) -> int:
    """Show the SUV factor of a PET series, with the tags and the rule it comes from.

    Args:
        folder: Folder with the DICOM files of one PET series.
        json: Print one machine-readable document on stdout.
    """
    pet = read_pet(folder)
    if json:
        print_json({"folder": str(folder), "record": pet.record, "suvmax": float(pet.array.max())})
    for name, value in pet.record.items():
        say(f"{name}: {value}")
    say(f"maximum SUV of the series: {float(pet.array.max()):.4f}")
    return ExitCode.DONE
