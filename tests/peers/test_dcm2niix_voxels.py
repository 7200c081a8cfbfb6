"""Series as dcm2niix converts them: the same voxels on the same grid (make test-extras)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from oncohort.formats.dicom.series import read_series
from oncohort.volume import reorient

dcm2niix = pytest.importorskip("dcm2niix")
pytestmark = pytest.mark.extras


def compare(folder: Path, out: Path) -> None:
    out.mkdir()
    subprocess.run([dcm2niix.bin, "-f", "x", "-z", "n", "-o", str(out), str(folder)], check=True, capture_output=True)
    (path,) = out.glob("*.nii")
    theirs, ours = nib.load(path), read_series(folder, identity="folder")
    turned = reorient(ours, "".join(nib.aff2axcodes(theirs.affine)))
    assert np.allclose(theirs.affine, turned.geometry.affine, atol=1e-3)
    voxels = np.asarray(theirs.dataobj)
    if ours.record["rule"] == "hu":
        assert np.array_equal(turned.array, voxels)
    else:
        activity = not ours.record["rule"].startswith("gml")
        factor = ours.record["factor"] if activity else 1.0
        assert np.allclose(turned.array, voxels * factor, rtol=1e-5, atol=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("patient", ["STS_002", "STS_006"])
@pytest.mark.parametrize("modality", ["CT", "PET"])
def test_sarcomas(real_data, tmp_path, patient, modality):
    compare(real_data("sts_petct") / "dicom" / patient / modality / "image", tmp_path / "out")


@pytest.mark.real_data
def test_a_whole_body_pet_with_267_slopes(real_data, tmp_path):
    folders = {path.parent for path in real_data("sts001_wholebody_pet").rglob("*.dcm")}
    folder = max(folders, key=lambda one: len(list(one.iterdir())))
    compare(folder, tmp_path / "out")


@pytest.mark.real_data
def test_two_reconstructions_of_a_lung(real_data, tmp_path):
    folders = sorted({path.parent for path in real_data("lung_pet_ct_dx").rglob("*.dcm")})
    assert len(folders) == 2
    for number, folder in enumerate(folders):
        compare(folder, tmp_path / str(number))


@pytest.mark.real_data
def test_jpeg_2000_without_identifiers(real_data, tmp_path):
    compare(real_data("ct_organs") / "example_ct_dicom", tmp_path / "out")
