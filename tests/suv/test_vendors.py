"""Units, decay modes, private tags and normalisations; numbers by hand, or from the reference objects for SUV."""

from __future__ import annotations

import json
import math

import pytest

from oncohort.errors import SuvRefusal
from oncohort.suv import autopet_factor, body_mass_kg, body_surface_m2, pet_header, suv_alternatives, suv_factor
from oncohort.suv.body import height_cm
from oncohort.suv.header import PetHeader

# What the digital reference objects for SUV share (oncoray/suv_computation, CC BY 4.0): 70 kg, 1.75 m, 368.08 MBq of
# F-18, injected an hour before the scan; their SUVbw factor for START is 2.777781e-4.
BASE = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
    "PatientSex": "O",
    "PatientWeight": "70",
    "PatientSize": "1.75",
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
    "RadiopharmaceuticalStartDateTime": "20250101100000",
}
FACTOR = 2.777781e-4
DECAY = math.log(2) / 6586.2


def scale(*slices, **changes):
    tags = [{**BASE, **changes, **one} for one in slices or ({},)]
    return suv_factor(pet_header(tags, where="series 1"))


# Values of the table in reference/suv.md section 1 for 70 kg and 1.75 m: male, female, other.
MASSES = {
    "LBM": (57.80, 51.22, 54.51),
    "LBMJAMES128": (56.52, 51.22, 53.87),
    "LBMJANMA": (55.8571, 45.1970, 50.5271),
    "IBW": (72.38, 66.43, 69.405),
}


@pytest.mark.parametrize("kind", MASSES)
def test_lean_and_ideal_masses(kind):
    found = [body_mass_kg(kind, 70, 175, sex) for sex in ("M", "F", "O")]
    assert found == pytest.approx(MASSES[kind], abs=5e-5)


def test_body_surface_by_du_bois():
    assert body_surface_m2(70, 175) == pytest.approx(1.848143, abs=5e-7)


@pytest.mark.parametrize("kind", MASSES)
@pytest.mark.parametrize(("sex", "column"), [("M", 0), ("F", 1), ("O", 2), ("", 2)])
def test_stored_uptake_is_turned_to_body_weight(kind, sex, column):
    found = scale(Units="GML", SUVType=kind, PatientSex=sex)
    assert found.factor == pytest.approx(70 / MASSES[kind][column], rel=1e-5)
    assert found.rule == f"gml-{kind.lower()}"
    assert any("mean of both sexes" in note for note in found.warnings) == (sex not in ("M", "F"))


def test_uptake_per_body_surface():
    found = scale(Units="CM2ML")
    assert found.factor == pytest.approx(70_000 / (1e4 * 1.848143), rel=1e-6)
    assert found.rule == "cm2ml-bsa"
    assert scale(Units="CM2ML", SUVType="BSA").factor == found.factor


def test_height_in_centimetres_is_flagged():
    found = height_cm(PetHeader("series 1", {"PatientSize": "175"}, ()))
    assert (found.value, len(found.notes)) == (175.0, 1)


@pytest.mark.parametrize(
    ("normalisation", "relative"),
    [("BW", 1.0), ("LBMJANMA", 50.5271 / 70), ("IBW", 69.405 / 70), ("BSA", 1e4 * 1.848143 / 70_000)],
)
def test_other_normalisations(normalisation, relative):
    header = pet_header([BASE], where="series 1")
    found = suv_factor(header, normalisation=normalisation)
    assert found.factor == pytest.approx(FACTOR * relative, rel=1e-5)
    assert found.record["normalisation"] == normalisation


def test_philips_activity_factor_is_preferred_and_checked_by_the_other():
    # A Gemini TF header: 0.159047 gives 2.640e-5, the rounded factor beside it is 0.000027 (+2.3 %).
    tags = {"Units": "CNTS", "PhilipsActivityFactor": "0.159047", "PhilipsSUVFactor": "0.000027"}
    own = 0.159047 * FACTOR
    found = scale(**tags)
    assert found.factor == pytest.approx(own, rel=1e-6)
    assert found.rule == "cnts-start"
    assert found.record["cross_check_percent"] == pytest.approx(100 * (0.000027 / own - 1), rel=1e-4)
    assert any("7053,1000" in note for note in found.warnings)
    agreeing = scale(**{**tags, "PhilipsSUVFactor": f"{own:.9f}"})
    assert agreeing.warnings == ()


def test_philips_suv_factor_alone():
    found = scale(Units="CNTS", PhilipsSUVFactor="0.000728", PatientWeight="", RadionuclideTotalDose="")
    assert (found.factor, found.rule) == (0.000728, "cnts-suv")


def test_philips_factors_mean_nothing_beside_becquerel():
    assert scale(PhilipsActivityFactor="4.71", PhilipsSUVFactor="0.0005").factor == pytest.approx(FACTOR, rel=1e-6)


def test_counts_per_second_by_voxel_and_calibration():
    tags = {"Units": "CPS", "PixelSpacing": "4\\4", "SliceThickness": "5"}
    voxel_ml = 4 * 4 * 5 / 1000
    assert scale(**tags, DoseCalibrationFactor="2").factor == pytest.approx(FACTOR * 2 / voxel_ml, rel=1e-6)
    calibrated = scale(**tags, CorrectedImage=["ATTN", "DECY", "DCAL"], DoseCalibrationFactor="2")
    assert calibrated.factor == pytest.approx(FACTOR / voxel_ml, rel=1e-6)
    assert calibrated.rule == "cps-start"


def test_without_decay_correction_every_frame_has_its_own_factor():
    slices = [{"AcquisitionTime": "110000"}, {"AcquisitionTime": "110500"}, {"AcquisitionTime": "110000"}]
    found = scale(*slices, DecayCorrection="NONE", CorrectedImage=["ATTN"])

    def expected(seconds):
        left = 368.08e6 * math.exp(-DECAY * seconds) * (1 - math.exp(-DECAY * 300)) / (DECAY * 300)
        return 70_000 / left

    assert found.factors == pytest.approx((expected(3600), expected(3900), expected(3600)), rel=1e-9)
    assert not found.is_uniform
    with pytest.raises(ValueError, match="factors"):
        _ = found.factor
    assert found.record["factor"] == list(found.factors)
    assert json.loads(json.dumps(found.record))


def test_a_frame_alone_without_decay_correction():
    found = scale(DecayCorrection="NONE")
    assert found.is_uniform
    assert any("DECY" in note for note in found.warnings)


def test_series_after_the_acquisition_leaves_the_acquisition():
    assert scale(SeriesTime="113000", FrameReferenceTime="0").factor == pytest.approx(FACTOR, rel=1e-6)


def test_private_times_stand_in_where_the_series_time_is_late():
    late = {"SeriesTime": "120000", "AcquisitionTime": "113000"}
    for name, winner in (("GEScanDateTime", "G"), ("SiemensReferenceDateTime", "M")):
        found = scale(**late, **{name: "20250101110000.000000"})
        assert found.factor == pytest.approx(FACTOR, rel=1e-6)
        assert found.record["reference_time"]["winner"] == winner


def test_injection_by_private_times_of_ge():
    none = {"RadiopharmaceuticalStartTime": "", "RadiopharmaceuticalStartDateTime": ""}
    found = scale(**none, GEAdministrationDateTime="20250101100000.00")
    assert found.factor == pytest.approx(FACTOR, rel=1e-6)
    assert found.warnings == ()
    assert len(scale(**none, GEMeasurementDateTime="20250101100000.00").warnings) == 1


def test_one_tracer_of_a_day_and_two_midnights():
    night = {
        "SeriesDate": "20250102",
        "SeriesTime": "003000",
        "AcquisitionDate": "20250102",
        "AcquisitionTime": "003000",
    }
    full = scale(**night, RadiopharmaceuticalStartDateTime="20250101233000", RadiopharmaceuticalStartTime="233000")
    clock = scale(**night, RadiopharmaceuticalStartDateTime="", RadiopharmaceuticalStartTime="233000")
    assert full.factor == pytest.approx(FACTOR, rel=1e-6)
    assert clock.factor == pytest.approx(FACTOR, rel=1e-6)


def test_a_spreadsheet_row_gives_the_factor():
    row = {"Units": "BQML", "DecayCorrection": "ADMIN", "CorrectedImage": "DECY\\ATTN", "PatientWeight": 70,
           "RadionuclideTotalDose": 368.08e6}  # fmt: skip
    assert suv_factor(pet_header([row], where="row 2")).factor == pytest.approx(70_000 / 368.08e6)


def test_autopet_compat_takes_times_of_day():
    assert autopet_factor([BASE], where="series 1").factor == pytest.approx(FACTOR, rel=1e-6)
    night = {**BASE, "AcquisitionTime": "003000", "RadiopharmaceuticalStartTime": "233000"}
    assert autopet_factor([night], where="series 1").factor == pytest.approx(
        70_000 / (368.08e6 * 2 ** (82800 / 6586.2)), rel=1e-9
    )
    with pytest.raises(SuvRefusal, match="RadiopharmaceuticalStartTime"):
        autopet_factor([{**BASE, "RadiopharmaceuticalStartTime": ""}], where="series 1")


def test_alternatives_name_what_others_would_change():
    tags = [{**BASE, "AcquisitionTime": "113000"}]
    header = pet_header(tags, where="series 1")
    found = {one.rule: one for one in suv_alternatives(header, suv_factor(header), tags)}
    later = 100 * (math.exp(DECAY * 1800) - 1)  # half an hour later: the activity left is smaller
    assert found["earliest acquisition"].high_percent == pytest.approx(later)
    assert found["autoPET's script (autopet-compat)"].high_percent == pytest.approx(later)
    none = 100 * (math.exp(-DECAY * 3600) - 1)
    assert found["no decay since the injection (read as ADMIN)"].low_percent == pytest.approx(none)
    assert "+20.8" in found["earliest acquisition"].text


def test_alternatives_show_the_staircase_of_beds():
    # STS_001 (GE Discovery ST): one AcquisitionTime, FrameReferenceTime 0 ... 1215 s; the mean count time gives a
    # staircase of x1.013 ... x0.891 over the beds.
    ge = {
        **BASE,
        "PatientWeight": "71",
        "RadionuclideTotalDose": "388777472",
        "RadionuclideHalfLife": "6588",
        "SeriesTime": "112011",
        "AcquisitionTime": "112011",
        "RadiopharmaceuticalStartTime": "103500",
        "RadiopharmaceuticalStartDateTime": "20250101103500",
        "ActualFrameDuration": "240000",
    }
    decay = math.log(2) / 6588
    slices = [
        {
            **ge,
            "FrameReferenceTime": str(1000 * 243 * bed),
            "DecayFactor": f"{decay * 240 / (1 - math.exp(-decay * 240)) * math.exp(decay * 243 * bed):.5f}",
        }
        for bed in range(6)
    ]
    header = pet_header(slices, where="STS_001")
    found = suv_factor(header)
    assert found.factor == pytest.approx(2.429030e-4, rel=1e-6)
    assert found.record["reference_time"]["winner"] == "S"
    stairs = {one.rule: one for one in suv_alternatives(header, found, slices)}
    mean = stairs["each frame's mean count time - FrameReferenceTime"]
    assert (1 + mean.high_percent / 100, 1 + mean.low_percent / 100) == pytest.approx((1.013, 0.891), abs=5e-4)


@pytest.mark.real_data
def test_a_real_header_in_counts(real_data):
    slices = json.loads((real_data("pet_headers") / "PHILIPS_CNTS_AND_SUV-instances.json").read_text())
    tags = [{**one, "PhilipsSUVFactor": one["PhilipsPETPrivateGroup"].get("SUVScaleFactor")} for one in slices]
    assert suv_factor(pet_header(tags, where="Philips")).factor == pytest.approx(0.000728, rel=1e-6)


# Codes of CID 4020 (PET radionuclide) as pydicom 3.0's dictionary gives them; half-lives in s.
NUCLIDES = {
    "40565003": 1221.8, "21576001": 597.9, "129504001": 122.2, "77004003": 6586.2, "3932008": 45721.0,
    "35337001": 4057.7, "63360001": 282276.0, "40937006": 360806.0,
}  # fmt: skip


@pytest.mark.parametrize("code", NUCLIDES)
def test_a_missing_half_life_is_known_by_the_nuclide(code):
    soon = {"RadiopharmaceuticalStartDateTime": "20250101105900", "RadiopharmaceuticalStartTime": "105900"}
    found = scale(**soon, RadionuclideHalfLife="", RadionuclideCode=code)
    assert found.factor == pytest.approx(70_000 / (368.08e6 * 2 ** (-60 / NUCLIDES[code])), rel=1e-9)
    assert sum("half-life missing" in note for note in found.warnings) == 1


def test_xenon_is_no_gallium():
    with pytest.raises(SuvRefusal, match="RadionuclideHalfLife"):
        scale(RadionuclideHalfLife="", RadionuclideCode="80751004")


def test_an_injection_in_another_time_zone_is_moved_into_that_of_the_scan():
    there = {"RadiopharmaceuticalStartTime": "", "RadiopharmaceuticalStartDateTime": "20250101090000-0100"}
    found = scale(**there, TimezoneOffsetFromUTC="+0000")
    assert found.factor == pytest.approx(FACTOR, rel=1e-6)
    assert found.warnings == ()
    assert any("time zone" in note for note in scale(**there).warnings)
    with pytest.raises(SuvRefusal, match="0 to"):
        scale(**{**there, "RadiopharmaceuticalStartDateTime": "20250101093000-0500"}, TimezoneOffsetFromUTC="+0000")
