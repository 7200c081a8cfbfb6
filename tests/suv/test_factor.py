from __future__ import annotations

import json
import math

import pytest

from oncohort.errors import SuvRefusal
from oncohort.suv import pet_header, suv_factor

BASE = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["DECY", "ATTN"],
    "PatientWeight": "70",
    "SeriesDate": "20250101",
    "SeriesTime": "110000",
    "AcquisitionDate": "20250101",
    "AcquisitionTime": "110000",
    "FrameReferenceTime": "150000",
    "ActualFrameDuration": "300000",
    "DecayFactor": "1.0",
    "RadionuclideTotalDose": "368080000",
    "RadionuclideHalfLife": "6586.2",
    "RadiopharmaceuticalStartTime": "100000",
    "RescaleIntercept": "0",
    "RescaleSlope": "1.5",
}
BASE_FACTOR = 2.777781e-4


def scale(**changes):
    return suv_factor(pet_header([{**BASE, **changes}], where="series 1"))


def code(**changes):
    with pytest.raises(SuvRefusal) as caught:
        scale(**changes)
    assert caught.value.where == "series 1"
    assert caught.value.remedy
    return caught.value.code


def test_start_divides_by_the_dose_left_at_the_reference_time():
    found = scale()
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)
    assert found.factor == pytest.approx(70_000 / (368.08e6 * 2 ** (-3600 / 6586.2)))
    assert (found.rule, found.warnings) == ("bqml-start", ())


def test_gallium(tmp_path):
    assert scale(RadionuclideHalfLife="4057.7").factor == pytest.approx(3.517469e-4, rel=1e-6)


def test_admin_divides_by_the_injected_dose():
    found = scale(DecayCorrection="ADMIN", RadiopharmaceuticalStartTime="", RadionuclideHalfLife="")
    assert (found.factor, found.rule) == (pytest.approx(70_000 / 368.08e6), "bqml-admin")


@pytest.mark.parametrize("mode", ["START", "ADMIN"])
@pytest.mark.parametrize("kind", ["BW", ""])
def test_stored_suv_stays_as_it_is(mode, kind):
    found = scale(Units="GML", DecayCorrection=mode, SUVType=kind, PatientWeight="")
    assert (found.factor, found.rule) == (1.0, "gml-bw")
    assert len(found.record["fallbacks"]) == (0 if kind else 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Units": "CNTS"}, "philips_factor_missing"),
        ({"Units": "CNTS", "PhilipsSUVFactor": "0", "PhilipsActivityFactor": "0"}, "philips_factor_missing"),
        ({"Units": "PROPCNTS"}, "unsupported_units"),
        ({"Units": "PROPCPS"}, "unsupported_units"),
        ({"Units": "1CM"}, "unsupported_units"),
        ({"Units": "CPS"}, "counts_not_calibrated"),
        ({"Units": "CPS", "PixelSpacing": "4\\4", "SliceThickness": "5"}, "counts_not_calibrated"),
        (
            {"Units": "CPS", "DoseCalibrationFactor": "2", "PixelSpacing": "4", "SliceThickness": "5"},
            "counts_not_calibrated",
        ),
        ({"Units": ""}, "unsupported_units"),
        ({"DecayCorrection": "NONE", "AcquisitionTime": ""}, "frame_time_missing"),
        ({"DecayCorrection": "NONE", "ActualFrameDuration": ""}, "frame_time_missing"),
        ({"DecayCorrection": ""}, "unsupported_decay_correction"),
        ({"Units": "GML", "DecayCorrection": "NONE"}, "unsupported_decay_correction"),
        ({"Units": "GML", "SUVType": "LBM"}, "height_missing"),
        ({"Units": "GML", "SUVType": "LBM", "PatientSize": "0.1"}, "height_implausible"),
        ({"Units": "GML", "SUVType": "LBM", "PatientWeight": ""}, "weight_missing"),
        ({"Units": "GML", "SUVType": "BSA"}, "unsupported_suv_type"),
        ({"Units": "CM2ML", "SUVType": "BW"}, "unsupported_suv_type"),
        ({"CorrectedImage": ["DECY"]}, "not_attenuation_corrected"),
        ({"CorrectedImage": ["ATTN"]}, "not_decay_corrected"),
        ({"CorrectedImage": ""}, "not_attenuation_corrected"),
        ({"PatientWeight": ""}, "weight_missing"),
        ({"PatientWeight": "0"}, "weight_missing"),
        ({"PatientWeight": "-70"}, "weight_missing"),
        ({"PatientWeight": "nan"}, "weight_missing"),
        ({"PatientWeight": "1.75", "PatientSize": "70"}, "weight_implausible"),
        ({"PatientWeight": "175", "PatientSize": "70"}, "weight_implausible"),
        ({"RadionuclideTotalDose": ""}, "dose_missing"),
        ({"RadionuclideTotalDose": "0"}, "dose_missing"),
        ({"RadiopharmaceuticalCount": "2"}, "several_tracers"),
        ({"RadionuclideHalfLife": ""}, "half_life_missing"),
        ({"RadionuclideHalfLife": "0"}, "half_life_missing"),
        ({"RadionuclideHalfLife": "1e9"}, "half_life_contradiction"),
        ({"RadionuclideHalfLife": "109.77", "RadionuclideCode": "C-111A1"}, "half_life_contradiction"),
        ({"RadiopharmaceuticalStartTime": ""}, "injection_missing"),
        ({"RadiopharmaceuticalStartTime": "110100"}, "injection_implausible"),
        ({"RadiopharmaceuticalStartDateTime": "20241220100000"}, "injection_implausible"),
        ({"RadiopharmaceuticalStartDateTime": "20250101120000"}, "injection_implausible"),
        ({"RadiopharmaceuticalStartDateTime": "20200101090000"}, "injection_implausible"),
        ({"RescaleIntercept": "1"}, "intercept_not_zero"),
        ({"RescaleSlope": "0"}, "slope_invalid"),
        ({"RescaleSlope": "x"}, "slope_invalid"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "projection"),
        ({"AcquisitionTime": "", "FrameReferenceTime": ""}, "reference_time_unknown"),
    ],
)
def test_refusals(changes, expected):
    assert code(**changes) == expected


@pytest.mark.parametrize("tag", ["Units", "DecayCorrection", "PatientWeight", "SeriesTime"])
def test_mixed_headers_are_refused(tag):
    with pytest.raises(SuvRefusal) as caught:
        suv_factor(pet_header([BASE, {**BASE, tag: "1"}], where="series 1"))
    assert caught.value.code == "mixed_header"
    assert tag in caught.value.expected


def test_dose_in_megabecquerel_is_flagged():
    found = scale(RadionuclideTotalDose="368.08")
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)
    assert found.warnings == ("RadionuclideTotalDose 368.08 was read as MBq",)
    assert scale(RadionuclideTotalDose="100000").factor == pytest.approx(BASE_FACTOR * 3680.8, rel=1e-6)


def test_weight_in_gram_is_flagged():
    found = scale(PatientWeight="70000")
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)
    assert found.warnings == ("PatientWeight 70000 was read as gram",)
    assert scale(PatientWeight="180", PatientSize="190").warnings == ()
    assert scale(PatientWeight="3", PatientSize="50").warnings == ()


def test_half_life_by_its_code_is_flagged():
    found = scale(RadionuclideHalfLife="", RadionuclideCode="C-111A1")
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)
    assert found.record["half_life_s"]["source"] == "code C-111A1"
    assert len(found.warnings) == 1
    gallium = scale(RadionuclideHalfLife="", RadionuclideCode="35337001")
    assert gallium.factor == pytest.approx(3.517469e-4, rel=1e-6)


def test_injection_before_midnight_is_the_day_before():
    night = {"SeriesTime": "003000", "AcquisitionTime": "003000", "RadiopharmaceuticalStartTime": "233000"}
    found = scale(**night)
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)


def test_full_injection_time_counts_first():
    found = scale(RadiopharmaceuticalStartDateTime="20250101093000.00 ")
    assert found.record["seconds_since_injection"] == {"value": 5400.0, "source": "RadiopharmaceuticalStartDateTime"}
    assert "disagree" in found.warnings[0]


def test_dates_torn_apart_leave_the_times_of_day():
    found = scale(RadiopharmaceuticalStartDateTime="20200101100000")
    assert found.factor == pytest.approx(BASE_FACTOR, rel=1e-6)
    assert "lie apart" in found.warnings[0]
    assert found.record["seconds_since_injection"]["source"] == "time of RadiopharmaceuticalStartDateTime"


def test_the_window_ends_at_ten_half_lives():
    assert scale(RadiopharmaceuticalStartDateTime="20241231164300").factor > BASE_FACTOR
    assert code(RadiopharmaceuticalStartDateTime="20241231164200") == "injection_implausible"


def test_the_record_is_json_and_names_all_tags():
    record = json.loads(json.dumps(scale().record))
    assert record["tags"]["CorrectedImage"] == "DECY\\ATTN"
    assert record["dose_bq"] == {"value": 368080000.0, "source": "RadionuclideTotalDose"}
    assert record["reference_time"]["candidates"]["S"] == "2025-01-01T11:00:00"
    assert (record["recipe"], record["recipe_version"], record["frames"]) == ("suv", 2, 1)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "factor", "winner"),
    [
        ("SIEMENS", 0.00042748316187197236, "S"),
        ("GE_MEDICAL_AND_BQML", 0.0005367387681819742, "S"),
        ("CPS_AND_BQML_AC_DT_-_S_DT", 0.00026503312764157046, "B"),
    ],
)
def test_real_headers(real_data, name, factor, winner):
    slices = json.loads((real_data("pet_headers") / f"{name}-instances.json").read_text())
    found = suv_factor(pet_header(slices, where=name))
    assert found.factor == pytest.approx(factor, rel=1e-6)
    assert found.record["reference_time"]["winner"] == winner


def test_the_formula_by_hand():
    left = 368.08e6 * math.exp(-math.log(2) * 3600 / 6586.2)
    assert 1000 * 70 / left == pytest.approx(BASE_FACTOR, rel=1e-6)


@pytest.mark.parametrize(
    ("weight", "size", "accepted"),
    [
        ("1000", "1.75", True),
        ("2.4", "26", False),
        ("2.6", "26", True),
        ("2.4", "24", True),
        ("101", "99", False),
        ("99", "99", True),
        ("101", "101", True),
        ("101", "26", False),
        ("101", "24", True),
        ("229", "99", False),
        ("231", "99", True),
        ("70", "0", True),
        ("1", "0", True),
    ],
)
def test_swapped_weight_and_height(weight, size, accepted):
    if accepted:
        assert scale(PatientWeight=weight, PatientSize=size).warnings == ()
    else:
        assert code(PatientWeight=weight, PatientSize=size) == "weight_implausible"


@pytest.mark.parametrize(
    ("half_life", "nuclide", "accepted"),
    [
        ("6850", "C-111A1", True),
        ("6950", "C-111A1", False),
        ("6300", "77004003", True),
        ("6200", "77004003", False),
        ("4200", "C-131A3", True),
        ("6586.2", "C-131A3", False),
        ("3000", "C-999", True),
    ],
)
def test_half_life_agrees_with_its_code_within_five_percent(half_life, nuclide, accepted):
    tags = {"RadionuclideHalfLife": half_life, "RadionuclideCode": nuclide}
    if accepted:
        assert scale(**tags).record["half_life_s"] == {"value": float(half_life), "source": "RadionuclideHalfLife"}
    else:
        assert code(**tags) == "half_life_contradiction"


def test_injection_at_the_reference_time_leaves_the_whole_dose():
    for tag, text in (("Time", "110000"), ("DateTime", "20250101110000")):
        found = scale(**{f"RadiopharmaceuticalStart{tag}": text})
        assert found.factor == pytest.approx(70_000 / 368.08e6, rel=1e-12)


def test_times_that_differ_by_a_second_agree():
    assert scale(RadiopharmaceuticalStartDateTime="20250101100001").warnings == ()
    assert len(scale(RadiopharmaceuticalStartDateTime="20250101100002").warnings) == 1


def test_dates_are_torn_apart_beyond_300_days():
    assert code(RadiopharmaceuticalStartDateTime="20240308100000") == "injection_implausible"
    assert scale(RadiopharmaceuticalStartDateTime="20240306100000").factor == pytest.approx(BASE_FACTOR, rel=1e-6)


def test_half_lives_of_years_are_refused():
    slow = {"SeriesTime": "110000", "RadiopharmaceuticalStartTime": "100000"}
    assert scale(RadionuclideHalfLife="1e8", **slow).factor == pytest.approx(70_000 / 368.08e6, rel=1e-4)
    assert code(RadionuclideHalfLife="1.1e8", **slow) == "half_life_contradiction"
