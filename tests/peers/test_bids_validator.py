"""The BIDS validator on an exported cohort (make test-extras)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import BidsPetExport

pytestmark = pytest.mark.extras

NUMBERS = {"FrameDuration": [180], "ReconMethodParameterValues": [21], "ReconFilterSize": 5.0}
"""Keys in which the validator wants numbers, and some."""


def errors(folder):
    validator = Path(sys.executable).parent / "bids-validator-deno"
    call = [validator, folder, "--format", "json"]
    ran = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    listed = json.loads(ran.stdout)["issues"]["issues"]
    return {(one["code"], one.get("subCode")) for one in listed if one["severity"] == "error"}


def test_the_validator_misses_nothing_but_numbers_that_a_cohort_does_not_know(tmp_path):
    phantoms = oncohort.write_phantom_cohort(tmp_path / "phantoms", cases=2, form="dicom")
    cohort = oncohort.ingest("dicom", phantoms.data, out=tmp_path / "cohort")
    folder = export_cohort(cohort, BidsPetExport(), out=tmp_path / "out").folder
    assert errors(folder / "derivatives" / "oncohort") == set()
    assert errors(folder) == {("JSON_SCHEMA_VALIDATION_ERROR", key) for key in NUMBERS}
    for path in folder.glob("sub-*/ses-*/pet/*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), **NUMBERS}))
    assert errors(folder) == set()
