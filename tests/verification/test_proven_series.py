"""Our own conversions of generated and real series are proven; the page and the command say so."""

import json

import numpy as np
import pytest
from converted_series import ct, nifti, noise, pet

import oncohort
from multiframe_files import ENHANCED_CT, ENHANCED_PET, LEGACY_CT, LEGACY_PET, write_frames
from oncohort.cli.app import run_command
from oncohort.formats import read_volume
from oncohort.verification import proof_page, verify_conversion


def volumes(folder, out):
    oncohort.ingest("dicom", folder, out=out)
    return sorted(path for path in out.rglob("*.nii.gz") if "lesions" not in path.name)


def test_ingest_of_generated_series_is_proven(tmp_path):
    ct(tmp_path / "scan" / "ct")
    pet(tmp_path / "scan" / "pet", noise(3), slope=lambda k: 3e-8 if k < 4 else 4e-8)
    found = volumes(tmp_path / "scan", tmp_path / "cohort")
    verdicts = [verify_conversion(tmp_path / "scan" / path.name[: -len(".nii.gz")], path) for path in found]
    assert [(one.modality, one.status) for one in verdicts] == [("CT", "equal"), ("PT", "equal")]
    assert verdicts[1].quantity == "SUVbw by rule bqml-start"


@pytest.mark.parametrize("sop_class", [ENHANCED_CT, LEGACY_CT, ENHANCED_PET, LEGACY_PET])
def test_frames_of_one_file_are_slices(tmp_path, sop_class):
    """Slopes 1, 2, 3 by frame; the PET with the slope of its first frame for all."""
    file = write_frames(tmp_path / "scan" / "a.dcm", sop_class)
    assert verify_conversion(tmp_path / "scan", volumes(tmp_path / "scan", tmp_path / "cohort")[0]).status == "equal"
    if sop_class in (ENHANCED_PET, LEGACY_PET):
        stored = np.tensordot([1, 10, 100], np.indices((5, 4, 3)), 1)
        verdict = verify_conversion(file, nifti(tmp_path / "a.nii", stored))
        assert [one.cause for one in verdict.findings] == ["rescale_missing"]
        assert verdict.first_failing.slice == 1


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["sts001_wholebody_pet", "sts_petct/dicom/STS_001", "lung_pet_ct_dx"])
def test_ingest_of_real_series_is_proven(real_data, tmp_path, folder):
    """The whole body: 267 slopes, z jitter up to 0.08 mm. Lung: two reconstructions on one grid."""
    name, _, below = folder.partition("/")
    scans = real_data(name) / below
    found = volumes(scans, tmp_path / "cohort")
    assert found
    for path in found:
        verdict = verify_conversion(scans, path)
        assert (verdict.status, verdict.findings) == ("equal", ())
        assert verdict.grid["largest_corner_distance_mm"] < 0.1


@pytest.mark.real_data
def test_ingest_of_reference_objects_is_proven(real_data, tmp_path):
    """BQML by START and ADMIN, GML of two types, CNTS with Philips' factor, dose in MBq, GE's private time."""
    rules = set()
    for number, scans in enumerate(sorted(real_data("suv_dro").glob("DRO_*/PT"))):
        for path in volumes(scans, tmp_path / str(number)):
            verdict = verify_conversion(scans, path)
            assert (verdict.status, verdict.findings) == ("equal", ())
            rules.add(verdict.quantity)
    assert "SUVbw by rule cnts-suv" in rules
    assert len(rules) == 5


@pytest.mark.real_data
def test_defects_planted_into_a_real_pet_are_found(real_data, tmp_path):
    scans = real_data("sts_petct") / "dicom" / "STS_001" / "PET" / "image"
    (path,) = volumes(scans, tmp_path / "cohort")
    volume = read_volume(path)
    values, affine = np.asarray(volume.array), volume.geometry.affine
    last = values.shape[2] - 1
    defects = {
        "flipped_axis": (values[::-1], affine),
        "slice_dropped": (np.delete(values, 20, axis=2), affine),
        "rounded": (np.round(values), affine),
        "clipped": (np.minimum(values, 5), affine),
        "wrong_spacing": (values, affine @ np.diag([1, 1, 1.2, 1])),
        "unnamed_factor": (values * 1.1, affine),
    }
    for cause, (changed, grid) in defects.items():
        verdict = verify_conversion(scans, nifti(tmp_path / "a.nii", changed, grid))
        assert [one.cause for one in verdict.findings] == [cause], verdict.findings
    assert verify_conversion(scans, nifti(tmp_path / "a.nii", np.delete(values, 20, axis=2), affine)).findings[
        0
    ].slices == (20,)
    assert last > 20


@pytest.fixture
def wrong(tmp_path):
    stored = noise(3)
    pet(tmp_path / "pet", stored, slope=lambda k: 3e-8 if 2 <= k < 6 else 4e-8)
    return tmp_path / "pet", nifti(tmp_path / "<b>.nii.gz", stored * 4e-8)


def test_the_page_tells_cause_slice_and_value_and_escapes(wrong, tmp_path):
    verdict = verify_conversion(*wrong)
    out = tmp_path / "proof.html"
    proof_page(out, verdict, created_at="2026-01-01T00:00:00Z", oncohort="0")
    text = out.read_text()
    assert "merged_slopes" in text
    assert "The first failing slice is 2 (PT-1.2.4-2.dcm); 4 of 9 differ." in text
    assert "&lt;b&gt;.nii.gz" in text
    assert "<b>" not in text
    assert text.count('<span class="badge">differs</span>') == 4


def test_the_command_answers_with_codes_and_json(wrong, tmp_path, capsys):
    scans, image = wrong
    page = tmp_path / "proof.html"
    assert run_command(["verify", str(scans), str(image), "--json", "--page", str(page)]) == 1
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["causes"] == ["merged_slopes"]
    assert document["first_failing_slice"]["slice"] == 2
    assert "merged_slopes" in told.err
    assert page.is_file()
    right = nifti(tmp_path / "right.nii", noise(3) * np.where((np.arange(9) >= 2) & (np.arange(9) < 6), 3e-8, 4e-8))
    assert run_command(["verify", str(scans), str(right)]) == 0
    assert run_command(["verify", str(scans), str(nifti(tmp_path / "small.nii", noise(3)[:5]))]) == 2
    assert run_command(["verify", str(scans), str(tmp_path / "none.nii")]) == 2
