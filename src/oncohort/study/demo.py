"""A study that anybody can run: synthetic patients, three models, a report."""

from __future__ import annotations

from pathlib import Path

from oncohort.compute import ProgressCallback
from oncohort.phantoms import write_phantom_cohort
from oncohort.storage import claim_folder, write_bytes

DEMO_STUDY = """\
# A study on synthetic patients. Edit it and run it again: `oncohort run study.toml`.

[study]
name = "demo"
out = "results"

[cohort]
source = "dicom"
path = "patients/dicom"

[[step]]
resample = { role = "ct", onto = "pet", interpolation = "linear", fill = -1024 }

[[model]]
name = "suv-2.5"
segmenter = "threshold"
suv = 2.5

[[model]]
name = "suv-4"
segmenter = "threshold"
suv = 4.0

[[model]]
name = "41-percent"
segmenter = "percent-of-max"
percent = 41
seed_suv = 4.0
connectivity = 18

[evaluation]
profile = "autopet-iii"

[ranking]
bootstrap = 1000
seed = 2026

[report]
title = "Threshold segmenters on synthetic patients"
"""
"""The study file that `oncohort demo` writes."""


def make_demo(
    out: str | Path,
    *,
    cases: int = 8,
    seed: int = 2026,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Path:
    """The study file of a demo in the folder `out`, beside the DICOM files of its synthetic patients.

    A study file that is there already, perhaps edited, is kept.

    Args:
        out: A new folder, or one with the same demo.
        cases: Number of synthetic patients.
        seed: Of the random numbers that make them.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every patient.

    Raises:
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     make_demo(f"{there}/demo", cases=1).read_text().splitlines()[2:4]
        ['[study]', 'name = "demo"']
    """
    folder = claim_folder(out, {"verb": "demo", "cases": cases, "seed": seed}, overwrite=overwrite)
    write_phantom_cohort(folder / "patients", cases=cases, seed=seed, form="dicom", jobs=jobs, progress=progress)
    study = folder / "study.toml"
    if not study.is_file():
        write_bytes(study, DEMO_STUDY.encode())
    return study
