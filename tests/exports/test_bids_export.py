"""BIDS PET: names, required keys, activity from SUV, and what is not known."""

import json
import zlib

import numpy as np
import pytest
from memory_cohorts import cohort_of, ct, masks, pet

from oncohort import ingest, read_volume
from oncohort.errors import InputError
from oncohort.exporting import export_cohort
from oncohort.exports import BidsPetExport, Masks
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme

# 80 kg, 400 MBq of F-18, two half-lives after the injection: 1 SUV = 400e6 / 80000 / 4 = 1250 Bq/ml
RECORD = {
    "rule": "bqml-start",
    "weight_kg": {"value": 80.0, "source": "PatientWeight"},
    "dose_bq": {"value": 400e6, "source": "RadionuclideTotalDose"},
    "half_life_s": {"value": 6586.2, "source": "RadionuclideHalfLife"},
    "seconds_since_injection": {"value": 13172.4, "source": "RadiopharmaceuticalStartDateTime"},
    "reference_time": {"instant": "2026-01-05T09:37:00", "winner": "S"},
    "tags": {"RadionuclideCode": "C-111A1", "CorrectedImage": "DECY\\ATTN", "Radiopharmaceutical": "FDG -- fluoro"},
}
ADMIN = {**{key: RECORD[key] for key in ("weight_kg", "dose_bq", "tags")}, "rule": "cnts-admin"}

# BIDS 1.11.1, Positron Emission Tomography: what a PET's JSON file must hold
REQUIRED = [
    "Manufacturer",
    "ManufacturersModelName",
    "Units",
    "TracerName",
    "TracerRadionuclide",
    "InjectedRadioactivity",
    "InjectedRadioactivityUnits",
    "InjectedMass",
    "InjectedMassUnits",
    "SpecificRadioactivity",
    "SpecificRadioactivityUnits",
    "ModeOfAdministration",
    "TimeZero",
    "ScanStart",
    "InjectionStart",
    "FrameTimesStart",
    "FrameDuration",
    "AcquisitionMode",
    "ImageDecayCorrected",
    "ImageDecayCorrectionTime",
    "ReconMethodName",
    "ReconMethodParameterLabels",
    "ReconMethodParameterUnits",
    "ReconMethodParameterValues",
    "ReconFilterType",
    "ReconFilterSize",
    "AttenuationCorrection",
]

ORGANS = LabelScheme("organs", {"liver": 3, "spleen": 9})


def exported(volumes, out, cases=None, scheme=None, **choices):
    cohort = cohort_of(volumes, cases=cases, **({"scheme": scheme} if scheme else {}))
    return export_cohort(cohort, BidsPetExport(**choices), out=out)


def test_files_stand_where_bids_wants_them(tmp_path):
    drawn = masks(lesion=(0, 2, 0, 2, 0, 2))
    volumes = {case: {"pet": pet(record=RECORD), "ct": ct(), "lesions": drawn} for case in ("P-1/b", "P-1/a", "P1")}
    cases = {
        "P-1/b": {"patient": "P-1", "study_date": "2026-02-01", "tracer": "FDG", "sex": "F", "age_years": 58.0},
        "P-1/a": {"patient": "P-1", "study_date": "2026-01-01", "tracer": "FDG", "sex": "F", "age_years": 58.0},
        "P1": {"patient": "P1"},
    }
    folder = exported(volumes, tmp_path / "out", cases).folder
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names = [path for path in found if not path.startswith(".oncohort")]
    first = "sub-P1/ses-1"
    assert f"{first}/pet/sub-P1_ses-1_trc-FDG_pet.nii.gz" in names
    assert f"{first}/pet/sub-P1_ses-1_trc-FDG_pet.json" in names
    assert f"{first}/ct/sub-P1_ses-1_ct.nii.gz" in names
    assert f"derivatives/oncohort/{first}/pet/sub-P1_ses-1_trc-FDG_desc-suv_pet.nii.gz" in names
    assert f"derivatives/oncohort/{first}/anat/sub-P1_ses-1_desc-lesions_dseg.tsv" in names
    assert {name for name in names if "/" not in name} == {
        ".bidsignore",
        "README",
        "dataset_description.json",
        "oncohort.json",
        "participants.tsv",
    }
    assert "\nsub-*/ses-*/ct\n" in (folder / ".bidsignore").read_text()
    record = json.loads((folder / "oncohort.json").read_text())
    assert {case: one["entities"] for case, one in record["cases"].items()} == {
        "P-1/b": "sub-P1/ses-2",
        "P-1/a": "sub-P1/ses-1",
        "P1": "sub-P1x2/ses-1",
    }
    assert (folder / "participants.tsv").read_text().splitlines() == [
        "participant_id\tsex\tage\tweight",
        "sub-P1\tF\t58.0\tn/a",
        "sub-P1x2\tn/a\tn/a\tn/a",
    ]
    described = json.loads((folder / "dataset_description.json").read_text())
    assert (described["BIDSVersion"], described["DatasetType"]) == ("1.11.1", "raw")
    below = json.loads((folder / "derivatives/oncohort/dataset_description.json").read_text())
    assert (below["DatasetType"], below["GeneratedBy"][0]["Name"]) == ("derivative", "oncohort")


def test_activity_comes_back_from_suv_and_required_keys_are_all_there(tmp_path):
    volumes = {"a": {"pet": pet(record=RECORD)}, "b": {"pet": pet(record=ADMIN)}}
    done = exported(volumes, tmp_path / "out", masks=None)
    stem = done.folder / "sub-a/ses-1/pet/sub-a_ses-1_pet"
    bq = read_volume(f"{stem}.nii.gz").array
    np.testing.assert_allclose(bq, volumes["a"]["pet"].array * 1250.0, rtol=1e-6)
    other = read_volume(done.folder / "sub-b/ses-1/pet/sub-b_ses-1_pet.nii.gz").array
    np.testing.assert_allclose(other, volumes["b"]["pet"].array * 5000.0, rtol=1e-6)
    values = json.loads(stem.with_name(f"{stem.name}.json").read_text())
    assert list(values) == REQUIRED
    unknown = [key for key, value in values.items() if value in ("n/a", ["n/a"])]
    assert {key: value for key, value in values.items() if key not in unknown} == {
        "Units": "Bq/mL",
        "TracerName": "FDG -- fluoro",
        "TracerRadionuclide": "F18",
        "InjectedRadioactivity": 400.0,
        "InjectedRadioactivityUnits": "MBq",
        "TimeZero": "09:37:00",
        "ScanStart": 0,
        "InjectionStart": -13172.4,
        "FrameTimesStart": [0],
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
        "AttenuationCorrection": "corrected; method not recorded",
    }
    record = json.loads((done.folder / "oncohort.json").read_text())["cases"]["a"]
    assert record["unknown"] == unknown
    assert values["FrameDuration"] == ["n/a"]  # a list, as BIDS wants it
    assert {"InjectedMass", "SpecificRadioactivity", "FrameDuration"} <= set(record["unknown"])


@pytest.mark.parametrize(
    "record",
    [
        {},
        {**RECORD, "rule": "gml-bw"},
        {**RECORD, "rule": "bqml-none"},
        {key: value for key, value in RECORD.items() if key != "weight_kg"},
        {**RECORD, "dose_bq": {"value": 0.0}},
        {**RECORD, "half_life_s": {"value": "long"}},
    ],
)
def test_a_pet_without_known_activity_is_refused_or_suv_alone(record, tmp_path):
    volumes = {"a": {"pet": pet(record=record)}}
    with pytest.raises(InputError, match="Bq/ml"):
        exported(volumes, tmp_path / "refused", masks=None)
    folder = exported(volumes, tmp_path / "suv", masks=None, activity="if-known").folder
    assert [path.name for path in folder.rglob("*.nii.gz")] == ["sub-a_ses-1_desc-suv_pet.nii.gz"]
    assert json.loads((folder / "oncohort.json").read_text())["cases"]["a"]["no_activity"]


def test_files_are_one_gzip_member_which_the_validator_reads(tmp_path):
    large = Geometry((128, 128, 80), np.diag([2.0, 2.0, 3.0, 1.0]))
    folder = exported({"a": {"pet": pet(large, record=RECORD)}}, tmp_path / "out", masks=None).folder
    reader = zlib.decompressobj(31)
    data = (folder / "sub-a/ses-1/pet/sub-a_ses-1_pet.nii.gz").read_bytes()
    assert len(reader.decompress(data)) == 352 + 4 * 128 * 128 * 80
    assert reader.eof
    assert reader.unused_data == b""


def test_masks_keep_their_integers_and_have_a_table(tmp_path):
    drawn = masks(ORGANS, liver=(0, 2, 0, 2, 0, 2), spleen=(3, 5, 1, 2, 1, 4))
    volumes = {"a": {"pet": pet(record=RECORD), "organs": drawn}}
    folder = exported(volumes, tmp_path / "out", scheme=ORGANS, masks=Masks("organs")).folder
    stem = folder / "derivatives/oncohort/sub-a/ses-1/anat/sub-a_ses-1_desc-organs_dseg"
    assert np.array_equal(read_volume(f"{stem}.nii.gz").array, drawn.layers[0].array)
    assert stem.with_suffix(".tsv").read_text() == "index\tname\n3\tliver\n9\tspleen\n"


@pytest.mark.real_data
def test_activity_of_a_real_pet_is_what_its_slices_hold(real_data, tmp_path):
    """Bq/ml made from the SUV of the cohort equal stored number * slope of every slice."""
    import pydicom

    scans = real_data("sts001_wholebody_pet")
    cohort = ingest("dicom", scans, out=tmp_path / "cohort")
    folder = export_cohort(cohort, BidsPetExport(ct_role=None, masks=None), out=tmp_path / "out").folder
    (path,) = folder.glob("sub-*/ses-*/pet/*_pet.nii.gz")
    found = read_volume(path)
    slices = [pydicom.dcmread(one) for one in (scans / "FDG_PET" / "image").glob("*.dcm")]
    assert {one.Units for one in slices} == {"BQML"}
    positions = found.geometry.to_mm(np.array([[0, 0, k] for k in range(found.geometry.shape[2])]))[:, 2]
    assert len(slices) == len(positions)
    for one in slices:
        k = int(np.argmin(np.abs(positions - float(one.ImagePositionPatient[2]))))
        np.testing.assert_allclose(found.array[:, :, k].T, one.pixel_array * float(one.RescaleSlope), rtol=2e-6)
    values = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert (values["Units"], values["TracerRadionuclide"]) == ("Bq/mL", "F18")
    assert values["InjectedRadioactivity"] == pytest.approx(
        float(slices[0].RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose) / 1e6
    )


@pytest.mark.real_data
def test_a_real_pet_that_holds_suv_is_refused(real_data, tmp_path):
    cohort = ingest("dicom", real_data("sts_petct") / "dicom" / "STS_001", out=tmp_path / "cohort")
    with pytest.raises(InputError, match="gml-bw"):
        export_cohort(cohort, BidsPetExport(), out=tmp_path / "out")
