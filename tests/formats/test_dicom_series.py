from __future__ import annotations

import math
import os
import pickle
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_files import DRO_FACTOR, write_pet, write_series, write_structures
from oncohort.errors import FormatError, SuvRefusal
from oncohort.formats.dicom.header import read_header
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.series import DicomSeries, read_pet, read_series, stack_series
from oncohort.formats.dicom.values import Unusable
from oncohort.units import Unit
from oncohort.volume import reorient


def found_in(folder: Path) -> str:
    with pytest.raises(FormatError) as caught:
        read_series(folder)
    return caught.value.found


def test_voxels_lie_as_i_j_k_in_ras(tmp_path):
    write_series(tmp_path)
    volume = read_series(tmp_path)
    i, j, k = np.indices((5, 4, 3))
    assert np.array_equal(volume.array, i + 10 * j + 100 * k - 1000)
    assert volume.array.dtype == np.int16
    assert volume.unit is Unit.HU
    assert volume.geometry.orientation == "LPS"
    assert volume.geometry.spacing_mm == (2.0, 3.0, 4.0)
    assert volume.geometry.to_mm([[1, 2, 1]])[0].tolist() == [8.0, 14.0, 34.0]
    assert volume.record["rule"] == "hu"
    assert (volume.record["slope"], volume.record["intercept"]) == (1.0, -1000.0)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_uncompressed_syntax_gives_the_same(tmp_path, syntax):
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", syntax=syntax)
    assert np.array_equal(read_series(tmp_path / "a").array, read_series(tmp_path / "b").array)


def test_slices_are_sorted_by_position_not_by_name(tmp_path):
    def upside_down(data, k):
        data.ImagePositionPatient = [-10, -20, 30 - 4 * k]

    write_series(tmp_path, change=upside_down)
    volume = read_series(tmp_path)
    assert volume.array[0, 0].tolist() == [-800, -900, -1000]
    assert volume.geometry.to_mm([[0, 0, 0]])[0].tolist() == [10.0, 20.0, 22.0]


def test_a_sagittal_series_keeps_its_axes(tmp_path):
    def sagittal(data, k):
        data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        data.ImagePositionPatient = [4 * k, 0, 0]

    write_series(tmp_path, change=sagittal)
    volume = read_series(tmp_path)
    assert volume.geometry.orientation == "PIR"
    assert volume.array[0, 0].tolist() == [-800, -900, -1000]


def test_each_slice_has_its_own_slope(tmp_path):
    def slope(data, k):
        data.RescaleSlope = k + 1

    write_series(tmp_path, change=slope)
    volume = read_series(tmp_path)
    assert volume.array[4, 3].tolist() == [34 - 1000, 2 * 134 - 1000, 3 * 234 - 1000]
    assert volume.record["slope"] == [1.0, 2.0, 3.0]


def test_ct_with_a_fractional_slope_becomes_float32(tmp_path):
    write_series(tmp_path, tags={"RescaleSlope": "0.5"})
    volume = read_series(tmp_path)
    assert volume.array.dtype == np.float32
    assert volume.array[1, 0, 0] == -999.5


def test_values_beyond_int16_become_int32(tmp_path):
    write_series(tmp_path, stored=np.full((5, 4, 3), 65000, np.uint16))
    assert read_series(tmp_path).array.dtype == np.int32
    assert read_series(tmp_path).array.max() == 64000


def test_unsigned_16_bits_that_fit_become_int16(tmp_path):
    write_series(tmp_path, stored=np.full((5, 4, 3), 3000, np.uint16))
    assert read_series(tmp_path).array.dtype == np.int16


def test_bits_beyond_the_stored_ones_are_cut_off(tmp_path):
    stored = np.full((5, 4, 3), 0xF00A, np.uint16)
    write_series(tmp_path, stored=stored, tags={"BitsStored": 12, "HighBit": 11})
    assert read_series(tmp_path).array[0, 0, 0] == 10 - 1000


def test_signed_12_bits_are_extended(tmp_path):
    stored = np.full((5, 4, 3), 0x0FFF, np.int16)
    write_series(tmp_path, stored=stored, tags={"BitsStored": 12, "HighBit": 11})
    assert read_series(tmp_path).array[0, 0, 0] == -1 - 1000


def test_pet_comes_in_suv_with_its_record(tmp_path):
    write_pet(tmp_path)
    volume = read_pet(tmp_path)
    assert volume.unit is Unit.SUVBW
    assert volume.array.dtype == np.float32
    assert volume.array[4, 3, 2] == pytest.approx(234 * 0.5 * DRO_FACTOR, rel=1e-6)
    assert volume.record["factor"] == pytest.approx(DRO_FACTOR, rel=1e-6)
    assert volume.record["rule"] == "bqml-start"
    assert volume.record["tags"]["PatientWeight"] == "70"
    assert volume.record["series_uid"] == "1.2.4"


def test_a_pet_without_weight_is_refused(tmp_path):
    write_pet(tmp_path, tags={"PatientWeight": None})
    with pytest.raises(SuvRefusal) as caught:
        read_pet(tmp_path)
    assert caught.value.code == "weight_missing"


def test_ge_private_scan_time_is_read(tmp_path):
    def private(data, k):
        data.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20250101110000.00")

    write_pet(tmp_path, tags={"SeriesTime": "113000", "AcquisitionTime": "111000"}, change=private)
    record = read_pet(tmp_path).record
    assert record["reference_time"]["winner"] == "G"
    assert record["factor"] == pytest.approx(DRO_FACTOR, rel=1e-6)


def philips(block, place, value):
    """A change that adds one of Philips' private factors, in a block that need not be the first."""

    def change(data, k):
        for taken in range(0x10, block):
            data.add_new((0x7053, taken), "LO", "Somebody Else")
        data.add_new((0x7053, block), "LO", "Philips PET Private Group")
        data.add_new((0x7053, block << 8 | place), "DS", value)

    return change


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("change", "rule", "factor"),
    [
        (philips(0x10, 0x00, "0.000728"), "cnts-suv", 0.000728),
        (philips(0x12, 0x00, "0.000728"), "cnts-suv", 0.000728),
        (philips(0x11, 0x09, "4.71"), "cnts-start", 4.71 * DRO_FACTOR),
    ],
)
def test_philips_counts_in_dicom(tmp_path, syntax, change, rule, factor):
    write_pet(tmp_path, tags={"Units": "CNTS"}, change=change, syntax=syntax)
    record = read_pet(tmp_path).record
    assert (record["rule"], record["factor"]) == (rule, pytest.approx(factor, rel=1e-6))


def test_uncorrected_frames_in_dicom_have_their_own_factors(tmp_path):
    """Slices 0 and 1 belong to one bed, slice 2 to the next, which is measured five minutes later."""

    def change(data, k):
        data.AcquisitionTime = "110500" if k == 2 else "110000"

    write_pet(tmp_path, tags={"DecayCorrection": "NONE", "CorrectedImage": ["ATTN"]}, change=change)
    volume = read_pet(tmp_path)
    decay = math.log(2) / 6586.2

    def factor(seconds):
        left = 368.08e6 * math.exp(-decay * seconds) * (1 - math.exp(-decay * 300)) / (decay * 300)
        return 70_000 / left

    assert volume.record["factor"] == pytest.approx([factor(3600), factor(3600), factor(3900)], rel=1e-9)
    later = volume.array[..., 2] / read_pet_of(tmp_path / "same").array[..., 2]
    assert later == pytest.approx(np.full_like(later, factor(3900) / DRO_FACTOR), rel=1e-5)


def read_pet_of(folder):
    """The same slices, corrected to the start."""
    folder.mkdir()
    write_pet(folder)
    return read_pet(folder)


def test_normalised_uptake_and_counts_per_second_in_dicom(tmp_path):
    cases = {
        "gml-lbmjanma": {"Units": "GML", "SUVType": "LBMJANMA", "PatientSex": "M", "PatientSize": "1.75"},
        "cm2ml-bsa": {"Units": "CM2ML", "PatientSize": "1.75"},
        "cps-start": {"Units": "CPS", "DoseCalibrationFactor": "2", "SliceThickness": "4"},
    }
    factors = {"gml-lbmjanma": 70 / 55.8571, "cm2ml-bsa": 70_000 / 18481.43, "cps-start": DRO_FACTOR * 2 / 0.024}
    for rule, tags in cases.items():
        (tmp_path / rule).mkdir()
        write_pet(tmp_path / rule, tags=tags)
        record = read_pet(tmp_path / rule).record
        assert (record["rule"], record["factor"]) == (rule, pytest.approx(factors[rule], rel=1e-5))


def test_scouts_bolus_tracking_and_pictures_of_a_screen_are_told_apart(tmp_path):
    def bolus(data, k):
        data.ImagePositionPatient = [0, 0, 0]

    def screen(data, k):
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    write_series(tmp_path, change=bolus)
    assert "bolus tracking" in found_in(tmp_path)
    (path, *_) = write_series(tmp_path / "screen", change=screen)
    assert read_header(path).reason == "secondary capture"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, [0, 4, 12][k]]), "uneven gaps"),
        (lambda data, k: setattr(data, "ImagePositionPatient", [0, k, 4 * k]), "gantry tilt"),
        (lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, 0]), "same position"),
        (lambda data, k: setattr(data, "ImagePositionPatient", [0, 0.5 * (k == 1), 4 * k]), "beside the line"),
        (lambda data, k: setattr(data, "ImageOrientationPatient", [1, 0, 0, 0, 1, 0.1 * k]), "mixed orientation"),
        (lambda data, k: setattr(data, "ImageOrientationPatient", [1, 0, 0, 0.5, 1, 0]), "right-angled"),
        (lambda data, k: setattr(data, "PixelSpacing", [3, 2 + k]), "two series with one UID"),
        (lambda data, k: setattr(data, "PixelSpacing", [0, 0]), "no geometry"),
        (lambda data, k: setattr(data, "PatientID", f"P{k}"), "two series with one UID"),
        (lambda data, k: setattr(data, "SOPInstanceUID", "1.5"), "two series with one UID"),
        (lambda data, k: setattr(data, "RescaleType", "US"), "not HU"),
        (lambda data, k: setattr(data, "RescaleSlope", None), "no rescale"),
        (lambda data, k: setattr(data, "RescaleSlope", 0), "no rescale"),
    ],
)
def test_what_is_no_volume_is_refused_with_its_reason(tmp_path, change, found):
    write_series(tmp_path, change=change)
    assert found in found_in(tmp_path)


def test_gaps_within_the_tolerance_are_one_volume(tmp_path):
    write_series(tmp_path, change=lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, [0, 4, 8.09][k]]))
    assert read_series(tmp_path).geometry.spacing_mm[2] == pytest.approx(8.09 / 2)


def test_gaps_beyond_the_tolerance_are_not(tmp_path):
    heights = [0, 4, 8, 12.11]
    write_series(
        tmp_path, shape=(5, 4, 4), change=lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, heights[k]])
    )
    assert "uneven gaps (gaps from 4 to 4.11 mm" in found_in(tmp_path)


def test_a_lean_within_the_tolerance_goes_into_the_affine(tmp_path):
    write_series(tmp_path, change=lambda data, k: setattr(data, "ImagePositionPatient", [0, 0.04 * k, 4 * k]))
    assert read_series(tmp_path).geometry.affine[1, 2] == pytest.approx(-0.04)


@pytest.mark.parametrize(("degrees", "accepted"), [(0.049, True), (0.051, False)])
def test_a_long_stack_may_lean_by_a_twentieth_of_a_degree(tmp_path, degrees, accepted):
    step = 4 * math.tan(math.radians(degrees))
    write_series(
        tmp_path,
        shape=(5, 4, 60),
        change=lambda data, k: setattr(data, "ImagePositionPatient", [0, step * k, 4 * k]),
    )
    if accepted:
        assert read_series(tmp_path).geometry.shape == (5, 4, 60)
    else:
        assert "gantry tilt" in found_in(tmp_path)


def test_rounded_direction_cosines_are_made_units(tmp_path):
    write_series(tmp_path, tags={"ImageOrientationPatient": [0.9995, 0, 0, 0, 1.0005, 0]})
    assert read_series(tmp_path).geometry.spacing_mm == pytest.approx((2, 3, 4), abs=1e-12)


def test_slices_that_share_a_position_are_counted(tmp_path):
    heights = [0, 4, 4, 8]
    write_series(
        tmp_path, shape=(5, 4, 4), change=lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, heights[k]])
    )
    assert "2 of 4 slices share a position" in found_in(tmp_path)


@pytest.mark.parametrize(
    ("dtype", "value", "intercept", "expected"),
    [
        (np.int16, -32768, -1000, np.int32),
        (np.int16, 32767, 1, np.int32),
        (np.int16, 32767, 0, np.int16),
        (np.int16, -32768, 0, np.int16),
        (np.uint16, 33767, -1000, np.int16),
        (np.uint16, 33768, -1000, np.int32),
        (np.int16, -31768, -1000, np.int16),
        (np.int16, -31769, -1000, np.int32),
        (np.uint8, 255, -1000, np.int16),
        (np.int32, 70000, 0, np.int32),
    ],
)
def test_no_value_is_lost_to_a_narrow_type(tmp_path, dtype, value, intercept, expected):
    write_series(tmp_path, stored=np.full((5, 4, 3), value, dtype), tags={"RescaleIntercept": intercept})
    array = read_series(tmp_path).array
    assert array.dtype == expected
    assert array.min() == array.max() == value + intercept


def test_a_fractional_intercept_counts_too(tmp_path):
    write_series(tmp_path, tags={"RescaleIntercept": "-0.25"})
    assert read_series(tmp_path).array[1, 0, 0] == 0.75


def test_two_slices_are_a_volume(tmp_path):
    write_series(tmp_path, shape=(5, 4, 2))
    assert read_series(tmp_path).geometry.shape == (5, 4, 2)


def test_one_slice_is_no_volume(tmp_path):
    write_series(tmp_path, shape=(5, 4, 1))
    assert "single slice" in found_in(tmp_path)


def test_two_series_in_a_folder_are_named(tmp_path):
    write_series(tmp_path)
    write_series(tmp_path, uid="1.2.5")
    assert found_in(tmp_path) == "1.2.3, 1.2.5"


def test_a_ct_folder_is_no_pet(tmp_path):
    write_series(tmp_path)
    with pytest.raises(FormatError, match="one PET series"):
        read_pet(tmp_path)


def test_pet_is_found_beside_ct(tmp_path):
    write_series(tmp_path)
    write_pet(tmp_path)
    assert read_pet(tmp_path).unit is Unit.SUVBW


def test_a_missing_and_an_empty_folder_are_refused(tmp_path):
    assert found_in(tmp_path / "none") == "no folder"
    assert found_in(tmp_path) == "no files"


def test_other_files_beside_a_series_are_passed_over(tmp_path):
    write_series(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    write_structures(tmp_path / "rs.dcm", {})
    assert read_series(tmp_path).geometry.shape == (5, 4, 3)


def test_a_truncated_slice_refuses_the_folder(tmp_path):
    paths = write_series(tmp_path, shape=(5, 4, 5))
    paths[-1].write_bytes(paths[-1].read_bytes()[:-3])
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path)
    assert caught.value.where == str(paths[-1])
    assert "truncated" in caught.value.found


def test_a_series_survives_json_and_pickle(tmp_path):
    write_pet(tmp_path)
    (headers,) = index_files(sorted(tmp_path.iterdir())).series.values()
    series = stack_series(headers)
    again = DicomSeries.from_dict(pickle.loads(pickle.dumps(series.to_dict())))
    assert np.array_equal(again.volume().array, series.volume().array)
    assert again.geometry == series.geometry


@pytest.mark.parametrize("harm", ["grow", "remove", "touch", "cut"])
def test_a_file_that_changed_since_the_index_is_refused(tmp_path, harm):
    paths = write_series(tmp_path)
    volume = read_series(tmp_path)
    data = paths[1].read_bytes()
    if harm == "remove":
        paths[1].unlink()
    elif harm == "touch":
        os.utime(paths[1], ns=(1, 1))
    else:
        paths[1].write_bytes(data + b"  " if harm == "grow" else data[:-4])
    with pytest.raises(FormatError) as caught:
        _ = volume.array
    assert caught.value.where == str(paths[1])


def test_unusable_names_reason_and_detail():
    error = Unusable("truncated", "3 of 4 bytes")
    assert (error.reason, error.detail) == ("truncated", "3 of 4 bytes")


@pytest.mark.real_data
def test_six_shipped_images_are_reproduced(real_data):
    root = real_data("sts_petct")
    compared = 0
    for path in sorted((root / "nifti").glob("*/*_image.nii.gz")):
        patient, modality = path.parent.name, path.name[:-13]
        read = read_series if modality == "CT" else read_pet
        volume = read(root / "dicom" / patient / modality / "image")
        shipped = nib.load(path)
        turned = reorient(volume, "".join(nib.aff2axcodes(shipped.affine)))
        expected = np.asanyarray(shipped.dataobj)
        assert np.abs(turned.geometry.affine - shipped.affine).max() < 1e-3
        assert np.abs(turned.array - expected).max() <= (0 if modality == "CT" else 1e-4)
        compared += 1
    assert compared == 12


@pytest.mark.real_data
def test_the_whole_body_pet_gives_the_known_suv(real_data):
    whole = read_pet(real_data("sts001_wholebody_pet") / "FDG_PET" / "image")
    assert whole.record["factor"] == pytest.approx(2.429030e-4, rel=1e-6)
    assert whole.record["reference_time"]["decay_factors"] == "confirms S"
    assert float(whole.array.max()) == pytest.approx(66.5215, abs=1e-4)
    crop = read_pet(real_data("sts_petct") / "dicom" / "STS_001" / "PET" / "image")
    assert float(crop.array.max()) == pytest.approx(25.4123, abs=1e-4)
    corner = np.rint(whole.geometry.to_index(crop.geometry.to_mm([[0, 0, 0]]))[0]).astype(int)
    part = whole.array[tuple(slice(low, low + edge) for low, edge in zip(corner, crop.geometry.shape, strict=True))]
    assert np.abs(part - crop.array).max() < 1e-3


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["0_0", "1_0", "2_0", "2_1", "2_4", "3_0", "3_1", "3_3", "4_1"])
def test_digital_reference_objects(real_data, name):
    folder = real_data("suv_dro") / f"DRO_{name}"
    volume = read_pet(folder / "PT")
    mask = nib.load(next((folder / "mask").iterdir()))
    turned = reorient(volume, "".join(nib.aff2axcodes(mask.affine)))
    inside = turned.array[np.asanyarray(mask.dataobj) > 0]
    found = [float(x) for x in (inside.min(), np.median(inside), inside.max())]
    assert found == pytest.approx([0.20, 1.00, 4.00], abs=0.005)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gantrytilting/001", "gantry tilt (slices lean by 14.0 degrees"),
        ("notavolume/001", "same position (4 of 4"),
        ("sliceincrement/001", "uneven gaps (gaps from 5 to 10 mm"),
        ("sliceincrement/002", "gantry tilt (slices lean by 15.5 degrees against their normal; gaps from 0.7497"),
        ("slicecount/001", "not CT or PET"),
        ("sliceorientation/001", "not CT or PET"),
    ],
)
def test_series_that_break_converters_are_refused(real_data, name, found):
    assert found in found_in(real_data("hard_ct") / "dicom2nifti_failing" / name)


@pytest.mark.real_data
def test_jpeg_2000_without_identity_is_refused(real_data):
    assert found_in(real_data("ct_organs") / "example_ct_dicom") == "no identity"


def test_factor_of_the_reference_object_by_hand():
    assert 1000 * 70 / (368.08e6 * math.exp(-math.log(2) * 3600 / 6586.2)) == pytest.approx(DRO_FACTOR, rel=1e-6)
