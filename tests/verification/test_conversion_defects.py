"""Right conversions are proven, planted defects are found with their cause and slice."""

import json
import re

import nibabel
import numpy as np
import pytest
from converted_series import CT_AFFINE, SHAPE, ct, nifti, noise, pet, slopes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom_files import DRO_FACTOR
from oncohort.verification import verify_conversion


def causes(verdict):
    return [one.cause for one in verdict.findings]


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A CT and a PET, with their values."""
    root = tmp_path_factory.mktemp("scans")
    return {"ct": (root / "ct", ct(root / "ct")), "pet": (root / "pet", pet(root / "pet"))}


@pytest.fixture
def check(scans, tmp_path):
    def run(kind, change=lambda values: values, name="image.nii.gz", **more):
        folder, values = scans[kind]
        return verify_conversion(folder, nifti(tmp_path / name, change(values.copy()), **more))

    return run


def test_equal_ct_and_pet_in_any_unit_that_is_right(check):
    for verdict in (check("ct", dtype=np.int16), check("ct"), check("pet")):
        assert (verdict.status, verdict.findings, verdict.differing) == ("equal", (), 0)
    assert check("pet", lambda values: values * DRO_FACTOR).status == "equal"
    assert causes(check("pet", lambda values: values * DRO_FACTOR * 1.00001)) == ["unnamed_factor"]
    weight, dose, half_life = 70.0, 368080000.0, 6586.2
    exact = 1000 * weight / (dose * 2 ** (-3600 / half_life))
    right = check("pet", lambda values: values * exact)
    assert (right.status, right.quantity) == ("equal", "SUVbw by rule bqml-start")


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SRA", "PIR", "ASL"])
def test_any_orientation_that_the_affine_tells_is_equal(scans, tmp_path, codes):
    folder, values = scans["ct"]
    image = nibabel.load(nifti(tmp_path / "a.nii", values))
    start = nibabel.orientations.io_orientation(image.affine)
    turn = nibabel.orientations.ornt_transform(start, nibabel.orientations.axcodes2ornt(codes))
    nibabel.save(image.as_reoriented(turn), tmp_path / "b.nii.gz")
    verdict = verify_conversion(folder, tmp_path / "b.nii.gz")
    assert verdict.findings == ()
    assert verdict.grid["largest_corner_distance_mm"] < 1e-4


def test_one_changed_voxel_is_found_where_it_is(check):
    def change(values):
        values[3, 7, 5] += 1
        return values

    verdict = check("ct", change, dtype=np.int16)
    assert causes(verdict) == ["unexplained"]
    first = verdict.first_failing
    assert (first.slice, first.at, first.differing, first.largest) == (5, (3, 7, 5), 1, 1.0)
    assert (first.file, first.instance) == ("CT-1.2.3-5.dcm", "1.2.3.5")
    assert first.found == first.expected + 1


def test_merged_slopes_as_a_widely_used_converter_leaves_them(tmp_path):
    """Slopes 3e-8 and 4e-8: four slices come out a third too high."""
    folder, stored = tmp_path / "pet", noise(3)
    pet(folder, stored, slope=lambda k: 3e-8 if 2 <= k < 6 else 4e-8)
    verdict = verify_conversion(folder, nifti(tmp_path / "a.nii.gz", stored * 4e-8))
    assert causes(verdict) == ["merged_slopes"]
    assert verdict.findings[0].slices == (2, 3, 4, 5)
    assert "+33.33 % in 4 of 9 slices" in verdict.findings[0].text
    assert verdict.first_failing.slice == 2
    assert verdict.first_failing.ratio == pytest.approx(4 / 3, rel=1e-6)


def test_merged_slopes_under_an_suv_factor(check, scans):
    stored = noise(1)
    verdict = check("pet", lambda values: stored * 0.25 * 70000 / (368080000 * 2 ** (-3600 / 6586.2)))
    assert causes(verdict) == ["merged_slopes"]
    assert verdict.quantity == "SUVbw by rule bqml-start"
    assert verdict.findings[0].slices == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("axis", "ends"), [(0, "right and left"), (1, "front and back"), (2, "feet and head")], ids=["i", "j", "k"]
)
@pytest.mark.parametrize("kind", ["ct", "pet"])
def test_a_flipped_axis_is_named(check, kind, axis, ends):
    verdict = check(kind, lambda values: np.flip(values, axis))
    assert causes(verdict) == ["flipped_axis"]
    assert ends in verdict.findings[0].text


def test_rows_and_columns_exchanged_in_square_slices(tmp_path):
    values = ct(tmp_path / "ct", noise(4, shape=(11, 11, 5)))
    affine = CT_AFFINE
    verdict = verify_conversion(tmp_path / "ct", nifti(tmp_path / "a.nii", values.transpose(1, 0, 2), affine))
    assert causes(verdict) == ["transposed_axes"]


@pytest.mark.parametrize("lost", [0, 4, 8])
def test_a_dropped_slice_is_named(check, lost):
    verdict = check("pet", lambda values: np.delete(values, lost, axis=2))
    assert "slice_dropped" in causes(verdict)
    dropped = next(one for one in verdict.findings if one.cause == "slice_dropped")
    assert dropped.slices == (lost,)
    assert f"PT-1.2.4-{lost}.dcm at {30 + 4 * lost} mm" in dropped.text


def test_a_repeated_slice_is_named(check):
    def change(values):
        values[..., 6] = values[..., 5]
        return values

    verdict = check("ct", change)
    assert causes(verdict) == ["slice_dropped", "slice_repeated"]
    assert [one.slices for one in verdict.findings] == [(6,), (5,)]
    assert verdict.first_failing.slice == 6


def test_slices_in_another_order_and_averaged_ones(check):
    order = [0, 1, 2, 5, 4, 3, 6, 7, 8]
    moved = check("ct", lambda values: values[..., order])
    assert causes(moved) == ["slices_reordered"]
    assert moved.findings[0].slices == (5, 3)

    def averaged(values):
        values[..., 4] = (values[..., 3] + values[..., 5]) / 2
        return values

    verdict = check("ct", averaged)
    assert causes(verdict) == ["slice_changed"]
    assert verdict.findings[0].slices == (4,)


def test_suv_by_other_rules_is_named(check):
    noon = 70000 / 368080000
    for factor, rule in ((noon, "no decay since the injection (read as ADMIN)"), (1e-3, "thousandths")):
        verdict = check("pet", lambda values, factor=factor: values * factor)
        assert causes(verdict) == ["other_rule"]
        assert rule in verdict.findings[0].text
    assert "-31.54 % of SUVbw" in check("pet", lambda values: values * noon).findings[0].text


def test_autopet_factor_is_named_where_it_differs(tmp_path):
    """Acquired 8 min after the series time: the script decays to the acquisition."""
    values = pet(tmp_path / "pet", tags={"AcquisitionTime": "110800", "DecayFactor": "1.0"})
    factor = 70000 / (368080000 * 2 ** (-(4080) / 6586.2))
    verdict = verify_conversion(tmp_path / "pet", nifti(tmp_path / "a.nii", values * factor))
    assert causes(verdict) == ["other_rule"]
    assert "autopet-compat" in verdict.findings[0].text
    assert f"{100 * (2 ** (480 / 6586.2) - 1):+.4g} % of SUVbw" in verdict.findings[0].text


def test_activity_labelled_as_suv(check, scans, tmp_path):
    by_name = check("pet", name="SUV.nii.gz")
    assert "mislabelled_unit" in causes(by_name)
    folder, values = scans["pet"]
    image = nifti(tmp_path / "a.nii.gz", values)
    (tmp_path / "a.json").write_text(json.dumps({"Units": "g/mL"}))
    verdict = verify_conversion(folder, image)
    assert causes(verdict) == ["mislabelled_unit"]
    assert verdict.sidecar.endswith("a.json")
    suv = check("pet", lambda values: values * 70000 / (368080000 * 2 ** (-3600 / 6586.2)), name="SUV.nii.gz")
    assert suv.status == "equal"


@pytest.mark.parametrize("times", [0.5, 0.72, 1.1])
def test_a_factor_near_that_of_another_rule_is_not_taken_for_it(check, times):
    verdict = check("pet", lambda values: values * DRO_FACTOR * times)
    assert causes(verdict) == ["unnamed_factor"]
    (ratio,) = re.findall(r"every voxel is (?:multiplied by )?([0-9.]+)", verdict.findings[0].text)
    assert float(ratio) == pytest.approx(times, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "change", "cause"),
    [
        ("ct", lambda values: values + 1000, "rescale_missing"),
        ("ct", lambda values: values + 7, "constant_offset"),
        ("ct", np.zeros_like, "blank"),
        ("ct", lambda values: np.clip(values, -200, 300), "clipped"),
        ("ct", lambda values: np.maximum(values, 0), "clipped"),
        ("ct", lambda values: np.where(values > 1500, values - 65536, values), "wrapped"),
        ("pet", np.round, "rounded"),
        ("pet", np.floor, "rounded"),
        ("pet", lambda values: values * 1.5, "unnamed_factor"),
        ("pet", lambda values: values / np.array([slopes(k) for k in range(9)]), "rescale_missing"),
        ("pet", lambda values: values * (1 + np.arange(9) / 10), "slice_factors"),
        ("pet", lambda values: values**2, "unexplained"),
    ],
)
def test_what_was_done_to_values_is_named(check, kind, change, cause):
    verdict = check(kind, change)
    assert verdict.status == "differs"
    assert causes(verdict) == [cause]
    assert verdict.first_failing is not None


def test_a_missing_intercept_beside_a_slope(tmp_path):
    values = ct(tmp_path / "ct", tags={"RescaleSlope": "2", "RescaleIntercept": "-1024"})
    values = (values + 1000) * 2
    verdict = verify_conversion(tmp_path / "ct", nifti(tmp_path / "a.nii", values))
    assert causes(verdict) == ["intercept_missing"]


def test_values_cut_by_the_integers_of_the_file(scans, tmp_path):
    folder, values = scans["pet"]
    image = nibabel.Nifti1Image(np.round(values / 0.7).astype(np.int16), CT_AFFINE)
    image.header.set_slope_inter(0.7, 0)
    image.header.set_data_dtype(np.int16)
    path = tmp_path / "a.nii"
    nibabel.save(image, path)
    data = bytearray(path.read_bytes())
    data[112:116] = np.float32(0.7).tobytes()
    data[116:120] = np.float32(0).tobytes()
    data[352:] = np.round(values / 0.7).astype("<i2").tobytes(order="F")
    path.write_bytes(bytes(data))
    verdict = verify_conversion(folder, path)
    assert causes(verdict) == ["rounded"]
    assert "steps of 0.7" in verdict.findings[0].text


def test_voxels_that_are_no_numbers(check):
    def change(values):
        values[1, 2, 3] = np.nan
        values[1, 2, 4] = np.inf
        return values

    verdict = check("pet", change)
    assert causes(verdict) == ["not_finite"]
    assert verdict.findings[0].slices == (3, 4)
    assert verdict.differing == 2
    json.dumps(verdict.to_dict())


@pytest.mark.parametrize(
    ("change", "cause", "word"),
    [
        (np.diag([1, 1, 1.25, 1]), "wrong_spacing", "slices is 5 mm instead of 4 mm"),
        (np.array([[1, 0, 0, 1], [0, 1, 0, 1.5], [0, 0, 1, 2], [0, 0, 0, 1.0]]), "shifted_origin", "half a voxel"),
        (np.diag([-1, -1, 1, 1]), "lps_as_ras", "LPS"),
    ],
)
def test_a_wrong_affine_is_explained(check, change, cause, word):
    verdict = check("ct", affine=change @ CT_AFFINE)
    assert cause in causes(verdict)
    assert word in next(one.text for one in verdict.findings if one.cause == cause)
    assert verdict.differing == 0


def test_thickness_taken_for_distance_swapped_spacing_and_lost_origin(tmp_path):
    values = ct(tmp_path / "ct", tags={"SliceThickness": "5"})
    for affine, word in (
        (CT_AFFINE @ np.diag([1, 1, 1.25, 1]), "SliceThickness"),
        (CT_AFFINE @ np.diag([1.5, 2 / 3, 1, 1]), "PixelSpacing were swapped"),
        (np.diag([-2.0, -3.0, 4.0, 1.0]), "the origin was lost"),
    ):
        verdict = verify_conversion(tmp_path / "ct", nifti(tmp_path / "a.nii", values, affine))
        assert any(word in one.text for one in verdict.findings), verdict.findings


def test_two_places_in_one_file_are_found(scans, tmp_path):
    folder, values = scans["ct"]
    image = nibabel.Nifti1Image(values.astype(np.int16), CT_AFFINE)
    image.set_qform(CT_AFFINE @ np.diag([1, 1, 1.25, 1]), code=1)
    image.set_sform(CT_AFFINE, code=1)
    nibabel.save(image, tmp_path / "a.nii.gz")
    verdict = verify_conversion(folder, tmp_path / "a.nii.gz")
    assert causes(verdict) == ["forms_disagree"]
    assert "8 mm apart" in verdict.findings[0].text  # 8 gaps of 4 mm, each 1 mm too long


def test_oblique_slices_are_right_and_a_lost_orientation_is_found(tmp_path):
    turn = np.radians(20)
    row, column = [np.cos(turn), 0, np.sin(turn)], [0, 1, 0]
    normal = np.cross(row, column)

    def oblique(data, k):
        data.ImageOrientationPatient = [round(float(one), 9) for one in (*row, *column)]
        data.ImagePositionPatient = [round(float(one), 9) for one in np.array([-10, -20, 30]) + 4 * k * normal]

    values = ct(tmp_path / "ct", change=oblique)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ np.column_stack([np.array(row) * 2, np.array(column) * 3, normal * 4])
    affine[:3, 3] = [10, 20, 30]
    assert verify_conversion(tmp_path / "ct", nifti(tmp_path / "a.nii", values, affine)).status == "equal"
    lost = verify_conversion(tmp_path / "ct", nifti(tmp_path / "a.nii", values))
    assert causes(lost) == ["rotated"]
    assert "20 degrees" in lost.findings[0].text


def test_defects_add_up(check):
    verdict = check("ct", lambda values: np.clip(np.flip(values, 0), -500, 1000))
    assert causes(verdict) == ["flipped_axis", "clipped"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.sets(st.sampled_from([0, 1, 2])),
    lost=st.sets(st.integers(0, SHAPE[2] - 1), max_size=3),
    suv=st.booleans(),
)
def test_any_flips_and_dropped_slices_are_recovered(scans, tmp_path, flips, lost, suv):
    folder, values = scans["pet"]
    values = values * (70000 / (368080000 * 2 ** (-3600 / 6586.2))) if suv else values
    kept = np.delete(values, sorted(lost), axis=2)
    verdict = verify_conversion(folder, nifti(tmp_path / "any.nii", np.flip(kept, tuple(flips))))
    assert causes(verdict).count("flipped_axis") == len(flips)
    dropped = [one.slices for one in verdict.findings if one.cause == "slice_dropped"]
    assert dropped == ([tuple(sorted(lost))] if lost else [])
    assert (verdict.status == "equal") == (not flips and not lost)
