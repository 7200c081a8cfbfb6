"""Lung-PET-CT-Dx: series, boxes, lesions, sheet and patches, with everything that is odd in the published files."""

import json

import numpy as np
import pydicom
import pytest
from lung_files import (
    annotate,
    tags,
    write_clinical,
    write_collection,
    write_ct,
    write_lung_pet,
    write_screenshots,
)

from oncohort.errors import InputError, SettingsError
from oncohort.ingestion import ingest
from oncohort.sources import SOURCES, detect_source

SOURCE = SOURCES["lung-pet-ct-dx"]


@pytest.fixture
def root(tmp_path):
    return write_collection(tmp_path / "collection")


@pytest.fixture
def bare(tmp_path):
    """A folder with one CT of A0001."""
    write_ct(tmp_path / "bare", "A0001", "1.1.1")
    return tmp_path / "bare"


def rules(plan, case=None):
    return {
        finding["rule"]: finding["evidence"]
        for one in plan.cases
        for finding in one.findings
        if case is None or finding["case"] == case
    }


def reasons(plan):
    found = {}
    for row in plan.refused:
        found.setdefault(row["reason"], []).append(row["path"].rpartition("/")[2])
    return found


def boxes(plan):
    return [row for case in plan.cases for row in case.work["boxes"]]


def test_scans_of_a_day_are_one_case_whatever_their_study(root):
    plan = SOURCE.plan(root)
    roles = {case.case: list(case.work["volumes"]) for case in plan.cases}
    assert roles == {"Lung_Dx-A0001": ["pet", "ct", "ct.2"], "Lung_Dx-G0002": ["ct"]}
    row = plan.cases[0].row
    assert (row["patient"], row["study"], row["study_date"], row["group"]) == (
        "Lung_Dx-A0001",
        "1.9.1",
        "2007-04-25",
        "A",
    )
    assert (row["histology"], row["histology_sct"], row["licence"]) == ("adenocarcinoma", "1187332001", "CC BY 4.0")
    assert plan.cases[1].row["histology_sct"] == "1162767002"


def test_boxes_lie_on_the_converted_grid_and_form_lesions_with_readings(root, tmp_path):
    cohort = ingest("lung-pet-ct-dx", root, out=tmp_path / "cohort")
    rows = cohort.tables.boxes.filter(cohort.tables.boxes["slice_uid"].str.starts_with("1.1.1.")).to_dicts()
    assert [row["slice_uid"] for row in rows] == [f"1.1.1.{k}" for k in range(3, 8)]
    first = rows[0]
    assert [first[name] for name in ("i0", "i1", "j0", "j1", "k0", "k1")] == [5, 21, 6, 22, 3, 4]
    assert (first["class"], first["raw_class"], first["reader"], first["state"]) == (
        "A",
        "A",
        "radiologist",
        "original",
    )
    voxels = cohort["Lung_Dx-A0001"]["ct"].array[5:21, 6:22, 3]
    i, j = np.indices(voxels.shape)
    assert np.array_equal(voxels, (i + 5) + 10 * (j + 6) + 100 * 3 - 1000)  # what write_series stored there
    assert {row["lesion"] for row in cohort.tables.boxes.to_dicts() if row["case"] == "Lung_Dx-A0001"} == {"1"}
    own = [row for row in cohort.tables.structures.to_dicts() if row["case"] == "Lung_Dx-A0001"]
    measures = {(row["volume"], row["measure"]): row["value"] for row in own}
    assert (measures["ct", "boxed_slices"], measures["ct.2", "boxed_slices"]) == (5, 4)
    # 16 x 16 x 5 against 15 x 14 x 4 pixels inside it
    assert measures["ct", "reading_iou_3d"] == pytest.approx(15 * 14 * 4 / (16 * 16 * 5))
    assert measures["ct", "reading_iou_2d"] == pytest.approx(15 * 14 / (16 * 16))


def test_screenshots_are_set_aside_and_their_boxes_kept_apart(root):
    plan = SOURCE.plan(root)
    assert len(reasons(plan)["secondary_capture"]) == 3
    (row,) = [row for row in boxes(plan) if row["volume"] is None]
    assert (row["slice_uid"], row["k0"], row["lesion"], row["i0"], row["i1"]) == ("1.2.2.1", None, None, 10, 301)
    assert rules(plan, "Lung_Dx-G0002")["box_on_screenshot"].startswith("1: 1.2.2.1")
    assert "main_series_is_screenshot" not in rules(plan)


def test_more_boxes_on_screenshots_than_on_the_ct(root):
    annotate(root, "G0002", "1.2.2.0", ("G", 1, 1, 5, 5), size=(512, 512))
    assert "2 boxes on screenshots, 1" in rules(SOURCE.plan(root))["main_series_is_screenshot"]


def test_kinds_of_series(bare):
    write_ct(bare, "A0001", "1.1.2", slices=1)
    write_ct(bare, "A0001", "1.1.3", slices=12, SliceThickness="410.5")
    write_ct(bare, "A0001", "1.1.4", slices=3, change=lambda data, k: setattr(data, "ImagePositionPatient", [0, 0, 5]))
    write_ct(bare, "A0001", "1.1.5", slices=9)
    write_ct(bare, "A0001", "1.1.6", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_screenshots(bare, "A0001", "1.1.7", slices=2)
    found = {reason: len(names) for reason, names in reasons(SOURCE.plan(bare)).items()}
    assert found == {"scout_or_single": 25, "bolus_tracking": 3, "few_slices": 9, "secondary_capture": 2}


def test_a_missing_slice_is_refused_and_counted(bare):
    files = write_ct(bare, "A0001", "1.1.2", slices=14)
    files[6].unlink()
    annotate(bare, "A0001", "1.1.2.3", ("A", 1, 1, 5, 5))
    plan = SOURCE.plan(bare)
    assert len(reasons(plan)["uneven gaps"]) == 13
    assert reasons(plan)["reference refused"] == ["1.1.2.3.xml"]
    assert "1 of 14 slices" in rules(plan)["missing_slices"]


def two_acquisitions(bare, change, **more):
    """Series 1.1.2: slices 0 to 23, of which k and k + 12 share a position."""

    def place(data, k):
        data.ImagePositionPatient = [-10, -20, 30 + 4 * (k % 12)]
        change(data, k)

    return write_ct(bare, "A0001", "1.1.2", slices=24, change=place, **more)


def test_a_slice_that_is_there_twice_counts_once(bare):
    def repeat(data, k):
        if k == 12:
            data.ImagePositionPatient = [-10, -20, 30 + 4 * 5]
            data.PixelData = first.PixelData

    first = pydicom.dcmread(write_ct(bare, "A0001", "1.1.2")[5])
    write_ct(bare, "A0001", "1.1.2", slices=13, change=repeat)
    annotate(bare, "A0001", "1.1.2.5", ("A", 5, 6, 20, 21))
    plan = SOURCE.plan(bare)
    assert reasons(plan) == {"duplicate_slice": ["CT-1.1.2-5.dcm"]}  # the second in order of path
    assert "1 of 13 images" in rules(plan)["duplicate_slice"]
    assert [len(one["slices"]) for one in plan.cases[0].work["volumes"].values()] == [12, 12]
    ((role, k),) = [(row["volume"], row["k0"]) for row in boxes(plan)]
    assert plan.cases[0].work["volumes"][role]["uid"] == "1.1.2"
    assert k == 5


def test_acquisitions_over_each_other_become_scans(bare, tmp_path):
    two_acquisitions(bare, lambda data, k: setattr(data, "AcquisitionNumber", 1 + k // 12))
    for k in (3, 15):
        annotate(bare, "A0001", f"1.1.2.{k}", ("A", 5, 6, 20, 21))
    cohort = ingest("lung-pet-ct-dx", bare, out=tmp_path / "cohort")
    (case,) = cohort
    assert (case.roles, cohort.tables.refused.height) == (("ct", "ct.2", "ct.3"), 0)
    (evidence,) = [row["evidence"] for row in cohort.tables.findings.to_dicts() if row["rule"] == "overlapping_stacks"]
    assert evidence.startswith("series 1.1.2: 12 + 12 images")
    heights = {role: float(case[role].array[0, 0, 0]) for role in case.roles}
    assert sorted(heights.values()) == [-1000.0, -1000.0, 200.0]  # slice k is 100 k above -1000
    assert sorted(row["k0"] for row in cohort.tables.boxes.to_dicts()) == [3, 3]


def test_images_at_one_position_that_nothing_tells_apart_are_refused(bare):
    two_acquisitions(bare, lambda data, k: None)
    plan = SOURCE.plan(bare)
    assert {reason: len(files) for reason, files in reasons(plan).items()} == {"same position": 24}
    assert "overlapping_stacks" not in rules(plan)


def test_a_stack_that_is_no_scan_is_refused_alone(bare):
    two_acquisitions(bare, lambda data, k: setattr(data, "AcquisitionNumber", 1 + (k > 18)))
    plan = SOURCE.plan(bare)
    found = {reason: len(files) for reason, files in reasons(plan).items()}
    assert found == {"few_slices": 5, "same position": 19}


def test_patients_of_other_data_are_refused(bare):
    write_ct(bare, "C0001", "1.5.1")
    assert len(reasons(SOURCE.plan(bare))["not of this collection"]) == 12


def test_the_ct_in_the_frame_of_the_pet_is_the_ct(bare):
    write_ct(bare, "A0001", "1.1.2", FrameOfReferenceUID="1.9.7", SeriesNumber=9)
    write_lung_pet(bare, "A0001", "1.1.3", FrameOfReferenceUID="1.9.7", study="1.9.5")
    (case,) = SOURCE.plan(bare).cases
    assert case.work["volumes"]["ct"]["uid"] == "1.1.2"
    assert "for_mismatch" not in rules(SOURCE.plan(bare))


def test_a_pet_without_common_frame_or_with_little_overlap(bare):
    write_lung_pet(bare, "A0001", "1.1.3", slices=10, FrameOfReferenceUID="1.9.7")
    found = rules(SOURCE.plan(bare))
    assert "frame 1.9.7" in found["for_mismatch"]
    assert "pet_ct_low_overlap" not in found  # 40 of 48 mm are 83 %


def test_half_a_pet(bare):
    for path in write_lung_pet(bare, "A0001", "1.1.3", slices=30)[:15]:
        path.unlink()
    assert "covers 0% of the CT" in rules(SOURCE.plan(bare))["pet_ct_low_overlap"]


def test_two_days_are_two_cases_and_ids_stay(bare):
    write_ct(bare, "A0001", "1.1.2", study="1.9.2", date="20070601")
    plan = SOURCE.plan(bare)
    assert [(case.case, case.row["timepoint"]) for case in plan.cases] == [
        ("Lung_Dx-A0001_20070425", 1),
        ("Lung_Dx-A0001_20070601", 2),
    ]
    again = SOURCE.plan(bare, known={"1.9.2": "Lung_Dx-A0001"})
    assert [case.case for case in again.cases] == ["Lung_Dx-A0001_20070425", "Lung_Dx-A0001"]


# what the collection's files say, and what becomes of it: reference of the data set, section on annotations
@pytest.mark.parametrize(
    ("box", "rule", "kept"),
    [
        (("a", 5, 6, 20, 21), "label_case", "a"),
        (("Q", 5, 6, 20, 21), "label_unknown", "Q"),
        (("A0192", 5, 6, 20, 21), "label_unknown", "A0192"),
        (("B", 5, 6, 20, 21), "label_subject_conflict", "B"),
        (("g", 5, 6, 20, 21), "label_subject_conflict", "g"),
        (("A", 15, 16, 15, 16), "zero_area", None),
        (("A", 5, 6, 40, 21), "box_outside", None),
        (("A", 5, 6, 39, 39), None, "A"),
    ],
)
def test_odd_boxes(bare, box, rule, kept):
    annotate(bare, "A0001", "1.1.1.3", box)
    plan = SOURCE.plan(bare)
    assert rule is None or "1.1.1.3" in rules(plan, "Lung_Dx-A0001")[rule]
    assert [(row["class"], row["raw_class"]) for row in boxes(plan)] == ([("A", kept)] if kept else [])
    assert ("no_ct_box" in rules(plan)) == (kept is None)


def test_identical_boxes_of_a_slice_count_once(bare):
    annotate(bare, "A0001", "1.1.1.3", ("A", 5, 6, 20, 21), ("a", 5, 6, 20, 21), ("A", 25, 6, 30, 21))
    plan = SOURCE.plan(bare)
    assert [row["i0"] for row in boxes(plan)] == [5, 25]
    assert {row["lesion"] for row in boxes(plan)} == {"1", "2"}
    assert "3 boxes" in rules(plan)["multi_box_slice"]


def test_one_image_in_two_folders(bare):
    for folder, right in (("A0000", 22), ("A0001", 20), ("A0007", 20)):
        annotate(bare, folder, "1.1.1.3", ("A", 5, 6, right, 21))
    plan = SOURCE.plan(bare)
    assert [row["reader"] for row in boxes(plan)] == ["radiologist", "radiologist (A0000)"]
    assert "A0000, A0001, A0007" in rules(plan, "Lung_Dx-A0001")["name_in_two_folders"]
    assert "A0000; A0007" in rules(plan)["folder_without_subject"]
    assert len([stamp for stamp in plan.cases[0].files if stamp.path.endswith(".xml")]) == 3


def test_folders_and_patients_that_do_not_fit(bare):
    write_ct(bare, "B0002", "1.2.1", study="1.9.4")
    annotate(bare, "A0001", "1.1.1.3", ("A", 5, 6, 20, 21))
    annotate(bare, "A0001", "1.2.1.3", ("B", 5, 6, 20, 21))
    found = rules(SOURCE.plan(bare))
    assert "A0001: Lung_Dx-A0001, Lung_Dx-B0002" in found["folder_mixes_patients"]
    assert "Lung_Dx-B0002" in found["subject_without_folder"]
    by_case = {row["case"]: row["class"] for row in boxes(SOURCE.plan(bare))}
    assert by_case == {"Lung_Dx-A0001": "A", "Lung_Dx-B0002": "B"}


def test_annotations_that_cannot_be_used(bare):
    annotate(bare, "A0001", "1.1.1.3", ("A", 5, 6, 20, 21))
    annotate(bare, "A0001", "9.9.9", ("A", 5, 6, 20, 21))
    cut = annotate(bare, "A0001", "1.1.1.4", ("A", 5, 6, 20, 21))
    cut.write_text(cut.read_text()[:-20])
    other = annotate(bare, "A0001", "1.1.1.5", ("A", 5, 6, 20, 21))
    other.write_text(other.read_text().replace("<xmin>5", "<xmin>five"))
    plan = SOURCE.plan(bare)
    assert reasons(plan) == {
        "sop_not_in_collection": ["9.9.9.xml"],
        "not_well_formed": ["1.1.1.4.xml"],
        "broken annotation": ["1.1.1.5.xml"],
    }
    assert {"sop_not_in_collection", "not_well_formed", "broken annotation"} <= set(rules(plan))
    assert len(boxes(plan)) == 1


def test_gaps_between_boxed_slices_split_lesions_from_three_missing_on(bare):
    for k in (0, 2, 3, 8, 9):
        annotate(bare, "A0001", f"1.1.1.{k}", ("A", 5, 6, 20, 21))
    plan = SOURCE.plan(bare)
    assert [row["lesion"] for row in boxes(plan)] == ["1", "1", "1", "2", "2"]
    assert "ct: 1, 4 slices" in rules(plan)["slice_gap"]


def test_a_size_that_is_not_that_of_the_image(bare):
    annotate(bare, "A0001", "1.1.1.3", ("A", 5, 6, 20, 21), size=(512, 512))
    assert "(512, 512) for an image of (40, 40)" in rules(SOURCE.plan(bare))["xml_size_mismatch"]


def test_no_annotations_at_all_is_no_finding(bare):
    assert rules(SOURCE.plan(bare)) == {}


def test_the_clinical_sheet_is_cleaned(root):
    plan = SOURCE.plan(root)
    rows = {case.patient: case.row for case in plan.cases}
    one, other = rows["Lung_Dx-A0001"], rows["Lung_Dx-G0002"]
    names = ("t_stage", "n_stage", "m_stage", "grade", "smoking_history", "clinical_weight_kg")
    assert [one[name] for name in names] == ["1a", 0, "1b", "G1-2", 1, 60.5]
    assert [other[name] for name in names] == ["2", 2, None, None, 0, None]
    found = rules(plan)
    assert "G0002: M 3" in found["invalid_m_stage"]
    assert "G0002: N 2" in found["rare_n_stage"]
    assert "sex F in the header, M in the sheet" in found["clinical_mismatch"]


def test_studies_of_one_patient_that_differ_in_sex_and_age(bare):
    """A0022 has seven studies with both sexes and ages 43, 44 and 54; A0074 is 000Y old."""
    write_ct(bare, "A0022", "1.3.1", study="1.9.4", PatientAge="043Y")
    write_ct(bare, "A0022", "1.3.2", study="1.9.5", date="20070601", PatientSex="M", PatientAge="054Y")
    write_ct(bare, "A0074", "1.4.1", study="1.9.6", PatientAge="000Y")
    found = rules(SOURCE.plan(bare), "Lung_Dx-A0022_20070425")["odd_patient_facts"]
    assert found.startswith(
        "2: Lung_Dx-A0022: sex F and M in the headers; Lung_Dx-A0022: ages that mean a birth in 1953"
    )
    assert "0 years" in rules(SOURCE.plan(bare), "Lung_Dx-A0074")["odd_patient_facts"]
    assert "odd_patient_facts" not in rules(SOURCE.plan(bare), "Lung_Dx-A0001")


def test_a_person_with_two_ids_is_one_patient(bare):
    write_ct(bare, "A0266", "1.3.1", study="1.9.4", date="20070101")
    write_ct(bare, "A0251", "1.3.2", study="1.9.5", date="20070601")
    write_clinical(bare, (1, "A0251", "F", 63, 60, "1a", 0, 0, "G1", 1))
    rows = {case.case: (case.patient, case.row) for case in SOURCE.plan(bare).cases}
    assert [name for name in rows if name != "Lung_Dx-A0001"] == ["Lung_Dx-A0251", "Lung_Dx-A0266"]
    for name, timepoint in (("Lung_Dx-A0266", 1), ("Lung_Dx-A0251", 2)):
        patient, row = rows[name]
        assert patient == row["patient"] == "Lung_Dx-A0251"
        assert (row["timepoint"], row["t_stage"]) == (timepoint, "1a")


@pytest.mark.parametrize(
    ("written", "stage"), [(1, "1"), (1.0, "1"), ("1.0", "1"), (" 1C ", "1c"), ("is", "is"), ("9", None)]
)
def test_stages(bare, written, stage):
    write_clinical(bare, (1, "A0001", "F", 63, 60, written, 0, 0, "G1", 1))
    assert SOURCE.plan(bare).cases[0].row["t_stage"] == stage


def test_sheets_that_are_none(bare):
    path = write_clinical(bare, (1, "A0001"), header=("No.", "NewPatientID"))
    assert reasons(SOURCE.plan(bare)) == {"broken clinical sheet": [path.name]}
    path.write_bytes(b"PK\x03\x04 no workbook")
    assert reasons(SOURCE.plan(bare)) == {"broken clinical sheet": [path.name]}


def test_rows_of_nobody_and_rows_twice(bare):
    row = (1, "A0001", "F", 63, 60, 1, 0, 0, "G1", 1)
    write_clinical(bare, row, (2, "C0001", *row[2:]), (3, "A0001", *row[2:]))
    assert rules(SOURCE.plan(bare))["clinical_row_unknown"].startswith("2: row 2: patient 'C0001'")


def patch(number, sop, field, before, after, **more):
    target = {"sop": sop, "box": more.pop("box", None), "field": field}
    return {"id": f"P{number}", "target": target, "before": before, "after": after, "status": "accepted", **more}


def test_patches_are_applied_if_they_still_hold(bare):
    annotate(bare, "A0001", "1.1.1.3", ("Q", 5, 6, 20, 21))
    annotate(bare, "A0001", "1.1.1.4", ("A", 5, 6, 20, 21), ("A", 8, 8, 8, 8))
    original = (bare / "Annotation/A0001/1.1.1.3.xml").read_text()
    records = [
        patch(1, "1.1.1.3", "name", "Q", "A"),
        patch(2, "1.1.1.3", "box", [5, 6, 20, 21], [5, 6, 19, 21]),
        patch(3, "1.1.1.4", "box", [8, 8, 8, 8], None, box=[8, 8, 8, 8]),
        patch(4, "1.1.1.4", "name", "G", "A"),
        patch(5, "7.7", "name", "A", "B"),
        patch(6, "1.1.1.4", "name", "A", "B", status="proposed"),
        {"id": "P7"},
    ]
    (bare / "patches.json").write_text(json.dumps(records))
    plan = SOURCE.plan(bare)
    assert [(row["raw_class"], row["i1"]) for row in boxes(plan)] == [("A", 20), ("A", 21)]
    found = rules(plan)
    assert found["patch_applied"].startswith("3: P1")
    assert "P4" in found["patch_stale"]
    assert "P5" in found["patch_stale"]
    assert found["patch_broken"] == "1: record 6"
    assert "zero_area" not in found
    assert "label_unknown" not in found
    assert (bare / "Annotation/A0001/1.1.1.3.xml").read_text() == original
    assert str(bare / "patches.json") in {stamp.path for stamp in plan.cases[0].files}


@pytest.mark.parametrize("content", ["{", "{}", "3", "[" * 100_000, "[null, 3, [], {}]"])
def test_patch_files_that_are_none(bare, content):
    (bare / "patches.json").write_text(content)
    plan = SOURCE.plan(bare)
    assert ("broken patch file" in reasons(plan)) != ("patch_broken" in rules(plan))


def test_boxes_of_a_volume_that_changed_go_with_it(root, tmp_path):
    plan = SOURCE.plan(root)
    (slice_of_ct2,) = root.rglob("CT-1.1.2-5.dcm")
    slice_of_ct2.write_bytes(slice_of_ct2.read_bytes()[:-1])
    result = SOURCE.convert(plan.cases[0], tmp_path)
    assert {row["volume"] for row in result["boxes"]} == {"ct"}
    assert all(row["other_volume"] is None for row in result["structures"])
    refused = [row["path"] for row in result["refused"] if row["reason"] == "reference refused"]
    assert refused == [f"Annotation/A0001/1.1.2.{k}.xml" for k in range(4, 8)]


def test_the_layout_is_known_by_its_names(root, tmp_path):
    assert detect_source(root).name == "lung-pet-ct-dx"
    assert detect_source(root / "manifest-1").name == "lung-pet-ct-dx"
    only = tmp_path / "only"
    annotate(only, "A0001", "1.2.3", ("A", 1, 1, 2, 2))
    assert SOURCE.detect(only)
    other = tmp_path / "other"
    write_ct(other, "A0001", "1.1.1")
    (other / "manifest-1" / "Lung-PET-CT-Dx").rename(other / "x")
    (other / "x" / "Lung_Dx-A0001").rename(other / "x" / "y")
    assert detect_source(other).name == "dicom"


def test_a_series_of_which_the_downloader_fetched_more(bare):
    head, line = "Series UID,Subject ID,Number of Images", "Lung_Dx-A0001"
    (bare / "metadata.csv").write_text(f"{head}\n1.1.1,{line},12\n1.1.2,{line},30\n1.1.1,{line},13\n1.1.1,{line},x\n")
    plan = SOURCE.plan(bare)
    expected = "2: Lung_Dx-A0001, series 1.1.2: 0 of 30 images; Lung_Dx-A0001, series 1.1.1: 12 of 13 images"
    assert rules(plan)["series_incomplete"] == expected
    assert plan.refused == ()
    (bare / "metadata.csv").write_text("other\n")
    assert list(reasons(SOURCE.plan(bare))) == ["not part of the layout"]


def test_a_second_plan_opens_no_dicom_file(root, tmp_path, monkeypatch):
    remembering = SOURCE.remembering(tmp_path / "headers.jsonl")
    first = remembering.plan(root)
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("a file was opened"))
    assert remembering.plan(root) == first
    assert first == SOURCES["lung-pet-ct-dx"].remembering(tmp_path / "headers.jsonl").plan(root)


def test_regions_and_missing_folders(tmp_path):
    with pytest.raises(SettingsError, match="no regions by name"):
        SOURCE.plan(tmp_path, roi=["GTV"])
    with pytest.raises(InputError, match="existing folder"):
        SOURCE.plan(tmp_path / "none")


def test_tags_of_the_small_collection_are_of_the_published_form():
    assert tags("A0001")["PatientID"] == "Lung_Dx-A0001"


@pytest.mark.real_data
def test_a_real_patient_with_two_reconstructions(real_data, tmp_path):
    """A0002: 2 x 30 slices, 18 XML files (8 + 10), one lesion; IoU3D 0.645 between pixel edges (0.644 plain)."""
    folder = real_data("lung_pet_ct_dx")
    cohort = ingest("auto", folder, out=tmp_path / "cohort")
    (case,) = cohort
    assert cohort.facts.source == "lung-pet-ct-dx"
    assert (case.id, case.patient, case.roles) == ("Lung_Dx-A0002", "Lung_Dx-A0002", ("ct", "ct.2"))
    assert (case.facts["histology"], case.facts["sex"], case.facts["age_years"]) == ("adenocarcinoma", "F", 53.0)
    rows = cohort.tables.boxes.to_dicts()
    assert {role: sum(row["volume"] == role for row in rows) for role in case.roles} == {"ct": 8, "ct.2": 10}
    assert {row["lesion"] for row in rows} == {"1"}
    assert {row["slice_uid"] for row in rows} == {path.stem for path in folder.rglob("*.xml")}
    measures = {row["measure"]: row["value"] for row in cohort.tables.structures.to_dicts()}
    assert measures["reading_iou_3d"] == pytest.approx(0.645024, abs=5e-7)
    assert [path.rpartition("/")[2] for path in cohort.tables.refused["path"]] == ["LICENSE"]
    assert "series_incomplete" not in set(cohort.tables.findings["rule"])
    tissue = []
    for row in rows:
        inside = case[row["volume"]].array[row["i0"] : row["i1"], row["j0"] : row["j1"], row["k0"]]
        tissue.append(float((inside > -750).mean()))
    assert min(tissue) > 0.5  # a tumour, not lung: a flipped axis or a shifted slice would show
