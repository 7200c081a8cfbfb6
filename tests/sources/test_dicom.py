from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from dicom_files import DRO_FACTOR, square, write_pet, write_series, write_structures
from oncohort.cohort import Tables
from oncohort.errors import InputError, OutputError
from oncohort.formats.cohort_folder import read_row
from oncohort.refusals import NO_IMAGE_REASONS
from oncohort.sources.dicom.source import DicomSource
from oncohort.volume import reorient

SOURCE = DicomSource()


def write_patient(folder: Path, patient="P1", study="1.2.7", prefix="1.2", date="20250101", **tags):
    """CT and PET on one frame of reference, with a structure set on each."""
    common = {"PatientID": patient, "StudyInstanceUID": study, "StudyDate": date, **tags}
    ct, pet = f"{prefix}.3", f"{prefix}.4"
    write_series(folder / "ct", shape=(10, 8, 3), uid=ct, tags=common)
    write_pet(folder / "pet", shape=(10, 8, 3), uid=pet, tags=common)
    contour = square(-7.5, -0.5, 34)
    for name, series in (("ct", ct), ("pet", pet)):
        regions = {f"Mass_{name}": [[(x, y - 8, z) for x, y, z in contour]]}
        write_structures(folder / f"rs_{name}.dcm", regions, series=series, uid=f"{series}.9", **common)


def rows_by_path(plan):
    return {row["path"]: row["reason"] for row in plan.refused}


def all_files(root: Path):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def accounted(root: Path, plan, results=()):
    used = {Path(stamp.path).relative_to(root).as_posix() for case in plan.cases for stamp in case.files}
    refused = {row["path"] for row in plan.refused}
    assert not used & refused
    assert used | refused == all_files(root)
    return used


def roles(plan):
    return {case.case: [*case.work["volumes"], *(mask["role"] for mask in case.work["masks"])] for case in plan.cases}


def test_a_patient_with_pet_ct_and_masks(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    write_patient(source / "a")
    (source / "README.md").write_text("read me")
    plan = SOURCE.plan(source)
    assert roles(plan) == {"P1": ["pet", "ct", "lesions", "lesions_ct"]}
    assert plan.scheme.labels == {"Mass_ct": 1, "Mass_pet": 2}
    assert rows_by_path(plan) == {"README.md": "not DICOM"}
    assert len(accounted(source, plan)) == 8
    (case,) = plan.cases
    assert case.row == {
        "case": "P1",
        "patient": "P1",
        "study": "1.2.7",
        "study_date": "2025-01-01",
        "timepoint": 1,
        "tracer": "FDG",
        "sex": "F",
        "age_years": 63.0,
        "weight_kg": 70.0,
        "manufacturer": "Nobody",
        "study_description": None,
        "radiopharmaceutical": "Fluorodeoxyglucose",
    }
    result = SOURCE.convert(case, out)
    assert result["case"] == case.row
    assert (result["refused"], result["findings"]) == ([], [])
    volumes = {row["role"]: row for row in result["volumes"]}
    assert list(volumes) == ["pet", "ct", "lesions", "lesions_ct"]
    assert [row["unit"] for row in volumes.values()] == ["SUVbw", "HU", "label", "label"]
    assert volumes["lesions"]["volume"] == "pet"
    assert volumes["lesions_ct"]["volume"] == "ct"
    assert volumes["pet"]["path"] == "volumes/P1/pet.nii.gz"
    assert json.loads(volumes["pet"]["scale"])["factor"] == pytest.approx(DRO_FACTOR, rel=1e-6)
    assert json.loads(volumes["ct"]["scale"])["rule"] == "hu"
    for row in volumes.values():
        assert (out / row["path"]).stat().st_size == row["bytes"]
        assert row["orientation"] == "LPS"
    pet = read_row(out, plan.scheme, volumes["pet"])
    assert pet.array[4, 3, 2] == pytest.approx(234 * 0.5 * DRO_FACTOR, rel=1e-6)
    lesions = read_row(out, plan.scheme, volumes["lesions"])
    inside = np.argwhere(lesions.mask("Mass_pet"))
    assert inside.min(axis=0).tolist() == [2, 2, 1]
    assert inside.max(axis=0).tolist() == [4, 3, 1]
    Tables.from_rows({"volumes": result["volumes"], "cases": [result["case"]]})


def test_a_plan_is_json_and_goes_to_other_processes(tmp_path):
    write_patient(tmp_path / "in")
    (case,) = SOURCE.plan(tmp_path / "in").cases
    assert json.loads(json.dumps(case.key_parts()))
    assert pickle.loads(pickle.dumps(case)) == case
    here = SOURCE.convert(case, tmp_path / "here")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(SOURCE.convert, case, tmp_path / "there").result()
    assert here == there
    assert json.loads(json.dumps(here)) == here


def test_plans_are_the_same_every_time_and_change_with_the_files(tmp_path):
    write_patient(tmp_path)
    first = SOURCE.plan(tmp_path)
    assert SOURCE.plan(tmp_path) == first
    path = tmp_path / "rs_pet.dcm"
    path.write_bytes(path.read_bytes() + b"\0\0")
    assert SOURCE.plan(tmp_path).cases[0].key_parts() != first.cases[0].key_parts()


def test_studies_of_a_patient_get_their_dates(tmp_path):
    write_patient(tmp_path / "b", study="1.9", prefix="1.9", date="20250601")
    write_patient(tmp_path / "a", study="1.8", prefix="1.8", date="20250301")
    plan = SOURCE.plan(tmp_path)
    assert [(case.case, case.row["timepoint"]) for case in plan.cases] == [("P1_20250301", 1), ("P1_20250601", 2)]


def test_studies_of_one_day_are_numbered_by_uid(tmp_path):
    for study in ("1.9", "1.8"):
        write_patient(tmp_path / study, study=study, prefix=study)
    cases = SOURCE.plan(tmp_path).cases
    assert [(case.case, case.row["study"]) for case in cases] == [("P1_20250101_1", "1.8"), ("P1_20250101_2", "1.9")]


def test_known_ids_stay_when_data_are_added(tmp_path):
    write_patient(tmp_path / "a", study="1.8", prefix="1.8")
    (first,) = SOURCE.plan(tmp_path).cases
    assert first.case == "P1"
    write_patient(tmp_path / "b", study="1.9", prefix="1.9", date="20250601")
    cases = SOURCE.plan(tmp_path, known={"1.8": "P1"}).cases
    assert [case.case for case in cases] == ["P1", "P1_20250601"]
    shutil.rmtree(tmp_path / "a")
    assert [case.case for case in SOURCE.plan(tmp_path, known={"1.8": "P1"}).cases] == ["P1_20250601"]


def test_studies_without_date_are_numbered(tmp_path):
    for study in ("1.9", "1.8"):
        write_patient(tmp_path / study, study=study, prefix=study, date="")
    assert [case.case for case in SOURCE.plan(tmp_path).cases] == ["P1_1", "P1_2"]


def test_finer_slices_come_first_then_lower_numbers(tmp_path):
    def finer(data, k):
        data.ImagePositionPatient = [-10, -20, 30 + 2 * k]

    write_series(tmp_path / "a", uid="1.5.1", tags={"SeriesNumber": 7})
    write_series(tmp_path / "b", uid="1.5.2", tags={"SeriesNumber": 6})
    write_series(tmp_path / "c", uid="1.5.3", tags={"SeriesNumber": 8}, change=finer)
    (case,) = SOURCE.plan(tmp_path).cases
    assert {role: series["uid"] for role, series in case.work["volumes"].items()} == {
        "ct": "1.5.3",
        "ct.2": "1.5.2",
        "ct.3": "1.5.1",
    }
    assert case.findings[0]["rule"] == "several_series"


def test_a_ct_in_another_frame_never_takes_the_plain_role(tmp_path):
    write_pet(tmp_path / "pet")
    write_series(tmp_path / "ct", tags={"FrameOfReferenceUID": "1.99"})
    plan = SOURCE.plan(tmp_path)
    assert roles(plan) == {"P1": ["pet", "ct.2"]}
    (finding,) = plan.cases[0].findings
    assert (finding["rule"], finding["severity"], finding["case"]) == ("frame_of_reference", "warning", "P1")
    assert finding["path"] == "ct/CT-1.2.3-0.dcm"


def test_patients_with_one_study_uid_are_two_cases(tmp_path):
    write_series(tmp_path / "a", uid="1.5.1")
    write_series(tmp_path / "b", uid="1.5.2", tags={"PatientID": "P2"})
    assert [case.case for case in SOURCE.plan(tmp_path).cases] == ["P1", "P2"]


def test_several_structure_sets_on_one_pet(tmp_path):
    write_pet(tmp_path / "pet")
    for number in (2, 1):
        write_structures(
            tmp_path / f"{number}.dcm", {f"R{number}": [square(-9, -1, 30)]}, series="1.2.4", uid=f"1.6.{number}"
        )
    (case,) = SOURCE.plan(tmp_path).cases
    assert [(mask["role"], mask["regions"]) for mask in case.work["masks"]] == [
        ("lesions", ["R1"]),
        ("lesions.2", ["R2"]),
    ]


def test_a_pet_without_suv_is_refused_and_the_case_keeps_the_rest(tmp_path):
    write_patient(tmp_path, PatientWeight=None)
    plan = SOURCE.plan(tmp_path)
    assert roles(plan) == {"P1": ["ct", "lesions_ct"]}
    reasons = rows_by_path(plan)
    assert [reasons[f"pet/PT-1.2.4-{k}.dcm"] for k in range(3)] == ["no SUV"] * 3
    assert reasons["rs_pet.dcm"] == "reference refused"
    assert "weight_missing" in plan.refused[0]["detail"]
    assert not {"no SUV", "reference refused"} & NO_IMAGE_REASONS
    accounted(tmp_path, plan)


def test_two_series_with_one_uid_are_refused(tmp_path):
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", change=lambda data, k: setattr(data, "SOPInstanceUID", f"1.77.{k}"))
    plan = SOURCE.plan(tmp_path)
    assert plan.cases == ()
    assert set(rows_by_path(plan).values()) == {"same position"}
    write_series(tmp_path / "b", shape=(6, 4, 3), change=lambda data, k: setattr(data, "SOPInstanceUID", f"1.77.{k}"))
    assert set(rows_by_path(SOURCE.plan(tmp_path)).values()) == {"two series with one UID"}


def test_a_copy_of_a_folder_is_a_duplicate(tmp_path):
    write_series(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    plan = SOURCE.plan(tmp_path)
    assert roles(plan) == {"P1": ["ct"]}
    assert set(rows_by_path(plan).values()) == {"duplicate"}
    accounted(tmp_path, plan)


def test_a_truncated_slice_leaves_a_gap_and_both_are_named(tmp_path):
    paths = write_series(tmp_path, shape=(5, 4, 5))
    paths[2].write_bytes(paths[2].read_bytes()[:-10])
    plan = SOURCE.plan(tmp_path)
    reasons = rows_by_path(plan)
    assert reasons.pop(paths[2].name) == "truncated"
    assert set(reasons.values()) == {"uneven gaps"}


@pytest.mark.parametrize(
    ("regions", "more", "reason"),
    [
        ({"M": [square(0, 1, 30)]}, {"series": "9.9"}, "reference missing"),
        ({"M": [square(0, 1, 30)]}, {"series": ""}, "reference missing"),
        ({}, {}, "no regions"),
        ({"M": [[(1.0, 2.0)]]}, {}, "broken DICOM"),
        ({"M": [square(0, 1, 30)]}, {"PatientID": "P2"}, "reference mismatch"),
        ({"M": [square(0, 1, 30)]}, {"series": "", "instances": ["1.2.3.0", "1.5.1.0"]}, "several references"),
    ],
)
def test_structure_sets_that_no_case_can_use(tmp_path, regions, more, reason):
    write_series(tmp_path / "ct")
    write_series(tmp_path / "other", uid="1.5.1", change=lambda data, k: setattr(data, "PatientAge", "001Y"))
    write_structures(tmp_path / "rs.dcm", regions, **more)
    plan = SOURCE.plan(tmp_path)
    assert rows_by_path(plan) == {"rs.dcm": reason}


def test_slices_named_by_contours_stand_in_for_a_missing_series(tmp_path):
    write_series(tmp_path / "ct")
    write_structures(tmp_path / "rs.dcm", {"M": [square(0, 1, 30)]}, series="9.9", instances=["1.2.3.0"])
    assert roles(SOURCE.plan(tmp_path)) == {"P1": ["ct", "lesions_ct"]}


def test_regions_can_be_selected(tmp_path):
    write_patient(tmp_path)
    plan = SOURCE.plan(tmp_path, roi=["Mass_pet"])
    assert plan.scheme.labels == {"Mass_pet": 1}
    assert rows_by_path(plan) == {"rs_ct.dcm": "region not selected"}
    assert "region not selected" in NO_IMAGE_REASONS


def test_overlapping_regions_and_what_a_mask_cannot_hold(tmp_path):
    write_series(tmp_path / "in" / "ct", shape=(10, 8, 3))
    regions = {
        "A": [square(-10, -2, 30), square(-10, -2, 99)],
        "B": [square(-10, -2, 30)],
        "tiny": [square(-9.6, -9.5, 30)],
    }
    write_structures(tmp_path / "in" / "rs.dcm", regions)
    plan = SOURCE.plan(tmp_path / "in")
    result = SOURCE.convert(plan.cases[0], tmp_path / "out")
    row = result["volumes"][1]
    label_map = read_row(tmp_path / "out", plan.scheme, row)
    assert len(label_map.layers) == 2
    assert np.array_equal(label_map.mask("A"), label_map.mask("B"))
    assert sorted(finding["evidence"] for finding in result["findings"]) == [
        "lesions_ct: 1 contours of A lie beside the volume",
        "lesions_ct: tiny covers no voxel centre",
    ]


@pytest.mark.parametrize(
    ("contours", "kind", "evidence"),
    [
        ([], "CLOSED_PLANAR", ["lesions_ct: A covers no voxel centre"]),
        (
            [square(-10, -2, 30)],
            "POINT",
            ["lesions_ct: A covers no voxel centre", "lesions_ct: 1 points or open lines of A enclose no area"],
        ),
    ],
)
def test_a_region_without_area_is_an_empty_mask_and_a_finding(tmp_path, contours, kind, evidence):
    write_series(tmp_path / "in" / "ct")
    write_structures(tmp_path / "in" / "rs.dcm", {"A": contours}, kind=kind)
    plan = SOURCE.plan(tmp_path / "in")
    result = SOURCE.convert(plan.cases[0], tmp_path / "out")
    assert not read_row(tmp_path / "out", plan.scheme, result["volumes"][1]).foreground().any()
    assert [finding["evidence"] for finding in result["findings"]] == evidence


def test_regions_without_contours_beside_others_are_left_out(tmp_path):
    write_series(tmp_path / "ct")
    write_structures(tmp_path / "rs.dcm", {"A": [square(-10, -2, 30)], "B": []})
    assert SOURCE.plan(tmp_path).scheme.labels == {"A": 1}


def test_a_structure_set_on_a_refused_series(tmp_path):
    write_series(tmp_path / "ct", tags={"RescaleType": "US"})
    write_structures(tmp_path / "rs.dcm", {"A": [square(-10, -2, 30)]})
    assert rows_by_path(SOURCE.plan(tmp_path))["rs.dcm"] == "reference refused"


def test_contours_off_the_slices_are_refused(tmp_path):
    write_series(tmp_path / "in" / "ct")
    write_structures(tmp_path / "in" / "rs.dcm", {"A": [square(-10, -2, 32)]})
    result = SOURCE.convert(SOURCE.plan(tmp_path / "in").cases[0], tmp_path / "out")
    assert [row["role"] for row in result["volumes"]] == ["ct"]
    assert result["refused"][0]["path"] == "rs.dcm"
    assert result["refused"][0]["reason"] == "contours off the slices"
    assert not (tmp_path / "out" / "volumes" / "P1" / "lesions_ct.nii.gz").exists()


def test_files_that_change_after_the_plan_refuse_their_series(tmp_path):
    write_patient(tmp_path / "in")
    (case,) = SOURCE.plan(tmp_path / "in").cases
    changed = tmp_path / "in" / "pet" / "PT-1.2.4-1.dcm"
    changed.write_bytes(changed.read_bytes()[:-1])
    (tmp_path / "in" / "rs_ct.dcm").unlink()
    result = SOURCE.convert(case, tmp_path / "out")
    assert [row["role"] for row in result["volumes"]] == ["ct"]
    reasons = {row["path"]: row["reason"] for row in result["refused"]}
    assert reasons == {
        **{f"pet/PT-1.2.4-{k}.dcm": "changed or unreadable" for k in range(3)},
        "rs_pet.dcm": "reference refused",
        "rs_ct.dcm": "changed or unreadable",
    }


def test_a_structure_set_that_changed_is_refused(tmp_path):
    write_patient(tmp_path / "in")
    (case,) = SOURCE.plan(tmp_path / "in").cases
    path = tmp_path / "in" / "rs_ct.dcm"
    path.write_bytes(path.read_bytes() + b"\0\0")
    (row,) = SOURCE.convert(case, tmp_path / "out")["refused"]
    assert (row["path"], row["detail"]) == ("rs_ct.dcm", "a file that has changed since it was indexed")


def test_a_case_of_which_nothing_is_left(tmp_path):
    for path in write_series(tmp_path / "in"):
        path.touch()
    (case,) = SOURCE.plan(tmp_path / "in").cases
    shutil.rmtree(tmp_path / "in")
    result = SOURCE.convert(case, tmp_path / "out")
    assert (result["case"], result["volumes"], len(result["refused"])) == (None, [], 3)


def test_an_output_that_cannot_be_written(tmp_path):
    write_series(tmp_path / "in")
    (case,) = SOURCE.plan(tmp_path / "in").cases
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "volumes").write_text("in the way")
    with pytest.raises(OutputError):
        SOURCE.convert(case, tmp_path / "out")


def test_ids_that_file_systems_refuse_are_encoded(tmp_path):
    write_series(tmp_path / "in", tags={"PatientID": "a/b 1"})
    (case,) = SOURCE.plan(tmp_path / "in").cases
    assert case.case == "a/b 1"
    (row,) = SOURCE.convert(case, tmp_path / "out")["volumes"]
    assert row["path"] == "volumes/a%2Fb 1/ct.nii.gz"
    assert (tmp_path / "out" / row["path"]).is_file()


def test_doubtful_suv_is_a_finding(tmp_path):
    write_pet(tmp_path, tracer={"RadionuclideTotalDose": "368.08"})
    (finding,) = SOURCE.plan(tmp_path).cases[0].findings
    assert finding["rule"] == "suv"
    assert "was read as MBq" in finding["evidence"]


def test_empty_folders_and_folders_of_text(tmp_path):
    assert SOURCE.plan(tmp_path).refused == ()
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.nii.gz").write_bytes(b"")
    plan = SOURCE.plan(tmp_path)
    assert rows_by_path(plan) == {"a.txt": "not DICOM", "b/c.nii.gz": "empty file"}
    assert plan.cases == ()
    assert set(rows_by_path(plan).values()) <= NO_IMAGE_REASONS


def test_a_missing_folder(tmp_path):
    with pytest.raises(InputError):
        SOURCE.plan(tmp_path / "none")


def test_progress_is_reported(tmp_path):
    write_series(tmp_path)
    calls = []
    SOURCE.plan(tmp_path, progress=calls.append)
    assert (calls[-1].done, calls[-1].total, calls[-1].label) == (3, 3, "reading headers")


@pytest.mark.real_data
def test_24_sarcoma_patients(real_data, tmp_path):
    root = real_data("sts_petct")
    plan = SOURCE.plan(root)
    assert [case.case for case in plan.cases] == [f"STS_{number:03}" for number in range(1, 25)]
    assert set(map(tuple, roles(plan).values())) == {("pet", "ct", "lesions", "lesions_ct")}
    assert len(accounted(root, plan)) == 3278
    assert set(rows_by_path(plan).values()) == {"not DICOM"}
    case = plan.cases[18]
    rows = SOURCE.convert(case, tmp_path)["volumes"]
    for row in rows:
        modality = "CT" if "ct" in row["role"] else "PET"
        kind = "mask" if row["unit"] == "label" else "image"
        shipped = nib.load(root / "nifti" / case.case / f"{modality}_{kind}.nii.gz")
        volume = read_row(tmp_path, plan.scheme, row)
        volume = volume.layers[0] if kind == "mask" else volume
        turned = reorient(volume, "".join(nib.aff2axcodes(shipped.affine))).array
        expected = np.asanyarray(shipped.dataobj)
        if kind == "mask":
            assert np.array_equal(turned > 0, expected > 0)
        else:
            assert np.abs(turned - expected).max() <= (1e-4 if modality == "PET" else 0)


@pytest.mark.real_data
def test_reference_objects_share_a_study(real_data):
    root = real_data("suv_dro")
    plan = SOURCE.plan(root)
    (case,) = plan.cases
    assert [role for role in case.work["volumes"]] == ["pet", *(f"pet.{n}" for n in range(2, 10))]
    assert {mask["role"]: mask["volume"] for mask in case.work["masks"]} == {
        "lesions" + suffix: "pet" + suffix for suffix in ("", ".2", ".3", ".4", ".5", ".6", ".7", ".8", ".9")
    }
    reasons = rows_by_path(plan)
    assert "no SUV" not in reasons.values()
    assert "reference refused" not in reasons.values()
    accounted(root, plan)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        (
            "hard_ct",
            {"gantry tilt": 8, "not CT or PET": 6, "not DICOM": 5, "same position": 4, "uneven gaps": 4},
        ),
        ("ct_organs", {"no identity": 20, "not DICOM": 126}),
    ],
)
def test_trees_without_a_case(real_data, name, reasons):
    root = real_data(name)
    plan = SOURCE.plan(root)
    assert plan.cases == ()
    found = list(rows_by_path(plan).values())
    assert {reason: found.count(reason) for reason in set(found)} == reasons
    accounted(root, plan)


@pytest.mark.real_data
def test_two_reconstructions_of_one_scan(real_data):
    plan = SOURCE.plan(real_data("lung_pet_ct_dx"))
    assert roles(plan) == {"Lung_Dx-A0002": ["ct", "ct.2"]}
    accounted(real_data("lung_pet_ct_dx"), plan)
