"""What dcm2niix makes is proven where it is right and flagged where it is not (make test-extras)."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.dicom_files import write_pet

from oncohort.verification import verify_conversion

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def convert(tmp_path_factory):
    program = pytest.importorskip("dcm2niix").bin

    def run(folder):
        out = tmp_path_factory.mktemp("nifti")
        command = [str(program), "-z", "y", "-f", "image", "-o", str(out), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        return out / "image.nii.gz"

    return run


def series(folder: Path, slope):
    stored = np.random.default_rng(0).integers(0, 30000, (24, 20, 12)).astype(np.int16)

    def change(data, k):
        data.RescaleSlope, data.InstanceNumber = slope(k), k + 1

    write_pet(folder, shape=stored.shape, stored=stored, change=change, tags={"PatientPosition": "HFS"})


def test_small_slopes_are_merged_without_a_word(convert, tmp_path):
    """3e-8 and 4e-8: a third too high in the slices of the smaller slope, seen with 1.0.20260724."""
    series(tmp_path, lambda k: "3e-8" if 4 <= k < 8 else "4e-8")
    verdict = verify_conversion(tmp_path, convert(tmp_path))
    assert [one.cause for one in verdict.findings] == ["merged_slopes"]
    assert verdict.findings[0].slices == (4, 5, 6, 7)
    assert verdict.first_failing.ratio == pytest.approx(4 / 3, rel=1e-6)


def test_greater_slopes_are_kept_apart(convert, tmp_path):
    series(tmp_path, lambda k: "0.3" if 4 <= k < 8 else "0.4")
    verdict = verify_conversion(tmp_path, convert(tmp_path))
    assert (verdict.status, verdict.findings) == ("equal", ())
    assert "lacks InjectionStart" in verdict.remarks[0]


@pytest.mark.real_data
@pytest.mark.parametrize("part", ["CT", "PET"])
def test_real_series_are_right(convert, real_data, part):
    scans = real_data("sts_petct") / "dicom" / "STS_001" / part / "image"
    verdict = verify_conversion(scans, convert(scans))
    assert (verdict.status, verdict.findings) == ("equal", ())


@pytest.mark.real_data
def test_a_sidecar_that_is_no_json_is_found(convert, real_data):
    """A control character of the header stands in a text; the voxels are right."""
    scans = real_data("ct_organs") / "example_ct_dicom"
    verdict = verify_conversion(scans, convert(scans), identity="folder")
    assert [one.cause for one in verdict.findings] == ["sidecar_unreadable"]
    assert verdict.differing == 0
