"""The verb convert: files, sidecars, slice tables, refusals, and what a second call does."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest

from dicom_files import DRO_FACTOR, write_pet, write_series, write_structures
from oncohort.cli.app import run_command
from oncohort.conversion import ConversionSettings, convert
from oncohort.errors import InputError, OutputError, SettingsError
from oncohort.formats import read_nifti
from oncohort.formats.dicom.series import read_series
from oncohort.ingestion import ingest


@pytest.fixture
def scans(tmp_path):
    def slope(data, k):
        data.RescaleSlope = 0.5 + k

    folder = tmp_path / "in"
    write_series(folder / "a", uid="1.2.3", tags={"SeriesNumber": 2, "StudyDate": "20250101"})
    write_pet(folder / "b", tags={"SeriesNumber": 3, "StudyDate": "20250101"}, change=slope)
    return folder


def fields_of(path: Path) -> dict:
    def never(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(path.read_text(), parse_constant=never)


def test_every_series_becomes_a_file_with_its_voxels(scans, tmp_path):
    done = convert(scans, out=tmp_path / "out")
    assert [row["path"] for row in done.series] == ["P1_20250101_ct_2.nii.gz", "P1_20250101_pet_3.nii.gz"]
    assert done.is_complete
    ct, pet = (nib.load(tmp_path / "out" / row["path"]) for row in done.series)
    i, j, k = np.indices((5, 4, 3))
    stored = i + 10 * j + 100 * k
    assert ct.get_data_dtype() == np.int16
    assert np.array_equal(np.asarray(ct.dataobj), stored - 1000)
    assert pet.get_data_dtype() == np.float32
    assert np.allclose(np.asarray(pet.dataobj), stored * (0.5 + k) * DRO_FACTOR, rtol=1e-6)
    # LPS positions -10, -20, 30 and pixels of 2 x 3 mm, 4 mm apart, as the writer has them
    expected = [[-2, 0, 0, 10], [0, -3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]
    for image in (ct, pet):
        assert np.allclose(image.affine, expected)
        assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (1, 1)


def test_the_sidecar_of_a_pet_says_all_that_suv_needs(scans, tmp_path):
    convert(scans, out=tmp_path / "out")
    fields = fields_of(tmp_path / "out" / "P1_20250101_pet_3.json")
    told = {
        "Modality": "PT",
        "Units": "SUVbw",
        "TracerName": "Fluorodeoxyglucose",
        "InjectedRadioactivity": 368.08,
        "InjectedRadioactivityUnits": "MBq",
        "RadionuclideHalfLife": 6586.2,
        "PatientWeight": 70.0,
        "DecayCorrection": "START",
        "ImageDecayCorrected": True,
        "TimeZero": "11:00:00",
        "ScanStart": 0.0,
        "InjectionStart": -3600.0,
        "ImageDecayCorrectionTime": 0.0,
        "FrameDuration": [300.0],
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    }
    assert {name: fields[name] for name in told} == told
    own = fields["Oncohort"]
    assert own["scale"]["factor"] == pytest.approx(DRO_FACTOR, rel=1e-6)
    assert own["scale"]["slope"] == [0.5, 1.5, 2.5]
    assert {one["rule"] for one in own["scale"]["alternatives"]} >= {"no decay since the injection (read as ADMIN)"}
    assert own["header"]["RadiopharmaceuticalStartTime"] == "100000"
    assert "RescaleSlope" not in own["header"]
    assert own["geometry"]["shape"] == [5, 4, 3]
    assert own["files"]["slices"] == "P1_20250101_pet_3_slices.csv"


def test_the_slice_table_gives_the_numbers_back(scans, tmp_path):
    for table in ("csv", "parquet"):
        convert(scans, out=tmp_path / table, settings=ConversionSettings(table=table))
    with (tmp_path / "csv" / "P1_20250101_pet_3_slices.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sop_instance_uid"] for row in rows] == ["1.2.4.0", "1.2.4.1", "1.2.4.2"]
    assert [row["file"] for row in rows] == [f"b/PT-1.2.4-{k}.dcm" for k in range(3)]
    assert [float(row["z_mm"]) for row in rows] == [30.0, 34.0, 38.0]
    assert [float(row["slope"]) for row in rows] == [0.5, 1.5, 2.5]
    assert rows[0]["acquired"] == "20250101 110000"
    assert (rows[0]["frame_duration_ms"], rows[0]["decay_factor"]) == ("300000", "1.0")
    voxels = read_nifti(tmp_path / "csv" / "P1_20250101_pet_3.nii.gz").array
    for k, row in enumerate(rows):
        value = (234 - 100 * (2 - k)) * float(row["slope"]) + float(row["intercept"])
        assert voxels[4, 3, k] == pytest.approx(value * float(row["factor"]), rel=1e-6)
    same = pl.read_parquet(tmp_path / "parquet" / "P1_20250101_pet_3_slices.parquet")
    assert same["slope"].to_list() == [0.5, 1.5, 2.5]
    assert same["sop_instance_uid"].to_list() == [row["sop_instance_uid"] for row in rows]


def test_activity_on_request_with_the_way_to_suv(scans, tmp_path):
    convert(scans, out=tmp_path / "suv")
    done = convert(scans, out=tmp_path / "out", settings=ConversionSettings(unit="bqml"))
    assert [row["unit"] for row in done.series] == ["HU", "Bq/ml"]
    activity = read_nifti(tmp_path / "out" / "P1_20250101_pet_3.nii.gz").array
    assert activity[4, 3].tolist() == [34 * 0.5, 134 * 1.5, 234 * 2.5]
    fields = fields_of(tmp_path / "out" / "P1_20250101_pet_3.json")
    assert fields["Units"] == "Bq/mL"
    suv = activity * fields["Oncohort"]["scale"]["suv"]["factor"]
    assert np.allclose(suv, read_nifti(tmp_path / "suv" / "P1_20250101_pet_3.nii.gz").array, rtol=1e-6)


def test_activity_is_refused_where_the_numbers_are_uptake(tmp_path):
    write_series(tmp_path / "in" / "ct")
    write_pet(tmp_path / "in" / "pet", tags={"Units": "GML", "DecayCorrection": "ADMIN"})
    done = convert(tmp_path / "in", out=tmp_path / "out", settings=ConversionSettings(unit="bqml"))
    assert [row["modality"] for row in done.series] == ["CT"]
    assert {row["reason"] for row in done.refused} == {"no activity"}
    assert "found Units GML, which are uptake values" in done.refused[0]["detail"]


def test_an_activity_without_suv_says_why(tmp_path):
    write_pet(tmp_path / "in", tags={"PatientWeight": "0"})
    convert(tmp_path / "in", out=tmp_path / "out", settings=ConversionSettings(unit="bqml"))
    (sidecar,) = (tmp_path / "out").glob("P1*.json")
    assert fields_of(sidecar)["Oncohort"]["scale"]["suv"]["refused"] == "weight_missing"


def test_refused_series_are_listed_with_their_reason_and_cost_an_exit_code(scans, tmp_path, capsys):
    def tilted(data, k):
        data.ImagePositionPatient = [-10, -20 + k, 30 + 4 * k]

    write_series(scans / "c", uid="1.2.6", change=tilted)
    write_structures(scans / "rs.dcm", {})
    (scans / "notes.txt").write_text("no image" * 40)
    assert run_command(["convert", str(scans), "--out", str(tmp_path / "out"), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    reasons = {row["path"]: row["reason"] for row in document["refused"]}
    assert reasons == {
        **{f"c/CT-1.2.6-{k}.dcm": "gantry tilt" for k in range(3)},
        "rs.dcm": "not an image",
        "notes.txt": "not DICOM",
    }
    assert fields_of(tmp_path / "out" / "conversion.json")["refused"] == document["refused"]
    assert len(document["series"]) == 2


def test_nothing_to_convert_leaves_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("no image" * 40)
    assert run_command(["convert", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError) as caught:
        convert(tmp_path / "none", out=tmp_path / "out")
    assert caught.value.found == "nothing there"


def test_the_output_may_not_lie_in_the_input(scans):
    with pytest.raises(InputError) as caught:
        convert(scans, out=scans / "out")
    assert "outside the input" in caught.value.expected


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("P1*")}


def test_a_second_call_writes_nothing_twice_and_keeps_what_is_not_its_own(scans, tmp_path):
    out = tmp_path / "out"
    convert(scans, out=out)
    before = stamps(out)
    (out / "mask.nii.gz").write_text("mine")
    convert(scans, out=out)
    assert stamps(out) == before
    (out / "P1_20250101_ct_2.json").unlink()
    convert(scans, out=out)
    changed = {name for name, stamp in stamps(out).items() if before[name] != stamp}
    assert changed == {"P1_20250101_ct_2.json", "P1_20250101_ct_2.nii.gz", "P1_20250101_ct_2_slices.csv"}
    for path in (scans / "b").iterdir():
        path.unlink()
    convert(scans, out=out)
    assert {path.name for path in out.glob("*.nii.gz")} == {"P1_20250101_ct_2.nii.gz", "mask.nii.gz"}


def test_other_settings_are_other_work(scans, tmp_path):
    convert(scans, out=tmp_path / "out")
    with pytest.raises(OutputError):
        convert(scans, out=tmp_path / "out", settings=ConversionSettings(unit="bqml"))


def test_two_processes_give_the_same_bytes(scans, tmp_path):
    one = convert(scans, out=tmp_path / "one")
    two = convert(scans, out=tmp_path / "two", jobs=2)
    assert [row["sha256"] for row in one.series] == [row["sha256"] for row in two.series]


def test_series_with_one_name_are_numbered(tmp_path):
    for number in range(3):
        write_series(tmp_path / "in" / str(number), uid=f"1.2.{number + 3}")
    done = convert(tmp_path / "in", out=tmp_path / "out")
    assert [row["path"] for row in done.series] == [f"P1_20250101_ct_1{tail}.nii.gz" for tail in ("", "_2", "_3")]


@pytest.mark.parametrize("patient", ["../../up", "a/b:c*", "x" * 64 + "é" * 200, ".", "CON"])
def test_hostile_patient_ids_stay_in_the_folder(tmp_path, patient):
    write_series(tmp_path / "in", tags={"PatientID": patient, "SpecificCharacterSet": "ISO_IR 192"})
    done = convert(tmp_path / "in", out=tmp_path / "out")
    (row,) = done.series
    assert Path(row["path"]).name == row["path"]
    assert (tmp_path / "out" / row["path"]).is_file()
    assert fields_of(tmp_path / "out" / row["sidecar"])["Oncohort"]["patient"] == patient


def test_folders_stand_in_for_identifiers(tmp_path):
    def nameless(data, k):
        data.PatientID = data.SeriesInstanceUID = ""
        data.SOPInstanceUID = "1.2.3.9"

    for name in ("a", "b"):
        write_series(tmp_path / "in" / name, change=nameless)
    with pytest.raises(InputError) as caught:
        convert(tmp_path / "in", out=tmp_path / "out")
    assert "PatientID, SeriesInstanceUID missing or empty" in caught.value.found
    done = convert(tmp_path / "in", out=tmp_path / "out", settings=ConversionSettings(identity="folder"))
    assert [row["folder"] for row in done.series] == ["a"]
    assert {row["reason"] for row in done.refused} == {"duplicate"}


def test_a_slice_that_is_cut_between_plan_and_reading(scans, tmp_path, monkeypatch):
    from oncohort.conversion import converting

    plan = converting.plan_conversion

    def cut(*arguments):
        found = plan(*arguments)
        path = scans / "a" / "CT-1.2.3-1.dcm"
        os.truncate(path, path.stat().st_size - 4)
        return found

    monkeypatch.setattr(converting, "plan_conversion", cut)
    done = convert(scans, out=tmp_path / "out")
    assert [row["modality"] for row in done.series] == ["PT"]
    assert {row["reason"] for row in done.refused} == {"changed or unreadable"}
    assert len(done.refused) == 3


def test_the_recipe_of_autopet_by_name(tmp_path):
    def later(data, k):
        data.AcquisitionTime = f"11{10 * k:02d}00"

    write_pet(tmp_path / "in", change=later)
    convert(tmp_path / "in", out=tmp_path / "out", settings=ConversionSettings(suv_recipe="autopet-compat"))
    (sidecar,) = (tmp_path / "out").glob("P1*.json")
    assert fields_of(sidecar)["Oncohort"]["scale"]["recipe"] == "autopet-compat"
    cohort = ingest("dicom", tmp_path / "in", out=tmp_path / "cohort", suv_recipe="autopet-compat")
    (scale,) = cohort.tables.volumes["scale"]
    assert json.loads(scale)["recipe"] == "autopet-compat"
    with pytest.raises(OutputError):
        ingest("dicom", tmp_path / "in", out=tmp_path / "cohort")


def test_a_source_without_headers_has_no_recipe(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(SettingsError) as caught:
        ingest("nnunet", tmp_path / "in", out=tmp_path / "out", suv_recipe="autopet-compat")
    assert "dicom" in caught.value.expected


@pytest.mark.real_data
def test_the_whole_body_pet(real_data, tmp_path):
    """SUVbw factor 2.429030e-4, maximum 66.5215, 267 slopes: what the notes on the data say."""
    done = convert(real_data("sts001_wholebody_pet"), out=tmp_path / "out")
    (row,) = done.series
    fields = fields_of(tmp_path / "out" / row["sidecar"])
    assert fields["Oncohort"]["scale"]["factor"] == pytest.approx(2.429030e-4, rel=1e-6)
    assert len(set(fields["Oncohort"]["scale"]["slope"])) > 200
    assert fields["InjectedRadioactivity"] == pytest.approx(388.8, abs=0.05)
    voxels = read_nifti(tmp_path / "out" / row["path"]).array
    assert float(voxels.max()) == pytest.approx(66.5215, abs=1e-3)
    assert row["shape"] == [128, 128, 267]


@pytest.mark.real_data
def test_two_reconstructions_of_one_scan_against_simpleitk(real_data, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    root = real_data("lung_pet_ct_dx")
    done = convert(root, out=tmp_path / "out")
    assert [row["shape"][2] for row in done.series] == [30, 30]
    for row in done.series:
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(root / row["folder"]), row["series_uid"])
        theirs = sitk.ReadImage(names)
        ours = nib.load(tmp_path / "out" / row["path"])
        assert np.array_equal(np.asarray(ours.dataobj), sitk.GetArrayViewFromImage(theirs).transpose(2, 1, 0))
        assert np.allclose(ours.affine[:3, 3] * [-1, -1, 1], theirs.GetOrigin(), atol=1e-6)
        assert np.allclose(ours.header.get_zooms(), theirs.GetSpacing(), atol=1e-4)


@pytest.mark.real_data
def test_sarcoma_series_against_simpleitk(real_data):
    sitk = pytest.importorskip("SimpleITK")
    root = real_data("sts_petct") / "dicom" / "STS_004"
    for modality in ("CT", "PET"):
        folder = root / modality / "image"
        theirs = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
        ours = read_series(folder)
        expected = sitk.GetArrayViewFromImage(theirs).transpose(2, 1, 0)
        if modality == "CT":
            assert np.array_equal(ours.array, expected)
        else:  # SimpleITK applies the slope of each slice too; the numbers are SUV already (Units GML)
            assert np.allclose(ours.array, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.real_data
def test_jpeg_2000_slices_against_simpleitk(real_data):
    sitk = pytest.importorskip("SimpleITK")
    folder = real_data("ct_organs") / "example_ct_dicom"
    ours = read_series(folder, identity="folder")
    planes = {}
    for path in folder.iterdir():
        plane = sitk.ReadImage(str(path))
        planes[plane.GetOrigin()[2]] = sitk.GetArrayFromImage(plane)[0]
    assert len(planes) == 20
    for k, height in enumerate(sorted(planes)):
        assert np.array_equal(ours.array[:, :, k].T, planes[height])
