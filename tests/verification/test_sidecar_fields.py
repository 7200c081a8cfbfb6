"""The JSON beside an image, field by field, and files that are none."""

import json

import pytest
from converted_series import nifti, pet
from hypothesis import given
from hypothesis import strategies as st

from dicom_files import DRO_FACTOR
from oncohort.verification import verify_conversion
from oncohort.verification.sidecar import check_fields, clock_seconds, label_of, read_sidecar

RIGHT = {
    "Modality": "PT",
    "Manufacturer": "Nobody",
    "Units": "Bq/mL",
    "TracerName": "FDG",
    "InjectedRadioactivity": 368.08,
    "InjectedRadioactivityUnits": "MBq",
    "RadionuclideHalfLife": 6586.2,
    "DecayCorrection": "START",
    "DecayCorrectionFactor": [1],
    "FrameDuration": [300],
    "TimeZero": "11:00:00",
    "InjectionStart": -3600,
    "ScanStart": 0,
    "SeriesTime": "11:00:00",
    "PatientWeight": 70,
    "ImageDecayCorrected": True,
    "SeriesInstanceUID": "1.2.4",
    "Oncohort": {"scale": {"factor": 1.0}},
}
"""By hand from tests/dicom_files: 368.08 MBq at 10:00:00, series at 11:00:00, 70 kg; as BIDS-PET writes it."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    root = tmp_path_factory.mktemp("pet")
    return root / "dicom", nifti(root / "pet.nii.gz", pet(root / "dicom", tags={"Radiopharmaceutical": ""}))


def run(converted, tmp_path, **changes):
    fields = {name: value for name, value in (RIGHT | {"TracerName": "Fluorodeoxyglucose"} | changes).items()}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
    return verify_conversion(*converted, sidecar=path)


def test_a_right_sidecar_is_proven_field_by_field(converted, tmp_path):
    verdict = run(converted, tmp_path)
    assert verdict.status == "equal", verdict.findings
    assert {one.name for one in verdict.fields} == set(RIGHT) - {"Oncohort", "InjectedRadioactivityUnits"}
    assert verdict.remarks == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("InjectedRadioactivity", 368.1),
        ("RadionuclideHalfLife", 6588),
        ("PatientWeight", 71),
        ("InjectionStart", -3598),
        ("InjectionStart", "soon"),
        ("TimeZero", "12:00:00"),
        ("SeriesTime", "11:00:02"),
        ("FrameDuration", [300, 301]),
        ("FrameDuration", []),
        ("DecayCorrectionFactor", {"a": 1}),
        ("Units", "HU"),
        ("TracerName", "PSMA"),
        ("ImageDecayCorrected", False),
        ("DecayCorrection", "ADMIN"),
        ("Modality", ["PT", "CT"]),
        ("Oncohort", {"scale": {"factor": 1.001}}),
        ("Oncohort", {"scale": {"factor": "x"}}),
        ("InjectedRadioactivity", 10**400),
    ],
)
def test_a_wrong_field_is_named(converted, tmp_path, name, value):
    verdict = run(converted, tmp_path, **{name: value})
    assert verdict.status == "differs"
    assert any(one.text.startswith(name) for one in verdict.findings)
    assert {one.cause for one in verdict.findings} == {"field_differs"}
    assert verdict.differing == 0


def test_units_of_the_dose_are_heeded(converted, tmp_path):
    assert run(converted, tmp_path, InjectedRadioactivity=368080000, InjectedRadioactivityUnits="Bq").status == "equal"


def test_what_suv_needs_and_is_absent_is_a_note(converted, tmp_path):
    verdict = run(converted, tmp_path, InjectionStart=None, PatientWeight=None)
    assert verdict.status == "equal"
    assert "lacks InjectionStart, PatientWeight" in verdict.remarks[0]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": "\\d"}', "escape"),
        (b'{"a": "' + b"\xff" + b'"}', "utf-8"),
        (b"[" * 200_000, "deep"),
        (b"[1, 2]", "no object"),
        (b"", "Expecting value"),
        (b'{"a": 1} x', "Extra data"),
    ],
)
def test_what_is_no_strict_json_is_a_finding(converted, tmp_path, data, word):
    path = tmp_path / "a.json"
    path.write_bytes(data)
    verdict = verify_conversion(*converted, sidecar=path)
    assert [one.cause for one in verdict.findings] == ["sidecar_unreadable"]
    assert word in verdict.findings[0].text
    assert verdict.differing == 0


def test_a_missing_or_huge_sidecar_is_a_finding(converted, tmp_path, monkeypatch):
    assert read_sidecar(tmp_path / "none.json").findings[0].cause == "sidecar_unreadable"
    monkeypatch.setattr("oncohort.verification.sidecar.MOST_BYTES", 3)
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert "8 bytes" in read_sidecar(tmp_path / "a.json").findings[0].text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(fields=st.dictionaries(st.sampled_from([*RIGHT, "BodyWeight", "ScanStart", "CorrectedImage"]), VALUES))
def test_any_json_value_in_any_field_is_survived(headers_of_pet, fields):
    for check in check_fields(fields, headers_of_pet):
        assert check.status in ("equal", "differs", "absent")


@pytest.fixture(scope="module")
def headers_of_pet(tmp_path_factory):
    from oncohort.formats.dicom.index import index_files

    folder = tmp_path_factory.mktemp("headers")
    pet(folder)
    return index_files(sorted(folder.iterdir())).series["1.2.4"]


def test_labels_and_times(tmp_path):
    assert label_of({"Units": "g/mL"}, tmp_path / "a.nii")[0] == "suv"
    assert label_of({"Units": "Bq/mL"}, tmp_path / "SUV.nii")[0] == "native"
    assert label_of({}, tmp_path / "P1_SUVbw.nii.gz")[0] == "suv"
    assert label_of({}, tmp_path / "suvorov.nii.gz")[0] == ""
    assert clock_seconds("2025-01-01T11:00:00.25") == clock_seconds("20250101110000.25") == 39600.25
    assert clock_seconds("1100") == 39600


def test_the_recipe_of_published_volumes_is_right_where_the_sidecar_says_so(tmp_path):
    """Acquired 8 min after the series time: the script decays to the acquisition."""
    values = pet(tmp_path / "dicom", tags={"AcquisitionTime": "110800"})
    factor = 70000 / (368080000 * 2 ** (-4080 / 6586.2))
    image = nifti(tmp_path / "pet.nii", values * factor)
    (tmp_path / "pet.json").write_text(json.dumps({"Units": "SUVbw"}))
    assert [one.cause for one in verify_conversion(tmp_path / "dicom", image).findings] == ["other_rule"]
    record = {"recipe": "autopet-compat", "factor": factor}
    (tmp_path / "pet.json").write_text(json.dumps({"Units": "SUVbw", "Oncohort": {"scale": record}}))
    verdict = verify_conversion(tmp_path / "dicom", image)
    assert (verdict.status, verdict.findings) == ("equal", ())


def test_uptake_in_another_normalisation_is_what_its_header_says(tmp_path):
    tags = {"Units": "GML", "SUVType": "LBM", "PatientSize": "1.75"}
    values = pet(tmp_path / "dicom", tags=tags)
    image = nifti(tmp_path / "pet.nii", values)
    (tmp_path / "pet.json").write_text(json.dumps({"Units": "g/mL"}))
    assert verify_conversion(tmp_path / "dicom", image).status == "equal"


def test_suv_called_activity_is_named(converted, tmp_path):
    values = pet(tmp_path / "dicom")
    image = nifti(tmp_path / "pet.nii.gz", values * DRO_FACTOR)
    (tmp_path / "pet.json").write_text(json.dumps({"Units": "Bq/mL"}))
    verdict = verify_conversion(tmp_path / "dicom", image)
    assert [one.cause for one in verdict.findings] == ["mislabelled_unit"]
