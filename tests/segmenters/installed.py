"""Programs of tools on the search path that behave as the real ones do, and cohorts in memory for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from oncohort.cohort import Case, Cohort, CohortFacts, Tables
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import Volume

HERE = Path(__file__).parent
FAKES = {
    "TotalSegmentator": "fake_totalsegmentator.py",
    "totalseg_info": "fake_totalsegmentator.py",
    "moosez": "fake_moose.py",
}
GRID = Geometry((9, 8, 7), np.array([[-2.0, 0, 0, 20], [0, 2.0, 0, -7], [0, 0, 3.0, 5], [0, 0, 0, 1.0]]))


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, names: Iterable[str] = tuple(FAKES)) -> Path:
    """Put programs of tools first on the search path."""
    folder.mkdir(exist_ok=True)
    for name in names:
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / FAKES[name]}" "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def ct_case(case: str = "A", seed: int = 0) -> Case:
    """A case with a CT from -300 to 300 HU."""
    hu = np.random.default_rng(seed).integers(-300, 300, GRID.shape).astype(np.int16)
    return Case(case, case, {}, {"ct": lambda: Volume.from_array(hu, GRID, Unit.HU)})


def cohort_of(labels: dict[str, int], roles: Iterable[str] = ("ct",), **more: dict[str, str]) -> Cohort:
    """A cohort in memory whose one case has these roles."""
    rows = [{"case": "A", "role": role, "path": f"{role}.nii.gz"} for role in roles]
    tables = Tables.from_rows({"cases": [{"case": "A", "patient": "A"}], "volumes": rows})
    return Cohort(CohortFacts("small", "nnunet"), LabelScheme("small", labels, **more), tables)
