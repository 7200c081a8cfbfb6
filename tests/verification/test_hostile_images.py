"""NIfTI files and folders of strangers: an error or a verdict, never a traceback."""

import gzip
import struct

import nibabel
import numpy as np
import pytest
from converted_series import CT_AFFINE, ct, nifti, noise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom_files import write_series
from oncohort.errors import FormatError, InputError, OncohortError
from oncohort.formats.nifti_planes import forms_apart_mm, open_planes
from oncohort.verification import verify_conversion


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    root = tmp_path_factory.mktemp("scan")
    return root / "ct", ct(root / "ct")


@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_is_an_error(scan, tmp_path, packed):
    folder, values = scan
    whole = nifti(tmp_path / "a.nii", values).read_bytes()
    path = tmp_path / ("b.nii.gz" if packed else "b.nii")
    path.write_bytes(gzip.compress(whole[:2000]) if packed else whole[:2000])
    with pytest.raises(FormatError, match="truncated"):
        verify_conversion(folder, path)
    if packed:
        path.write_bytes(gzip.compress(whole)[:-900])
        with pytest.raises(FormatError):
            verify_conversion(folder, path)


def test_what_is_missing_or_no_image_is_an_error(scan, tmp_path):
    folder, values = scan
    with pytest.raises(FormatError):
        verify_conversion(folder, tmp_path / "none.nii.gz")
    (tmp_path / "a.nii").write_text("no image")
    with pytest.raises(FormatError):
        verify_conversion(folder, tmp_path / "a.nii")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="CT or PET series"):
        verify_conversion(tmp_path / "empty", nifti(tmp_path / "b.nii", values))


def test_a_header_that_promises_more_than_the_series_is_not_expanded(scan, tmp_path):
    """A bomb: a header of 30000 x 30000 x 30000 doubles; the sizes are compared first."""
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2)), CT_AFFINE)
    image.header.set_data_shape((30000, 30000, 30000))
    image.header["vox_offset"], image.header["magic"] = 352, b"n+1"
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(image.header.binaryblock + bytes(4 + 10**7)))
    verdict = verify_conversion(scan[0], path)
    assert verdict.status == "cannot be compared"


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda values: (values[:-2], CT_AFFINE), "cropped"),
        (lambda values: (values[::2, ::2], CT_AFFINE @ np.diag([2, 2, 1, 1])), "resampled"),
        (
            lambda values: (
                np.repeat(values, 2, axis=2)[..., 1:-2] + 0.5 * np.random.default_rng(0).normal(0, 900, (12, 10, 15)),
                CT_AFFINE,
            ),
            "resampled",
        ),
        (lambda values: (np.stack([values, values], axis=3), CT_AFFINE), "several_volumes"),
    ],
    ids=["cropped", "resampled", "resampled along slices", "two volumes"],
)
def test_what_cannot_be_compared_says_why(scan, tmp_path, make, cause):
    folder, values = scan
    verdict = verify_conversion(folder, nifti(tmp_path / "a.nii", *make(values)))
    assert verdict.status == "cannot be compared"
    assert [one.cause for one in verdict.findings] == [cause]


def test_an_image_without_affine_and_a_tilted_series_cannot_be_compared(scan, tmp_path):
    folder, values = scan
    path = nifti(tmp_path / "a.nii", values)
    data = bytearray(path.read_bytes())
    data[252:256] = struct.pack("<hh", 0, 0)
    path.write_bytes(bytes(data))
    assert verify_conversion(folder, path).findings[0].cause == "no_geometry"

    def tilt(data, k):
        data.ImagePositionPatient = [-10, -20 + k, 30 + 4 * k]

    tilted = tmp_path / "tilted"
    write_series(tilted, shape=values.shape, stored=noise(), change=tilt)
    verdict = verify_conversion(tilted, nifti(tmp_path / "b.nii", values))
    assert verdict.findings[0].cause == "no_volume"
    assert "gantry tilt" in verdict.findings[0].text


def test_of_several_series_the_one_that_fits_is_taken(tmp_path):
    folder = tmp_path / "scans"
    write_series(folder, uid="1.2.31", stored=noise(1), shape=(12, 10, 9))
    values = noise(2).astype(float) - 1000
    write_series(folder, uid="1.2.32", stored=noise(2), shape=(12, 10, 9))
    write_series(folder, uid="1.2.33", stored=noise(3, shape=(6, 5, 4)), shape=(6, 5, 4))
    verdict = verify_conversion(folder, nifti(tmp_path / "a.nii", values))
    assert (verdict.status, verdict.series) == ("equal", "1.2.32")
    assert verdict.remarks[0].startswith("3 series lie there")


def test_files_left_out_are_told(scan, tmp_path):
    folder, values = tmp_path / "cut", scan[1]
    ct(folder)
    lost = folder / "CT-1.2.3-4.dcm"
    lost.write_bytes(lost.read_bytes()[:-20])
    verdict = verify_conversion(folder, nifti(tmp_path / "a.nii", values))
    assert verdict.status == "cannot be compared"
    assert "uneven gaps" in verdict.findings[0].text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_damage_is_a_verdict_or_an_error(scan, tmp_path, changes):
    folder, values = scan
    data = bytearray(nifti(tmp_path / "a.nii", values, dtype=np.float32).read_bytes())
    for position, byte in changes:
        data[position] = byte
    path = tmp_path / "b.nii"
    path.write_bytes(bytes(data))
    try:
        verdict = verify_conversion(folder, path)
    except OncohortError:
        return
    assert verdict.status in ("equal", "differs", "cannot be compared")
    assert isinstance(verdict.to_dict(), dict)


def test_planes_are_those_of_the_array(tmp_path):
    values = noise(5).astype(float)
    path = nifti(tmp_path / "a.nii.gz", values)
    with open_planes(path) as planes:
        for axis in range(3):
            np.testing.assert_array_equal(planes.plane(axis, 3), np.take(values, 3, axis=axis))


def test_a_qform_without_the_shear_of_the_sform_is_right(scan, tmp_path):
    lean = CT_AFFINE.copy()
    lean[0, 2] = 0.01  # 0.08 mm over the stack: a volume, by the tolerance of series
    image = nibabel.Nifti1Image(scan[1].astype(np.int16), lean)
    image.set_sform(lean, code=1)
    image.set_qform(lean, code=1, strip_shears=True)
    nibabel.save(image, tmp_path / "a.nii")
    assert forms_apart_mm(tmp_path / "a.nii") < 1e-3
    assert verify_conversion(scan[0], tmp_path / "a.nii").status == "equal"
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[256:260] = struct.pack("<f", 9.0)  # quatern_b above 1
    (tmp_path / "a.nii").write_bytes(bytes(data))
    assert verify_conversion(scan[0], tmp_path / "a.nii").findings[0].cause == "forms_disagree"
